//! Work on the floor: what the embedded professional does without a child. One history for each centre.
//!
//! Pure: `decide(floor, command) -> event or nothing or refusal`, `evolve(floor, event) -> floor`. A centre's history never ends, so it is
//! kept small: activities of this calendar year and the two before it stand in memory one by one, without their sealed texts; what is older
//! is only counted, month by month.

mod decide;
mod event;
mod evolve;
mod floor;
mod tally;
mod words;

pub use decide::{Action, Command, Refusal, check_days, decide};
pub use event::{Change, Event, Noted, SealedStep};
pub use evolve::{BadFloor, evolve};
pub use floor::{Activity, Floor, Month};
pub use tally::{FloorPicture, NotWholeMonths, Tally};
pub use words::{ActivityKind, LookBackResult};

pub use crate::words::Funding;

/// Most themes of one activity.
pub const THEMES_MAX: usize = 3;
/// Most minutes of one activity: a day.
pub const MINUTES_MAX: u16 = 1_440;
/// How many days ago an activity may have been when it is noted, and how far ahead its look-back may lie.
pub const DAYS_MAX: i32 = 366;
/// Calendar years before the present one whose activities stand one by one.
pub const YEARS_KEPT: i16 = 2;
