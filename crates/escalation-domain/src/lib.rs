//! The episode: one child, one running window; the only thing that has an outcome.
//!
//! Pure: `decide(episode, command, rules) -> event or nothing or refusal`, `evolve(episode, event) -> episode`. An episode keeps the
//! *facts* it was told, each with the day it happened on and the day it became known; everything that is shown is a [`Picture`], worked
//! out from the facts. So the order in which facts arrived means nothing, a correction is one more fact, and "as it was known on" is a
//! filter.

pub mod activity;
pub mod deadline;
mod decide;
mod event;
mod evolve;
mod follow_up;
mod ledger;
mod life;
pub mod outcome;
mod picture;
mod refusal;
mod shape;
mod standing;
pub mod words;

pub use deadline::{Deadline, Work};
pub use decide::{Action, Command, Earlier, decide};
pub use event::{
    Actor, Change, Check, Closing, Correction, Destination, Event, Goal, Jeugdhulp, Judgement, Meta, Opened,
    Sealed, SignalJoined,
};
pub use evolve::{BadHistory, Episode, evolve};
pub use follow_up::{FollowUpPlan, Rules, in_sample};
pub use ledger::{Fact, Facts};
pub use life::{ChangeKind, LIFE, Phase, Step, Who, next_phase};
pub use picture::{
    Assessment, BASELINE_DAYS, Completion, Contact, Ending, EpisodeTask, Moment, Picture, WINDOW_DAYS,
    Withdrawal, by_people, missed_follow_ups, picture,
};
pub use refusal::Refusal;
pub use shape::faults;
pub use standing::{Standing, standing};
pub use words::{Baseline, CloseReason, Participant, TaskOutcome, Word, WordSet};
