//! A change of a task out of a message.

use voordeur_contracts::event::{self, task_event::Change as Wire, task_trigger::Source};
use voordeur_kernel::{ActivityId, ChildAlias, CommitId, EpisodeId, ProfessionalKey, SignalId, TaskId};
use voordeur_routing_domain::task::{About, Away, Change, Colleague, Meeting, Meta, Requested, Trigger};

use super::{
    plan::{read as read_plan, read_deadline, read_deadlines, read_step, read_step_in},
    read::{self, Read, bad, id, maybe_moment, moment, people, person, within, word},
    read_meta, read_sealed, sight,
    words::Word,
};

/// Reads an event. What a task is about and who catches it stands beside its first change.
pub(crate) fn read_task(event: &event::TaskEvent, commit: Option<CommitId>) -> Read<(Meta, Change)> {
    let meta = read_meta(event.meta.as_ref(), commit)?;
    let change = match &event.change {
        Some(Wire::Requested(requested)) => Change::Requested(Box::new(within(
            "requested",
            read_requested(requested, event.standing.as_ref()),
        )?)),
        Some(change) => read_change(change, event.standing.as_ref())?,
        None => return bad("change"),
    };
    Ok((meta, change))
}

/// What asked for the work. Why there is more of it, after an earlier task, stands beside it.
fn read_trigger(trigger: Option<&event::TaskTrigger>, further_work: i32) -> Read<Trigger> {
    Ok(match trigger.and_then(|trigger| trigger.source.as_ref()) {
        Some(Source::Signal(bytes)) => Trigger::Signal(id(bytes, SignalId::parse_bytes, "trigger.signal")?),
        Some(Source::EarlierTask(bytes)) => Trigger::EarlierTask {
            task: id(bytes, TaskId::parse_bytes, "trigger.earlier_task")?,
            reason: word(further_work, "further_work")?,
        },
        Some(Source::EpisodeCheck(check)) => Trigger::EpisodeCheck {
            episode: id(&check.episode, EpisodeId::parse_bytes, "trigger.episode_check.episode")?,
            day: u16::try_from(check.day).or_else(|_| bad("trigger.episode_check.day"))?,
            asked_before: check.asked_before,
        },
        Some(Source::HandOver(hand_over)) => Trigger::HandOver {
            episode: id(&hand_over.episode, EpisodeId::parse_bytes, "trigger.hand_over.episode")?,
            moment: i32::try_from(hand_over.moment)
                .or_else(|_| bad("trigger.hand_over.moment"))
                .and_then(|moment| word(moment, "trigger.hand_over.moment"))?,
        },
        Some(Source::Activity(bytes)) => {
            Trigger::Activity(id(bytes, ActivityId::parse_bytes, "trigger.activity")?)
        }
        None => return bad("trigger"),
    })
}

fn read_requested(
    requested: &event::TaskRequested,
    standing: Option<&event::TaskStanding>,
) -> Read<Requested> {
    let Some(standing) = standing else { return bad("standing") };
    let child = match standing.child.as_ref() {
        [] => None,
        bytes => Some(id(bytes, ChildAlias::parse_bytes, "standing.child")?),
    };
    let trigger = read_trigger(standing.trigger.as_ref(), requested.further_work)?;
    let organisation = read::maybe(&requested.organisation, "organisation", read::organisation)?;
    if organisation.is_none() && trigger.has_asker() {
        return bad("organisation");
    }
    let about = About {
        trigger,
        organisation,
        centre: read::centre(&standing.centre, "standing.centre")?,
        child,
        group: read::maybe(&requested.group, "group", read::group)?,
        subject: word(requested.subject, "subject")?,
        domains: requested.domains.iter().map(|domain| word(*domain, "domains")).collect::<Read<_>>()?,
        severity: u8::try_from(requested.severity).or_else(|_| bad("severity"))?,
        safety: word(requested.safety, "safety")?,
        urgency: word(requested.urgency, "urgency")?,
        answer_wanted: requested.answer_wanted,
        asked_by: Word::of(requested.asked_by),
        received_at: moment(requested.received_at.as_ref(), "received_at")?,
        name_may_be_shared: requested.name_may_be_shared,
    };
    Ok(Requested {
        about,
        coordinator: person(&standing.coordinator, "standing.coordinator")?,
        plan: read_plan(requested.plan.as_ref())?,
        sight: requested.sight.as_ref().map(|seen| within("sight", sight::read(seen))).transpose()?,
        first_step: read_step_in(requested.first_step.as_ref(), "first_step")?,
        linked: requested
            .linked_tasks
            .iter()
            .map(|task| id(task, TaskId::parse_bytes, "linked_tasks"))
            .collect::<Read<_>>()?,
        deadlines: read_deadlines(&requested.deadlines)?,
    })
}

