//! Rulesets by name. A published number says under which one it was counted, so a ruleset never changes: another one gets another name.

use super::endpoints::{self, EndpointList};

/// The numbers in the rules.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Ruleset {
    /// Its name, printed with every figure.
    pub name: &'static str,
    /// The judgement lies at most so many days from the first contact.
    pub judged_within: i32,
    /// It is recorded at most so many days after it was made.
    pub recorded_within: i32,
    /// It is corrected at most so many days after it was made.
    pub corrected_within: i32,
    /// What counts as specialist care or special education.
    pub endpoints: EndpointList,
}

/// The ruleset of the first cases.
pub const ESC_1: Ruleset = Ruleset {
    name: "ESC-1",
    judged_within: 14,
    recorded_within: 14,
    corrected_within: 14,
    endpoints: endpoints::ESC_1,
};

/// A ruleset by its name.
#[must_use]
pub fn ruleset(name: &str) -> Option<&'static Ruleset> {
    const ALL: &[Ruleset] = &[ESC_1];
    ALL.iter().find(|ruleset| ruleset.name == name)
}
