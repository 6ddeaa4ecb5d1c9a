//! Escalation: follows each child's episode.
//!
//! It owns the stream of episodes, and learns of signals and work by reading the histories of tasks when it is woken. It never sees a
//! name or a text.

mod activity;
mod api;
mod audit;
mod clock;
mod codec;
mod machine;
mod metrics;
mod office;
mod reaction;
mod report;
mod settings;
mod start;
mod task_facts;
mod tasks;

pub use activity::{read_activity_event, write_activity_event};
pub use codec::{read_event, write_event};
pub use report::read_report_event;
pub use settings::{FOLLOW_UP_DEFAULT, Settings, load_follow_up, read_follow_up};
pub use start::start;
pub use task_facts::{AskedBy, TaskFacts, read as task_facts};
