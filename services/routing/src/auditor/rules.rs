//! Which event may set, move or end which deadline: a list of its own, written from docs/tasks.md and not from the code that decides.

use voordeur_contracts::{
    convert::from_wire_time,
    event::{ClockKind, Deadline, TaskState, task_event::Change},
};

use super::FindingKind;

/// Nanoseconds.
pub(super) const SECOND: i64 = 1_000_000_000;

/// A deadline as it stands in an event.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord)]
pub(super) struct Due {
    /// Nanoseconds since 1970.
    pub(super) due: i64,
    pub(super) clock: i32,
    pub(super) round: u32,
}

impl Due {
    pub(super) fn of(wire: &Deadline) -> Option<Self> {
        let due = from_wire_time(wire.due.as_ref()?)?;
        let due = i64::try_from(due.as_nanosecond()).ok()?;
        (wire.clock != 0).then_some(Self { due, clock: wire.clock, round: wire.round })
    }
}

pub(super) fn nanoseconds(wire: &prost_types::Timestamp) -> i64 {
    wire.seconds.saturating_mul(SECOND).saturating_add(wire.nanos.into())
}

pub(super) const fn is_final(state: TaskState) -> bool {
    matches!(state, TaskState::Completed | TaskState::Cancelled | TaskState::EnteredInError)
}

/// Every deadline that runs after an event; `None` when the event leaves them as they were.
pub(super) fn deadlines(change: &Change) -> Option<&[Deadline]> {
    Some(match change {
        Change::Requested(c) => &c.deadlines,
        Change::OffersMade(c) => &c.deadlines,
        Change::OfferDeclined(c) => &c.deadlines,
        Change::OffersTimedOut(c) => &c.deadlines,
        Change::Accepted(c) => &c.deadlines,
        Change::Assigned(c) => &c.deadlines,
        Change::HandedBack(c) => &c.deadlines,
        Change::Held(c) => &c.deadlines,
        Change::Resumed(c) => &c.deadlines,
        Change::ContactRecorded(c) => &c.deadlines,
        Change::CancellationRequested(c) => &c.deadlines,
        Change::CancellationDecided(c) => &c.deadlines,
        Change::Failed(c) => &c.deadlines,
        Change::ClockRang(c) => &c.deadlines,
        Change::NobodyToTell(c) => &c.deadlines,
        Change::OfferWithdrawn(c) => &c.deadlines,
        Change::HolderAway(c) => &c.deadlines,
        Change::HolderAwayEnded(c) => &c.deadlines,
        Change::TransferProposed(c) => &c.deadlines,
        Change::TransferEnded(c) => &c.deadlines,
        Change::MeetingPlanned(c) => &c.deadlines,
        Change::MeetingRecorded(c) => &c.deadlines,
        // These end the task, and its deadlines with it.
        Change::Answered(_) | Change::EnteredInError(_) => &[],
        Change::ColleagueAsked(_) | Change::Linked(_) | Change::CoordinatorReplaced(_) => return None,
    })
}

use ClockKind::{Accept, FirstContact, Hold, HolderAway, Meeting, Offer, SafetyRepeat, Transfer};

/// Whose hands it is in changes, so what was asked of the ones before ends.
const HANDS: &[ClockKind] = &[Offer, Accept, SafetyRepeat, Hold, Transfer, HolderAway, Meeting];

/// Clocks that an event may set or end. A clock that rings is another matter; the clock of the answer only rings.
fn touches(change: &Change) -> &'static [ClockKind] {
    match change {
        Change::OffersMade(_)
        | Change::OfferDeclined(_)
        | Change::OffersTimedOut(_)
        | Change::OfferWithdrawn(_) => &[Offer, SafetyRepeat],
        Change::Accepted(_) | Change::Assigned(_) | Change::HandedBack(_) | Change::Failed(_) => HANDS,
        Change::TransferEnded(_) => HANDS,
        Change::Held(_) | Change::Resumed(_) => &[Hold],
        Change::ContactRecorded(_) => &[FirstContact],
        Change::CancellationRequested(_) => &[Offer, SafetyRepeat, Transfer, HolderAway],
        Change::CancellationDecided(_) => &[Offer, SafetyRepeat, HolderAway],
        Change::HolderAway(_) | Change::HolderAwayEnded(_) => &[HolderAway, Transfer],
        Change::TransferProposed(_) => &[Transfer],
        Change::MeetingPlanned(_) | Change::MeetingRecorded(_) => &[Meeting],
        Change::Requested(_)
        | Change::ClockRang(_)
        | Change::NobodyToTell(_)
        | Change::Answered(_)
        | Change::EnteredInError(_)
        | Change::ColleagueAsked(_)
        | Change::Linked(_)
        | Change::CoordinatorReplaced(_) => &[],
    }
}

/// Compares the deadlines after an event with those before it; what is wrong, if anything is. `recorded_at` in nanoseconds.
pub(super) fn touched(
    change: &Change,
    before: &[Due],
    after: &[Due],
    recorded_at: i64,
    first: bool,
) -> Option<FindingKind> {
    let once = |due: &Due| after.iter().filter(|other| other.clock == due.clock).count() == 1;
    if !after.iter().all(once) || !after.is_sorted_by_key(|due| due.due) {
        return Some(FindingKind::DeadlineMoved);
    }
    let ends = match change {
        Change::Answered(_) | Change::EnteredInError(_) => true,
        Change::CancellationDecided(decided) => decided.confirmed,
        _ => first,
    };
    if ends {
        return None;
    }
    let may = |clock: i32| touches(change).iter().any(|touched| *touched as i32 == clock);
    // A ring is about a deadline that stood there and had passed, and moves it on.
    let rang = |from: &Due, to: &Due| {
        let about_it = match change {
            Change::ClockRang(rang) => rang.deadline.as_ref().and_then(Due::of).as_ref() == Some(from),
            Change::NobodyToTell(_) => true,
            _ => false,
        };
        about_it && from.due <= recorded_at && to.due > from.due && to.round == from.round.saturating_add(1)
    };
    for from in before {
        match after.iter().find(|to| to.clock == from.clock) {
            None if may(from.clock) => {}
            None => return Some(FindingKind::DeadlineVanished),
            Some(to) if to == from || may(from.clock) || rang(from, to) => {}
            Some(_) => return Some(FindingKind::DeadlineMoved),
        }
    }
    let new = |to: &&Due| before.iter().all(|from| from.clock != to.clock);
    let set = after.iter().filter(new).all(|to| may(to.clock));
    (!set).then_some(FindingKind::DeadlineMoved)
}