fn read_change(change: &Wire, standing: Option<&event::TaskStanding>) -> Read<Change> {
    let coordinator = || {
        let Some(standing) = standing else { return bad("standing") };
        person(&standing.coordinator, "standing.coordinator")
    };
    match change {
        Wire::Requested(_) => bad("change"),
        Wire::OffersMade(made) => within("offers_made", offers_made(made)),
        Wire::OfferDeclined(declined) => within("offer_declined", offer_declined(declined)),
        Wire::OffersTimedOut(timed_out) => within("offers_timed_out", offers_timed_out(timed_out)),
        Wire::Accepted(accepted) => within("accepted", self::accepted(accepted)),
        Wire::Assigned(assigned) => within("assigned", self::assigned(assigned)),
        Wire::HandedBack(back) => within("handed_back", handed_back(back)),
        Wire::Held(held) => within("held", self::held(held)),
        Wire::Resumed(resumed) => within("resumed", read_deadlines(&resumed.deadlines))
            .map(|deadlines| Change::Resumed { deadlines }),
        Wire::ContactRecorded(contact) => within("contact_recorded", contact_recorded(contact)),
        Wire::Answered(answered) => within("answered", self::answered(answered)),
        Wire::ColleagueAsked(asked) => within("colleague_asked", colleague_asked(asked)),
        Wire::CancellationRequested(requested) => {
            within("cancellation_requested", cancellation_requested(requested))
        }
        Wire::CancellationDecided(decided) => {
            let deadlines = within("cancellation_decided", read_deadlines(&decided.deadlines))?;
            Ok(Change::CancellationDecided {
                confirmed: decided.confirmed,
                coordinator: coordinator()?,
                deadlines,
            })
        }
        Wire::Failed(failed) => within("failed", self::failed(failed, coordinator()?)),
        Wire::EnteredInError(error) => {
            Ok(Change::EnteredInError { reason: word(error.reason, "entered_in_error.reason")? })
        }
        Wire::ClockRang(rang) => within("clock_rang", clock_rang(rang)),
        Wire::NobodyToTell(nobody) => within("nobody_to_tell", read_deadlines(&nobody.deadlines))
            .map(|deadlines| Change::NobodyToTell { deadlines }),
        Wire::Linked(linked) => {
            Ok(Change::Linked { task: id(&linked.task, TaskId::parse_bytes, "linked.task")? })
        }
        Wire::CoordinatorReplaced(replaced) => Ok(Change::CoordinatorReplaced {
            coordinator: person(&replaced.coordinator, "coordinator_replaced.coordinator")?,
        }),
        Wire::OfferWithdrawn(withdrawn) => within("offer_withdrawn", offer_withdrawn(withdrawn)),
        Wire::HolderAway(away) => within("holder_away", holder_away(away)),
        Wire::HolderAwayEnded(ended) => within("holder_away_ended", holder_away_ended(ended)),
        Wire::TransferProposed(proposed) => within("transfer_proposed", transfer_proposed(proposed)),
        Wire::TransferEnded(ended) => within("transfer_ended", transfer_ended(ended)),
        Wire::MeetingPlanned(planned) => within("meeting_planned", meeting_planned(planned)),
        Wire::MeetingRecorded(recorded) => within("meeting_recorded", meeting_recorded(recorded)),
    }
}

fn offers_made(made: &event::OffersMade) -> Read<Change> {
    Ok(Change::OffersMade {
        step: read_step_in(made.step.as_ref(), "step")?,
        deadlines: read_deadlines(&made.deadlines)?,
    })
}

fn offer_declined(declined: &event::OfferDeclined) -> Read<Change> {
    Ok(Change::OfferDeclined {
        professional: person(&declined.professional, "professional")?,
        reason: word(declined.reason, "reason")?,
        next_step: declined.next_step.as_ref().map(read_step).transpose()?,
        deadlines: read_deadlines(&declined.deadlines)?,
    })
}

fn offers_timed_out(timed_out: &event::OffersTimedOut) -> Read<Change> {
    Ok(Change::OffersTimedOut {
        professionals: people(&timed_out.professionals, "professionals")?,
        next_step: read_step_in(timed_out.next_step.as_ref(), "next_step")?,
        deadlines: read_deadlines(&timed_out.deadlines)?,
    })
}

fn accepted(accepted: &event::TaskAccepted) -> Read<Change> {
    Ok(Change::Accepted {
        professional: person(&accepted.professional, "professional")?,
        rescinded: people(&accepted.rescinded, "rescinded")?,
        deadlines: read_deadlines(&accepted.deadlines)?,
    })
}

fn assigned(assigned: &event::TaskAssigned) -> Read<Change> {
    Ok(Change::Assigned {
        professional: person(&assigned.professional, "professional")?,
        reason: word(assigned.reason, "reason")?,
        rescinded: people(&assigned.rescinded, "rescinded")?,
        deadlines: read_deadlines(&assigned.deadlines)?,
    })
}

fn handed_back(back: &event::TaskHandedBack) -> Read<Change> {
    Ok(Change::HandedBack {
        reason: word(back.reason, "reason")?,
        next_step: read_step_in(back.next_step.as_ref(), "next_step")?,
        deadlines: read_deadlines(&back.deadlines)?,
    })
}

