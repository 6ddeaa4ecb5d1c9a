//! A deadline passed: who is reminded, who is told, what is asked anew. Nothing is closed by it.

use voordeur_kernel::ProfessionalKey;

use super::{
    Change, Command, Deadline, Task, There, deadlines::Clockwork, decide::said_no, step::Taking, transfer,
};
use crate::{
    calendar::Calendar,
    words::{ClockKind, TransferEnd},
};

/// A deadline passed: `None` when it is stale or still to come.
pub(super) fn pass(
    task: &Task,
    passed: Deadline,
    command: &Command,
    calendar: &dyn Calendar,
) -> Option<Change> {
    let now = command.now;
    if !task.deadlines.contains(&passed) || now < passed.due {
        return None;
    }
    let spared = |person: &ProfessionalKey| said_no(task, person);
    let taking = Taking::of(task, command, &spared, calendar);
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
        // It stays hers, who asked.
        ClockKind::Transfer => Some(transfer::end(task, TransferEnd::Lapsed, None)),
        ClockKind::Accept
        | ClockKind::FirstContact
        | ClockKind::Answer
        | ClockKind::Hold
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

/// The holder is reminded first; from the second round on, or when she is not there, the coordinator is told too. Who goes on while the
/// holder is away is for the coordinator alone.
fn told(task: &Task, passed: Deadline, there: &There) -> Vec<ProfessionalKey> {
    let hers = task.holder.iter().filter(|_| passed.clock != ClockKind::HolderAway);
    let mut told: Vec<ProfessionalKey> = hers.filter(|holder| there.reaches(holder)).cloned().collect();
    let escalate = passed.round > 0 || told.is_empty();
    if escalate && !told.contains(&there.coordinator) && there.reaches(&there.coordinator) {
        told.push(there.coordinator.clone());
    }
    told
}
