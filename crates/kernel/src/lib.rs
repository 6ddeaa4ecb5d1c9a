//! Words that every other crate shares: ids, time, faults, kinds of errors, register identifiers, bounds.
//!
//! Pure: no async, no serialisation, no clock, no randomness, no environment. Something may be added here when two domain
//! crates need it and it stays that way.

pub mod calendar;
pub mod clock;
pub mod concern;
pub mod error_kind;
pub mod fault;
pub mod id;
pub mod identifier;
pub mod key;
pub mod limits;
pub mod role;
pub mod text;

pub use calendar::{Calendar, ElapsedCalendar, WorkingTime};
pub use clock::{Clock, ManualClock, Span};
pub use concern::{ConcernDomain, SafetyLevel};
pub use error_kind::{ErrorKind, MessageFate};
pub use fault::{Fault, Faults};
pub use id::{ActivityId, AskerId, ChildAlias, CommandId, CommitId, DataKeyId, EpisodeId, SignalId, TaskId};
pub use key::{CentreKey, GroupKey, OrganisationKey, ProfessionalKey};
pub use role::Role;

/// A moment in UTC, to the nanosecond.
pub use jiff::Timestamp;
