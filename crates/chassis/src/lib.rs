//! What every service stands on: settings, telemetry, lifecycle, health, identity, and what an error looks like from outside.
//!
//! A service crate offers `start(&Environment, Settings) -> Result<Service, StartError>`; `serve` binds it to its addresses. Tests
//! do the same on port 0.

pub mod audit;
mod backlog;
pub mod clock;
pub mod config;
pub mod edge;
pub mod grpc;
pub mod http;
pub mod identity;
pub mod lifecycle;
pub mod problem;
pub mod semconv;
pub mod server;
pub mod service;
pub mod tasks;
pub mod telemetry;
pub mod trace;

pub use audit::AuditTrail;
pub use clock::SystemClock;
pub use grpc::deadline::deadline;
pub use identity::{DEV_IDENTITY, Identity, identity};
pub use problem::Problem;
pub use server::{Bound, Listen, serve};
pub use service::{Check, Digest, Environment, NamedFold, RefusalDetail, Service, StartError};
pub use tasks::Tasks;
pub use trace::{link_to, trace_headers};
