//! Escalation: follows each child's episode.
//!
//! It owns the stream of episodes, and learns of signals and work by reading the histories of tasks when it is woken. It never sees a
//! name or a text.

mod api;
mod audit;
mod codec;
mod machine;
mod reaction;
mod settings;
mod start;
mod task_facts;

pub use codec::{read_event, write_event};
pub use settings::Settings;
pub use start::start;
pub use task_facts::{TaskFacts, read as task_facts};
