//! The decision: may this be done, and what does it change?

use voordeur_kernel::{CommandId, CommitId, ProfessionalKey, Role, TaskId, Timestamp};

use super::{
    About, Cancellation, Change, Colleague, Deadline, Done, LINKED_MAX, Refusal, Requested, Route, Sealed,
    StepKind, StepTaken, Task, TaskState,
    deadlines::Clockwork,
    step::Taking,
    table::{self, Who},
};
use crate::{
    calendar::Calendar,
    plan::Plan,
    words::{
        AnswerStatus, AssignReason, Audience, CancelReason, ClockKind, ContactKind, ContactWith,
        DeclineReason, ErrorReason, FailReason, HandBackReason, HoldReason, SubjectKind, TaskOutcome,
    },
};

/// Who asks; what she may comes from the directory and from the task.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum By {
    /// The service itself.
    Service,
    /// A person.
    Person {
        /// Who.
        key: ProfessionalKey,
        /// A registered professional of the centre.
        professional: bool,
        /// The coordinator of the centre.
        coordinator: bool,
    },
}

impl By {
    /// What she is to a task.
    #[must_use]
    pub fn is(&self, task: &Task) -> Who {
        let Self::Person { key, professional, coordinator } = self else { return Who::SERVICE };
        let mut who = Who::NOBODY;
        if task.holder.as_ref() == Some(key) {
            who = who.or(Who::HOLDER);
        }
        if task.offers.iter().any(|o| o.professional == *key && o.role != Role::Coordinator) {
            who = who.or(Who::OFFERED);
        }
        if *coordinator {
            who = who.or(Who::COORDINATOR);
        }
        if *professional {
            who = who.or(Who::PROFESSIONAL);
        }
        who
    }
}

/// Who is there at this moment.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct There {
    /// Registered professionals present at the centre.
    pub present: Vec<ProfessionalKey>,
    /// The coordinator of the centre; where there are several, one who is there.
    pub coordinator: ProfessionalKey,
    /// Somebody said that the coordinator is absent.
    pub coordinator_absent: bool,
    /// Every coordinator of the centre.
    pub coordinators: Vec<ProfessionalKey>,
    /// Version of the directory that says so.
    pub directory_version: u64,
}

impl There {
    /// Can she be told something now? Nobody off duty is alerted.
    fn reaches(&self, person: &ProfessionalKey) -> bool {
        if *person == self.coordinator { !self.coordinator_absent } else { self.present.contains(person) }
    }
}

/// What a new task is made of.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Request {
    /// Its id, derived from its trigger.
    pub id: TaskId,
    /// What it is about.
    pub about: About,
    /// Its plan; frozen from here on.
    pub plan: Plan,
    /// Earlier tasks on the same child, newest first.
    pub linked: Vec<TaskId>,
}

/// What is asked for.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum Wish {
    /// Make the task.
    Request(Box<Request>),
    /// I take it.
    Accept,
    /// I don't take it.
    Decline(DeclineReason),
    /// She is not there any more: her offer goes on to others.
    GoneAbsent(ProfessionalKey),
    /// Give it to somebody. That she may hold it was checked with the directory.
    Assign(ProfessionalKey, AssignReason),
    /// I give it back.
    HandBack(HandBackReason),
    /// It waits until a date.
    Hold(HoldReason, Timestamp),
    /// It goes on.
    Resume,
    /// Contact was made or tried.
    RecordContact {
        /// How.
        kind: ContactKind,
        /// With whom.
        with: ContactWith,
        /// Was somebody reached?
        reached: bool,
    },
    /// It is done; the asker hears, when there is one.
    Answer {
        /// What it came to.
        outcome: TaskOutcome,
        /// What she hears; needed when somebody asked, and only then.
        status: Option<AnswerStatus>,
        /// An advice, sealed.
        advice: Option<Sealed>,
    },
    /// Ask a colleague along.
    AskColleague(Colleague),
    /// It should end.
    RequestCancellation(CancelReason),
    /// Yes or no to that.
    DecideCancellation(bool),
    /// I can't.
    Fail(FailReason),
    /// It should never have been there.
    MarkEnteredInError(ErrorReason),
    /// A deadline passed. A stale one changes nothing.
    DeadlinePassed(Deadline),
    /// Another task on the same child came after this one.
    Link(TaskId),
    /// Whoever the directory names as coordinator catches it, when it stands at somebody who is that no more.
    FollowDirectory,
}

