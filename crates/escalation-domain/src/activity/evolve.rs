//! From events to the floor.

use jiff::tz::TimeZone;
use voordeur_kernel::CommitId;

use super::{
    event::{Change, Event},
    floor::{Act, Activity, Floor},
};
use crate::event::Actor;

/// A history that cannot be: a damaged one, or one of a later release.
#[derive(Debug, Clone, Copy, PartialEq, Eq, thiserror::Error)]
pub enum BadFloor {
    /// The ordinal is not the next.
    #[error("event {found} follows on event {after}")]
    Ordinal {
        /// Events so far.
        after: u32,
        /// Ordinal of the event.
        found: u32,
    },
    /// It names an activity that is not there.
    #[error("an event names an activity that is not there")]
    UnknownActivity,
    /// It names an activity that was noted before.
    #[error("an activity is noted twice")]
    NotedTwice,
}

/// Takes in one event. `commit` is the id under which it was stored.
///
/// # Errors
/// When the history cannot be. Nothing that `decide` gives is ever refused here.
pub fn evolve(floor: Option<Floor>, event: &Event, commit: CommitId) -> Result<Floor, BadFloor> {
    let mut floor = floor.unwrap_or_default();
    if event.meta.ordinal != floor.events.saturating_add(1) {
        return Err(BadFloor::Ordinal { after: floor.events, found: event.meta.ordinal });
    }
    let act = Act::new(event.meta.command, commit);
    let known = match &event.change {
        Change::Noted { activity, noted } => {
            if floor.activity(*activity).is_some() {
                return Err(BadFloor::NotedTwice);
            }
            let noted_by = match &event.meta.actor {
                Actor::Person(key, _) => Some(key.clone()),
                Actor::Service(_) | Actor::Organisation(_) => None,
            };
            let recorded_at = event.meta.recorded_at;
            floor.add(Activity::new(*activity, event.on, recorded_at, noted_by, noted), act);
            true
        }
        Change::Corrected { activity, instead } => floor.change(*activity, act, |known| match instead {
            Some(noted) => known.say(noted),
            None => known.voided = true,
        }),
        Change::LookBackDue { activity, .. } => {
            floor.change(*activity, act, |known| known.look_back_asked = true)
        }
        Change::LookedBack { activity, result } => {
            floor.change(*activity, act, |known| known.look_back = Some(*result))
        }
    };
    if !known {
        return Err(BadFloor::UnknownActivity);
    }
    // By the time of the event, not by our own: so every replica closes the same years at the same event. After it, since it was decided
    // on what stood before.
    floor.close_years(event.meta.recorded_at.to_zoned(TimeZone::UTC).year());
    floor.events = event.meta.ordinal;
    Ok(floor)
}
