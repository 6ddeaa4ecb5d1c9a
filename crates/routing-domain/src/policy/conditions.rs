//! What a branch asks of a signal.

use std::{collections::BTreeSet, fmt};

use voordeur_kernel::{CentreKey, GroupKey, OrganisationKey, identifier::Identifier};

use super::{AskingKind, Domains, Facts, facts::SEVERITY_MAX};
use crate::words::{AskedBy, SubjectKind, Urgency};

/// A set that is never empty.
#[derive(Debug, Clone, PartialEq, Eq, Hash)]
pub struct OneOf<T: Ord>(BTreeSet<T>);

impl<T: Ord> OneOf<T> {
    /// The set; nothing when there is nothing in it.
    pub fn new(values: impl IntoIterator<Item = T>) -> Option<Self> {
        let set: BTreeSet<T> = values.into_iter().collect();
        (!set.is_empty()).then_some(Self(set))
    }

    /// Is it in the set?
    pub fn contains(&self, value: &T) -> bool {
        self.0.contains(value)
    }

    /// Its values, in order.
    pub fn iter(&self) -> impl Iterator<Item = &T> {
        self.0.iter()
    }
}

/// Severities from one to another, both included; within 1 to 5.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash)]
pub struct SeverityRange {
    from: u8,
    until: u8,
}

impl SeverityRange {
    /// The range; nothing when it does not lie within 1 to 5 or ends before it starts.
    #[must_use]
    pub const fn new(from: u8, until: u8) -> Option<Self> {
        if 1 <= from && from <= until && until <= SEVERITY_MAX { Some(Self { from, until }) } else { None }
    }

    /// Does it lie within? A severity that was not asked (0) never does.
    #[must_use]
    pub const fn contains(self, severity: u8) -> bool {
        self.from <= severity && severity <= self.until
    }
}

impl fmt::Display for SeverityRange {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        if self.from == self.until {
            write!(f, "{}", self.from)
        } else {
            write!(f, "{}-{}", self.from, self.until)
        }
    }
}

/// What a branch asks of a signal: everything that is named here must hold. Nothing named: every signal.
#[derive(Debug, Clone, PartialEq, Eq, Hash, Default)]
pub struct Conditions {
    /// How soon somebody must act; safety cannot be asked for.
    pub urgency: Option<OneOf<Urgency>>,
    /// A child, a group or neither.
    pub subject: Option<OneOf<SubjectKind>>,
    /// One of its domains is one of these.
    pub domains: Option<Domains>,
    /// How severe.
    pub severity: Option<SeverityRange>,
    /// Which organisation asks.
    pub organisation: Option<OneOf<OrganisationKey>>,
    /// What that organisation is.
    pub organisation_kind: Option<OneOf<AskingKind>>,
    /// Which centre.
    pub centre: Option<OneOf<CentreKey>>,
    /// Which municipality (CBS code) the centre lies in.
    pub municipality: Option<OneOf<Identifier>>,
    /// Which group.
    pub group: Option<OneOf<GroupKey>>,
    /// Who asked.
    pub asked_by: Option<OneOf<AskedBy>>,
    /// Does the asker want to hear?
    pub answer_wanted: Option<bool>,
}

/// One condition beside what was found.
#[derive(Debug, Clone, PartialEq, Eq, Hash)]
pub struct Check {
    /// Name of the condition, as in files.
    pub key: &'static str,
    /// What is asked.
    pub wanted: String,
    /// What was found; empty when it was not said.
    pub found: String,
    /// Does it hold?
    pub holds: bool,
}

impl fmt::Display for Check {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let Self { key, wanted, found, holds } = self;
        let found = if found.is_empty() { "not said" } else { found };
        if *holds { write!(f, "{key} is {found}") } else { write!(f, "{key} is {found}, not {wanted}") }
    }
}

fn joined<T: Ord>(set: &OneOf<T>, text: impl Fn(&T) -> String) -> String {
    set.iter().map(text).collect::<Vec<_>>().join(" or ")
}

fn one_of<T: Ord>(
    key: &'static str,
    set: Option<&OneOf<T>>,
    found: Option<&T>,
    text: impl Fn(&T) -> String,
) -> Option<Check> {
    let set = set?;
    Some(Check {
        key,
        wanted: joined(set, &text),
        found: found.map(&text).unwrap_or_default(),
        holds: found.is_some_and(|found| set.contains(found)),
    })
}

impl Conditions {
    /// Does everything that is asked hold?
    #[must_use]
    pub fn hold(&self, facts: &Facts) -> bool {
        fn within<T: Ord>(set: Option<&OneOf<T>>, found: Option<&T>) -> bool {
            set.is_none_or(|set| found.is_some_and(|found| set.contains(found)))
        }
        within(self.urgency.as_ref(), Some(&facts.urgency))
            && within(self.subject.as_ref(), Some(&facts.subject))
            && self.domains.is_none_or(|domains| domains.meets(facts.domains))
            && self.severity.is_none_or(|range| range.contains(facts.severity))
            && within(self.organisation.as_ref(), facts.organisation.as_ref())
            && within(self.organisation_kind.as_ref(), facts.organisation_kind.as_ref())
            && within(self.centre.as_ref(), Some(&facts.centre))
            && within(self.municipality.as_ref(), facts.municipality.as_ref())
            && within(self.group.as_ref(), facts.group.as_ref())
            && within(self.asked_by.as_ref(), facts.asked_by.as_ref())
            && self.answer_wanted.is_none_or(|wanted| wanted == facts.answer_wanted)
    }

    /// Every condition beside what was found, in the order in which files name them.
    #[must_use]
    pub fn checks(&self, facts: &Facts) -> Vec<Check> {
        let key = |key: &dyn fmt::Display| key.to_string();
        [
            one_of("urgency", self.urgency.as_ref(), Some(&facts.urgency), |u| u.name().to_owned()),
            one_of("subject", self.subject.as_ref(), Some(&facts.subject), |s| s.name().to_owned()),
            self.domains.map(|domains| Check {
                key: "domains",
                wanted: domains.to_string(),
                found: facts.domains.to_string(),
                holds: domains.meets(facts.domains),
            }),
            self.severity.map(|range| Check {
                key: "severity",
                wanted: range.to_string(),
                found: if facts.severity == 0 { String::new() } else { facts.severity.to_string() },
                holds: range.contains(facts.severity),
            }),
            one_of("organisation", self.organisation.as_ref(), facts.organisation.as_ref(), |o| key(o)),
            one_of(
                "organisation_kind",
                self.organisation_kind.as_ref(),
                facts.organisation_kind.as_ref(),
                |k| k.name().to_owned(),
            ),
            one_of("centre", self.centre.as_ref(), Some(&facts.centre), |c| key(c)),
            one_of("municipality", self.municipality.as_ref(), facts.municipality.as_ref(), |m| {
                m.value().to_owned()
            }),
            one_of("group", self.group.as_ref(), facts.group.as_ref(), |g| key(g)),
            one_of("asked_by", self.asked_by.as_ref(), facts.asked_by.as_ref(), |a| a.name().to_owned()),
            self.answer_wanted.map(|wanted| Check {
                key: "answer_wanted",
                wanted: wanted.to_string(),
                found: facts.answer_wanted.to_string(),
                holds: wanted == facts.answer_wanted,
            }),
        ]
        .into_iter()
        .flatten()
        .collect()
    }
}
