//! Reading histories. Every fault is told with its place, and none with its value.

use std::collections::{BTreeMap, BTreeSet};

use jiff::civil::Date;
use serde_json::{Map, Value};
use voordeur_escalation_domain::{
    outcome::{
        CaseFact, CheckFact, Day, Domain, Endpoint, FactKind, Imposed, Patch, Question, ReferralFact,
        ShortKey, Subject,
    },
    words::{Baseline, DomainStatus, LeavingDestination, NeedStatus, ReviewVerdict, WithdrawalScope},
};
use voordeur_kernel::{CommitId, Faults};

use crate::failure::Failure;

/// What was read.
#[derive(Debug)]
pub(super) struct Input {
    pub(super) histories: Vec<History>,
    /// An array came in, and an array goes out.
    pub(super) several: bool,
}

/// One history, and what is asked about it.
#[derive(Debug)]
pub(super) struct History {
    /// Its number in a collection.
    pub(super) number: Option<Value>,
    pub(super) facts: Vec<CaseFact>,
    pub(super) question: Question,
}

type Words<T> = &'static [(&'static str, T)];

const LEVELS: Words<Baseline> =
    &[("none", Baseline::None), ("possible", Baseline::Possible), ("imminent", Baseline::Imminent)];
const SUBJECTS: Words<Subject> =
    &[("child", Subject::Child), ("group", Subject::Group), ("anonymous", Subject::Anonymous)];
const DOMAINS: Words<Domain> = &[("jeugdhulp", Domain::Jeugdhulp), ("onderwijs", Domain::Onderwijs)];
const ROUTES: Words<Option<Imposed>> = &[
    ("gemeente", None),
    ("huisarts", None),
    ("jeugdarts", None),
    ("gi", None),
    ("specialist", None),
    ("onderwijs", None),
    ("court", Some(Imposed::Court)),
    ("crisis", Some(Imposed::Crisis)),
];
const VERDICTS: Words<ReviewVerdict> =
    &[("needed", ReviewVerdict::Needed), ("avoidable", ReviewVerdict::Avoidable)];
const STATUSES: Words<DomainStatus> =
    &[("none", DomainStatus::None), ("referred", DomainStatus::Referred), ("unknown", DomainStatus::Unknown)];
const NEEDS: Words<NeedStatus> =
    &[("ok", NeedStatus::Ok), ("concern", NeedStatus::Concern), ("unknown", NeedStatus::Unknown)];
const DESTINATIONS: Words<LeavingDestination> = &[
    ("regular", LeavingDestination::Regular),
    ("specialist", LeavingDestination::Specialist),
    ("unknown", LeavingDestination::Unknown),
];
const SCOPES: Words<WithdrawalScope> =
    &[("follow_up", WithdrawalScope::FollowUp), ("all", WithdrawalScope::All)];

/// Reads one history, an array of them, or an object with an array under `vectors`.
pub(super) fn histories(text: &str, name: &str) -> Result<Input, Failure> {
    let document: Value = serde_json::from_str(text).map_err(|error| {
        // The message of the parser may repeat what stands there.
        Failure::usage(format!("{name} is no JSON: line {}, column {}", error.line(), error.column()))
    })?;
    let mut faults = Faults::new();
    let (several, items): (bool, Vec<(String, &Value)>) = match (&document, document.get("vectors")) {
        (Value::Array(items), _) => (true, numbered("", items)),
        (_, Some(Value::Array(items))) => (true, numbered("vectors", items)),
        _ => (false, vec![(String::new(), &document)]),
    };
    let histories: Vec<_> =
        items.iter().filter_map(|(path, item)| history(path, item, &mut faults)).collect();
    faults.finish(Some(Input { histories, several })).map_err(|faults| {
        let lines: Vec<String> =
            faults.as_slice().iter().map(|fault| format!("{}: {}", fault.field, fault.description)).collect();
        let count = if lines.len() == 1 { "a fault".to_owned() } else { format!("{} faults", lines.len()) };
        Failure { faults: lines, ..Failure::usage(format!("{name} has {count}")) }
            .advise("`voordeur outcome classify --help` shows the form of a history")
    })
}

