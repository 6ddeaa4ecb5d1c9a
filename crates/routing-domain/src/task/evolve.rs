//! The past cannot be refused: it is taken in.

use voordeur_kernel::{ProfessionalKey, Role, TaskId};

use super::{
    Cancellation, Change, Done, Meta, Offer, Requested, Route, StepTaken, Task, TaskState, away, grown,
    meeting,
    step::coordinator_offer,
    table::{self, Next},
    transfer,
};
use crate::words::{ClockKind, DeclineReason, HandBackReason};

/// An event that does not fit on what stood before: written by a later release, or damaged.
#[derive(Debug, Clone, Copy, PartialEq, Eq, thiserror::Error)]
pub enum Unfitting {
    /// The history does not begin with its request, or has two.
    #[error("a history begins with its request, and has one")]
    Beginning,
    /// The table does not know this step in this state.
    #[error("the table has no such step in this state")]
    Step,
    /// Events are missing or doubled.
    #[error("the events of a history are numbered from 1 without gaps")]
    Ordinal,
}

/// Takes in one event.
///
/// # Errors
/// When it does not fit; the history then has to be left alone.
pub fn evolve(task: Option<Task>, id: TaskId, meta: &Meta, change: &Change) -> Result<Task, Unfitting> {
    let mut task = match (task, change) {
        (None, Change::Requested(requested)) => made(id, requested),
        (None, _) | (Some(_), Change::Requested(_)) => return Err(Unfitting::Beginning),
        (Some(mut task), change) => {
            let row = table::row(Some(task.state), change.kind()).ok_or(Unfitting::Step)?;
            let state = next(&task, row.next, change);
            take_in(&mut task, meta, change);
            task.state = state;
            task
        }
    };
    if meta.ordinal != task.ordinal().saturating_add(1) {
        return Err(Unfitting::Ordinal);
    }
    task.commands = grown(std::mem::take(&mut task.commands), Done::new(meta.command, meta.commit));
    task.version += u32::from(meta.actor.is_person());
    task.directory_version = task.directory_version.max(meta.directory_version);
    // Why it was cancelled is remembered: nothing is continued that was taken back.
    if !matches!(task.state, TaskState::CancelRequested | TaskState::Cancelled) {
        task.cancellation = None;
    }
    if task.state.is_final() {
        task.aside = None;
        task.deadlines = Box::default();
        task.offers = Box::default();
    }
    Ok(task)
}

fn next(task: &Task, next: Next, change: &Change) -> TaskState {
    match (next, change) {
        (Next::To(state), _) => state,
        (Next::InProgressWhenReached, Change::ContactRecorded { reached: true, .. }) => TaskState::InProgress,
        (Next::Resumed, _) if task.first_contact_at.is_some() => TaskState::InProgress,
        (Next::Resumed, _) => TaskState::Accepted,
        (Next::Decided, Change::CancellationDecided { confirmed: true, .. }) => TaskState::Cancelled,
        (Next::Decided, _) => match task.cancellation {
            Some(Cancellation { next: Some(_), .. }) => TaskState::CancelRequested,
            cancellation => cancellation.map_or(TaskState::Requested, |cancellation| cancellation.before),
        },
        (Next::Same | Next::Made | Next::InProgressWhenReached, _) => task.state,
    }
}

fn made(id: TaskId, requested: &Requested) -> Task {
    let mut task = Task {
        id,
        state: TaskState::Requested,
        about: requested.about.clone(),
        coordinator: requested.coordinator.clone(),
        directory_version: 0,
        holder: None,
        route: Route::from(&requested.plan),
        step: 0,
        offers: Box::default(),
        declined: Box::default(),
        deadlines: requested.deadlines.clone().into(),
        first_contact_at: None,
        cancellation: None,
        outcome: None,
        answered_late: false,
        linked: requested.linked.clone().into(),
        colleagues: Box::default(),
        commands: Box::default(),
        version: 0,
        aside: None,
    };
    take_step(&mut task, &requested.first_step);
    task
}

fn take_step(task: &mut Task, step: &StepTaken) {
    task.step = step.step;
    task.offers = step.offers.clone().into();
    if let Some(offer) = step.offers.iter().find(|offer| offer.role == Role::Coordinator) {
        catch(task, &offer.professional);
    }
    if let Some(person) = &step.assigned_to {
        task.holder = Some(person.clone());
        task.state = TaskState::Accepted;
    }
}

/// What stands at the coordinator of before is this one's from here on.
fn catch(task: &mut Task, coordinator: &ProfessionalKey) {
    if task.coordinator == *coordinator {
        return;
    }
    let before = std::mem::replace(&mut task.coordinator, coordinator.clone());
    if task.offers.iter().any(|offer| offer.role == Role::Coordinator) {
        let others = |offer: &&Offer| offer.role != Role::Coordinator && offer.professional != *coordinator;
        let others = task.offers.iter().filter(others).cloned();
        task.offers = others.chain([coordinator_offer(coordinator)]).collect();
    }
    if task.has_failed() && task.holder.as_ref() == Some(&before) {
        task.holder = Some(coordinator.clone());
    }
}