impl Wish {
    /// The kind of step in the table; `None` for a deadline, whose kind depends on its clock.
    #[must_use]
    pub const fn kind(&self) -> Option<StepKind> {
        Some(match self {
            Self::Request(_) => StepKind::Request,
            Self::Accept => StepKind::Accept,
            Self::Decline(_) | Self::GoneAbsent(_) => StepKind::Decline,
            Self::Assign(..) => StepKind::Assign,
            Self::HandBack(_) => StepKind::HandBack,
            Self::Hold(..) => StepKind::Hold,
            Self::Resume => StepKind::Resume,
            Self::RecordContact { .. } => StepKind::RecordContact,
            Self::Answer { .. } => StepKind::Answer,
            Self::AskColleague(_) => StepKind::AskColleague,
            Self::RequestCancellation(_) => StepKind::RequestCancellation,
            Self::DecideCancellation(_) => StepKind::DecideCancellation,
            Self::Fail(_) => StepKind::Fail,
            Self::MarkEnteredInError(_) => StepKind::MarkEnteredInError,
            Self::DeadlinePassed(_) => return None,
            Self::Link(_) => StepKind::Link,
            Self::FollowDirectory => StepKind::ReplaceCoordinator,
        })
    }
}

/// A command: an act with everything the decision needs.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Command {
    /// The act.
    pub id: CommandId,
    /// The act with its content.
    pub commit: CommitId,
    /// Who asks.
    pub by: By,
    /// The version that the person saw; 0: not compared.
    pub seen_version: u32,
    /// When.
    pub now: Timestamp,
    /// Who is there.
    pub there: There,
    /// What is asked for.
    pub wish: Wish,
}

/// Decides; `None` when there is nothing to store (a repeated act, a stale deadline).
///
/// # Errors
/// Why not; nothing changes.
pub fn decide(
    task: Option<&Task>,
    command: &Command,
    calendar: &dyn Calendar,
) -> Result<Option<Change>, Refusal> {
    let Some(task) = task else {
        return match &command.wish {
            Wish::Request(request) => Ok(Some(make(request, command, calendar))),
            _ => Err(Refusal::NotThere),
        };
    };
    if let Some(done) = task.knows(command.id) {
        let same = done == Done::new(command.id, command.commit);
        return if same { Ok(None) } else { Err(Refusal::KeyReused) };
    }
    if command.seen_version != 0 && command.seen_version != task.version {
        return Err(Refusal::VersionChanged { now: task.version });
    }
    match (&command.wish, command.wish.kind()) {
        // It was made before, by another replica or an earlier delivery.
        (Wish::Request(_), _) | (_, None) if command.by != By::Service => {
            Err(Refusal::NotForYou { who: Who::SERVICE })
        }
        (Wish::Request(_), _) => Ok(None),
        (Wish::DeadlinePassed(deadline), _) => Ok(pass(task, *deadline, command, calendar)),
        (_, Some(kind)) => {
            permit(task, kind, command)?;
            step(task, command, calendar)
        }
        (_, None) => Ok(None),
    }
}