fn numbered<'a>(name: &str, items: &'a [Value]) -> Vec<(String, &'a Value)> {
    items.iter().enumerate().map(|(index, item)| (format!("{name}[{index}]"), item)).collect()
}

/// The fields of one object, with the path to it.
struct Fields<'a> {
    fields: &'a Map<String, Value>,
    path: String,
}

impl<'a> Fields<'a> {
    fn of(path: &str, value: &'a Value, faults: &mut Faults) -> Option<Self> {
        let fields = value.as_object();
        if fields.is_none() {
            faults.add(if path.is_empty() { "history" } else { path }, "NO_OBJECT", "must be an object");
        }
        fields.map(|fields| Self { fields, path: path.to_owned() })
    }

    fn place(&self, name: &str) -> String {
        if self.path.is_empty() { name.to_owned() } else { format!("{}.{name}", self.path) }
    }

    fn get(&self, name: &str) -> Option<&'a Value> {
        self.fields.get(name).filter(|value| !value.is_null())
    }

    fn text(&self, name: &str, faults: &mut Faults) -> Option<&'a str> {
        let Some(value) = self.get(name) else {
            faults.add(self.place(name), "REQUIRED", "is missing");
            return None;
        };
        let text = value.as_str().filter(|text| !text.is_empty());
        if text.is_none() {
            faults.add(self.place(name), "NO_TEXT", "must be a text that says something");
        }
        text
    }

    fn day(&self, name: &str, faults: &mut Faults) -> Option<Day> {
        let text = self.text(name, faults)?;
        // jiff reads more forms than this one.
        let date = text.parse::<Date>().ok().filter(|date| text.len() == 10 && date.to_string() == text);
        let day = date.and_then(Day::of_date);
        if day.is_none() {
            faults.add(self.place(name), "NO_DATE", "must be a date yyyy-mm-dd, from 1970 to 2148");
        }
        day
    }

    fn word<T: Copy>(&self, name: &str, words: Words<T>, faults: &mut Faults) -> Option<T> {
        let text = self.text(name, faults)?;
        let word = words.iter().find(|(word, _)| *word == text).map(|(_, meaning)| *meaning);
        if word.is_none() {
            let names: Vec<_> = words.iter().map(|(word, _)| *word).collect();
            faults.add(self.place(name), "UNKNOWN_WORD", format!("must be one of {}", names.join(", ")));
        }
        word
    }

    fn key(&self, name: &str, faults: &mut Faults) -> Option<ShortKey> {
        self.text(name, faults).map(ShortKey::of_text)
    }
}

fn history(path: &str, value: &Value, faults: &mut Faults) -> Option<History> {
    let fields = Fields::of(path, value, faults)?;
    let window = fields.get("W").and_then(Value::as_u64).and_then(|window| u16::try_from(window).ok());
    if window.is_none() {
        faults.add(fields.place("W"), "NO_WINDOW", "must be the window in days, 0 to 65535");
    }
    let observed = fields.day("T", faults);
    let known = if fields.get("K").is_some() { fields.day("K", faults) } else { observed };
    let events = fields.get("events").and_then(Value::as_array);
    if events.is_none() {
        faults.add(fields.place("events"), "NO_EVENTS", "must be an array of events");
    }
    let facts = facts(&fields.place("events"), events?, faults);
    Some(History {
        number: fields.get("n").cloned(),
        facts,
        question: Question { observed: observed?, window: window?, known: known? },
    })
}

/// What the events of one history know of each other.
struct Ids<'a> {
    numbers: BTreeMap<&'a str, u128>,
    kinds: BTreeMap<&'a str, &'a str>,
}

impl<'a> Ids<'a> {
    fn of(events: &'a [Value]) -> Self {
        let text = |event: &'a Value, name: &str| event.get(name).and_then(Value::as_str);
        // Numbers in the order of the texts: between corrections of one day the higher id is the last.
        let texts: BTreeSet<&str> =
            events.iter().flat_map(|event| [text(event, "id"), text(event, "target")]).flatten().collect();
        let kinds = events.iter().filter_map(|event| Some((text(event, "id")?, text(event, "kind")?)));
        Self { numbers: texts.into_iter().zip(1..).collect(), kinds: kinds.collect() }
    }

