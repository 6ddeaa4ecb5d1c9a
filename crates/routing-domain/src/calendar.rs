//! How spans of time are counted from a moment.

pub use voordeur_kernel::calendar::{Calendar, ElapsedCalendar};
