//! Words and how much evidence they need. A report on case counts may say what was seen, never why.
//!
//! Every text of a report passes here twice: a test reads every template and every text in the source of this crate, and rendering
//! refuses a report in which such a word stands all the same.

/// How far evidence goes.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub enum Evidence {
    /// Counts of cases.
    Cases = 1,
    /// Two periods, with the margin.
    TwoPeriods = 2,
    /// Centres with and without, by a design that was fixed beforehand (C2 or C3), and an interval that excludes no difference.
    Comparison = 3,
}

impl Evidence {
    /// 1, 2 or 3.
    #[must_use]
    pub const fn level(self) -> u8 {
        self as u8
    }
}

/// From which evidence a word may be used; nothing: never.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Rule {
    /// How words begin that it is about, in small letters. A space stands for any white space.
    pub stem: &'static str,
    /// From which evidence on.
    pub from: Option<Evidence>,
}

/// The words. Stems, so that inflections count as well.
pub const RULES: &[Rule] = &[
    // Level 2: a difference between two periods.
    Rule { stem: "minder dan", from: Some(Evidence::TwoPeriods) },
    Rule { stem: "meer dan vorig", from: Some(Evidence::TwoPeriods) },
    Rule { stem: "gedaald", from: Some(Evidence::TwoPeriods) },
    Rule { stem: "daling", from: Some(Evidence::TwoPeriods) },
    Rule { stem: "gestegen", from: Some(Evidence::TwoPeriods) },
    Rule { stem: "stijging", from: Some(Evidence::TwoPeriods) },
    Rule { stem: "afgenomen", from: Some(Evidence::TwoPeriods) },
    Rule { stem: "toegenomen", from: Some(Evidence::TwoPeriods) },
    Rule { stem: "verschil", from: Some(Evidence::TwoPeriods) },
    // Level 3: a cause.
    Rule { stem: "dankzij", from: Some(Evidence::Comparison) },
    Rule { stem: "voorkom", from: Some(Evidence::Comparison) },
    Rule { stem: "voorkwam", from: Some(Evidence::Comparison) },
    Rule { stem: "voorkóm", from: Some(Evidence::Comparison) },
    Rule { stem: "vermed", from: Some(Evidence::Comparison) },
    Rule { stem: "vermeed", from: Some(Evidence::Comparison) },
    Rule { stem: "vermijd", from: Some(Evidence::Comparison) },
    Rule { stem: "effect", from: Some(Evidence::Comparison) },
    Rule { stem: "impact", from: Some(Evidence::Comparison) },
    Rule { stem: "aangetoond", from: Some(Evidence::Comparison) },
    Rule { stem: "bewezen", from: Some(Evidence::Comparison) },
    Rule { stem: "bewijst", from: Some(Evidence::Comparison) },
    Rule { stem: "leidt tot", from: Some(Evidence::Comparison) },
    Rule { stem: "leidde tot", from: Some(Evidence::Comparison) },
    Rule { stem: "heeft geleid", from: Some(Evidence::Comparison) },
    Rule { stem: "zorgt ervoor", from: Some(Evidence::Comparison) },
    Rule { stem: "zorgde ervoor", from: Some(Evidence::Comparison) },
    Rule { stem: "preventie", from: Some(Evidence::Comparison) },
    // Never: from cases, none of this can be known.
    Rule { stem: "bespaar", from: None },
    Rule { stem: "besparing", from: None },
    Rule { stem: "euro", from: None },
    Rule { stem: "€", from: None },
    Rule { stem: "succes", from: None },
    Rule { stem: "score", from: None },
    Rule { stem: "scoor", from: None },
    Rule { stem: "scoring", from: None },
    Rule { stem: "ranglijst", from: None },
    Rule { stem: "ranking", from: None },
    Rule { stem: "rangorde", from: None },
];

/// A word that may not stand there.
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
#[error("the word \"{word}\" needs evidence of level {needed}, and this text has level {level}")]
pub struct Forbidden {
    /// How the word begins.
    pub word: &'static str,
    /// What it needs: 1-3, or `never`.
    pub needed: &'static str,
    /// What the text has.
    pub level: u8,
}

/// Every word of a text that its evidence does not carry.
#[must_use]
pub fn forbidden(text: &str, evidence: Evidence) -> Vec<Forbidden> {
    let text = text.to_lowercase().split_whitespace().collect::<Vec<_>>().join(" ");
    RULES
        .iter()
        .filter(|rule| rule.from.is_none_or(|from| evidence < from) && stands_in(rule.stem, &text))
        .map(|rule| Forbidden {
            word: rule.stem,
            needed: match rule.from {
                Some(Evidence::Cases) => "1",
                Some(Evidence::TwoPeriods) => "2",
                Some(Evidence::Comparison) => "3",
                None => "never",
            },
            level: evidence.level(),
        })
        .collect()
}

/// Does a word begin like this? Compounds count too ("succespercentage", "kosteneffectief" does by its own stem only at a word's start),
/// so stems of more than four letters are looked for inside words as well.
fn stands_in(stem: &str, text: &str) -> bool {
    text.match_indices(stem).any(|(at, _)| {
        let before = text.get(..at).and_then(|before| before.chars().next_back());
        before.is_none_or(|c| !c.is_alphabetic()) || stem.chars().count() > 4
    })
}

#[cfg(test)]
mod tests {
    use super::*;

    fn words(text: &str, evidence: Evidence) -> Vec<&'static str> {
        forbidden(text, evidence).into_iter().map(|found| found.word).collect()
    }

    #[test]
    fn each_word_needs_its_evidence() {
        assert_eq!(words("20 kinderen waren niet verwezen", Evidence::Cases), [""; 0]);
        assert_eq!(words("Dit zijn er minder   dan vorig jaar.", Evidence::Cases), ["minder dan"]);
        assert_eq!(words("Dit zijn er minder dan vorig jaar.", Evidence::TwoPeriods), [""; 0]);
        for word in ["Dankzij", "voorkomen", "VERMEDEN", "een effect van", "bewezen"] {
            assert_eq!(words(word, Evidence::TwoPeriods).len(), 1, "{word}");
            assert_eq!(words(word, Evidence::Comparison), [""; 0], "{word}");
        }
        for word in
            ["bespaard", "besparing", "succespercentage", "scores", "Ranglijst", "500 euro per kind", "€ 500"]
        {
            assert!(!words(word, Evidence::Comparison).is_empty(), "{word}");
        }
        assert_eq!(words("kosteneffectief", Evidence::TwoPeriods), ["effect"]);
        assert_eq!(
            words("neuropsycholoog", Evidence::Cases),
            [""; 0],
            "a short stem counts at the start of a word only"
        );
    }
}
