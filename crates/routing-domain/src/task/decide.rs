//! The decision: may this be done, and what does it change?

use voordeur_kernel::{ProfessionalKey, Role, Timestamp};

use super::{
    By, Cancellation, Change, Command, Deadline, Done, LINKED_MAX, Refusal, Request, Requested, Route,
    StepKind, StepTaken, Task, TaskState, There, Wish, around, away,
    command::allowed,
    deadlines::Clockwork,
    meeting,
    ring::pass,
    step::Taking,
    table::{self, Who},
    transfer,
};
use crate::{
    calendar::Calendar,
    words::{Audience, ClockKind, SubjectKind, TaskOutcome},
};

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
    // Whom an older directory does not know may stand in the one that this task has seen: whoever has that one says it.
    let behind = command.there.directory_version < task.directory_version;
    if behind && command.by == By::Service && command.wish.says_who_is_there() {
        return Ok(None);
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
        // She was not asked, or not any more: it was withdrawn, somebody else holds it, or the time is over.
        Some(_) if kind == StepKind::AnswerTransfer => Err(Refusal::NotAsked),
        Some(row) => Err(Refusal::NotForYou { who: row.who }),
        None if kind == StepKind::Accept
            && !task.state.is_final()
            && task.holder.is_some()
            && !who.any_of(Who::HOLDER) =>
        {
            Err(Refusal::AlreadyTaken)
        }
        None => Err(Refusal::NotNow { state: task.state, allowed: allowed(task, &command.by).collect() }),
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
        None => Taking::first(&route, about, command, calendar).take(0),
    };
    let clocks = Clockwork::start(&route, about, calendar);
    let clocks = if first_step.assigned_to.is_some() { clocks.taken() } else { clocks };
    let deadlines = clocks.step(&route, &first_step, 0).done();
    let linked = request.linked.iter().copied().take(LINKED_MAX).collect();
    Change::Requested(Box::new(Requested {
        about: about.clone(),
        coordinator: command.there.coordinator.clone(),
        plan: plan.clone(),
        sight: request.sight.clone(),
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
            let (next_step, deadlines) = without(task, key, command, calendar);
            Change::OfferDeclined { professional: key.clone(), reason: *reason, next_step, deadlines }
        }
        Wish::WithdrawOffer(person, reason) => {
            let pending =
                task.offers.iter().any(|o| o.professional == *person && o.role != Role::Coordinator);
            if !pending {
                return Ok(None);
            }
            let (next_step, deadlines) = without(task, person, command, calendar);
            Change::OfferWithdrawn { professional: person.clone(), reason: *reason, next_step, deadlines }
        }
        Wish::HolderAway(away) => return Ok(away::note(task, away, command, calendar)),
        Wish::HolderBack(person) => return Ok(away::back(task, person)),
        Wish::LeaveWithHolder => away::leave(task)?,
        Wish::ProposeTransfer(to, reason) => transfer::propose(task, to, *reason, command, calendar)?,
        Wish::AnswerTransfer(declined) => transfer::answer(task, *declined, command)?,
        Wish::WithdrawTransfer => transfer::withdraw(task)?,
        Wish::ColleagueAway(person) => return Ok(transfer::colleague_away(task, person)),
        Wish::PlanMeeting(wish) => meeting::plan(task, wish, command, calendar)?,
        Wish::RecordMeeting { end, parents_came } => meeting::record(task, *end, *parents_came)?,
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
            let next_step = Taking::of(task, command, &spared, calendar).catch();
            let accept = calendar.after(now, task.route.clocks().accept);
            let clocks = clocks().released().with(ClockKind::Accept, accept, 0);
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
            let deadlines = clocks().released().done();
            Change::Failed { reason: *reason, coordinator, deadlines }
        }
        Wish::MarkEnteredInError(reason) => Change::EnteredInError { reason: *reason },
        Wish::Link(other) => {
            if task.linked.contains(other) || *other == task.id {
                return Ok(None);
            }
            Change::Linked { task: *other }
        }
        Wish::CoordinatorAway(who) => return Ok(around::coordinator_away(task, who, &command.there)),
        Wish::FollowDirectory => {
            let there = &command.there;
            if *in_force(task, there) == task.coordinator {
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

/// Who said no is not asked again.
pub(super) fn said_no(task: &Task, person: &ProfessionalKey) -> bool {
    task.declined.iter().any(|(who, _)| who == person)
}

/// What comes of it when one person is not asked any more: nothing while others are, otherwise the next step.
fn without(
    task: &Task,
    person: &ProfessionalKey,
    command: &Command,
    calendar: &dyn Calendar,
) -> (Option<StepTaken>, Vec<Deadline>) {
    let clocks = Clockwork::of(&task.deadlines);
    if task.offers.iter().any(|offer| offer.professional != *person) {
        return (None, clocks.done());
    }
    let spared = |other: &ProfessionalKey| other == person || said_no(task, other);
    let taking = Taking::of(task, command, &spared, calendar);
    let next_step = taking.take(task.step as usize + 1);
    let deadlines = clocks.step(&task.route, &next_step, 0).done();
    (Some(next_step), deadlines)
}