/// Asks the table.
fn permit(task: &Task, kind: StepKind, command: &Command) -> Result<(), Refusal> {
    let who = command.by.is(task);
    match table::row(Some(task.state), kind) {
        Some(row) if row.who.any_of(who) => Ok(()),
        Some(_) if kind == StepKind::Decline && who.any_of(Who::COORDINATOR) => {
            Err(Refusal::CoordinatorCatches)
        }
        Some(row) => Err(Refusal::NotForYou { who: row.who }),
        None if kind == StepKind::Accept && task.holder.is_some() && !who.any_of(Who::HOLDER) => {
            Err(Refusal::AlreadyTaken)
        }
        None => {
            Err(Refusal::NotNow { state: task.state, allowed: table::allowed(task.state, who).collect() })
        }
    }
}

fn make(request: &Request, command: &Command, calendar: &dyn Calendar) -> Change {
    let route = Route::from(&request.plan);
    let Request { about, plan, .. } = request;
    let first_step = match plan.sole() {
        Some((index, person)) => StepTaken {
            step: u32::try_from(index).unwrap_or(u32::MAX),
            skipped: (0..u32::try_from(index).unwrap_or(0)).collect(),
            offers: Vec::new(),
            assigned_to: Some(person.clone()),
            respond_by: None,
        },
        None => {
            let spared = |_: &ProfessionalKey| false;
            let taking =
                Taking { route: &route, there: &command.there, spared: &spared, now: command.now, calendar };
            taking.take(0)
        }
    };
    let clocks = Clockwork::start(&route, about, calendar);
    let clocks = if first_step.assigned_to.is_some() { clocks.taken() } else { clocks };
    let deadlines = clocks.step(&route, &first_step, 0).done();
    let linked = request.linked.iter().copied().take(LINKED_MAX).collect();
    Change::Requested(Box::new(Requested {
        about: about.clone(),
        coordinator: command.there.coordinator.clone(),
        plan: plan.clone(),
        first_step,
        linked,
        deadlines,
    }))
}

