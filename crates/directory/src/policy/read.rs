//! Reads `[routing]`. A part with a fault is left out, and what is left is still checked, so that every fault is told at once.

use std::collections::BTreeSet;

use toml::de::{DeTable, DeValue};
use voordeur_kernel::{
    CentreKey, ConcernDomain, GroupKey, OrganisationKey, Span,
    identifier::{Identifier, Scheme},
};
use voordeur_routing_domain::{
    ladder::{AT_ONCE, Clocks, Expertise, Ladder, LadderFault, Rung, SomeClocks},
    policy::{
        AskingKind, Branch, BranchPath, Conditions, Domains, Name, OneOf, Policy, PolicyFault, Root,
        SeverityRange,
    },
    words::{AskedBy, Audience, ClockKind, SubjectKind, Urgency},
};

use super::{TABLE, check::check_alone, span};
use crate::{
    finding::{FileFault, Notes, Warning},
    read::{Reader, Value},
};

/// Most people that a step asks at once.
const AT_ONCE_MAX: u16 = 50;
/// The word for the domains of the signal itself.
pub(super) const OF_THE_CONCERN: &str = "of_the_concern";
/// Why something about safety cannot stand here.
const SAFETY: &str = "what happens to a safety signal is fixed: everybody on duty and the coordinator at once, whatever stands here";

/// A key of another part of the file, with its place.
#[derive(Debug)]
pub(crate) enum Reference {
    /// An organisation that raises signals.
    Organisation(OrganisationKey),
    /// A centre.
    Centre(CentreKey),
    /// A group of some centre.
    Group(GroupKey),
    /// A municipality.
    Municipality(Identifier),
}

/// What could be read.
#[derive(Debug)]
pub(crate) struct PolicyDraft {
    /// The policy; nothing when it has a fault.
    pub(crate) policy: Option<Policy>,
    /// Every key of another part of the file.
    pub(crate) references: Vec<(String, Reference)>,
    /// Every span that counts on the clock.
    pub(crate) on_the_clock: Vec<String>,
}

/// Reads the built-in policy.
pub(super) fn built_in(text: &str) -> Result<Policy, Vec<FileFault>> {
    let mut notes = Notes::of(text);
    let draft = read_only(text, &mut notes, 0..=0);
    draft.and_then(|draft| draft.policy).ok_or(notes.faults)
}

/// Reads a file with nothing but a policy.
pub(super) fn alone(text: &str) -> Result<(Policy, Vec<Warning>), Vec<FileFault>> {
    let mut notes = Notes::of(text);
    let draft = read_only(text, &mut notes, 1..=u16::MAX);
    if draft.is_none() {
        notes.fault(
            1,
            TABLE,
            "REQUIRED",
            "is missing; a file with a policy alone holds [routing] with version = 1 and default = the name of a ladder; a whole directory begins \
             with format = 1",
        );
    }
    let policy = draft.and_then(|draft| {
        check_alone(&draft, &mut notes);
        draft.policy
    });
    let Notes { mut faults, mut warnings, .. } = notes;
    warnings.sort();
    faults.sort();
    match policy {
        Some(policy) if faults.is_empty() => Ok((policy, warnings)),
        _ => Err(faults),
    }
}

fn read_only(text: &str, notes: &mut Notes, versions: std::ops::RangeInclusive<u16>) -> Option<PolicyDraft> {
    let (document, errors) = DeTable::parse_recoverable(text);
    for error in errors {
        let line = error.span().map_or(1, |span| notes.line(span.start));
        notes.fault(line, "file", "SYNTAX", error.message().to_owned());
    }
    let mut file = Reader::new(document.get_ref(), String::new(), 1);
    let draft = read_versions(&mut file, notes, versions);
    file.finish(notes);
    draft
}

/// Reads the table, when there is one.
pub(crate) fn read(file: &mut Reader<'_, '_>, notes: &mut Notes) -> Option<PolicyDraft> {
    read_versions(file, notes, 1..=u16::MAX)
}

