//! Why a task came to whom it came: what the choice saw, the frozen plan, the clocks, and every step that was taken. From the stored history
//! alone, so it answers for every task that was ever made, whatever the directory says by now.

use voordeur_chassis::Problem;
use voordeur_contracts::{
    convert::to_wire_time,
    event,
    routing::{ExplainRoutingResponse, TimelineEntry},
};
use voordeur_eventlog::Deadline;
use voordeur_kernel::{ProfessionalKey, TaskId, Timestamp};
use voordeur_routing_domain::{
    task::{Change, Meta, Requested, StepTaken, Trigger},
    words::TransferEnd,
};

use super::list::get;
use crate::{
    codec::{deadlines, read::names, sight, step_taken, wire_plan, words::Word as _, write_actor},
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
            begin(&mut explained, &meta, requested);
        }
        explained.timeline.push(entry(&meta, &change));
    }
    Ok(explained)
}

fn begin(explained: &mut ExplainRoutingResponse, meta: &Meta, requested: &Requested) {
    explained.plan = Some(wire_plan(&requested.plan));
    explained.directory_version = meta.directory_version;
    explained.sight = requested.sight.as_ref().map(sight::write);
    explained.clocks = deadlines(&requested.deadlines);
}

fn entry(meta: &Meta, change: &Change) -> TimelineEntry {
    TimelineEntry {
        at: Some(to_wire_time(meta.recorded_at)),
        event: change.kind().event().to_owned(),
        actor: Some(write_actor(&meta.actor)),
        step: change.step_taken().map(step_taken),
        reason: reason(change).to_owned(),
        directory_version: meta.directory_version,
        people: names(&people(change)),
        task_id: other_task(change).map(|task| task.to_string()).unwrap_or_default(),
        moment: moment(change).map(to_wire_time),
    }
}

/// The reason code of an event; empty when it has none.
fn reason(change: &Change) -> &'static str {
    macro_rules! code {
        ($kind:ident, $word:expr) => {
            event::$kind::try_from($word.number()).map_or("", |word| word.as_str_name())
        };
    }
    match change {
        Change::Requested(requested) => match requested.about.trigger {
            Trigger::EarlierTask { reason, .. } => code!(FurtherWorkReason, reason),
            _ => "",
        },
        Change::OfferDeclined { reason, .. } => code!(DeclineReason, reason),
        Change::OfferWithdrawn { reason, .. } => code!(AwayReason, reason),
        Change::Assigned { reason, .. } | Change::TransferProposed { reason, .. } => {
            code!(AssignReason, reason)
        }
        Change::HandedBack { reason, .. } => code!(HandBackReason, reason),
        Change::Held { reason, .. } => code!(HoldReason, reason),
        Change::Answered { outcome, .. } => code!(TaskOutcome, outcome),
        Change::CancellationRequested { reason, .. } => code!(CancelReason, reason),
        Change::Failed { reason, .. } => code!(FailReason, reason),
        Change::EnteredInError { reason } => code!(ErrorReason, reason),
        Change::ClockRang { deadline, .. } => code!(ClockKind, deadline.clock),
        Change::HolderAway { away, .. } => code!(AwayReason, away.reason),
        Change::HolderAwayEnded { end, .. } => code!(HolderAwayEnd, end),
        // Why not says more than that it was declined.
        Change::TransferEnded { end: TransferEnd::Declined, reason: Some(reason), .. } => {
            code!(DeclineReason, reason)
        }
        Change::TransferEnded { end, .. } => code!(TransferEnd, end),
        Change::MeetingPlanned { meeting, .. } => {
            meeting.without_parents.map_or("", |reason| code!(WithoutParentsReason, reason))
        }
        Change::MeetingRecorded { end, .. } => code!(MeetingEnd, end),
        Change::OffersMade { .. }
        | Change::OffersTimedOut { .. }
        | Change::Accepted { .. }
        | Change::Resumed { .. }
        | Change::ContactRecorded { .. }
        | Change::ColleagueAsked(_)
        | Change::NobodyToTell { .. }
        | Change::Linked { .. }
        | Change::CoordinatorReplaced { .. } => "",
        Change::CancellationDecided { confirmed: true, .. } => "CONFIRMED",
        Change::CancellationDecided { confirmed: false, .. } => "REFUSED",
    }
}

/// The other task that an event names.
fn other_task(change: &Change) -> Option<TaskId> {
    match change {
        Change::Requested(requested) => match requested.about.trigger {
            Trigger::EarlierTask { task, .. } => Some(task),
            _ => None,
        },
        Change::Linked { task } => Some(*task),
        _ => None,
    }
}

/// The moment that an event sets, beside its clocks.
fn moment(change: &Change) -> Option<Timestamp> {
    match change {
        Change::Held { until, .. } => Some(*until),
        Change::MeetingPlanned { meeting, .. } => Some(meeting.at),
        Change::HolderAway { away, .. } => away.until,
        _ => None,
    }
}

/// Whom an event concerns, beside who did it.
fn people(change: &Change) -> Vec<ProfessionalKey> {
    let of_step = |step: &StepTaken| -> Vec<ProfessionalKey> {
        let offers = step.offers.iter().map(|offer| &offer.professional);
        offers.chain(&step.assigned_to).cloned().collect()
    };
    match change {
        Change::Requested(requested) => of_step(&requested.first_step),
        Change::OffersMade { step, .. } | Change::HandedBack { next_step: step, .. } => of_step(step),
        Change::OfferDeclined { professional, .. }
        | Change::OfferWithdrawn { professional, .. }
        | Change::Accepted { professional, .. }
        | Change::Assigned { professional, .. }
        | Change::TransferProposed { professional, .. } => vec![professional.clone()],
        Change::OffersTimedOut { professionals, .. } => professionals.clone(),
        Change::ColleagueAsked(colleague) => colleague.person.iter().cloned().collect(),
        Change::CancellationDecided { .. } => Vec::new(),
        Change::Failed { coordinator, .. } | Change::CoordinatorReplaced { coordinator } => {
            vec![coordinator.clone()]
        }
        Change::ClockRang { told, .. } => told.clone(),
        Change::HolderAway { away, .. } => vec![away.professional.clone()],
        Change::MeetingPlanned { meeting, .. } => meeting.people.to_vec(),
        Change::Held { .. }
        | Change::Resumed { .. }
        | Change::ContactRecorded { .. }
        | Change::Answered { .. }
        | Change::CancellationRequested { .. }
        | Change::EnteredInError { .. }
        | Change::NobodyToTell { .. }
        | Change::Linked { .. }
        | Change::HolderAwayEnded { .. }
        | Change::TransferEnded { .. }
        | Change::MeetingRecorded { .. } => Vec::new(),
    }
}
