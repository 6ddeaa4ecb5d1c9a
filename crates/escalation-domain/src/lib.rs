//! The episode: one child, one running window; the only thing that has an outcome.
//!
//! Pure: `decide(episode, command) -> event or nothing or refusal`, `evolve(episode, event) -> episode`. An episode keeps the *facts*
//! it was told, each with the day it happened on and the day it became known; everything that is shown is a [`Picture`], worked out from
//! the facts. So the order in which facts arrived means nothing, a correction is one more fact, and "as it was known on" is a filter.

mod decide;
mod event;
mod evolve;
mod life;
mod picture;
mod words;

pub use decide::{Action, Command, Refusal, decide};
pub use event::{Actor, Change, Event, Meta, Opened, SignalJoined};
pub use evolve::{BadHistory, Episode, Fact, evolve};
pub use life::{ChangeKind, LIFE, Phase, Step, Who, next_phase};
pub use picture::{Assessment, Completion, Contact, Ending, EpisodeTask, Moment, Picture};
pub use words::{Baseline, CloseReason, Participant, TaskOutcome};
