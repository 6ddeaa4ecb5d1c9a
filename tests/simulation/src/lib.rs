//! The simulation: every service as it is, over the broker's twin in memory, on one thread, in time that runs only when nobody has
//! anything to do. One seed decides every trouble and every choice, so that whatever goes wrong once goes wrong again.
//!
//! What is simulated and which promises are checked: `docs/reliability.md`.
#![allow(
    clippy::unwrap_used,
    clippy::expect_used,
    clippy::panic,
    clippy::indexing_slicing,
    clippy::missing_panics_doc,
    clippy::large_futures,
    reason = "a test harness: whatever goes wrong must end the run with its reason"
)]

mod audit;
pub mod bulk;
pub mod clock;
pub use voordeur_system_tests::dice;
mod duty;
pub mod facts;
pub mod fingerprint;
mod hours;
pub mod lifeline;
pub mod municipality;
pub mod people;
pub mod promises;
mod quiet;
pub mod restore;
pub mod run;
pub mod schools;
pub mod settings;
pub mod shrink;
pub mod sightings;
mod troubles;
pub mod watchers;
pub mod world;

pub use run::{Done, Failure, run, run_caught};
pub use settings::Settings;
