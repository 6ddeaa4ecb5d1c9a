//! The gRPC services.

mod explain;
mod list;
mod presence_service;
mod request;
mod task_service;
mod view;
mod watch;

pub(crate) use presence_service::PresenceApi;
pub(crate) use task_service::TaskApi;
pub(crate) use view::is_coordinator;

use voordeur_chassis::Problem;
use voordeur_contracts::common;
use voordeur_eventlog::{Deadline, Position, StreamName};

use crate::office::Office;

/// A position on the wire.
fn wire_position(position: &Position) -> common::Position {
    common::Position {
        stream: position.stream.as_str().to_owned(),
        incarnation: position.incarnation.to_string(),
        sequence: position.sequence,
    }
}

/// A position of the stream of tasks.
fn read_position(wire: &common::Position, field: &str) -> Result<Position, Problem> {
    match StreamName::by_name(&wire.stream) {
        Some(stream) if stream == crate::machine::STREAM && !wire.incarnation.is_empty() => {
            Ok(Position { stream, incarnation: wire.incarnation.as_str().into(), sequence: wire.sequence })
        }
        _ => Err(Problem::fault(
            field,
            "FOREIGN_POSITION",
            "give a position that this service gave, or leave it out",
        )),
    }
}

/// Waits until everything up to a position was read.
async fn wait_for(
    office: &Office,
    wanted: Option<&common::Position>,
    deadline: Deadline,
) -> Result<(), Problem> {
    if let Some(wanted) = wanted {
        let wanted = read_position(wanted, "at_least")?;
        office.fold.reached(&wanted, deadline).await?;
    }
    if office.fold.is_ready() {
        Ok(())
    } else {
        Err(Problem::unavailable("NOT_READY", "still reading the log; try again in a moment"))
    }
}

/// How far the fold has read.
fn position_now(office: &Office) -> Option<common::Position> {
    office.fold.position().as_ref().map(wire_position)
}
