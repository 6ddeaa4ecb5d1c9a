//! Routing: which embedded professional a task comes to, and the life of the task.
//!
//! Pure: time, ids, who is there and who asks come inside a command. [`policy`] selects a [`ladder`] for a signal, [`plan`] chooses
//! people with reasons, [`task`] is the state machine as data with `decide` and `evolve`, [`presence`] says who is there, and [`reaction`]
//! brings a task up to what its signal says.

pub mod calendar;
pub mod ladder;
pub mod notice;
pub mod plan;
pub mod policy;
pub mod presence;
pub mod reaction;
pub mod sight;
pub mod task;
pub mod words;

pub use calendar::{Calendar, ElapsedCalendar};
