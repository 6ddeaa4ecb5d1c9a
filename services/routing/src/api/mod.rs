//! The gRPC services.

mod check;
mod explain;
mod further_work;
mod list;
mod notice_service;
mod presence_service;
mod request;
mod task_service;
mod view;
mod watch;

pub(crate) use notice_service::NoticeApi;
pub(crate) use presence_service::PresenceApi;
pub(crate) use task_service::TaskApi;
pub(crate) use view::is_coordinator;

use voordeur_chassis::{
    Problem,
    edge::{self, wire_position},
};
use voordeur_contracts::common;
use voordeur_eventlog::{Deadline, Position};
use voordeur_kernel::Faults;

use crate::{machine::STREAM, office::Office};

/// A position of the stream of tasks, when one was given.
fn read_position(wire: Option<&common::Position>, field: &str) -> Result<Option<Position>, Problem> {
    let mut faults = Faults::new();
    let position = edge::read_position(field, wire, STREAM, &mut faults);
    faults.finish(Some(position)).map_err(Problem::invalid)
}

/// Waits until everything up to a position was read.
async fn wait_for(
    office: &Office,
    wanted: Option<&common::Position>,
    deadline: Deadline,
) -> Result<(), Problem> {
    if let Some(wanted) = read_position(wanted, "at_least")? {
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