fn read_versions(
    file: &mut Reader<'_, '_>,
    notes: &mut Notes,
    versions: std::ops::RangeInclusive<u16>,
) -> Option<PolicyDraft> {
    let value = file.optional(notes, TABLE)?;
    let faults_before = notes.faults.len();
    let mut reading = Reading { references: Vec::new(), on_the_clock: Vec::new(), unnamed: 0 };
    let mut policy = None;
    if let Some(mut table) = value.table(notes) {
        let version = table.required(notes, "version").and_then(|v| v.number(notes, versions));
        let ladder = table.required(notes, "default").and_then(|v| v.parsed(notes, "BAD_NAME", Name::parse));
        let clocks = reading.some_clocks(&mut table, notes);
        let ladders = reading.ladders(&mut table, notes);
        let branches = reading.branches(&mut table, notes);
        table.finish(notes);
        // With the parts that could be read: an unknown ladder or a name that stands twice is told beside the other faults.
        let whole = notes.faults.len() == faults_before;
        let stand_in = || ladders.first().map(|ladder| ladder.name().clone());
        if let Some(ladder) = ladder.or_else(stand_in) {
            let root = Root { ladder, clocks, branches };
            match Policy::new(version.unwrap_or_default().into(), ladders, root) {
                Ok(made) => policy = whole.then_some(made),
                Err(faults) => faults.iter().for_each(|fault| note(fault, notes)),
            }
        }
    }
    let Reading { references, on_the_clock, .. } = reading;
    Some(PolicyDraft { policy, references, on_the_clock })
}

/// `[1, 0]` to `routing.route[1].route[0]`.
pub(super) fn place(branch: &[usize]) -> String {
    branch.iter().fold(TABLE.to_owned(), |path, index| format!("{path}.route[{index}]"))
}

fn note(fault: &PolicyFault, notes: &mut Notes) {
    let at = |branch: &BranchPath, key: &str| format!("{}{key}", place(branch));
    let (path, reason) = match fault {
        PolicyFault::FixedLadder(name) => (format!("{TABLE}.ladder.{name}"), "SAFETY_IS_FIXED"),
        PolicyFault::UnknownLadder { branch, .. } => {
            let key = if branch.is_empty() { ".default" } else { ".ladder" };
            (at(branch, key), "UNKNOWN_REFERENCE")
        }
        PolicyFault::NameTwice { branch, .. } => (at(branch, ".name"), "DUPLICATE"),
        PolicyFault::AsksForSafety(branch) => (at(branch, ".when"), "SAFETY_IS_FIXED"),
        PolicyFault::NoDomain(branch) => (at(branch, ".when"), "REQUIRED"),
        PolicyFault::Clocks { branch, fault } => {
            let key = clock_of(*fault).map(|key| format!(".{key}")).unwrap_or_default();
            (at(branch, &key), "CLOCKS")
        }
        PolicyFault::TooDeep(branch) => (at(branch, ".route"), "TOO_DEEP"),
        PolicyFault::TooMany => (TABLE.to_owned(), "TOO_MANY"),
    };
    let description = match fault {
        PolicyFault::UnknownLadder { .. } => {
            "there is no ladder of this name in the file; write [routing.ladder.<name>]".to_owned()
        }
        PolicyFault::NameTwice { .. } => {
            "stands here twice, or is the name of the root; take another".to_owned()
        }
        other => other.to_string(),
    };
    notes.fault_at(&path, reason, description);
}

/// The key of the clock that a fault is about.
const fn clock_of(fault: LadderFault) -> Option<&'static str> {
    match fault {
        LadderFault::NoTimeFor(clock) | LadderFault::OutOfOrder(clock) => Some(match clock {
            ClockKind::Accept => "accept",
            ClockKind::FirstContact => "first_contact",
            _ => "answer",
        }),
        LadderFault::NoPause => Some("repeat"),
        _ => None,
    }
}

/// One value, or a list of them.
fn one_or_more<'d, 'i>(value: Value<'d, 'i>, notes: &mut Notes) -> Vec<Value<'d, 'i>> {
    if !matches!(value.value, DeValue::Array(_)) {
        return vec![value];
    }
    let items = value.items(notes);
    if items.is_empty() {
        notes.fault(value.line, &value.path, "REQUIRED", "is empty; name at least one, or leave it out");
    }
    items
}

struct Reading {
    references: Vec<(String, Reference)>,
    on_the_clock: Vec<String>,
    unnamed: usize,
}

impl Reading {
    fn span(&mut self, value: &Value<'_, '_>, notes: &mut Notes) -> Option<Span> {
        let span = value.parsed(notes, "BAD_SPAN", span::parse)?;
        if matches!(span, Span::Elapsed(_)) {
            self.on_the_clock.push(value.path.clone());
        }
        Some(span)
    }