/// A step that the table permits.
fn step(task: &Task, command: &Command, calendar: &dyn Calendar) -> Result<Option<Change>, Refusal> {
    let now = command.now;
    let clocks = || Clockwork::of(&task.deadlines);
    let change = match &command.wish {
        Wish::Accept => {
            let By::Person { key, .. } = &command.by else {
                return Err(Refusal::NotForYou { who: Who::OFFERED });
            };
            let deadlines = clocks().taken().done();
            Change::Accepted { professional: key.clone(), rescinded: others(task, key), deadlines }
        }
        Wish::Decline(reason) => {
            let By::Person { key, .. } = &command.by else {
                return Err(Refusal::NotForYou { who: Who::OFFERED });
            };
            declined(task, key, *reason, command, calendar)
        }
        Wish::GoneAbsent(person) => {
            let pending =
                task.offers.iter().any(|o| o.professional == *person && o.role != Role::Coordinator);
            if !pending {
                return Ok(None);
            }
            declined(task, person, DeclineReason::NotPresent, command, calendar)
        }
        Wish::Assign(person, reason) => {
            if task.holder.as_ref() == Some(person) && task.state != TaskState::Failed {
                return Err(Refusal::HeldAlready);
            }
            let deadlines = clocks().taken().done();
            Change::Assigned {
                professional: person.clone(),
                reason: *reason,
                rescinded: others(task, person),
                deadlines,
            }
        }
        Wish::HandBack(reason) => {
            let spared = |person: &ProfessionalKey| task.holder.as_ref() == Some(person);
            let next_step =
                Taking { route: &task.route, there: &command.there, spared: &spared, now, calendar }.catch();
            let accept = calendar.after(now, task.route.clocks().accept);
            let clocks = clocks().without(&[ClockKind::Hold]).with(ClockKind::Accept, accept, 0);
            let deadlines = clocks.step(&task.route, &next_step, 0).done();
            Change::HandedBack { reason: *reason, next_step, deadlines }
        }
        Wish::Hold(reason, until) => {
            if *until <= now {
                return Err(Refusal::DateNotAhead);
            }
            let deadlines = clocks().with(ClockKind::Hold, *until, 0).done();
            Change::Held { reason: *reason, until: *until, deadlines }
        }
        Wish::Resume => Change::Resumed { deadlines: clocks().without(&[ClockKind::Hold]).done() },
        Wish::RecordContact { kind, with, reached } => {
            let clocks = if *reached { clocks().without(&[ClockKind::FirstContact]) } else { clocks() };
            Change::ContactRecorded {
                kind: *kind,
                with: *with,
                reached: *reached,
                at: now,
                deadlines: clocks.done(),
            }
        }
        Wish::Answer { outcome, status, advice } => {
            let asked = task.about.trigger.has_asker();
            if asked && status.is_none() {
                return Err(Refusal::StatusNeeded);
            }
            if asked && *outcome == TaskOutcome::Done {
                return Err(Refusal::NotAnOutcomeOfASignal);
            }
            if !asked && (status.is_some() || advice.is_some()) {
                return Err(Refusal::NobodyAsked);
            }
            Change::Answered { outcome: *outcome, status: *status, advice: advice.clone() }
        }
        Wish::AskColleague(colleague) => {
            if colleague.with_name && task.about.subject != SubjectKind::Child {
                return Err(Refusal::NoChildToName);
            }
            // Consent is for sharing with the embedded professional; nothing that people can consent to covers other roles.
            let covered = task.about.name_may_be_shared && colleague.role == Role::Professional;
            if colleague.with_name && !covered {
                return Err(Refusal::NameNotCovered);
            }
            if task.colleagues.contains(colleague) {
                return Ok(None);
            }
            Change::ColleagueAsked(colleague.clone())
        }
        Wish::RequestCancellation(reason) => {
            if task.cancellation.is_some_and(|pending| pending.next.is_some()) {
                return Ok(None);
            }
            let deadlines = clocks().without(&[ClockKind::Offer, ClockKind::SafetyRepeat]).done();
            Change::CancellationRequested { reason: *reason, deadlines }
        }
        Wish::DecideCancellation(confirmed) => Change::CancellationDecided {
            confirmed: *confirmed,
            coordinator: in_force(task, &command.there).clone(),
            deadlines: if *confirmed { Vec::new() } else { go_on(task, now) },
        },
        Wish::Fail(reason) => {
            let coordinator = command.there.coordinator.clone();
            let deadlines = clocks().without(&[ClockKind::Hold]).done();
            Change::Failed { reason: *reason, coordinator, deadlines }
        }
        Wish::MarkEnteredInError(reason) => Change::EnteredInError { reason: *reason },
        Wish::Link(other) => {
            if task.linked.contains(other) || *other == task.id {
                return Ok(None);
            }
            Change::Linked { task: *other }
        }
        Wish::FollowDirectory => {
            let there = &command.there;
            // Who decides with an older directory than the one that named her, knows less.
            if there.directory_version <= task.coordinator_by || *in_force(task, there) == task.coordinator {
                return Ok(None);
            }
            Change::CoordinatorReplaced { coordinator: there.coordinator.clone() }
        }
        Wish::Request(_) | Wish::DeadlinePassed(_) => return Ok(None),
    };
    Ok(Some(change))
}

/// The coordinator of a task, or whoever took her place.
fn in_force<'a>(task: &'a Task, there: &'a There) -> &'a ProfessionalKey {
    if there.coordinators.contains(&task.coordinator) { &task.coordinator } else { &there.coordinator }
}

/// Clocks after a cancellation that was not confirmed. A safety signal that nobody took is put before everybody again, at once.
fn go_on(task: &Task, now: Timestamp) -> Vec<Deadline> {
    let clocks = Clockwork::of(&task.deadlines);
    let free = Some(TaskState::Requested)
        == task.cancellation.and_then(|Cancellation { before, next, .. }| next.is_none().then_some(before));
    if free && task.route.audience(task.route.last()) == Some(Audience::EverybodyOnDuty) {
        return clocks.with(ClockKind::SafetyRepeat, now, 0).done();
    }
    clocks.done()
}

