//! A change of a task as a message, with where the task stands after it.

use prost::Message as _;
use voordeur_contracts::{
    convert::to_wire_time,
    event::{self, task_event::Change as Wire, task_trigger::Source},
};
use voordeur_routing_domain::task::{Change, Meta, Requested, Task, Trigger};

pub(crate) use super::plan::{write as wire_plan, write_deadlines as deadlines, write_step as step_taken};
use super::{
    plan::write_deadline,
    read::{names, wire_id},
    sight,
    words::Word as _,
    write_meta, write_sealed,
};

/// The event; `after` is the task that it leads to.
#[must_use]
pub fn write_task(meta: &Meta, change: &Change, after: &Task) -> Vec<u8> {
    let event = event::TaskEvent {
        meta: Some(write_meta(meta)),
        standing: Some(standing(after)),
        change: Some(write_change(change)),
    };
    event.encode_to_vec()
}

/// Where a task stands: a reader of another service needs only this of the newest event.
fn standing(task: &Task) -> event::TaskStanding {
    event::TaskStanding {
        state: task.state.number(),
        holder: task.holder.as_ref().map(ToString::to_string).unwrap_or_default(),
        coordinator: task.coordinator.to_string(),
        trigger: Some(write_trigger(task.about.trigger)),
        child: task.about.child.map(|child| wire_id(child.as_bytes())).unwrap_or_default(),
        centre: task.about.centre.to_string(),
        offered_to: task.offers.iter().map(|offer| offer.professional.to_string()).collect(),
    }
}

fn write_trigger(trigger: Trigger) -> event::TaskTrigger {
    let source = match trigger {
        Trigger::Signal(signal) => Source::Signal(wire_id(signal.as_bytes())),
        Trigger::EarlierTask { task, .. } => Source::EarlierTask(wire_id(task.as_bytes())),
        Trigger::EpisodeCheck { episode, day, asked_before } => {
            let episode = wire_id(episode.as_bytes());
            Source::EpisodeCheck(event::EpisodeCheck { episode, day: day.into(), asked_before })
        }
        Trigger::HandOver { episode, moment } => Source::HandOver(event::EpisodeHandOver {
            episode: wire_id(episode.as_bytes()),
            moment: moment.number().unsigned_abs(),
        }),
        Trigger::Activity(activity) => Source::Activity(wire_id(activity.as_bytes())),
    };
    event::TaskTrigger { source: Some(source) }
}

fn write_requested(requested: &Requested) -> event::TaskRequested {
    let about = &requested.about;
    event::TaskRequested {
        organisation: about.organisation.as_ref().map(ToString::to_string).unwrap_or_default(),
        subject: about.subject.number(),
        group: about.group.as_ref().map(ToString::to_string).unwrap_or_default(),
        domains: about.domains.iter().map(|domain| domain.number()).collect(),
        severity: about.severity.into(),
        safety: about.safety.number(),
        urgency: about.urgency.number(),
        answer_wanted: about.answer_wanted,
        received_at: Some(to_wire_time(about.received_at)),
        plan: Some(wire_plan(&requested.plan)),
        first_step: Some(step_taken(&requested.first_step)),
        linked_tasks: requested.linked.iter().map(|task| wire_id(task.as_bytes())).collect(),
        asked_by: about.asked_by.map_or(0, |asked_by| asked_by.number()),
        deadlines: deadlines(&requested.deadlines),
        name_may_be_shared: about.name_may_be_shared,
        sight: requested.sight.as_ref().map(sight::write),
        further_work: match about.trigger {
            Trigger::EarlierTask { reason, .. } => reason.number(),
            _ => 0,
        },
    }
}