    fn some_clocks(&mut self, table: &mut Reader<'_, '_>, notes: &mut Notes) -> SomeClocks {
        let mut clock = |key| {
            let value = table.optional(notes, key);
            value.and_then(|v| self.span(&v, notes))
        };
        SomeClocks {
            accept: clock("accept"),
            first_contact: clock("first_contact"),
            answer: clock("answer"),
            repeat: clock("repeat"),
        }
    }

    /// The ladders; one with a fault keeps its name, with steps and clocks of the built-in policy.
    fn ladders(&mut self, table: &mut Reader<'_, '_>, notes: &mut Notes) -> Vec<Ladder> {
        let mut ladders = Vec::new();
        for (name, mut table) in table.named_tables(notes, "ladder") {
            let rungs = self.rungs(&mut table, notes);
            let mut clock = |key| {
                let value = table.required(notes, key);
                value.and_then(|v| self.span(&v, notes))
            };
            let (accept, first_contact) = (clock("accept"), clock("first_contact"));
            let (answer, repeat) = (clock("answer"), clock("repeat"));
            let (path, line) = (table.path().to_owned(), table.line());
            table.finish(notes);
            let name = match Name::parse(&name) {
                Ok(name) => name,
                Err(error) => {
                    notes.fault(line, path, "BAD_NAME", error.to_string());
                    continue;
                }
            };
            if matches!(name.as_str(), Ladder::SAFETY | Ladder::FOLLOW_UP) {
                notes.fault(
                    line,
                    path,
                    "SAFETY_IS_FIXED",
                    "is the name of a ladder that is fixed; take another",
                );
                continue;
            }
            let example = Ladder::built_in(Urgency::Regular);
            let clocks = match (accept, first_contact, answer, repeat) {
                (Some(accept), Some(first_contact), Some(answer), Some(repeat)) => {
                    Clocks { accept, first_contact, answer, repeat }
                }
                _ => example.clocks(),
            };
            // The coordinator answers when she answers: her step has no end.
            let rungs = rungs.map(|rungs| {
                let catch = |rung: Rung| match rung.audience {
                    Audience::Coordinator => Rung { respond_within: clocks.accept, ..rung },
                    _ => rung,
                };
                rungs.into_iter().map(catch).collect::<Vec<_>>()
            });
            let rungs = rungs.unwrap_or_else(|| example.rungs().to_vec());
            match Ladder::new(name.clone(), rungs, clocks) {
                Ok(ladder) => ladders.push(ladder),
                Err(faults) => {
                    faults.iter().for_each(|fault| note_ladder(&path, *fault, notes));
                    ladders.extend(Ladder::new(name, example.rungs().to_vec(), example.clocks()));
                }
            }
        }
        ladders
    }

    /// The steps; nothing when one of them could not be read.
    fn rungs(&mut self, table: &mut Reader<'_, '_>, notes: &mut Notes) -> Option<Vec<Rung>> {
        let list = table.required(notes, "steps")?;
        let mut rungs = Some(Vec::new());
        for item in list.items(notes) {
            let rung = item.table(notes).and_then(|mut step| {
                let rung = self.rung(&mut step, notes);
                step.finish(notes);
                rung
            });
            match (&mut rungs, rung) {
                (Some(rungs), Some(rung)) => rungs.push(rung),
                _ => rungs = None,
            }
        }
        rungs
    }

    fn rung(&mut self, step: &mut Reader<'_, '_>, notes: &mut Notes) -> Option<Rung> {
        let audience = step.required(notes, "audience").and_then(|value| {
            if value.value.as_str() == Some(Audience::EverybodyOnDuty.name()) {
                notes.fault(value.line, &value.path, "SAFETY_IS_FIXED", SAFETY);
                return None;
            }
            let audiences = Audience::ALL.iter().copied().filter(|a| *a != Audience::EverybodyOnDuty);
            value.word(notes, audiences, Audience::name)
        });
        let coordinator = audience == Some(Audience::Coordinator);
        let within = if coordinator {
            if let Some(value) = step.optional(notes, "within") {
                notes.fault(
                    value.line,
                    &value.path,
                    "NOT_HERE",
                    "the coordinator catches; no step follows hers",
                );
            }
            Some(Span::WorkingMinutes(1))
        } else {
            step.required(notes, "within").and_then(|v| self.span(&v, notes))
        };
        let expertise = match step.optional(notes, "expertise") {
            None => Some(Expertise::Anyone),
            Some(value) if value.value.as_str() == Some(OF_THE_CONCERN) => Some(Expertise::OfTheConcern),
            Some(value) => {
                let domains = domains(value, notes);
                (!domains.is_empty()).then_some(Expertise::OneOf(domains))
            }
        };
        let at_once = match step.optional(notes, "at_once") {
            None => Some(AT_ONCE),
            Some(value) => value.number(notes, 1..=AT_ONCE_MAX).map(usize::from),
        };
        Some(Rung { audience: audience?, expertise: expertise?, respond_within: within?, at_once: at_once? })
    }

