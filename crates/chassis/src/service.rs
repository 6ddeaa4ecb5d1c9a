//! What a service gets, and what it gives back.

use std::{fmt, sync::Arc};

use voordeur_eventlog::{Broker, topology::TopologyError};
use voordeur_kernel::{Clock, ErrorKind};

use crate::{Problem, Tasks};

pub use voordeur_eventlog::fold::Digest;

/// What a service needs of its surroundings.
#[derive(Debug, Clone)]
pub struct Environment {
    /// The event log.
    pub broker: Arc<dyn Broker>,
    /// The time.
    pub clock: Arc<dyn Clock>,
    /// Where everything that runs on its own is spawned.
    pub tasks: Tasks,
    /// Development: identities are taken on trust, addresses are loopback.
    pub dev: bool,
}

/// A named condition that has to hold before a service is ready.
pub type Check = (&'static str, Arc<dyn Fn() -> bool + Send + Sync>);

/// A named fold, and how to ask for its position and digest.
pub type NamedFold = (&'static str, Arc<dyn Fn() -> Digest + Send + Sync>);

/// What a refusal carries that comes from around a call (no room, too late, nobody knows who calls), by the method's full name
/// (`voordeur.intake.v1.SignalIntakeService/SubmitSignal`). Whoever refuses there has not read the request.
pub type RefusalDetail = fn(&str) -> Option<prost_types::Any>;

/// A service that was started and is not bound to an address yet.
pub struct Service {
    /// Its name: `intake`, `routing` or `escalation`.
    pub name: &'static str,
    /// Its gRPC services.
    pub grpc: tonic::service::Routes,
    /// Their full names, for health: `voordeur.intake.v1.SignalIntakeService`.
    pub grpc_services: Vec<&'static str>,
    /// What refusals around its calls carry.
    pub refusal_detail: Option<RefusalDetail>,
    /// What has to hold before it is ready.
    pub ready: Vec<Check>,
    /// Its folds.
    pub folds: Vec<NamedFold>,
}

impl fmt::Debug for Service {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("Service")
            .field("name", &self.name)
            .field("grpc_services", &self.grpc_services)
            .field("ready", &self.ready.iter().map(|ready| ready.0).collect::<Vec<_>>())
            .field("folds", &self.folds.iter().map(|fold| fold.0).collect::<Vec<_>>())
            .finish_non_exhaustive()
    }
}

/// Why a service does not start. Every text says what to do.
#[derive(Debug, thiserror::Error)]
pub enum StartError {
    /// The broker is not as it should be, or away.
    #[error(transparent)]
    Broker(#[from] TopologyError),
    /// A setting, a file or a command line is wrong.
    #[error("{0}")]
    Settings(String),
    /// Something that was needed could not be had; trying again may help.
    #[error("{0}")]
    Unavailable(String),
    /// A file or an address could not be used.
    #[error("{what}: {source}")]
    Io {
        /// What was tried, with the path or address.
        what: String,
        /// What the system said.
        source: std::io::Error,
    },
    /// Anything else.
    #[error("{0}")]
    Failed(String),
}

impl StartError {
    /// A file or address could not be used.
    pub fn io(what: impl Into<String>) -> impl FnOnce(std::io::Error) -> Self {
        let what = what.into();
        move |source| Self::Io { what, source }
    }
}

impl From<Problem> for StartError {
    fn from(problem: Problem) -> Self {
        match problem.kind {
            ErrorKind::Invalid => Self::Settings(problem.to_string()),
            kind if kind.may_retry() => Self::Unavailable(problem.to_string()),
            _ => Self::Failed(problem.to_string()),
        }
    }
}
