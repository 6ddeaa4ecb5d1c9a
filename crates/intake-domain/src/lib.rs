//! What makes a signal acceptable, and its life. Pure: no clock, no randomness, no serialisation.
//!
//! - [`Draft`] is what came in; [`parse`] makes a [`Submission`] of it, which cannot hold nonsense, or says everything that is wrong
//!   at once. What it has to know of the directory comes through [`Premises`].
//! - [`access`] says who may see what was written.
//! - [`life`] is what happens to a signal after that: `decide` and `evolve` on a table of steps.

pub mod access;
pub mod codes;
pub mod consent;
pub mod draft;
pub mod guard;
pub mod life;
pub mod submission;

pub use codes::{
    AgeBand, AnswerStatus, AskedBy, ConcernDuration, ConsentGiver, ConsentScope, ConsentStatus, GroundKind,
    Helped, SafetyService, SubjectKind, WithdrawReason,
};
pub use draft::{CentreReference, Draft};
pub use submission::{CentreFound, Premises, Rejection, Submission, Verdict, parse};
