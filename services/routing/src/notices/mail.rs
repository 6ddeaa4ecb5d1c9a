//! The words of a mail, in Dutch: how many things wait, of which kind, where, and where to look. Nothing about a child, nobody's name.

use std::{collections::BTreeMap, fmt::Write as _};

use voordeur_routing_domain::{
    notice::is_safety,
    words::{NoticeReason, Urgency},
};

/// A mail, ready to be sent.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Mail {
    /// Its subject line.
    pub subject: String,
    /// Its text, lines end with `\n`.
    pub text: String,
    /// 16 bytes that stay the same for every attempt; the Message-ID is made of them.
    pub notice_id: [u8; 16],
    /// It is about safety.
    pub urgent: bool,
}

/// One thing that waits.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) struct Line<'a> {
    pub(super) reason: NoticeReason,
    pub(super) urgency: Urgency,
    /// Name of the centre for screens.
    pub(super) centre: &'a str,
}

/// Writes the mail. `worklist` is where to look; empty: as people know it.
pub(super) fn compose(lines: &[Line<'_>], worklist: &str, notice_id: [u8; 16]) -> Mail {
    let urgent = lines.iter().any(|line| is_safety(line.reason));
    let waits = match lines.len() {
        1 => "er wacht iets op jou".to_owned(),
        count => format!("er wachten {count} dingen op jou"),
    };
    let subject =
        if urgent { format!("Voordeur, veiligheid: {waits}") } else { format!("Voordeur: {waits}") };
    let mut text = String::new();
    if urgent {
        text.push_str("Het gaat om de veiligheid van een kind. Kijk nu in je werklijst.\nBij direct gevaar: bel 112.\n\n");
    }
    let _ = writeln!(text, "In Voordeur: {waits}.\n");
    let mut counted: BTreeMap<(bool, &str, NoticeReason), (usize, usize)> = BTreeMap::new();
    for line in lines {
        let place = (!is_safety(line.reason), line.centre, line.reason);
        let (count, hurry) = counted.entry(place).or_default();
        *count += 1;
        *hurry += usize::from(line.urgency == Urgency::Urgent);
    }
    for ((_, centre, reason), (count, hurry)) in counted {
        let hurry = match hurry {
            0 => String::new(),
            _ if count == 1 => " (spoed)".to_owned(),
            hurry => format!(" ({hurry} met spoed)"),
        };
        let _ = writeln!(text, "- {centre}: {}{hurry}", many(reason, count));
    }
    text.push_str(match worklist {
        "" => "\nOpen je werklijst in Voordeur om te zien waar het om gaat.\n",
        _ => "\nOpen je werklijst om te zien waar het om gaat:\n",
    });
    if !worklist.is_empty() {
        let _ = writeln!(text, "{worklist}");
    }
    text.push_str("\nIn deze e-mail staan geen namen. Je kunt er niet op antwoorden.\n");
    Mail { subject, text, notice_id, urgent }
}

fn many(reason: NoticeReason, count: usize) -> String {
    let (one, more) = match reason {
        NoticeReason::Request => ("verzoek: neem jij dit op je?", "verzoeken: neem jij deze op je?"),
        NoticeReason::Yours => ("taak die van jou is", "taken die van jou zijn"),
        NoticeReason::Reminder => {
            ("taak van jou waarvan een termijn voorbij is", "taken van jou waarvan een termijn voorbij is")
        }
        NoticeReason::Escalated => {
            ("taak die bij jou als coördinator ligt", "taken die bij jou als coördinator liggen")
        }
        NoticeReason::Safety => ("vraag of zorg over veiligheid", "vragen of zorgen over veiligheid"),
        NoticeReason::SafetyAgain => (
            "vraag of zorg over veiligheid die nog niemand heeft opgepakt",
            "vragen of zorgen over veiligheid die nog niemand heeft opgepakt",
        ),
        NoticeReason::CancellationAsked => {
            ("taak waarvan gevraagd is om te stoppen", "taken waarvan gevraagd is om te stoppen")
        }
        NoticeReason::TransferAsked => {
            ("taak die een collega aan jou wil overdragen", "taken die een collega aan jou wil overdragen")
        }
        NoticeReason::HolderAway => (
            "taak van iemand die er niet is: wie gaat verder?",
            "taken van iemand die er niet is: wie gaat verder?",
        ),
        NoticeReason::AskedAlong => {
            ("taak waarbij je gevraagd bent mee te denken", "taken waarbij je gevraagd bent mee te denken")
        }
        NoticeReason::Meeting => ("uitnodiging voor een overleg", "uitnodigingen voor een overleg"),
    };
    format!("{count} {}", if count == 1 { one } else { more })
}

/// One line for a screen that rings.
pub(crate) const fn screen(reason: NoticeReason) -> &'static str {
    match reason {
        NoticeReason::Request => "Verzoek: neem jij dit op je?",
        NoticeReason::Yours => "Deze taak is van jou.",
        NoticeReason::Reminder => "Van deze taak is een termijn voorbij.",
        NoticeReason::Escalated => "Deze taak ligt bij jou als coördinator.",
        NoticeReason::Safety => "Veiligheid: kijk nu. Bij direct gevaar: bel 112.",
        NoticeReason::SafetyAgain => {
            "Veiligheid: nog niemand heeft dit opgepakt. Bij direct gevaar: bel 112."
        }
        NoticeReason::CancellationAsked => "Er is gevraagd om deze taak te stoppen. Beslis jij?",
        NoticeReason::TransferAsked => "Een collega wil deze taak aan jou overdragen.",
        NoticeReason::HolderAway => "Wie deze taak heeft, is er niet. Wie gaat verder?",
        NoticeReason::AskedAlong => "Je bent gevraagd mee te denken.",
        NoticeReason::Meeting => "Je bent uitgenodigd voor een overleg.",
    }
}
