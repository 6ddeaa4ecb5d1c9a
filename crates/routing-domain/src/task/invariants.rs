//! What must always be true of a task, numbered after the promises of the design. Tests check it after every step; production may.

use voordeur_kernel::Role;

use super::{Task, TaskState};
use crate::words::{Audience, ClockKind};

/// A broken promise.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash)]
pub struct Broken {
    /// Number of the promise (see ARCHITECTURE.md).
    pub promise: u8,
    /// What is wrong, without anything from the task.
    pub what: &'static str,
}

/// Every promise that this task breaks; empty when all is well.
#[must_use]
pub fn invariants(task: &Task) -> Vec<Broken> {
    let mut broken = Vec::new();
    let mut check = |promise, holds: bool, what| {
        if !holds {
            broken.push(Broken { promise, what });
        }
    };
    let open = !task.state.is_final();
    let has = |clock| task.deadline(clock).is_some();
    let state = task.state;
    let held =
        matches!(state, TaskState::Accepted | TaskState::InProgress | TaskState::OnHold | TaskState::Failed);

    // 2: somebody is expected to act, and a clock watches it.
    check(2, !open || !task.deadlines.is_empty(), "an open task has no running deadline");
    check(2, !held || task.holder.is_some(), "nobody holds a task that should be held");
    check(2, state != TaskState::Requested || !task.offers.is_empty(), "a requested task is before nobody");
    check(2, state != TaskState::Requested || task.holder.is_none(), "a requested task has a holder");
    check(
        2,
        task.offers.is_empty() || state == TaskState::Requested,
        "offers are pending on a task that is not requested",
    );
    let asks_pro = task.offers.iter().any(|o| o.role != Role::Coordinator);
    let safety = task.route.audience(task.step) == Some(Audience::EverybodyOnDuty);
    let catches =
        |offer: &super::Offer| offer.role != Role::Coordinator || offer.professional == task.coordinator;
    check(2, task.offers.iter().all(catches), "somebody is asked as coordinator who is not the coordinator");
    check(
        2,
        !open || !task.has_failed() || task.holder.as_ref() == Some(&task.coordinator),
        "a failed task is not the coordinator's",
    );
    check(
        2,
        state != TaskState::Requested || !asks_pro || has(ClockKind::Offer) || has(ClockKind::SafetyRepeat),
        "offers are pending without an end",
    );
    check(
        5,
        state != TaskState::Requested || !safety || has(ClockKind::SafetyRepeat),
        "a safety signal is not repeated",
    );

    // 3: deadlines are one of each clock, in order, and belong to the state.
    let ordered = task.deadlines.windows(2).all(|pair| matches!(pair, [a, b] if a <= b));
    check(3, ordered, "deadlines are out of order");
    let once = |clock: &ClockKind| task.deadlines.iter().filter(|d| d.clock == *clock).count() <= 1;
    check(3, ClockKind::ALL.iter().all(once), "a clock runs twice");
    check(3, open || task.deadlines.is_empty(), "a deadline runs on a task that has ended");
    check(
        3,
        state != TaskState::OnHold || (has(ClockKind::Hold) && task.hold_until().is_some()),
        "a held task never wakes up",
    );
    let waits = matches!(state, TaskState::OnHold | TaskState::CancelRequested);
    check(3, waits || !has(ClockKind::Hold), "a task that does not wait has a date to wake up");
    let taking = matches!(state, TaskState::Requested | TaskState::CancelRequested);
    check(3, taking || !has(ClockKind::Accept), "a task that was taken still waits to be taken");
    check(
        3,
        state == TaskState::Requested || !(has(ClockKind::Offer) || has(ClockKind::SafetyRepeat)),
        "offers end that are not there",
    );
    check(
        3,
        matches!(state, TaskState::CancelRequested | TaskState::Cancelled) == task.cancellation.is_some(),
        "it is not known where a cancellation came from",
    );

    // 2 and 3: what is asked beside the work is watched by a clock of its own, and by no other.
    check(
        2,
        has(ClockKind::HolderAway) == task.who_goes_on().is_some(),
        "nobody watches who goes on for a holder who is away",
    );
    check(
        2,
        task.away().is_none_or(|away| task.holder.as_ref() == Some(&away.professional)),
        "somebody is away who does not hold the task",
    );
    check(2, has(ClockKind::Transfer) == task.transfer().is_some(), "a transfer is asked without an end");
    let asks_another = task.transfer().is_none_or(|transfer| {
        task.holder.as_ref().is_some_and(|holder| *holder != transfer.to) && !task.has_failed()
    });
    check(2, asks_another, "a transfer is asked by nobody, or of the holder herself");
    check(3, has(ClockKind::Meeting) == task.meeting().is_some(), "nobody asks what became of a meeting");
    check(3, open || task.aside.is_none(), "something is still asked on a task that has ended");

    // 4: every signal gets its answer, or stays visibly overdue. So does work that came due by itself: its clock of the answer runs too.
    let asked = task.about.trigger.has_asker();
    check(4, !open || has(ClockKind::Answer), "no clock watches the answer");
    check(
        4,
        task.first_contact_at.is_some() || !open || !asked || has(ClockKind::FirstContact),
        "no clock watches the first contact",
    );
    check(
        4,
        (state == TaskState::Completed) == task.outcome.is_some(),
        "completed without an answer, or answered without completing",
    );
    check(
        4,
        task.outcome.is_none_or(|(_, status)| status.is_some() == asked),
        "an asker hears nothing, or an answer goes to nobody",
    );

    // 9: an act is taken in once.
    let mut commands: Vec<_> = task.commands.iter().map(|done| done.command).collect();
    commands.sort();
    commands.dedup();
    check(9, commands.len() == task.commands.len(), "an act was taken in twice");
    check(9, task.version <= task.ordinal(), "people did more than what happened");
    broken
}