    /// The id of a part of an event; only a correction of several fields has more parts than one.
    fn id(&self, text: &str, part: u8) -> CommitId {
        let number = self.numbers.get(text).copied().unwrap_or(0);
        CommitId::from_bytes((number << 8 | u128::from(part)).to_be_bytes())
    }
}

fn facts(path: &str, events: &[Value], faults: &mut Faults) -> Vec<CaseFact> {
    let ids = Ids::of(events);
    let mut known: BTreeMap<&str, (usize, Vec<CaseFact>)> = BTreeMap::new();
    for (index, event) in events.iter().enumerate() {
        let place = format!("{path}[{index}]");
        let Some(fields) = Fields::of(&place, event, faults) else { continue };
        let id = fields.text("id", faults);
        let told = event_facts(&fields, &ids, faults);
        let (Some(id), Some(told)) = (id, told) else { continue };
        match known.get(id) {
            None => drop(known.insert(id, (index, told))),
            Some((_, same)) if *same == told => {}
            Some((other, _)) => {
                let also = format!("{path}[{other}] has the same id and says something else");
                faults.add(fields.place("id"), "OTHER_CONTENT", also);
            }
        }
    }
    known.into_values().flat_map(|(_, facts)| facts).collect()
}

/// The facts in one event: one, and for a correction of several fields one for each.
fn event_facts(fields: &Fields<'_>, ids: &Ids<'_>, faults: &mut Faults) -> Option<Vec<CaseFact>> {
    let (effective, recorded) = (fields.day("effective", faults), fields.day("recorded", faults));
    let kind = fields.text("kind", faults)?;
    let kinds = if kind == "Corrected" {
        let target = fields.text("target", faults);
        let patches = patches(fields, target.and_then(|target| ids.kinds.get(target)).copied(), faults);
        let target = ids.id(target?, 0);
        patches?.into_iter().map(|patch| FactKind::Corrected { target, patch }).collect()
    } else {
        vec![fact_kind(kind, fields, faults)?]
    };
    let (effective, recorded) = (effective?, recorded?);
    let id = fields.get("id").and_then(Value::as_str)?;
    let parts = kinds.into_iter().zip(0_u8..);
    Some(
        parts
            .map(|(kind, part)| CaseFact { id: ids.id(id, part), effective, recorded, order: 0, kind })
            .collect(),
    )
}

fn fact_kind(kind: &str, fields: &Fields<'_>, faults: &mut Faults) -> Option<FactKind> {
    Some(match kind {
        "SignalReceived" => FactKind::Signal(fields.word("subject", SUBJECTS, faults)?),
        "FirstContact" => FactKind::FirstContact,
        "BaselineAssessed" => FactKind::Baseline(fields.word("level", LEVELS, faults)?),
        "SupportGiven" => FactKind::Support,
        "SpecialistConsulted" => FactKind::Consultation,
        "ReferralRequested" | "CareStarted" => {
            let referral = fields.key("ref", faults);
            let domain = fields.word("domain", DOMAINS, faults);
            let imposed = fields.word("route", ROUTES, faults)?;
            let (referral, domain) = (referral?, domain?);
            let endpoint = Endpoint::plain(domain, imposed);
            let started = kind == "CareStarted";
            FactKind::Referral(ReferralFact { referral, started, domain, endpoint, imposed })
        }
        "ReferralGranted" => FactKind::Granted(fields.key("ref", faults)?),
        "ReferralRefused" => FactKind::Refused(fields.key("ref", faults)?),
        "ReferralWithdrawn" => FactKind::Withdrawn(fields.key("ref", faults)?),
        "CareEnded" => FactKind::CareEnded(fields.key("ref", faults)?),
        "ReferralReviewed" => {
            let (referral, reviewer) = (fields.key("ref", faults), fields.key("reviewer", faults));
            let verdict = fields.word("verdict", VERDICTS, faults)?;
            FactKind::Reviewed { referral: referral?, reviewer: reviewer?, verdict }
        }
        "VeiligThuisReported" => FactKind::VeiligThuis,
        "ChildLeft" => FactKind::Left(fields.word("destination", DESTINATIONS, faults)?),
        "ConsentWithdrawn" => FactKind::ConsentWithdrawn(fields.word("scope", SCOPES, faults)?),
        "FollowUpChecked" => {
            let covers_until = fields.day("covers_until", faults);
            let jeugdhulp = fields.word("jeugdhulp", STATUSES, faults);
            let onderwijs = fields.word("onderwijs", STATUSES, faults);
            let need = fields.word("need", NEEDS, faults)?;
            let (covers_until, jeugdhulp, onderwijs) = (covers_until?, jeugdhulp?, onderwijs?);
            FactKind::Checked(CheckFact { covers_until, jeugdhulp, onderwijs, need })
        }
        "EpisodeClosed" => FactKind::Closed,
        _ => {
            faults.add(fields.place("kind"), "UNKNOWN_WORD", "is no kind of event; --help lists them");
            return None;
        }
    })
}

