//! What the worklist asks: seal a text, open the details behind a task.

use std::{
    collections::{HashMap, VecDeque},
    sync::{Mutex, PoisonError},
};

use jiff::SignedDuration;
use prost::Message as _;
use voordeur_chassis::{Identity, Problem};
use voordeur_contracts::{
    common::{SealedText, TextPurpose},
    event::{
        ActivityEvent, AuditObjectType, TaskEvent, TaskStanding, TaskState, activity_event::Change,
        task_trigger::Source,
    },
    intake::{RevealDetailsRequest, RevealDetailsResponse, SealTextRequest, SealTextResponse, SignalDetails},
};
use voordeur_directory::{Directory, Person};
use voordeur_eventlog::{Deadline, Recorded, StreamName, Subject};
use voordeur_intake_domain::{
    access::{Access, TaskAtHand, Viewer, decide},
    life::Actor,
};
use voordeur_kernel::{
    CentreKey, ErrorKind, Faults, ProfessionalKey, SignalId, TaskId, Timestamp, limits,
    text::{Text, holds_bsn},
};

use super::{
    Intake,
    problem::{check_key, vault_problem},
};
use crate::{
    audit::Look,
    codec,
    machine::{Kept, subject_of},
    submit::directory_away,
};

/// Emergency looks of the last hour, in this replica.
#[derive(Debug, Default)]
pub(crate) struct Emergencies {
    per_hour: usize,
    looks: Mutex<HashMap<ProfessionalKey, VecDeque<Timestamp>>>,
}

impl Emergencies {
    pub(crate) fn new(per_hour: usize) -> Self {
        Self { per_hour, looks: Mutex::default() }
    }

    /// Notes one, unless there were too many.
    fn admit(&self, person: &ProfessionalKey, now: Timestamp) -> bool {
        let mut looks = self.looks.lock().unwrap_or_else(PoisonError::into_inner);
        let mine = looks.entry(person.clone()).or_default();
        while mine.front().is_some_and(|look| now.duration_since(*look) > SignedDuration::from_hours(1)) {
            mine.pop_front();
        }
        let admitted = mine.len() < self.per_hour;
        if admitted {
            mine.push_back(now);
        }
        admitted
    }
}

impl Intake {
    pub(super) async fn seal_text(
        &self,
        caller: &Identity,
        request: SealTextRequest,
        deadline: Deadline,
    ) -> Result<SealTextResponse, Problem> {
        let person = self.person(caller)?;
        let directory = self.directory.current().map_err(|_| directory_away())?;
        let mut faults = Faults::new();
        let of = match (request.task_id.as_str(), request.centre.as_str()) {
            ("", "") => {
                faults.add("task_id", "REQUIRED", "give the task or the centre that the text is for");
                None
            }
            ("", centre) => faults.take("centre", "NOT_A_KEY", CentreKey::parse(centre)).map(Of::Floor),
            (task, "") => faults.take("task_id", "BAD_ID", task.parse()).map(Of::Task),
            _ => {
                faults.add("centre", "NOT_BOTH", "give either task_id or centre");
                None
            }
        };
        let purpose = TextPurpose::try_from(request.purpose).ok().filter(|purpose| {
            matches!(purpose, TextPurpose::Answer | TextPurpose::Reason | TextPurpose::Note)
        });
        if purpose.is_none() {
            faults.add("purpose", "BAD_PURPOSE", "give answer, reason or note");
        }
        let text = Text::<{ limits::TEXT_CHARS_MAX }>::parse(&request.text);
        let text = text.map_err(|error| faults.add("text", error.reason(), error.to_string())).ok();
        if text.as_ref().is_some_and(|text| holds_bsn(text.as_str(), |n| directory.is_known_lrk(n))) {
            faults.add("text", "BSN", "holds a number that could be a BSN; leave it out (UAVG art. 46)");
        }
        if !request.idempotency_key.is_empty() {
            check_key("idempotency_key", &request.idempotency_key, &mut faults);
        }
        if matches!(of, Some(Of::Floor(_))) && purpose.is_some_and(|purpose| purpose != TextPurpose::Note) {
            faults.add("purpose", "BAD_PURPOSE", "give note for work on the floor");
        }
        let parts = of.zip(purpose).zip(text);
        let ((of, purpose), text) = faults.finish(parts).map_err(Problem::invalid)?;
        let owner = match of {
            Of::Task(task) => {
                let standing = self.task(task, deadline).await?;
                if !works_on(&directory, person.key.as_str(), &standing) {
                    return Err(Problem::not_found("task"));
                }
                *task.as_bytes()
            }
            Of::Floor(centre) => {
                if !directory.works_at(person.key.as_str(), centre.as_str()) {
                    return Err(Problem::not_found("centre"));
                }
                self.deriver.floor_owner(&centre)
            }
        };
        let text = text.as_str().as_bytes();
        let sealed = if request.idempotency_key.is_empty() {
            self.vault.seal(purpose, &owner, text, deadline).await
        } else {
            let act = format!("person:{} {}", person.key, request.idempotency_key);
            self.vault.seal_repeatably(&act, purpose, &owner, text, deadline).await
        };
        Ok(SealTextResponse { sealed: Some(sealed.map_err(vault_problem)?) })
    }

