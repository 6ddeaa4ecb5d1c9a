//! Intake: takes signals in, keeps what was written sealed, and tells the asker what became of it.
//!
//! It owns the stream of signals; it learns of tasks by reading their histories when it is woken. It is the only service with a vault.

mod api;
mod audit;
mod codec;
mod duty;
mod guidance;
mod machine;
mod premises;
mod settings;
mod start;
mod submit;
mod usage;
mod wakeups;

pub use codec::{draft::draft, event::write as write_event};
pub use machine::read_event;
pub use settings::Settings;
pub use start::start;