fn held(held: &event::TaskHeld) -> Read<Change> {
    Ok(Change::Held {
        reason: word(held.reason, "reason")?,
        until: moment(held.until.as_ref(), "until")?,
        deadlines: read_deadlines(&held.deadlines)?,
    })
}

fn contact_recorded(contact: &event::ContactRecorded) -> Read<Change> {
    Ok(Change::ContactRecorded {
        kind: word(contact.kind, "kind")?,
        with: word(contact.with, "with")?,
        reached: contact.reached,
        at: moment(contact.at.as_ref(), "at")?,
        deadlines: read_deadlines(&contact.deadlines)?,
    })
}

fn answered(answered: &event::TaskAnswered) -> Read<Change> {
    Ok(Change::Answered {
        outcome: word(answered.outcome, "outcome")?,
        status: maybe_word(answered.status, "status")?,
        advice: answered.advice.as_ref().map(|sealed| within("advice", read_sealed(sealed))).transpose()?,
    })
}

fn colleague_asked(asked: &event::ColleagueAsked) -> Read<Change> {
    Ok(Change::ColleagueAsked(Colleague {
        role: word(asked.role, "role")?,
        person: read::maybe(&asked.person, "person", person)?,
        with_name: asked.with_name,
    }))
}

fn cancellation_requested(requested: &event::CancellationRequested) -> Read<Change> {
    Ok(Change::CancellationRequested {
        reason: word(requested.reason, "reason")?,
        deadlines: read_deadlines(&requested.deadlines)?,
    })
}

fn failed(failed: &event::TaskFailed, coordinator: ProfessionalKey) -> Read<Change> {
    Ok(Change::Failed {
        reason: word(failed.reason, "reason")?,
        coordinator,
        deadlines: read_deadlines(&failed.deadlines)?,
    })
}

fn clock_rang(rang: &event::ClockRang) -> Read<Change> {
    let Some(deadline) = &rang.deadline else { return bad("deadline") };
    Ok(Change::ClockRang {
        deadline: within("deadline", read_deadline(deadline))?,
        told: people(&rang.told, "told")?,
        deadlines: read_deadlines(&rang.deadlines)?,
    })
}

fn offer_withdrawn(withdrawn: &event::OfferWithdrawn) -> Read<Change> {
    Ok(Change::OfferWithdrawn {
        professional: person(&withdrawn.professional, "professional")?,
        reason: word(withdrawn.reason, "reason")?,
        next_step: withdrawn.next_step.as_ref().map(read_step).transpose()?,
        deadlines: read_deadlines(&withdrawn.deadlines)?,
    })
}

fn holder_away(away: &event::HolderAway) -> Read<Change> {
    Ok(Change::HolderAway {
        away: Away {
            professional: person(&away.professional, "professional")?,
            reason: word(away.reason, "reason")?,
            until: maybe_moment(away.until.as_ref(), "until")?,
            stand_in: read::maybe(&away.stand_in, "stand_in", person)?,
        },
        deadlines: read_deadlines(&away.deadlines)?,
    })
}

fn holder_away_ended(ended: &event::HolderAwayEnded) -> Read<Change> {
    Ok(Change::HolderAwayEnded { end: word(ended.end, "end")?, deadlines: read_deadlines(&ended.deadlines)? })
}

fn transfer_proposed(proposed: &event::TransferProposed) -> Read<Change> {
    Ok(Change::TransferProposed {
        professional: person(&proposed.professional, "professional")?,
        reason: word(proposed.reason, "reason")?,
        deadlines: read_deadlines(&proposed.deadlines)?,
    })
}

fn transfer_ended(ended: &event::TransferEnded) -> Read<Change> {
    Ok(Change::TransferEnded {
        end: word(ended.end, "end")?,
        reason: maybe_word(ended.reason, "reason")?,
        deadlines: read_deadlines(&ended.deadlines)?,
    })
}

fn meeting_planned(planned: &event::MeetingPlanned) -> Read<Change> {
    let without_parents = maybe_word(planned.without_parents, "without_parents")?;
    // They are invited, or it says why not.
    if planned.parents_invited == without_parents.is_some() {
        return bad("parents_invited");
    }
    Ok(Change::MeetingPlanned {
        meeting: Meeting {
            at: moment(planned.at.as_ref(), "at")?,
            roles: planned.roles.iter().map(|role| word(*role, "roles")).collect::<Read<_>>()?,
            people: people(&planned.people, "people")?.into(),
            without_parents,
        },
        deadlines: read_deadlines(&planned.deadlines)?,
    })
}

fn meeting_recorded(recorded: &event::MeetingRecorded) -> Read<Change> {
    Ok(Change::MeetingRecorded {
        end: word(recorded.end, "end")?,
        parents_came: recorded.parents_came,
        deadlines: read_deadlines(&recorded.deadlines)?,
    })
}

/// A word that may be left out; one of a later release is not left out.
fn maybe_word<W: Word>(number: i32, field: &str) -> Read<Option<W>> {
    if number == 0 { Ok(None) } else { word(number, field).map(Some) }
}