    pub(super) async fn reveal(
        &self,
        caller: &Identity,
        request: RevealDetailsRequest,
        deadline: Deadline,
    ) -> Result<RevealDetailsResponse, Problem> {
        let person = self.person(caller)?;
        let (task, emergency) = parse_reveal(&request)?;
        let standing = self.task(task, deadline).await?;
        let source = self.source_of(&standing, deadline).await?;
        let signal = match &source {
            Some(Source::Signal(signal)) => signal,
            Some(Source::Activity(activity)) => {
                let wanted = Wanted { person: &person, task, standing: &standing, emergency };
                return self.reveal_step(wanted, activity, deadline).await;
            }
            _ => return Err(Problem::refused("NO_DETAILS", "this task has no signal behind it")),
        };
        let signal = SignalId::parse_bytes(signal).map_err(|_| Problem::broken("a task names no signal"))?;
        let kept = self.signal_of_task(signal, deadline).await?;
        let wanted = Wanted { person: &person, task, standing: &standing, emergency };
        let emergency = self.admit(wanted, Some(&kept), deadline).await?;
        let sealed = codec::event::sealed_text(&kept.signal.received.details);
        let text = self.vault.open(&sealed, TextPurpose::SignalDetails, signal.as_bytes(), deadline).await;
        let text = text.map_err(vault_problem)?;
        let details = SignalDetails::decode(text.as_slice())
            .map_err(|_| Problem::broken("the details of a signal cannot be read"))?;
        Ok(RevealDetailsResponse {
            details: Some(details),
            signal_id: signal.to_string(),
            emergency,
            agreed_step: String::new(),
        })
    }

    /// Opens the step that was agreed on the floor, behind the task of its look-back.
    async fn reveal_step(
        &self,
        wanted: Wanted<'_>,
        activity: &[u8],
        deadline: Deadline,
    ) -> Result<RevealDetailsResponse, Problem> {
        let centre = CentreKey::parse(&wanted.standing.centre).map_err(|_| unreadable_task())?;
        let subject = Subject::of(ACTIVITY_PREFIX, centre.as_str()).map_err(|_| unreadable_task())?;
        let history = self.episodes.history(&subject, 0, deadline).await?;
        let Some(step) = step_of(activity, &history) else {
            return Err(Problem::refused("NO_DETAILS", "no step was agreed with this activity"));
        };
        let emergency = self.admit(wanted, None, deadline).await?;
        let owner = self.deriver.floor_owner(&centre);
        let text =
            self.vault.open(&step, TextPurpose::Note, &owner, deadline).await.map_err(vault_problem)?;
        let agreed_step =
            String::from_utf8(text.to_vec()).map_err(|_| Problem::broken("an agreed step cannot be read"))?;
        Ok(RevealDetailsResponse { details: None, signal_id: String::new(), emergency, agreed_step })
    }

