//! Routing without the service: what would become of a signal, and what would have become of the signals that were. It calls the same
//! pure functions as the service, so what it says is what the service does.

use std::{
    collections::{BTreeMap, BTreeSet, HashMap},
    fmt,
};

use voordeur_contracts::{
    common::RegistrationScheme,
    intake::{SubmitSignalRequest, centre_reference::Reference, submit_signal_request::Subject},
};
use voordeur_directory::Directory;
use voordeur_eventlog::{Recorded, fold::Unreadable};
use voordeur_kernel::{
    CentreKey, ChildAlias, CommandId, CommitId, GroupKey, OrganisationKey, ProfessionalKey, SafetyLevel,
    SignalId, TaskId, Timestamp,
    identifier::{Identifier, Scheme},
};
use voordeur_routing_domain::{
    ladder::{Ladder, Overrides, urgency},
    plan::{Plan, plan},
    policy::{Look, Policy},
    presence::{Absence, Presence},
    sight::Sight,
    task::{About, By, Change, Command, Request, Requested, Trigger, Wish, decide},
    words::{AskedBy, SubjectKind},
};

use crate::{
    around::{self, Looked, look_at},
    codec::words::Word as _,
    machine::{ChildRecord, TASK_PREFIX, task_event},
    making::ladder_of,
};

/// A task that was made, as its first event tells.
#[derive(Debug, Clone)]
pub struct Past {
    /// Which.
    pub task: TaskId,
    /// When it was made.
    pub at: Timestamp,
    /// Version of the directory it was made with.
    pub directory_version: u64,
    /// Everything else.
    pub requested: Requested,
}

/// Reads the first event of a task; nothing for any other message.
///
/// # Errors
/// Which field cannot be read, never what it holds.
pub fn past(message: &Recorded) -> Result<Option<Past>, Unreadable> {
    if message.subject.prefix() != TASK_PREFIX {
        return Ok(None);
    }
    let (meta, change) = task_event(message)?;
    let Change::Requested(requested) = change else { return Ok(None) };
    let task = TaskId::parse_hex(message.subject.key())
        .map_err(|_| Unreadable::Event("the subject is no task".to_owned()))?;
    let (at, directory_version) = (meta.recorded_at, meta.directory_version);
    Ok(Some(Past { task, at, directory_version, requested: *requested }))
}

impl Past {
    /// The same choice again, by a policy, from what was seen then; nothing when it was made before choices kept that. The directory is the
    /// one it was made with: its calendars, and what it knows of the place.
    #[must_use]
    pub fn again(&self, directory: &Directory, policy: &Policy, overrides: &Overrides) -> Option<Plan> {
        let sight = self.requested.sight.as_ref()?;
        let about = &self.requested.about;
        let ladder = match about.trigger {
            Trigger::Signal(_) | Trigger::EarlierTask { .. } => ladder_of(directory, policy, about),
            Trigger::EpisodeCheck { .. } | Trigger::HandOver { .. } | Trigger::Activity(_) => {
                Ladder::follow_up()
            }
        };
        let calendar = directory.calendar(about.centre.as_str());
        Some(plan(&ladder.with(overrides), &about.domains, about.received_at, sight, calendar.as_ref()))
    }
}

/// Whom a plan turns to first: the people of its first step that finds somebody.
#[must_use]
pub fn first_asked(plan: &Plan) -> Vec<&ProfessionalKey> {
    if let Some((_, sole)) = plan.sole() {
        return vec![sole];
    }
    let chosen = |step: &voordeur_routing_domain::plan::PlanStep| step.candidates.iter().any(|c| c.chosen);
    let step = plan.steps.iter().find(|step| chosen(step));
    step.map(|step| step.candidates.iter().filter(|c| c.chosen).map(|c| &c.professional).collect())
        .unwrap_or_default()
}

/// What is supposed beside the directory.
#[derive(Debug, Clone, Default)]
pub struct Supposed {
    /// People who are away, with who stands in for them.
    pub absent: BTreeMap<ProfessionalKey, Option<ProfessionalKey>>,
    /// Open tasks that people hold.
    pub open_tasks: HashMap<ProfessionalKey, u32>,
    /// Who worked with this child last.
    pub known: Option<ProfessionalKey>,
}