    fn branches(&mut self, table: &mut Reader<'_, '_>, notes: &mut Notes) -> Vec<Branch> {
        let Some(list) = table.optional(notes, "route") else { return Vec::new() };
        let mut branches = Vec::new();
        for item in list.items(notes) {
            let Some(mut route) = item.table(notes) else { continue };
            let name = route.required(notes, "name").and_then(|v| v.parsed(notes, "BAD_NAME", Name::parse));
            let when = match route.optional(notes, "when") {
                Some(value) => self.when(&value, notes),
                None => Conditions::default(),
            };
            let ladder =
                route.optional(notes, "ladder").and_then(|v| v.parsed(notes, "BAD_NAME", Name::parse));
            let clocks = self.some_clocks(&mut route, notes);
            let inner = self.branches(&mut route, notes);
            route.finish(notes);
            self.unnamed += 1;
            // One that has no name keeps its place, so that the places of the others are right.
            let unnamed = || Name::parse(&format!("unnamed-{}", self.unnamed)).ok();
            if let Some(name) = name.or_else(unnamed) {
                branches.push(Branch { name, when, ladder, clocks, branches: inner });
            }
        }
        branches
    }

    fn when(&mut self, value: &Value<'_, '_>, notes: &mut Notes) -> Conditions {
        let Some(mut table) = value.table(notes) else { return Conditions::default() };
        let faults_before = notes.faults.len();
        if let Some(safety) = table.refused(notes, "safety") {
            notes.fault(safety.line, &safety.path, "SAFETY_IS_FIXED", SAFETY);
        }
        let mut conditions = Conditions {
            urgency: table.optional(notes, "urgency").and_then(|value| urgencies(value, notes)),
            subject: words(&mut table, notes, "subject", SubjectKind::ALL, SubjectKind::name),
            domains: table
                .optional(notes, "domains")
                .map(|v| domains(v, notes))
                .filter(|set| !set.is_empty()),
            severity: table.optional(notes, "severity").and_then(|v| severity(&v, notes)),
            organisation_kind: words(
                &mut table,
                notes,
                "organisation_kind",
                &AskingKind::ALL,
                AskingKind::name,
            ),
            asked_by: words(&mut table, notes, "asked_by", AskedBy::ALL, AskedBy::name),
            ..Conditions::default()
        };
        let references = &mut self.references;
        conditions.organisation = keys(
            &mut table,
            notes,
            references,
            "organisation",
            OrganisationKey::parse,
            Reference::Organisation,
        );
        conditions.centre =
            keys(&mut table, notes, references, "centre", CentreKey::parse, Reference::Centre);
        conditions.group = keys(&mut table, notes, references, "group", GroupKey::parse, Reference::Group);
        conditions.municipality = keys(
            &mut table,
            notes,
            references,
            "municipality",
            |text| Identifier::parse(Scheme::Gemeentecode, text),
            Reference::Municipality,
        );
        if let Some(value) = table.optional(notes, "answer_wanted") {
            conditions.answer_wanted = boolean(&value, notes);
        }
        if notes.faults.len() == faults_before && conditions == Conditions::default() {
            notes.fault(
                value.line,
                &value.path,
                "REQUIRED",
                "asks nothing; name a condition, or leave `when` out for a branch that takes everything",
            );
        }
        table.finish(notes);
        conditions
    }
}