/// People whose offers end when somebody takes the task.
fn others(task: &Task, taker: &ProfessionalKey) -> Vec<ProfessionalKey> {
    task.offers.iter().map(|o| &o.professional).filter(|person| *person != taker).cloned().collect()
}

fn said_no(task: &Task, person: &ProfessionalKey) -> bool {
    task.declined.iter().any(|(who, _)| who == person)
}

fn declined(
    task: &Task,
    person: &ProfessionalKey,
    reason: DeclineReason,
    command: &Command,
    calendar: &dyn Calendar,
) -> Change {
    let clocks = Clockwork::of(&task.deadlines);
    let left = task.offers.iter().any(|offer| offer.professional != *person);
    let professional = person.clone();
    if left {
        return Change::OfferDeclined { professional, reason, next_step: None, deadlines: clocks.done() };
    }
    let spared = |other: &ProfessionalKey| other == person || said_no(task, other);
    let taking =
        Taking { route: &task.route, there: &command.there, spared: &spared, now: command.now, calendar };
    let next_step = taking.take(task.step as usize + 1);
    let deadlines = clocks.step(&task.route, &next_step, 0).done();
    Change::OfferDeclined { professional, reason, next_step: Some(next_step), deadlines }
}

/// A deadline passed: `None` when it is stale or still to come.
fn pass(task: &Task, passed: Deadline, command: &Command, calendar: &dyn Calendar) -> Option<Change> {
    let now = command.now;
    if !task.deadlines.contains(&passed) || now < passed.due {
        return None;
    }
    let spared = |person: &ProfessionalKey| said_no(task, person);
    let taking = Taking { route: &task.route, there: &command.there, spared: &spared, now, calendar };
    let clocks = Clockwork::of(&task.deadlines);
    let again = calendar.after(now, task.route.clocks().repeat);
    match passed.clock {
        ClockKind::Offer => {
            let next_step = taking.take(task.step as usize + 1);
            let professionals = task.offers.iter().map(|o| o.professional.clone()).collect();
            let deadlines = clocks.step(&task.route, &next_step, 0).done();
            Some(Change::OffersTimedOut { professionals, next_step, deadlines })
        }
        ClockKind::SafetyRepeat => {
            let step = taking.take(task.step as usize);
            let round = passed.round.saturating_add(1);
            if !step.offers.iter().any(|offer| command.there.reaches(&offer.professional)) {
                let due = step.respond_by.unwrap_or(again);
                return Some(Change::NobodyToTell {
                    deadlines: clocks.with(passed.clock, due, round).done(),
                });
            }
            let deadlines = clocks.step(&task.route, &step, round).done();
            Some(Change::OffersMade { step, deadlines })
        }
        ClockKind::Accept
        | ClockKind::FirstContact
        | ClockKind::Answer
        | ClockKind::Hold
        | ClockKind::Transfer
        | ClockKind::Meeting
        | ClockKind::HolderAway => {
            let deadlines = clocks.with(passed.clock, again, passed.round.saturating_add(1)).done();
            let told = told(task, passed, &command.there);
            Some(if told.is_empty() {
                Change::NobodyToTell { deadlines }
            } else {
                Change::ClockRang { deadline: passed, told, deadlines }
            })
        }
    }
}

/// The holder is reminded first; from the second round on, or when she is not there, the coordinator is told too.
fn told(task: &Task, passed: Deadline, there: &There) -> Vec<ProfessionalKey> {
    let mut told: Vec<ProfessionalKey> = task.holder.iter().filter(|h| there.reaches(h)).cloned().collect();
    let escalate = passed.round > 0 || told.is_empty();
    if escalate && !told.contains(&there.coordinator) && there.reaches(&there.coordinator) {
        told.push(there.coordinator.clone());
    }
    told
}