/// What would become of a signal.
#[derive(Debug, Clone)]
pub struct Rehearsal {
    /// What the signal is about, as routing knows it.
    pub about: About,
    /// Every branch that was looked at, in order; none for a safety signal.
    pub looks: Vec<Look>,
    /// The ladder that was found.
    pub ladder: Ladder,
    /// What the choice would see.
    pub sight: Sight,
    /// The task as it would be made: its plan, its first step and its clocks as moments.
    pub requested: Requested,
}

/// Why there is nothing to rehearse.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum NoRehearsal {
    /// A field of the signal.
    Signal {
        /// Which.
        field: &'static str,
        /// What to write.
        what: &'static str,
    },
    /// Somebody is supposed to know the child of a signal that names none.
    KnownWithoutChild,
    /// Nobody catches there.
    NoCoordinator,
    /// A person who is supposed to be something.
    NoSuchPerson(ProfessionalKey),
    /// The task would be refused.
    Refused(String),
}

impl fmt::Display for NoRehearsal {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Self::Signal { field, what } => write!(f, "the signal: {field}: {what}"),
            Self::KnownWithoutChild => f.write_str("the signal is about no child, so nobody knows it"),
            Self::NoCoordinator => f.write_str("the directory has no coordinator for this centre"),
            Self::NoSuchPerson(person) => write!(f, "there is nobody with the key {person} in the directory"),
            Self::Refused(why) => write!(f, "the task would not be made: {why}"),
        }
    }
}

/// What would become of this signal at a moment.
///
/// # Errors
/// Everything for which that cannot be said.
pub fn rehearse(
    directory: &Directory,
    signal: &SubmitSignalRequest,
    at: Timestamp,
    supposed: &Supposed,
    overrides: &Overrides,
) -> Result<Rehearsal, Vec<NoRehearsal>> {
    let named = supposed.absent.iter().flat_map(|(who, stand_in)| [Some(who), stand_in.as_ref()]);
    let named = named.chain([supposed.known.as_ref()]).flatten().chain(supposed.open_tasks.keys());
    let unknown: BTreeSet<_> =
        named.filter(|person| directory.person(person.as_str()).is_none()).cloned().collect();
    let mut faults: Vec<_> = unknown.into_iter().map(NoRehearsal::NoSuchPerson).collect();
    let about = match read_about(directory, signal, at) {
        Ok(about) => Some(about),
        Err(more) => {
            faults.extend(more);
            None
        }
    };
    if supposed.known.is_some() && !matches!(signal.subject, Some(Subject::Child(_)) | None) {
        faults.push(NoRehearsal::KnownWithoutChild);
    }
    let Some(about) = about.filter(|_| faults.is_empty()) else { return Err(faults) };
    let centre = &about.centre;
    let presence = |person: &ProfessionalKey| supposed.presence(person, at);
    let look = |person: &ProfessionalKey, where_to: &CentreKey| -> Looked {
        look_at(directory, presence(person).as_ref(), person, where_to, at)
    };
    let absent = |person: &ProfessionalKey| supposed.absent.contains_key(person);
    let there = around::there(directory, centre, None, at, look, absent)
        .ok_or_else(|| vec![NoRehearsal::NoCoordinator])?;
    let record = ChildRecord { last_holder: supposed.known.clone(), ..ChildRecord::default() };
    let work: Vec<u32> = around::team(directory, centre, directory.local_date(at))
        .map(|(person, _)| supposed.open_tasks.get(&person.key).copied().unwrap_or(0))
        .collect();
    let sight = around::sight(directory, &there, centre, &record, &work, at, look);
    let policy = directory.policy();
    let (_, looks) = policy.trace(&directory.facts(&about));
    let ladder = ladder_of(directory, policy, &about).with(overrides);
    let calendar = directory.calendar(centre.as_str());
    let plan = plan(&ladder, &about.domains, about.received_at, &sight, calendar.as_ref());
    let request = Request {
        id: TaskId::from_bytes([0; 16]),
        about: about.clone(),
        plan,
        sight: Some(sight.clone()),
        linked: Vec::new(),
    };
    let command = Command {
        id: CommandId::from_bytes([0; 16]),
        commit: CommitId::from_bytes([0; 16]),
        by: By::Service,
        seen_version: 0,
        now: at,
        there,
        wish: Wish::Request(Box::new(request)),
    };
    match decide(None, &command, calendar.as_ref()) {
        Ok(Some(Change::Requested(requested))) => {
            Ok(Rehearsal { about, looks, ladder, sight, requested: *requested })
        }
        Ok(_) => Err(vec![NoRehearsal::Refused("nothing happens".to_owned())]),
        Err(refusal) => Err(vec![NoRehearsal::Refused(refusal.to_string())]),
    }
}

