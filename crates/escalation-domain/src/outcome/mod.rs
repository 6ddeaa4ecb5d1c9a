//! Was specialist care avoided? The rules that answer it for one case, as pure functions.
//!
//! A case is a heap of dated facts ([`CaseFact`]), without order and of any origin. [`classify`] says which class it is in under the
//! ruleset ESC-1, from which reason, and what it adds to the survival statistics. `docs/domain/outcomes.md` says the same for people.
//!
//! Nothing here knows a clock: the day of observation, the window and the day of knowledge are asked for.

mod classify;
mod course;
mod day;
mod endpoints;
mod fact;
mod from_event;
mod linked;
mod prepare;
mod result;
mod ruleset;

pub use classify::{Classifier, Question, classify};
pub use day::Day;
pub use endpoints::{Endpoint, EndpointList, EndpointRow, Imposed, What};
pub use fact::{CaseFact, CheckFact, Domain, FactKind, Patch, ReferralFact, ShortKey, Subject};
pub use from_event::{case_fact, take_in};
pub use linked::{join, merge};
pub use prepare::Contradiction;
pub use result::{Cause, Class, Classified, Flag, Flags, Reason, Reviews, Survival};
pub use ruleset::{ESC_1, Ruleset, ruleset};
