//! From the domain to the wire.

use prost::{Message as _, bytes::Bytes};
use voordeur_contracts::{
    common,
    convert::to_wire_time,
    event::{self, due_work, episode_event::Change as Wire, referral_destination::To},
};
use voordeur_escalation_domain::{
    Actor, Change, Closing, Correction, Deadline, Destination, Event, Goal, Judgement, Opened, SignalJoined,
    Word, Work,
};
use voordeur_kernel::TaskId;

/// An event as bytes.
pub(crate) fn write(event: &Event) -> Bytes {
    write_event(event).encode_to_vec().into()
}

/// An event of an episode on the wire.
#[must_use]
pub fn write_event(event: &Event) -> event::EpisodeEvent {
    event::EpisodeEvent {
        meta: Some(event::EventMeta {
            recorded_at: Some(to_wire_time(event.meta.recorded_at)),
            actor: Some(write_actor(&event.meta.actor)),
            command_id: bytes(event.meta.command.as_bytes()),
            directory_version: event.meta.directory_version,
            ordinal: event.meta.ordinal,
        }),
        effective_at: Some(to_wire_time(event.effective_at)),
        deadlines: event.deadlines.as_ref().map(|deadlines| event::EpisodeDeadlines {
            deadlines: deadlines.iter().map(deadline_to_wire).collect(),
        }),
        change: Some(with_more_work(write_change(&event.change), event.continued_by)),
    }
}

/// Says where it happened, when that was in more work on the task.
fn with_more_work(mut change: Wire, continued_by: Option<TaskId>) -> Wire {
    let task = continued_by.map(|task| bytes(task.as_bytes())).unwrap_or_default();
    match &mut change {
        Wire::FirstContact(contact) => contact.continued_by = task,
        Wire::TaskCompleted(completed) => completed.continued_by = task,
        _ => {}
    }
    change
}

/// A moment that an episode waits for, on the wire.
pub(crate) fn deadline_to_wire(deadline: &Deadline) -> event::EpisodeDeadline {
    event::EpisodeDeadline { due: Some(to_wire_time(deadline.due)), work: Some(write_work(deadline.work)) }
}

fn write_work(work: Work) -> event::DueWork {
    let work = match work {
        Work::FollowUp(day) => due_work::Work::FollowUpDay(day.into()),
        Work::MissedFollowUp(day) => due_work::Work::MissedFollowUpDay(day.into()),
        Work::HandOver(moment) => due_work::Work::HandOver(number(moment)),
    };
    event::DueWork { work: Some(work) }
}

/// The number of a word in the contract.
pub(crate) fn number<W: Word>(word: W) -> i32 {
    word.number().into()
}

/// A word that may be left out: 0.
fn may_be<W: Word>(word: Option<W>) -> i32 {
    word.map_or(0, number)
}

fn bytes(id: &[u8; 16]) -> Bytes {
    Bytes::copy_from_slice(id)
}

/// Who, on the wire.
fn write_actor(actor: &Actor) -> common::Actor {
    let who = match actor {
        Actor::Service(name) => common::actor::Who::Service(name.clone()),
        Actor::Organisation(key) => common::actor::Who::Organisation(key.to_string()),
        Actor::Person(key, role) => common::actor::Who::Person(common::Person {
            key: key.to_string(),
            role: common::Role::from(*role).into(),
        }),
    };
    common::Actor { who: Some(who) }
}