impl Supposed {
    /// What somebody would have said: that she is away, for as long as anybody looks ahead.
    fn presence(&self, person: &ProfessionalKey, at: Timestamp) -> Option<Presence> {
        let stand_in = self.absent.get(person)?.clone();
        let until =
            voordeur_routing_domain::presence::horizon(voordeur_routing_domain::presence::horizon(at));
        Some(Presence {
            professional: person.clone(),
            marks: Vec::new(),
            absences: vec![Absence { from: at, until, stand_in }],
            commands: Vec::new(),
            version: 1,
        })
    }
}

/// What routing would come to know of a signal as a source system hands it over. Intake asks for more; what decides about routing is asked
/// for here too.
fn read_about(
    directory: &Directory,
    signal: &SubmitSignalRequest,
    at: Timestamp,
) -> Result<About, Vec<NoRehearsal>> {
    let mut faults = Vec::new();
    let mut wrong = |field, what| faults.push(NoRehearsal::Signal { field, what });
    let organisation = OrganisationKey::parse(&signal.organisation).ok();
    match &organisation {
        None => wrong("organisation", "write the key of a school or childcare organisation of the directory"),
        Some(key) if directory.organisation(key.as_str()).is_none() => {
            wrong("organisation", "is not in the directory");
        }
        Some(_) => {}
    }
    let reference = signal.centre.as_ref().and_then(|centre| centre.reference.as_ref());
    let centre = reference.and_then(|reference| centre_of(directory, reference, at));
    if centre.is_none() {
        wrong("centre", "write the key of a centre of the directory, or one of its registrations");
    }
    let subject = match &signal.subject {
        Some(Subject::Child(child)) => {
            Some((SubjectKind::Child, Some(ChildAlias::from_bytes([0; 16])), &*child.group))
        }
        Some(Subject::Group(group)) => Some((SubjectKind::Group, None, &*group.group)),
        Some(Subject::Consult(_)) => Some((SubjectKind::Consult, None, "")),
        None => {
            wrong("subject", "write child, group or consult");
            None
        }
    };
    let mut group = None;
    // Which groups there are is known with the centre.
    if let (Some((_, _, key)), Some(centre)) = (subject, &centre)
        && !key.is_empty()
    {
        group = GroupKey::parse(key).ok().filter(|_| directory.group(centre.as_str(), key).is_some());
        if group.is_none() {
            wrong("group", "is no group of this centre");
        }
    }
    let domains: Option<Box<[_]>> =
        signal.domains.iter().map(|domain| voordeur_kernel::ConcernDomain::of(*domain)).collect();
    let domains = domains.filter(|domains| !domains.is_empty());
    if domains.is_none() {
        wrong("domains", "name 1-3 domains");
    }
    let safety = SafetyLevel::of(signal.safety);
    if safety.is_none() {
        wrong("safety", "write SAFETY_LEVEL_NONE, SAFETY_LEVEL_STRUCTURAL or SAFETY_LEVEL_ACUTE");
    }
    let severity = u8::try_from(signal.severity).ok();
    let rated = severity.is_some_and(|severity| (1..=5).contains(&severity));
    if !rated && !safety.is_some_and(SafetyLevel::is_safety) {
        wrong("severity", "give 1-5");
    }
    let (Some(centre), Some((subject, child, _)), Some(domains), Some(safety), Some(severity), true) =
        (centre, subject, domains, safety, severity, faults.is_empty())
    else {
        return Err(faults);
    };
    Ok(About {
        trigger: Trigger::Signal(SignalId::from_bytes([0; 16])),
        organisation,
        centre,
        child,
        group,
        subject,
        domains,
        severity,
        safety,
        urgency: urgency(safety, subject, signal.urgent),
        answer_wanted: signal.answer_wanted,
        asked_by: AskedBy::of(signal.asked_by),
        received_at: at,
        name_may_be_shared: false,
    })
}

fn centre_of(directory: &Directory, reference: &Reference, at: Timestamp) -> Option<CentreKey> {
    match reference {
        Reference::Key(key) => directory.centre(key).map(|centre| centre.key.clone()),
        Reference::Registration(registration) => {
            let wire = RegistrationScheme::try_from(registration.scheme).ok()?;
            let scheme = Scheme::by_name(wire.as_str_name().strip_prefix("REGISTRATION_SCHEME_")?)?;
            let identifier = Identifier::parse(scheme, &registration.value).ok()?;
            directory.centre_by_registration(&identifier, at).map(|centre| centre.key.clone())
        }
    }
}