fn take_in(task: &mut Task, meta: &Meta, change: &Change) {
    match change {
        Change::Requested(_) => {}
        Change::OffersMade { step, deadlines }
        | Change::OffersTimedOut { next_step: step, deadlines, .. } => {
            take_step(task, step);
            task.deadlines = deadlines.clone().into();
        }
        Change::OfferDeclined { professional, reason, next_step, deadlines } => {
            let left = task.offers.iter().filter(|o| o.professional != *professional).cloned().collect();
            task.offers = left;
            task.declined = grown(std::mem::take(&mut task.declined), (professional.clone(), *reason));
            if let Some(step) = next_step {
                take_step(task, step);
            }
            task.deadlines = deadlines.clone().into();
        }
        Change::OfferWithdrawn { professional, next_step, deadlines, .. } => {
            // No no: when she is back, she may be asked again.
            task.offers = task.offers.iter().filter(|o| o.professional != *professional).cloned().collect();
            if let Some(step) = next_step {
                take_step(task, step);
            }
            task.deadlines = deadlines.clone().into();
        }
        Change::Accepted { professional, deadlines, .. }
        | Change::Assigned { professional, deadlines, .. } => {
            task.passes_on();
            task.holder = Some(professional.clone());
            task.offers = Box::default();
            task.hold(None);
            task.deadlines = deadlines.clone().into();
        }
        Change::HandedBack { reason, next_step, deadlines } => {
            task.passes_on();
            if let Some(holder) = task.holder.take().filter(|_| *reason == HandBackReason::TooClose) {
                let said = (holder, DeclineReason::TooClose);
                task.declined = grown(std::mem::take(&mut task.declined), said);
            }
            task.hold(None);
            take_step(task, next_step);
            task.deadlines = deadlines.clone().into();
        }
        Change::Held { until, deadlines, .. } => {
            task.hold(Some(*until));
            task.deadlines = deadlines.clone().into();
        }
        Change::Resumed { deadlines } => {
            task.hold(None);
            task.deadlines = deadlines.clone().into();
        }
        Change::ContactRecorded { reached, at, deadlines, .. } => {
            if *reached {
                task.first_contact_at = task.first_contact_at.or(Some(*at));
            }
            task.deadlines = deadlines.clone().into();
        }
        Change::Answered { outcome, status, .. } => {
            task.outcome = Some((*outcome, *status));
            task.answered_late = task.is_past(ClockKind::Answer, meta.recorded_at);
        }
        Change::ColleagueAsked(colleague) => {
            task.colleagues = grown(std::mem::take(&mut task.colleagues), colleague.clone());
        }
        Change::CancellationRequested { reason, deadlines } => {
            match &mut task.cancellation {
                Some(pending) => pending.next = Some(*reason),
                None => {
                    task.cancellation =
                        Some(Cancellation { reason: *reason, before: task.state, next: None });
                }
            }
            task.offers = Box::default();
            task.deadlines = deadlines.clone().into();
        }
        Change::CancellationDecided { confirmed, coordinator, deadlines } => {
            catch(task, coordinator);
            if !confirmed {
                match task.cancellation.take() {
                    Some(Cancellation { before, next: Some(reason), .. }) => {
                        task.cancellation = Some(Cancellation { reason, before, next: None });
                    }
                    // Nobody held it: it goes on at the coordinator, who said so.
                    Some(Cancellation { before: TaskState::Requested, .. }) => {
                        task.offers = [coordinator_offer(coordinator)].into();
                    }
                    _ => {}
                }
            }
            task.deadlines = deadlines.clone().into();
        }
        Change::Failed { coordinator, deadlines, .. } => {
            task.passes_on();
            catch(task, coordinator);
            task.holder = Some(coordinator.clone());
            task.hold(None);
            task.deadlines = deadlines.clone().into();
        }
        Change::EnteredInError { .. } => {}
        Change::CoordinatorReplaced { coordinator } => catch(task, coordinator),
        Change::ClockRang { deadlines, .. } | Change::NobodyToTell { deadlines } => {
            task.deadlines = deadlines.clone().into();
        }
        Change::Linked { task: other } => {
            let mut linked = std::mem::take(&mut task.linked).into_vec();
            linked.insert(0, *other);
            linked.truncate(super::LINKED_MAX);
            task.linked = linked.into();
        }
        Change::HolderAway { away, deadlines } => {
            away::noted(task, away);
            task.deadlines = deadlines.clone().into();
        }
        Change::HolderAwayEnded { end, deadlines } => {
            away::ended(task, *end);
            task.deadlines = deadlines.clone().into();
        }
        Change::TransferProposed { professional, reason, deadlines } => {
            transfer::proposed(task, professional, *reason);
            task.deadlines = deadlines.clone().into();
        }
        Change::TransferEnded { end, reason, deadlines } => {
            transfer::ended(task, *end, *reason);
            task.deadlines = deadlines.clone().into();
        }
        Change::MeetingPlanned { meeting, deadlines } => {
            meeting::planned(task, meeting);
            task.deadlines = deadlines.clone().into();
        }
        Change::MeetingRecorded { deadlines, .. } => {
            meeting::recorded(task);
            task.deadlines = deadlines.clone().into();
        }
    }
}
