//! The holder asks a colleague to take the task over. It stays hers until the colleague says yes.

use voordeur_kernel::{ProfessionalKey, Timestamp};

use super::{By, Change, Command, Refusal, Task, deadlines::Clockwork, grown, table::Who};
use crate::{
    calendar::Calendar,
    words::{AssignReason, ClockKind, DeclineReason, TransferEnd},
};

/// A colleague is asked to take a task over.
#[derive(Debug, Clone, PartialEq, Eq, Hash)]
pub struct Transfer {
    /// Whom.
    pub to: ProfessionalKey,
    /// Why.
    pub reason: AssignReason,
}

/// The holder asks.
pub(super) fn propose(
    task: &Task,
    to: &ProfessionalKey,
    reason: AssignReason,
    command: &Command,
    calendar: &dyn Calendar,
) -> Result<Change, Refusal> {
    if task.transfer().is_some() {
        return Err(Refusal::TransferAsked);
    }
    if task.holder.as_ref() == Some(to) {
        return Err(Refusal::HeldAlready);
    }
    // Nobody off duty is alerted.
    let there = &command.there;
    let coordinates = there.coordinators.contains(to) && there.reaches(to);
    if !there.present.contains(to) && !coordinates {
        return Err(Refusal::ColleagueNotThere);
    }
    let due = respond_by(task, command.now, calendar);
    let deadlines = Clockwork::of(&task.deadlines).with(ClockKind::Transfer, due, 0).done();
    Ok(Change::TransferProposed { professional: to.clone(), reason, deadlines })
}

/// A colleague has as long as whoever was asked first.
fn respond_by(task: &Task, now: Timestamp, calendar: &dyn Calendar) -> Timestamp {
    let first = task.route.steps().next().map(|step| step.respond_within);
    calendar.after(now, first.unwrap_or(task.route.clocks().repeat))
}

/// The colleague answers: `None` is a yes.
pub(super) fn answer(
    task: &Task,
    declined: Option<DeclineReason>,
    command: &Command,
) -> Result<Change, Refusal> {
    if !command.by.is(task).any_of(Who::ASKED) {
        return Err(Refusal::NotAsked);
    }
    Ok(match declined {
        None => end(task, TransferEnd::Accepted, None),
        Some(reason) => end(task, TransferEnd::Declined, Some(reason)),
    })
}

/// The holder takes the question back.
pub(super) fn withdraw(task: &Task) -> Result<Change, Refusal> {
    task.transfer().map(|_| end(task, TransferEnd::Withdrawn, None)).ok_or(Refusal::NobodyIsAsked)
}

/// The colleague is not there any more; `None` when she is not asked.
pub(super) fn colleague_away(task: &Task, person: &ProfessionalKey) -> Option<Change> {
    let asked = task.transfer().is_some_and(|transfer| transfer.to == *person);
    asked.then(|| end(task, TransferEnd::ColleagueAway, None))
}

/// How the question ended; a yes changes the holder, and what was asked because of the one before her falls away.
pub(super) fn end(task: &Task, end: TransferEnd, reason: Option<DeclineReason>) -> Change {
    let clocks = Clockwork::of(&task.deadlines).without(&[ClockKind::Transfer]);
    let clocks = if end == TransferEnd::Accepted { clocks.without(&[ClockKind::HolderAway]) } else { clocks };
    Change::TransferEnded { end, reason, deadlines: clocks.done() }
}

/// Takes in that somebody is asked.
pub(super) fn proposed(task: &mut Task, to: &ProfessionalKey, reason: AssignReason) {
    task.change_aside(|aside| aside.transfer = Some(Transfer { to: to.clone(), reason }));
}

/// Takes in how it ended.
pub(super) fn ended(task: &mut Task, end: TransferEnd, reason: Option<DeclineReason>) {
    let Some(to) = task.transfer().map(|transfer| transfer.to.clone()) else { return };
    task.change_aside(|aside| aside.transfer = None);
    match (end, reason) {
        (TransferEnd::Accepted, _) => {
            task.passes_on();
            task.holder = Some(to);
        }
        // A no stays a no, and who stands too close to a child stays that.
        (TransferEnd::Declined, Some(reason)) => {
            task.declined = grown(std::mem::take(&mut task.declined), (to, reason));
        }
        _ => {}
    }
}

impl By {
    /// Is she the colleague who is asked to take a task over?
    pub(super) fn is_asked(&self, task: &Task) -> bool {
        matches!(self, Self::Person { key, professional, coordinator }
            if (*professional || *coordinator) && task.transfer().is_some_and(|transfer| transfer.to == *key))
    }
}