#[cfg(test)]
mod tests {
    use prost::Message as _;
    use voordeur_contracts::{
        common,
        event::{TaskEvent, task_event::Change as Wire},
        intake::{CentreReference, GroupSubject},
    };
    use voordeur_eventlog::Subject as StreamSubject;
    use voordeur_routing_domain::task::{Actor, Meta, evolve};

    use super::*;
    use crate::write_task;

    const SUBJECT: &str = "voordeur.task.v1.0123456789abcdef0123456789abcdef";

    fn sample() -> Directory {
        Directory::parse(include_str!("../../../deploy/directory/voorbeeld.toml")).unwrap().0
    }

    /// The first event of a task of the sample, as it is stored.
    fn made(directory: &Directory) -> (Rehearsal, TaskEvent) {
        let signal = SubmitSignalRequest {
            organisation: "kinderopvang-de-wilg".to_owned(),
            centre: Some(CentreReference { reference: Some(Reference::Key("de-wilg".to_owned())) }),
            subject: Some(Subject::Group(GroupSubject { group: "vossen".to_owned() })),
            domains: vec![common::ConcernDomain::SpraakTaal.into()],
            severity: 3,
            safety: common::SafetyLevel::None.into(),
            ..SubmitSignalRequest::default()
        };
        let at = "2026-11-24T14:00:00Z".parse().unwrap();
        let rehearsal =
            rehearse(directory, &signal, at, &Supposed::default(), &Overrides::default()).unwrap();
        let meta = Meta {
            recorded_at: at,
            actor: Actor::Service("routing".to_owned()),
            command: CommandId::from_bytes([2; 16]),
            commit: CommitId::from_bytes([1; 16]),
            directory_version: 7,
            ordinal: 1,
        };
        let change = Change::Requested(Box::new(rehearsal.requested.clone()));
        let after = evolve(None, TaskId::parse_hex(&SUBJECT[17..]).unwrap(), &meta, &change).unwrap();
        let event = TaskEvent::decode(&*write_task(&meta, &change, &after)).unwrap();
        (rehearsal, event)
    }

    fn recorded(subject: &str, event: &TaskEvent) -> Recorded {
        Recorded {
            subject: StreamSubject::parse(subject).unwrap(),
            sequence: 1,
            stored_at: Timestamp::UNIX_EPOCH,
            commit: Some(CommitId::from_bytes([1; 16])),
            kind: String::new(),
            data: event.encode_to_vec().into(),
            headers: [].into(),
        }
    }

    #[test]
    fn a_stored_choice_comes_out_the_same_again_and_another_policy_may_say_otherwise() {
        let directory = sample();
        let (rehearsal, event) = made(&directory);
        let past = past(&recorded(SUBJECT, &event)).unwrap().unwrap();
        assert_eq!((past.task.to_hex().as_str(), past.directory_version), (&SUBJECT[17..], 7));
        let again = |policy: &Policy| past.again(&directory, policy, &Overrides::default()).unwrap();
        assert_eq!(again(directory.policy()), rehearsal.requested.plan);
        assert_eq!(again(directory.policy()).branch, ["root", "opvang", "taal-en-motoriek"]);
        let other = again(&Policy::built_in());
        assert_eq!((other.branch, other.ladder.as_str()), (vec!["root".to_owned()], "regular"));
    }

    #[test]
    fn a_task_from_before_choices_kept_what_they_saw_is_read_and_not_made_again() {
        let directory = sample();
        let (_, mut event) = made(&directory);
        let Some(Wire::Requested(requested)) = &mut event.change else { panic!("{event:?}") };
        requested.sight = None;
        let past = past(&recorded(SUBJECT, &event)).unwrap().unwrap();
        assert_eq!(past.again(&directory, directory.policy(), &Overrides::default()), None);
    }

    #[test]
    fn only_the_first_event_of_a_task_tells_a_choice() {
        let (_, event) = made(&sample());
        assert!(past(&recorded("voordeur.presence.v1.noor", &event)).unwrap().is_none());
        let mut later = event.clone();
        later.change = Some(Wire::Linked(voordeur_contracts::event::TaskLinked { task: vec![3; 16].into() }));
        assert!(past(&recorded(SUBJECT, &later)).unwrap().is_none());
        let mut damaged = event;
        damaged.meta = None;
        assert!(past(&recorded(SUBJECT, &damaged)).is_err());
    }
}