fn write_change(change: &Change) -> Wire {
    match change {
        Change::Requested(requested) => Wire::Requested(write_requested(requested)),
        Change::OffersMade { step, deadlines: all } => {
            Wire::OffersMade(event::OffersMade { step: Some(step_taken(step)), deadlines: deadlines(all) })
        }
        Change::OfferDeclined { professional, reason, next_step, deadlines: all } => {
            Wire::OfferDeclined(event::OfferDeclined {
                professional: professional.to_string(),
                reason: reason.number(),
                next_step: next_step.as_ref().map(step_taken),
                deadlines: deadlines(all),
            })
        }
        Change::OffersTimedOut { professionals, next_step, deadlines: all } => {
            Wire::OffersTimedOut(event::OffersTimedOut {
                professionals: names(professionals),
                next_step: Some(step_taken(next_step)),
                deadlines: deadlines(all),
            })
        }
        Change::Accepted { professional, rescinded, deadlines: all } => Wire::Accepted(event::TaskAccepted {
            professional: professional.to_string(),
            rescinded: names(rescinded),
            deadlines: deadlines(all),
        }),
        Change::Assigned { professional, reason, rescinded, deadlines: all } => {
            Wire::Assigned(event::TaskAssigned {
                professional: professional.to_string(),
                reason: reason.number(),
                rescinded: names(rescinded),
                deadlines: deadlines(all),
            })
        }
        Change::HandedBack { reason, next_step, deadlines: all } => Wire::HandedBack(event::TaskHandedBack {
            reason: reason.number(),
            next_step: Some(step_taken(next_step)),
            deadlines: deadlines(all),
        }),
        Change::Held { reason, until, deadlines: all } => Wire::Held(event::TaskHeld {
            reason: reason.number(),
            until: Some(to_wire_time(*until)),
            deadlines: deadlines(all),
        }),
        Change::Resumed { deadlines: all } => Wire::Resumed(event::TaskResumed { deadlines: deadlines(all) }),
        Change::ContactRecorded { kind, with, reached, at, deadlines: all } => {
            Wire::ContactRecorded(event::ContactRecorded {
                kind: kind.number(),
                with: with.number(),
                reached: *reached,
                at: Some(to_wire_time(*at)),
                deadlines: deadlines(all),
            })
        }
        Change::Answered { outcome, status, advice } => Wire::Answered(event::TaskAnswered {
            outcome: outcome.number(),
            status: status.map_or(0, |status| status.number()),
            advice: advice.as_ref().map(write_sealed),
        }),
        Change::ColleagueAsked(colleague) => Wire::ColleagueAsked(event::ColleagueAsked {
            role: colleague.role.number(),
            person: colleague.person.as_ref().map(ToString::to_string).unwrap_or_default(),
            with_name: colleague.with_name,
        }),
        Change::CancellationRequested { reason, deadlines: all } => {
            Wire::CancellationRequested(event::CancellationRequested {
                reason: reason.number(),
                deadlines: deadlines(all),
            })
        }
        // Who catches it stands in the standing.
        Change::CancellationDecided { confirmed, deadlines: all, .. } => {
            Wire::CancellationDecided(event::CancellationDecided {
                confirmed: *confirmed,
                deadlines: deadlines(all),
            })
        }
        Change::Failed { reason, deadlines: all, .. } => {
            Wire::Failed(event::TaskFailed { reason: reason.number(), deadlines: deadlines(all) })
        }
        Change::EnteredInError { reason } => {
            Wire::EnteredInError(event::TaskEnteredInError { reason: reason.number() })
        }
        Change::ClockRang { deadline, told, deadlines: all } => Wire::ClockRang(event::ClockRang {
            deadline: Some(write_deadline(deadline)),
            told: names(told),
            deadlines: deadlines(all),
        }),
        Change::NobodyToTell { deadlines: all } => {
            Wire::NobodyToTell(event::NobodyToTell { deadlines: deadlines(all) })
        }
        Change::Linked { task } => Wire::Linked(event::TaskLinked { task: wire_id(task.as_bytes()) }),
        Change::CoordinatorReplaced { coordinator } => {
            Wire::CoordinatorReplaced(event::CoordinatorReplaced { coordinator: coordinator.to_string() })
        }
        Change::OfferWithdrawn { professional, reason, next_step, deadlines: all } => {
            Wire::OfferWithdrawn(event::OfferWithdrawn {
                professional: professional.to_string(),
                reason: reason.number(),
                next_step: next_step.as_ref().map(step_taken),
                deadlines: deadlines(all),
            })
        }
        Change::HolderAway { away, deadlines: all } => Wire::HolderAway(event::HolderAway {
            professional: away.professional.to_string(),
            reason: away.reason.number(),
            until: away.until.map(to_wire_time),
            stand_in: away.stand_in.as_ref().map(ToString::to_string).unwrap_or_default(),
            deadlines: deadlines(all),
        }),
        Change::HolderAwayEnded { end, deadlines: all } => {
            Wire::HolderAwayEnded(event::HolderAwayEnded { end: end.number(), deadlines: deadlines(all) })
        }
        Change::TransferProposed { professional, reason, deadlines: all } => {
            Wire::TransferProposed(event::TransferProposed {
                professional: professional.to_string(),
                reason: reason.number(),
                deadlines: deadlines(all),
            })
        }
        Change::TransferEnded { end, reason, deadlines: all } => Wire::TransferEnded(event::TransferEnded {
            end: end.number(),
            reason: reason.map_or(0, |reason| reason.number()),
            deadlines: deadlines(all),
        }),
        Change::MeetingPlanned { meeting, deadlines: all } => Wire::MeetingPlanned(event::MeetingPlanned {
            at: Some(to_wire_time(meeting.at)),
            roles: meeting.roles.iter().map(|role| role.number()).collect(),
            people: names(&meeting.people),
            parents_invited: meeting.without_parents.is_none(),
            without_parents: meeting.without_parents.map_or(0, |reason| reason.number()),
            deadlines: deadlines(all),
        }),
        Change::MeetingRecorded { end, parents_came, deadlines: all } => {
            Wire::MeetingRecorded(event::MeetingRecorded {
                end: end.number(),
                parents_came: *parents_came,
                deadlines: deadlines(all),
            })
        }
    }
}
