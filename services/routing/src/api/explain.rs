//! Why a task came to whom it came: the frozen plan and every step that was taken, from the history itself.

use voordeur_chassis::Problem;
use voordeur_contracts::{
    convert::to_wire_time,
    routing::{ExplainRoutingResponse, TimelineEntry},
};
use voordeur_eventlog::Deadline;
use voordeur_kernel::{ProfessionalKey, TaskId};
use voordeur_routing_domain::task::Change;

use super::list::get;
use crate::{
    codec::{step_taken, wire_plan, write_actor},
    machine::{task_event, task_subject},
    office::Office,
};

pub(crate) async fn explain(
    office: &Office,
    person: Option<&ProfessionalKey>,
    id: TaskId,
    deadline: Deadline,
) -> Result<ExplainRoutingResponse, Problem> {
    let directory = office.directory()?;
    get(office, &directory, person, id, "ExplainRouting", deadline).await?;
    let subject = task_subject(id).map_err(|error| Problem::broken(error.to_string()))?;
    let history = office.fold.log().history(&subject, 0, deadline).await?;
    let mut explained = ExplainRoutingResponse::default();
    for message in &history {
        let (meta, change) = task_event(message).map_err(|error| Problem::broken(error.to_string()))?;
        if let Change::Requested(requested) = &change {
            explained.plan = Some(wire_plan(&requested.plan));
            explained.directory_version = meta.directory_version;
        }
        explained.timeline.push(TimelineEntry {
            at: Some(to_wire_time(meta.recorded_at)),
            event: change.kind().event().to_owned(),
            actor: Some(write_actor(&meta.actor)),
            step: change.step_taken().map(step_taken),
            ..TimelineEntry::default()
        });
    }
    Ok(explained)
}
