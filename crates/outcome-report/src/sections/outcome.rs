//! The three counts, their bounds, the kinds of referral and the two-by-two.

use crate::{
    disclosure::{Shown, share_of},
    model::{Absent, Cell, Section, Table, Value},
    sections::{LEVELS, Making, counts, in_words, row, table},
};

pub(super) fn section(making: &Making<'_>) -> Section {
    let printed = making.printed;
    let mut three = counts(
        &printed.outcome,
        "three_counts",
        "Wat werd er van de kinderen met een dreigende verwijzing, een jaar later?",
        &[
            ("referred", "verwezen"),
            ("not_referred", "niet verwezen, gaat goed genoeg"),
            ("unknown", "weten we niet"),
        ],
        &LEVELS,
    );
    three.notes.extend([
        "De twee rijen worden niet opgeteld: het zijn kinderen met een ander vooruitzicht.".to_owned(),
        "Kinderen over wie iemand een melding deed bij Veilig Thuis staan bij 'weten we niet': niet voor en niet tegen.".to_owned(),
    ]);
    let endpoints = counts(
        &printed.endpoints,
        "endpoints",
        "Waarheen werd verwezen?",
        &[
            ("r1", "R1 jeugdhulp"),
            ("r2", "R2 SBO of SO"),
            ("r3", "R3 dagverblijf of einde plek"),
            ("r4", "R4 crisis of maatregel"),
            ("not_told", "niet bekend"),
        ],
        &LEVELS,
    );
    let whys = counts(
        &printed.whys,
        "why_unknown",
        "Waarom weten we het niet?",
        &[("imminent", "waarschijnlijk"), ("possible", "mogelijk")],
        &[
            ("unmet_need", "niet verwezen, wel zorgen"),
            ("need_unknown", "niet verwezen, hoe het gaat is niet gevraagd"),
            ("no_support", "niet verwezen, hier geen hulp gegeven"),
            ("no_check", "niet nagevraagd, of niet in beide domeinen"),
            ("left", "vertrokken"),
            ("pending", "het jaar is nog niet om"),
            ("other", "toestemming ingetrokken, dag onbekend of eigen route"),
        ],
    );
    Section {
        key: "outcome",
        title: "Verwezen, niet verwezen, onbekend".to_owned(),
        sentences: sentences(&printed.outcome),
        tables: vec![three, bounds(&printed.outcome), endpoints, whys, foreseen(&printed.foreseen)],
    }
}

fn sentences(shown: &Shown) -> Vec<String> {
    let concern = [
        "een verwijzing naar specialistische hulp of speciaal onderwijs waarschijnlijk was binnen 3 maanden",
        "een verwijzing naar specialistische hulp of speciaal onderwijs mogelijk was binnen een jaar",
    ];
    let mut lines: Vec<String> = concern
        .into_iter()
        .enumerate()
        .map(|(place, concern)| {
            let at = |column| in_words(&shown.cell(place, column));
            format!(
                "Kinderen bij wie {concern}: {} in totaal. Een jaar later waren er {} verwezen. {} waren niet verwezen, kregen hier \
                 hulp, en het ging volgens ouders en leerkracht goed genoeg. Van {} weten we het niet.",
                in_words(&shown.row_total(place)),
                at(0),
                at(1),
                at(2),
            )
        })
        .collect();
    lines.push(
        "Of dit door de jeugdhulpprofessional op het kindcentrum komt, kunnen we uit deze cijfers niet zien. Ook zonder die hulp \
         wordt een deel van deze kinderen niet verwezen."
            .to_owned(),
    );
    lines.push("Een verwijzing is niet slecht, en geen verwijzing is niet altijd goed.".to_owned());
    lines
}

/// Between which bounds the share lies, whatever became of the unknown: from printed counts, and not at all when too much is unknown.
fn bounds(shown: &Shown) -> Table {
    let rows = LEVELS.iter().enumerate().map(|(place, (key, label))| {
        let counts = [0, 1, 2].map(|column| shown.cell(place, column));
        let cells = match counts {
            [Ok(Value::Count(referred)), Ok(Value::Count(not_referred)), Ok(Value::Count(unknown))] => {
                let all = referred + not_referred + unknown;
                let between = |low: u64, high: u64| {
                    let share = |count| share_of(&Ok(Value::Count(count)), &Ok(Value::Count(all)));
                    match (share(low), share(high)) {
                        (Ok(low), Ok(high)) => Cell::plain(Value::Words("tussen".to_owned()))
                            .within(Some((low, high)))
                            .of(Value::Count(all)),
                        (Err(why), _) | (_, Err(why)) => Cell::absent(why),
                    }
                };
                if unknown * 10 > all * 3 {
                    vec![Cell::absent(Absent::TooMuchUnknown); 2]
                } else {
                    vec![between(referred, referred + unknown), between(not_referred, not_referred + unknown)]
                }
            }
            _ => vec![Cell::absent(Absent::TooFew); 2],
        };
        row(*key, *label, cells)
    });
    let rows = rows.collect();
    let mut table = table(
        "bounds",
        "Tussen welke grenzen ligt het deel, wat er ook werd van de kinderen van wie we het niet weten?",
        &[("referred", "verwezen"), ("not_referred", "niet verwezen, gaat goed genoeg")],
        rows,
    );
    table.notes.push(
        "De grenzen komen uit de afgeronde aantallen. Weten we het van ruim 30% niet, dan staan er alleen aantallen.".to_owned(),
    );
    table
}

/// Threatened or not, referred or not; and how many referrals nobody saw coming.
fn foreseen(shown: &Shown) -> Table {
    let mut table = counts(
        shown,
        "two_by_two",
        "Was de verwijzing voorzien?",
        &[("referred", "verwezen"), ("not_known_to_be", "voor zover bekend niet")],
        &[("threatened", "verwijzing overwogen"), ("not_threatened", "verwijzing niet overwogen")],
    );
    table.notes.push(match share_of(&shown.cell(1, 0), &shown.column_total(0)) {
        Ok(share) => format!("Van de verwezen kinderen had bij {} niemand een verwijzing overwogen.", crate::render::value(&share)),
        Err(_) => "Bij welk deel van de verwezen kinderen niemand een verwijzing had overwogen, is bij deze aantallen niet te zeggen.".to_owned(),
    });
    table
}