    /// May she see it? Yes or no, it is on record when this returns; `true` for emergency access.
    async fn admit(
        &self,
        wanted: Wanted<'_>,
        kept: Option<&Kept>,
        deadline: Deadline,
    ) -> Result<bool, Problem> {
        let Wanted { person, task, standing, emergency } = wanted;
        let access = match self.access(person, standing, emergency.is_some())? {
            Access::Emergency if !self.emergencies.admit(&person.key, self.clock.now()) => {
                Access::Refused("TOO_MANY_EMERGENCIES")
            }
            other => other,
        };
        let reason = match (&emergency, access) {
            // Also what was refused keeps its reason: it is looked at afterwards.
            (Some(reason), Access::Emergency | Access::Refused(_)) => {
                let purpose = TextPurpose::BreakGlassReason;
                let sealed = self.vault.seal(purpose, task.as_bytes(), reason.as_str().as_bytes(), deadline);
                Some(sealed.await.map_err(vault_problem)?)
            }
            _ => None,
        };
        self.audit.record(look(person, task, kept, access, reason), deadline).await?;
        if let Access::Refused(reason) = access {
            let message = "only who holds the task may see this, or its coordinator while nobody does";
            return Err(match reason {
                "TOO_MANY_EMERGENCIES" => Problem::new(
                    ErrorKind::TooMuch,
                    reason,
                    "you used emergency access too often in this hour; call the coordinator",
                ),
                _ => Problem::not_allowed(reason, message),
            });
        }
        if access == Access::Emergency {
            tracing::warn!(centre = standing.centre, "emergency access to the details of a task");
        }
        Ok(access == Access::Emergency)
    }

    /// The person who calls, as the directory knows her.
    fn person(&self, caller: &Identity) -> Result<Person, Problem> {
        let directory = self.directory.current().map_err(|_| directory_away())?;
        let Identity::Person(key) = caller else {
            return Err(Problem::not_allowed("NOT_A_PERSON", "only a person may do this"));
        };
        match directory.person(key.as_str()) {
            Some(person) if person.role.holds_tasks() => Ok(person.clone()),
            _ => Err(Problem::not_allowed(
                "NOT_OF_THE_TEAM",
                "only professionals and coordinators may do this",
            )),
        }
    }

    /// Where a task stands, from its newest event at the leader: not from anything that may lie behind.
    async fn task(&self, task: TaskId, deadline: Deadline) -> Result<TaskStanding, Problem> {
        let prefix = StreamName::Tasks.prefixes().first().copied().unwrap_or_default();
        let subject = Subject::of(prefix, &task.to_hex()).map_err(|_| Problem::not_found("task"))?;
        let newest = self.tasks.last(&subject, deadline).await?.ok_or_else(|| Problem::not_found("task"))?;
        let event = TaskEvent::decode(newest.data).map_err(|_| unreadable_task())?;
        event.standing.ok_or_else(unreadable_task)
    }

    /// What asked for the work: behind more work on a task that has ended, what asked for that one. Whether somebody may see it is decided
    /// by the task at hand.
    async fn source_of(
        &self,
        standing: &TaskStanding,
        deadline: Deadline,
    ) -> Result<Option<Source>, Problem> {
        let mut source = standing.trigger.clone().and_then(|trigger| trigger.source);
        for _ in 0..CONTINUED_MAX {
            let Some(Source::EarlierTask(earlier)) = &source else { return Ok(source) };
            let earlier =
                TaskId::parse_bytes(earlier).map_err(|_| Problem::broken("a task names no earlier task"))?;
            let standing = self.task(earlier, deadline).await?;
            source = standing.trigger.and_then(|trigger| trigger.source);
        }
        Ok(None)
    }

    async fn signal_of_task(&self, signal: SignalId, deadline: Deadline) -> Result<Kept, Problem> {
        let subject = subject_of(signal).map_err(|_| Problem::broken("a task names no signal"))?;
        let held = self.fold.load(&subject, deadline).await?;
        held.map(|held| Kept::clone(&held.state)).ok_or_else(|| Problem::not_found("signal"))
    }

