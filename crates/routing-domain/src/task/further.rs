//! More work on a task that has ended: a new task that names it. An asker is not owed an answer twice.

use voordeur_kernel::{ConcernDomain, Timestamp};

use super::{About, By, Refusal, StepKind, Task, TaskState, Trigger, table};
use crate::words::{CancelReason, FurtherWorkReason, Urgency};

/// What a new task is about that continues one that has ended. `domains` are those of the new work; empty: the same as before.
///
/// # Errors
/// When the earlier task is still open, should never have been there, or ended because the signal or the consent was taken back; and
/// when the caller is not of the centre.
pub fn further_work(
    earlier: &Task,
    by: &By,
    reason: FurtherWorkReason,
    domains: &[ConcernDomain],
    now: Timestamp,
) -> Result<About, Refusal> {
    let who = by.is(earlier);
    match table::row(Some(earlier.state), StepKind::RequestFurtherWork) {
        None if !earlier.state.is_final() => return Err(Refusal::StillOpen),
        None => return Err(Refusal::NotNow { state: earlier.state, allowed: Vec::new() }),
        Some(row) if !row.who.any_of(who) => return Err(Refusal::NotForYou { who: row.who }),
        Some(_) => {}
    }
    // Nothing may be done with what was taken back; a new signal says anew what may.
    let taken_back = earlier.state == TaskState::Cancelled
        && earlier.cancellation.is_some_and(|cancellation| {
            matches!(cancellation.reason, CancelReason::SignalWithdrawn | CancelReason::ConsentWithdrawn)
        });
    if taken_back {
        return Err(Refusal::TakenBack);
    }
    let before = &earlier.about;
    Ok(About {
        trigger: Trigger::EarlierTask { task: earlier.id, reason },
        organisation: None,
        centre: before.centre.clone(),
        child: before.child,
        group: before.group.clone(),
        subject: before.subject,
        domains: if domains.is_empty() { before.domains.clone() } else { domains.into() },
        severity: before.severity,
        safety: before.safety,
        urgency: Urgency::Regular,
        answer_wanted: false,
        asked_by: None,
        received_at: now,
        // Consent belongs to the signal it was given with, and may have been taken back since.
        name_may_be_shared: false,
    })
}