/// What a correction says instead; `target` is the kind of event that it corrects, where it is there.
fn patches(fields: &Fields<'_>, target: Option<&str>, faults: &mut Faults) -> Option<Vec<Patch>> {
    let void = fields.get("void");
    if void.is_some_and(|void| !void.is_boolean()) {
        faults.add(fields.place("void"), "NO_BOOLEAN", "must be true or false");
        return None;
    }
    let is_void = void.and_then(Value::as_bool);
    match (is_void, fields.get("set")) {
        (Some(true), None) => Some(vec![Patch::Void]),
        (Some(false), None) => Some(vec![Patch::Stands]),
        (Some(true), Some(_)) => {
            faults.add(fields.place("set"), "ONE_OF", "a fact is void or something else, not both");
            None
        }
        (None, None) => {
            faults.add(fields.place("set"), "REQUIRED", "give the fields that were wrong, or void: true");
            None
        }
        (_, Some(set)) => {
            let set = Fields::of(&fields.place("set"), set, faults)?;
            let patches: Vec<_> = set.fields.keys().map(|name| patch(&set, name, target, faults)).collect();
            if patches.is_empty() {
                faults.add(set.path, "REQUIRED", "give the fields that were wrong");
                return None;
            }
            patches.into_iter().collect()
        }
    }
}

fn patch(set: &Fields<'_>, name: &str, target: Option<&str>, faults: &mut Faults) -> Option<Patch> {
    if name == "effective" {
        return set.day(name, faults).map(Patch::Effective);
    }
    let of: &[&str] = match name {
        "level" => &["BaselineAssessed"],
        "subject" => &["SignalReceived"],
        "covers_until" | "jeugdhulp" | "onderwijs" | "need" => &["FollowUpChecked"],
        "destination" => &["ChildLeft"],
        "scope" => &["ConsentWithdrawn"],
        "verdict" => &["ReferralReviewed"],
        "domain" | "route" => &["ReferralRequested", "CareStarted"],
        _ => &[],
    };
    if of.is_empty() || target.is_some_and(|target| !of.contains(&target)) {
        let advice = "cannot be corrected in this event; void it and record it again";
        faults.add(set.place(name), "NOT_CORRECTABLE", advice);
        return None;
    }
    match name {
        "level" => set.word(name, LEVELS, faults).map(Patch::Baseline),
        "subject" => set.word(name, SUBJECTS, faults).map(Patch::Subject),
        "covers_until" => set.day(name, faults).map(Patch::CoversUntil),
        "jeugdhulp" => set.word(name, STATUSES, faults).map(Patch::Jeugdhulp),
        "onderwijs" => set.word(name, STATUSES, faults).map(Patch::Onderwijs),
        "need" => set.word(name, NEEDS, faults).map(Patch::Need),
        "destination" => set.word(name, DESTINATIONS, faults).map(Patch::Left),
        "scope" => set.word(name, SCOPES, faults).map(Patch::Scope),
        "verdict" => set.word(name, VERDICTS, faults).map(Patch::Verdict),
        "domain" => set.word(name, DOMAINS, faults).map(Patch::Domain),
        _ => set.word(name, ROUTES, faults).map(Patch::Imposed),
    }
}
