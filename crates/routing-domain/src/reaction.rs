//! What a signal asks of its task. A delivery only wakes us up: the whole history of the signal is read, and the task is brought up to
//! it, in whatever order deliveries come and however often.

use crate::{
    task::{Task, Wish},
    words::CancelReason,
};

/// Where a signal stands, as far as routing cares.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Default)]
pub struct SignalStanding {
    /// It was received, and what it says can be read.
    pub received: bool,
    /// It was withdrawn, and why.
    pub withdrawn: Option<CancelReason>,
}

/// The next thing to do for a signal.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum Reaction {
    /// Make the task.
    MakeTask,
    /// Do this to the task.
    Do(Wish),
    /// Nothing is left to do.
    Rest,
}

/// Compares a task with its signal.
#[must_use]
pub fn reaction(signal: SignalStanding, task: Option<&Task>) -> Reaction {
    match (task, signal.withdrawn) {
        // What is left of an erased signal asks for nothing.
        (None, _) if !signal.received => Reaction::Rest,
        // Also when it was withdrawn meanwhile: an acknowledged signal becomes exactly one task, and a person decides about ending it.
        (None, _) => Reaction::MakeTask,
        (Some(task), Some(reason)) if !task.state.is_final() => {
            Reaction::Do(Wish::RequestCancellation(reason))
        }
        (Some(_), _) => Reaction::Rest,
    }
}
