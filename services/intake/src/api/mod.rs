//! What the service offers over gRPC.

mod bulk;
mod commands;
mod details;
pub(crate) mod problem;
mod reads;
mod service;
mod watch;

use std::sync::Arc;

use voordeur_chassis::edge::wire_position;
use voordeur_contracts::common;
use voordeur_directory::DirectoryWatch;
use voordeur_eventlog::{EventLog, Position, StreamName, fold::Fold};
use voordeur_kernel::Clock;
use voordeur_vault::{Deriver, Vault};

use crate::{audit::Audit, duty::Duty, machine::Signals, usage::Fullness};

pub(crate) use details::Emergencies;
pub(crate) use service::{Details, SourceSystems};

/// Everything that the calls need.
#[derive(Debug)]
pub(crate) struct Intake {
    pub(crate) fold: Arc<Fold<Signals>>,
    /// The stream of tasks, which routing owns; only read.
    pub(crate) tasks: Arc<dyn EventLog>,
    /// The stream of episodes and work on the floor, which escalation owns; only read.
    pub(crate) episodes: Arc<dyn EventLog>,
    pub(crate) audit: Audit,
    pub(crate) vault: Arc<Vault>,
    pub(crate) deriver: Deriver,
    pub(crate) directory: Arc<DirectoryWatch>,
    pub(crate) clock: Arc<dyn Clock>,
    pub(crate) fullness: Arc<Fullness>,
    pub(crate) emergencies: Emergencies,
    /// Who is there now, for guidance.
    pub(crate) duty: Duty,
}

impl Intake {
    /// A sequence of our stream as a position; none before the first word of the broker.
    pub(crate) fn place(&self, sequence: u64) -> Option<common::Position> {
        let now = self.fold.position()?;
        let place = Position { stream: StreamName::Signals, sequence, ..now };
        Some(wire_position(&place))
    }
}