/// What happened, on the wire.
pub(crate) fn write_change(change: &Change) -> Wire {
    match change {
        Change::Opened(Opened { child, child_ordinal, signal }) => Wire::Opened(event::EpisodeOpened {
            child: bytes(child.as_bytes()),
            child_ordinal: *child_ordinal,
            centre: signal.centre.to_string(),
            signal: bytes(signal.signal.as_bytes()),
            task: bytes(signal.task.as_bytes()),
            safety: common::SafetyLevel::from(signal.safety).into(),
            severity: signal.severity.map_or(0, u32::from),
        }),
        Change::SignalJoined(signal) => Wire::SignalJoined(write_signal(signal)),
        Change::FirstContact { task } => {
            Wire::FirstContact(event::FirstContactMade { task: bytes(task.as_bytes()), ..Default::default() })
        }
        Change::TaskCompleted { task, outcome } => Wire::TaskCompleted(event::EpisodeTaskCompleted {
            task: bytes(task.as_bytes()),
            outcome: number(*outcome),
            ..Default::default()
        }),
        Change::BaselineAssessed(judgement) => Wire::BaselineAssessed(write_judgement(judgement)),
        Change::GoalSet(goal) => Wire::GoalSet(write_goal(goal)),
        Change::GoalScored { goal, score, with_parents } => Wire::GoalScored(event::GoalScored {
            goal: bytes(goal.as_bytes()),
            score: number(*score),
            with_parents: *with_parents,
        }),
        Change::SupportGiven { kind, minutes, funding } => Wire::SupportGiven(event::SupportGiven {
            kind: number(*kind),
            minutes: (*minutes).into(),
            funding: number(*funding),
        }),
        Change::SpecialistConsulted { minutes, funding } => {
            Wire::SpecialistConsulted(event::SpecialistConsulted {
                minutes: (*minutes).into(),
                funding: number(*funding),
            })
        }
        Change::ReferralRequested { referral, destination, verwijzer } => {
            Wire::ReferralRequested(event::ReferralRequested {
                referral: bytes(referral.as_bytes()),
                destination: Some(write_destination(*destination)),
                verwijzer: number(*verwijzer),
            })
        }
        Change::ReferralDecided { referral, decision } => Wire::ReferralDecided(event::ReferralDecided {
            referral: bytes(referral.as_bytes()),
            decision: number(*decision),
        }),
        Change::CareStarted { referral, destination, verwijzer } => Wire::CareStarted(event::CareStarted {
            referral: bytes(referral.as_bytes()),
            destination: Some(write_destination(*destination)),
            verwijzer: may_be(*verwijzer),
        }),
        Change::CareEnded { referral, reason } => Wire::CareEnded(event::CareEnded {
            referral: bytes(referral.as_bytes()),
            reason: number(*reason),
        }),
        Change::ReferralReviewed { referral, reviewer, verdict, of_receiving_provider } => {
            Wire::ReferralReviewed(event::ReferralReviewed {
                referral: bytes(referral.as_bytes()),
                reviewer: reviewer.to_string(),
                verdict: number(*verdict),
                of_receiving_provider: *of_receiving_provider,
            })
        }
        Change::VeiligThuisReported => Wire::VeiligThuisReported(event::VeiligThuisReported {}),
        Change::ChildLeft { destination } => {
            Wire::ChildLeft(event::ChildLeft { destination: number(*destination) })
        }
        Change::ConsentWithdrawn { scope } => {
            Wire::ConsentWithdrawn(event::EpisodeConsentWithdrawn { scope: number(*scope) })
        }
        Change::FollowUpChecked(check) => Wire::FollowUpChecked(event::FollowUpChecked {
            covers_until: check.covers_until.to_string(),
            jeugdhulp: number(check.jeugdhulp),
            onderwijs: number(check.onderwijs),
            need: number(check.need),
            source: number(check.source),
            day: check.day.into(),
        }),
        Change::YouthCareStarted => Wire::YouthCareStarted(event::YouthCareStarted {}),
        Change::HandOverPlanned { moment, on } => {
            Wire::HandOverPlanned(event::HandOverPlanned { moment: number(*moment), on: on.to_string() })
        }
        Change::EpisodesLinked { earlier } => {
            Wire::EpisodesLinked(event::EpisodesLinked { earlier_episode: bytes(earlier.as_bytes()) })
        }
        Change::WorkDue { work, centre, child } => Wire::WorkDue(event::WorkDue {
            work: Some(write_work(*work)),
            centre: centre.to_string(),
            child: bytes(child.as_bytes()),
        }),
        Change::Closed(closing) => Wire::Closed(write_closing(closing)),
        Change::Corrected(correction) => Wire::Corrected(write_correction(correction)),
    }
}

fn write_signal(signal: &SignalJoined) -> event::SignalJoined {
    event::SignalJoined {
        signal: bytes(signal.signal.as_bytes()),
        task: bytes(signal.task.as_bytes()),
        safety: common::SafetyLevel::from(signal.safety).into(),
        severity: signal.severity.map_or(0, u32::from),
        centre: signal.centre.to_string(),
    }
}

fn write_judgement(judgement: &Judgement) -> event::BaselineAssessed {
    event::BaselineAssessed {
        baseline: number(judgement.baseline),
        probability_percent: judgement.probability_percent.into(),
        took_part: judgement.took_part.iter().map(number).collect(),
        marks: judgement.marks.iter().map(number).collect(),
        second_judgement: judgement.second,
        follow_up_plan_version: judgement.plan_version,
    }
}

fn write_goal(goal: &Goal) -> event::GoalSet {
    event::GoalSet {
        goal: bytes(goal.goal.as_bytes()),
        domain: common::ConcernDomain::from(goal.domain).into(),
        with_parents: goal.with_parents,
        text: goal.text.as_ref().map(|text| common::SealedText {
            key_id: bytes(text.key.as_bytes()),
            r#box: Bytes::copy_from_slice(&text.sealed),
            purpose: common::TextPurpose::Note.into(),
            owner: bytes(text.owner.as_bytes()),
        }),
    }
}

fn write_destination(destination: Destination) -> event::ReferralDestination {
    let to = match destination {
        Destination::Jeugdhulp(care) => To::Jeugdhulp(event::JeugdhulpDestination {
            hulpvorm: care.hulpvorm.map_or(0, u32::from),
            productcategorie: care.productcategorie.map_or(0, u32::from),
            crisis: care.crisis,
            court: care.court,
        }),
        Destination::Onderwijs(kind) => {
            To::Onderwijs(event::OnderwijsDestination { toelaatbaarheid: number(kind) })
        }
        Destination::Place(kind) => To::Place(number(kind)),
        Destination::Other(kind) => To::Other(number(kind)),
    };
    event::ReferralDestination { to: Some(to) }
}

fn write_closing(closing: &Closing) -> event::EpisodeClosed {
    event::EpisodeClosed {
        reason: number(closing.reason),
        end: may_be(closing.end),
        usefulness: closing.usefulness.map(u32::from),
        informant: may_be(closing.informant),
        further_help: may_be(closing.further_help),
        certainty_now: closing.certainty_now.map(u32::from),
        certainty_then: closing.certainty_then.map(u32::from),
    }
}

fn write_correction(correction: &Correction) -> event::FactCorrected {
    event::FactCorrected {
        target: bytes(correction.target.as_bytes()),
        void: correction.void,
        second_person: correction.second_person.to_string(),
        reason: may_be(correction.reason),
        effective_at: correction.effective_at.map(to_wire_time),
        baseline: may_be(correction.baseline),
    }
}