    fn access(&self, person: &Person, standing: &TaskStanding, emergency: bool) -> Result<Access, Problem> {
        let directory = self.directory.current().map_err(|_| directory_away())?;
        let named = |key: &'_ String| (!key.is_empty()).then(|| key.clone());
        let (holder, coordinator) = (named(&standing.holder), named(&standing.coordinator));
        let task = TaskAtHand {
            holder: holder.as_deref(),
            coordinator: coordinator.as_deref(),
            void: matches!(standing.state(), TaskState::Cancelled | TaskState::EnteredInError),
        };
        let viewer = Viewer {
            key: person.key.as_str(),
            works_there: works_on(&directory, person.key.as_str(), standing),
            emergency,
        };
        Ok(decide(task, viewer))
    }
}

/// Is she of the centre, or does she hold the task by an arrangement with a neighbour?
fn works_on(directory: &Directory, person: &str, standing: &TaskStanding) -> bool {
    directory.may_see_work(person, &standing.centre, || standing.holder == person)
}

/// How often work can be continued before nobody looks further back for what asked for it.
const CONTINUED_MAX: usize = 100;

/// What a text is sealed for.
enum Of {
    /// A task.
    Task(TaskId),
    /// Work on the floor of a centre.
    Floor(CentreKey),
}

/// Histories of work on the floor, which escalation owns.
const ACTIVITY_PREFIX: &str = "voordeur.activity.v1";

/// Who wants to see what is behind a task.
struct Wanted<'a> {
    person: &'a Person,
    task: TaskId,
    standing: &'a TaskStanding,
    emergency: Option<Reason>,
}

/// Reason in words of an emergency.
type Reason = Text<500>;

fn parse_reveal(request: &RevealDetailsRequest) -> Result<(TaskId, Option<Reason>), Problem> {
    let mut faults = Faults::new();
    let task = request.task_id.parse::<TaskId>().ok();
    if task.is_none() {
        faults.add("task_id", "BAD_ID", "give tsk_ and 32 hexadecimal digits");
    }
    let reason = request.break_glass.as_ref().and_then(|glass| match Reason::parse(&glass.reason) {
        Ok(reason) if reason.as_str().chars().count() >= 10 => Some(reason),
        Ok(_) => {
            faults.add("break_glass.reason", "TOO_SHORT", "say why in 10-500 characters");
            None
        }
        Err(error) => {
            faults.add("break_glass.reason", error.reason(), error.to_string());
            None
        }
    });
    faults.finish(task.map(|task| (task, reason))).map_err(Problem::invalid)
}

fn unreadable_task() -> Problem {
    Problem::unavailable(
        "HISTORY_FROZEN",
        "the task holds an event that this release cannot read; tell the operator",
    )
}

/// The step that was agreed with an activity, as it was said last.
fn step_of(activity: &[u8], history: &[Recorded]) -> Option<SealedText> {
    let mut step = None;
    for message in history {
        // One that this release cannot read says nothing that it could open.
        let Ok(event) = ActivityEvent::decode(message.data.clone()) else { continue };
        let said = match event.change {
            Some(Change::Noted(noted)) if noted.activity == activity => Some(noted),
            Some(Change::Corrected(corrected)) if corrected.activity == activity => corrected.instead,
            _ => None,
        };
        step = said.and_then(|noted| noted.agreed_step).or(step);
    }
    step
}

fn look(
    person: &Person,
    task: TaskId,
    kept: Option<&Kept>,
    access: Access,
    emergency: Option<SealedText>,
) -> Look {
    let permission = kept.and_then(|kept| kept.signal.received.permission.as_ref());
    Look {
        case: task.to_hex(),
        activity: "reveal-details",
        actor: Actor::Person(person.key.clone(), person.role),
        asker: None,
        object: *task.as_bytes(),
        object_type: AuditObjectType::Task,
        child: kept.and_then(|kept| kept.signal.received.child),
        allowed: !matches!(access, Access::Refused(_)),
        emergency,
        in_care: matches!(access, Access::Holder | Access::Coordinator),
        consent: permission.is_some_and(|permission| !permission.consents.is_empty()),
        consent_profile: permission.map(|permission| permission.processing_basis.clone()).unwrap_or_default(),
    }
}
