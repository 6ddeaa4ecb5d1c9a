//! The clock of the machine.

use voordeur_kernel::{Clock, Timestamp};

/// Tells the time of the machine. The only place that reads it.
#[derive(Debug, Clone, Copy, Default)]
pub struct SystemClock;

impl Clock for SystemClock {
    #[expect(clippy::disallowed_methods, reason = "this is the port's one implementation for production")]
    fn now(&self) -> Timestamp {
        Timestamp::now()
    }
}
