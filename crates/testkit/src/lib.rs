//! What tests share: a real broker as a child process (one node or three), a proxy that breaks connections, and waiting for a
//! condition. Only ever a dev-dependency.
#![allow(
    clippy::panic,
    clippy::expect_used,
    clippy::disallowed_methods,
    clippy::print_stderr,
    reason = "a test says with a panic what went wrong, and where the broker's program is stands in the environment"
)]

mod cluster;
mod damage;
mod process;
mod proxy;
mod server;
mod small_disk;
mod smtp;
mod wait;

pub use cluster::{CutOff, NatsCluster};
pub use process::{freeze, thaw};
pub use proxy::FaultProxy;
pub use server::{NatsServer, Sync};
pub use smtp::{Behaviour, Received, Secure, SmtpServer};
pub use wait::eventually;