fn note_ladder(path: &str, fault: LadderFault, notes: &mut Notes) {
    let place = match fault {
        LadderFault::NoCatch | LadderFault::TooManySteps => format!("{path}.steps"),
        LadderFault::CatchTooSoon(step)
        | LadderFault::SafetyOnly(step)
        | LadderFault::ChoosyCatch(step)
        | LadderFault::NoDomain(step)
        | LadderFault::NoTime(step) => format!("{path}.steps[{step}]"),
        LadderFault::NoTimeFor(_) | LadderFault::OutOfOrder(_) | LadderFault::NoPause => {
            clock_of(fault).map_or_else(|| path.to_owned(), |key| format!("{path}.{key}"))
        }
    };
    let reason = match fault {
        LadderFault::NoCatch => "NO_CATCH",
        LadderFault::TooManySteps => "TOO_MANY",
        LadderFault::CatchTooSoon(_) => "UNREACHABLE",
        LadderFault::SafetyOnly(_) => "SAFETY_IS_FIXED",
        LadderFault::ChoosyCatch(_) => "NOT_HERE",
        LadderFault::NoDomain(_) => "REQUIRED",
        LadderFault::NoTime(_)
        | LadderFault::NoTimeFor(_)
        | LadderFault::OutOfOrder(_)
        | LadderFault::NoPause => "CLOCKS",
    };
    notes.fault_at(&place, reason, fault.to_string());
}

fn urgencies(value: Value<'_, '_>, notes: &mut Notes) -> Option<OneOf<Urgency>> {
    let mut found = BTreeSet::new();
    for item in one_or_more(value, notes) {
        if item.value.as_str() == Some(Urgency::Safety.name()) {
            notes.fault(item.line, item.path, "SAFETY_IS_FIXED", SAFETY);
            continue;
        }
        let words = Urgency::ALL.iter().copied().filter(|urgency| *urgency != Urgency::Safety);
        found.extend(item.word(notes, words, Urgency::name));
    }
    OneOf::new(found)
}

fn words<T: Copy + Ord>(
    table: &mut Reader<'_, '_>,
    notes: &mut Notes,
    key: &'static str,
    all: &'static [T],
    name: impl Fn(T) -> &'static str + Copy,
) -> Option<OneOf<T>> {
    let items = one_or_more(table.optional(notes, key)?, notes);
    OneOf::new(
        items.into_iter().filter_map(|item| item.word(notes, all.iter().copied(), name)).collect::<Vec<_>>(),
    )
}

fn domains(value: Value<'_, '_>, notes: &mut Notes) -> Domains {
    let items = one_or_more(value, notes);
    items.into_iter().filter_map(|item| item.word(notes, ConcernDomain::ALL, ConcernDomain::name)).collect()
}

fn keys<K: Ord + Clone, E: std::fmt::Display>(
    table: &mut Reader<'_, '_>,
    notes: &mut Notes,
    references: &mut Vec<(String, Reference)>,
    key: &'static str,
    parse: impl Fn(&str) -> Result<K, E>,
    reference: impl Fn(K) -> Reference,
) -> Option<OneOf<K>> {
    let items = one_or_more(table.optional(notes, key)?, notes);
    let mut found = Vec::new();
    for item in items {
        if let Some(key) = item.parsed(notes, "BAD_KEY", &parse) {
            references.push((item.path, reference(key.clone())));
            found.push(key);
        }
    }
    OneOf::new(found)
}

fn severity(value: &Value<'_, '_>, notes: &mut Notes) -> Option<SeverityRange> {
    const FORM: &str = "give 1 to 5, or from and until in quotes: \"3-5\"";
    if value.value.as_str().is_none() {
        let one = value.number(notes, 1..=5).and_then(|number| u8::try_from(number).ok())?;
        return SeverityRange::new(one, one);
    }
    value.parsed(notes, "OUT_OF_RANGE", |text| {
        let (from, until) = text.split_once('-').unwrap_or((text, text));
        let digit = |text: &str| if text.len() == 1 { text.parse::<u8>().ok() } else { None };
        digit(from).zip(digit(until)).and_then(|(from, until)| SeverityRange::new(from, until)).ok_or(FORM)
    })
}

fn boolean(value: &Value<'_, '_>, notes: &mut Notes) -> Option<bool> {
    if let DeValue::Boolean(wanted) = value.value {
        return Some(*wanted);
    }
    notes.fault(value.line, &value.path, "WRONG_TYPE", "write true or false, without quotes");
    None
}
