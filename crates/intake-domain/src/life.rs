//! The life of a signal: received, routed, answered (and the answer heard), or withdrawn.
//!
//! `decide` is asked with the state and a command and says which event to store, that nothing is to be stored, or no. `evolve` takes in
//! what was stored. Which step leads where is a table ([`table::STEPS`]), so that it can be printed and tested as a whole.
//!
//! Taking a signal back is final while nobody works on it. Once it has a task it is a request: routing asks who holds the task, and the
//! signal goes on until she agrees (the task is cancelled) or answers.

pub mod signal;
pub mod table;

pub use signal::{
    Actor, Answer, Change, Command, Event, Meta, Received, Refusal, Signal, Unfit, decide, evolve,
};
pub use table::{Act, Outcome, STEPS, Stage};
