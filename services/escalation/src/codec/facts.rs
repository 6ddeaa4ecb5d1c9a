//! Facts that people record, from the wire: in events, and in requests. Every fault at once, never with what a field holds.

use jiff::civil::Date;
use prost::bytes::Bytes;
use voordeur_contracts::{
    common::{ConcernDomain, SealedText, TextPurpose},
    convert::from_wire_time,
    event::{self, episode_event::Change as Wire, referral_destination::To},
};
use voordeur_escalation_domain::{
    Change, Check, Closing, Correction, Destination, Goal, Jeugdhulp, Judgement, Sealed, Word,
};
use voordeur_kernel::{CommitId, DataKeyId, EpisodeId, Faults, ProfessionalKey, TaskId};

/// Where the ids of new goals and referrals come from.
#[derive(Debug, Clone, Copy)]
pub(crate) enum Ids {
    /// They stand in the message: an event.
    Given,
    /// They are derived from the act, and the message leaves them out: a request.
    Derived(CommitId),
}

/// Reads a fact; `None` with at least one fault, or when it is none that people record.
pub(crate) fn read(wire: &Wire, ids: Ids, faults: &mut Faults) -> Option<Change> {
    match wire {
        Wire::BaselineAssessed(wire) => judgement(wire, faults).map(Change::BaselineAssessed),
        Wire::GoalSet(wire) => goal(wire, ids, faults).map(Change::GoalSet),
        Wire::GoalScored(wire) => {
            let goal = named(&wire.goal, "goal_scored.goal", faults);
            let score = word(wire.score, "goal_scored.score", faults);
            Some(Change::GoalScored { goal: goal?, score: score?, with_parents: wire.with_parents })
        }
        Wire::SupportGiven(wire) => {
            let kind = word(wire.kind, "support_given.kind", faults);
            let minutes = minutes(wire.minutes, "support_given.minutes", faults);
            let funding = word(wire.funding, "support_given.funding", faults);
            Some(Change::SupportGiven { kind: kind?, minutes: minutes?, funding: funding? })
        }
        Wire::SpecialistConsulted(wire) => {
            let minutes = minutes(wire.minutes, "specialist_consulted.minutes", faults);
            let funding = word(wire.funding, "specialist_consulted.funding", faults);
            Some(Change::SpecialistConsulted { minutes: minutes?, funding: funding? })
        }
        Wire::ReferralRequested(wire) => {
            let referral = made(&wire.referral, ids, "referral_requested.referral", faults);
            let destination =
                destination(wire.destination.as_ref(), "referral_requested.destination", faults);
            let verwijzer = word(wire.verwijzer, "referral_requested.verwijzer", faults);
            Some(Change::ReferralRequested {
                referral: referral?,
                destination: destination?,
                verwijzer: verwijzer?,
            })
        }
        Wire::ReferralDecided(wire) => {
            let referral = named(&wire.referral, "referral_decided.referral", faults);
            let decision = word(wire.decision, "referral_decided.decision", faults);
            Some(Change::ReferralDecided { referral: referral?, decision: decision? })
        }
        Wire::CareStarted(wire) => care_started(wire, ids, faults),
        Wire::CareEnded(wire) => {
            let referral = named(&wire.referral, "care_ended.referral", faults);
            let reason = word(wire.reason, "care_ended.reason", faults);
            Some(Change::CareEnded { referral: referral?, reason: reason? })
        }
        Wire::ReferralReviewed(wire) => {
            let referral = named(&wire.referral, "referral_reviewed.referral", faults);
            let reviewer = person(&wire.reviewer, "referral_reviewed.reviewer", faults);
            let verdict = word(wire.verdict, "referral_reviewed.verdict", faults);
            Some(Change::ReferralReviewed {
                referral: referral?,
                reviewer: reviewer?,
                verdict: verdict?,
                of_receiving_provider: wire.of_receiving_provider,
            })
        }
        Wire::VeiligThuisReported(_) => Some(Change::VeiligThuisReported),
        Wire::ChildLeft(wire) => {
            let destination = word(wire.destination, "child_left.destination", faults);
            Some(Change::ChildLeft { destination: destination? })
        }
        Wire::ConsentWithdrawn(wire) => {
            let scope = word(wire.scope, "consent_withdrawn.scope", faults);
            Some(Change::ConsentWithdrawn { scope: scope? })
        }
        Wire::FollowUpChecked(wire) => check(wire, faults).map(Change::FollowUpChecked),
        Wire::YouthCareStarted(_) => Some(Change::YouthCareStarted),
        Wire::HandOverPlanned(wire) => {
            let moment = word(wire.moment, "hand_over_planned.moment", faults);
            let on = date(&wire.on, "hand_over_planned.on", faults);
            Some(Change::HandOverPlanned { moment: moment?, on: on? })
        }
        Wire::EpisodesLinked(wire) => {
            let earlier = EpisodeId::parse_bytes(&wire.earlier_episode);
            let earlier = faults.take("episodes_linked.earlier_episode", "BAD_ID", earlier);
            Some(Change::EpisodesLinked { earlier: earlier? })
        }
        Wire::Closed(wire) => closing(wire, faults).map(Change::Closed),
        Wire::Corrected(wire) => correction(wire, faults).map(Change::Corrected),
        Wire::Opened(_)
        | Wire::SignalJoined(_)
        | Wire::FirstContact(_)
        | Wire::TaskCompleted(_)
        | Wire::WorkDue(_) => None,
    }
}

/// A word that must be there.
fn word<W: Word>(number: i32, field: &str, faults: &mut Faults) -> Option<W> {
    let word = u8::try_from(number).ok().and_then(W::of);
    if word.is_none() {
        faults.add(field, "REQUIRED", "choose one of the listed values");
    }
    word
}

/// A word that may be left out.
fn may_be<W: Word>(number: i32, field: &str, faults: &mut Faults) -> Option<Option<W>> {
    if number == 0 { Some(None) } else { word(number, field, faults).map(Some) }
}

/// The id of a fact of this episode.
fn named(id: &Bytes, field: &str, faults: &mut Faults) -> Option<CommitId> {
    let id = CommitId::parse_bytes(id).ok();
    if id.is_none() {
        faults.add(field, "BAD_ID", "give the 16 bytes of the fact that is meant");
    }
    id
}

/// The id of what is made by this fact.
fn made(id: &Bytes, ids: Ids, field: &str, faults: &mut Faults) -> Option<CommitId> {
    match ids {
        Ids::Given => named(id, field, faults),
        Ids::Derived(commit) => {
            if !id.is_empty() {
                faults.add(field, "DERIVED", "leave it out: it is the id of this fact");
            }
            Some(commit)
        }
    }
}

fn date(text: &str, field: &str, faults: &mut Faults) -> Option<Date> {
    let date = day(text);
    if date.is_none() {
        faults.add(field, "BAD_DATE", "give a day as yyyy-mm-dd");
    }
    date
}

/// A day as it is written in the contracts.
pub(crate) fn day(text: &str) -> Option<Date> {
    // One day, one spelling.
    text.parse::<Date>().ok().filter(|date| date.to_string() == text)
}

fn person(text: &str, field: &str, faults: &mut Faults) -> Option<ProfessionalKey> {
    faults.take(field, "NOT_A_KEY", ProfessionalKey::parse(text))
}

/// Minutes of an event beyond what a number can hold are as wrong as those beyond a day; that is said once, by the rules.
fn minutes(minutes: u32, field: &str, faults: &mut Faults) -> Option<u16> {
    let read = u16::try_from(minutes).ok();
    if read.is_none() {
        faults.add(field, "OUT_OF_RANGE", "give at most 1440 minutes");
    }
    read
}

fn small(number: u32, field: &str, faults: &mut Faults) -> Option<u8> {
    // 255 stands for "not said" where facts are kept.
    let read = u8::try_from(number).ok().filter(|number| *number < u8::MAX);
    if read.is_none() {
        faults.add(field, "OUT_OF_RANGE", "the number is too large");
    }
    read
}

fn optional(number: Option<u32>, field: &str, faults: &mut Faults) -> Option<Option<u8>> {
    match number {
        None => Some(None),
        Some(number) => small(number, field, faults).map(Some),
    }
}

fn judgement(wire: &event::BaselineAssessed, faults: &mut Faults) -> Option<Judgement> {
    let baseline = word(wire.baseline, "baseline_assessed.baseline", faults);
    let probability = u8::try_from(wire.probability_percent).ok().filter(|percent| *percent <= 100);
    if probability.is_none() {
        faults.add("baseline_assessed.probability_percent", "OUT_OF_RANGE", "give 0-100");
    }
    let took_part: Option<Vec<_>> =
        wire.took_part.iter().map(|who| word(*who, "baseline_assessed.took_part", faults)).collect();
    let marks: Option<Vec<_>> =
        wire.marks.iter().map(|mark| word(*mark, "baseline_assessed.marks", faults)).collect();
    Some(Judgement {
        baseline: baseline?,
        probability_percent: probability?,
        took_part: took_part?.into_iter().collect(),
        marks: marks?.into_iter().collect(),
        second: wire.second_judgement,
        plan_version: wire.follow_up_plan_version,
    })
}

fn goal(wire: &event::GoalSet, ids: Ids, faults: &mut Faults) -> Option<Goal> {
    let goal = made(&wire.goal, ids, "goal_set.goal", faults);
    let domain = ConcernDomain::try_from(wire.domain).ok().and_then(|domain| domain.try_into().ok());
    if domain.is_none() {
        faults.add("goal_set.domain", "REQUIRED", "choose one of the listed values");
    }
    let text = match &wire.text {
        None => Some(None),
        Some(text) => sealed(text, faults).map(Some),
    };
    Some(Goal { goal: goal?, domain: domain?, with_parents: wire.with_parents, text: text? })
}

fn sealed(wire: &SealedText, faults: &mut Faults) -> Option<Sealed> {
    let key = DataKeyId::parse_bytes(&wire.key_id).ok();
    if key.is_none() {
        faults.add("goal_set.text.key_id", "NOT_SEALED", "give what SealText returned");
    }
    let owner = TaskId::parse_bytes(&wire.owner).ok();
    if owner.is_none() {
        faults.add("goal_set.text.owner", "NOT_SEALED", "give what SealText returned");
    }
    if wire.purpose != i32::from(TextPurpose::Note) {
        faults.add("goal_set.text.purpose", "WRONG_PURPOSE", "seal the text as a note");
    }
    Some(Sealed { key: key?, owner: owner?, sealed: wire.r#box.to_vec().into_boxed_slice() })
}

fn destination(
    wire: Option<&event::ReferralDestination>,
    field: &str,
    faults: &mut Faults,
) -> Option<Destination> {
    match wire.and_then(|wire| wire.to.as_ref()) {
        Some(To::Jeugdhulp(care)) => {
            let code = |number: u32, name: &str, faults: &mut Faults| {
                small(number, &format!("{field}.jeugdhulp.{name}"), faults)
                    .map(|code| (code != 0).then_some(code))
            };
            let hulpvorm = code(care.hulpvorm, "hulpvorm", faults);
            let productcategorie = code(care.productcategorie, "productcategorie", faults);
            let (crisis, court) = (care.crisis, care.court);
            Some(Destination::Jeugdhulp(Jeugdhulp {
                hulpvorm: hulpvorm?,
                productcategorie: productcategorie?,
                crisis,
                court,
            }))
        }
        Some(To::Onderwijs(school)) => {
            word(school.toelaatbaarheid, &format!("{field}.onderwijs.toelaatbaarheid"), faults)
                .map(Destination::Onderwijs)
        }
        Some(To::Place(place)) => word(*place, &format!("{field}.place"), faults).map(Destination::Place),
        Some(To::Other(other)) => word(*other, &format!("{field}.other"), faults).map(Destination::Other),
        None => {
            faults.add(field, "REQUIRED", "say where to: jeugdhulp, onderwijs, place or other");
            None
        }
    }
}

fn care_started(wire: &event::CareStarted, ids: Ids, faults: &mut Faults) -> Option<Change> {
    let field = "care_started.referral";
    let referral = match ids {
        // Care without a known request is a referral of its own.
        Ids::Derived(commit) if wire.referral.is_empty() => Some(commit),
        _ => named(&wire.referral, field, faults),
    };
    let destination = destination(wire.destination.as_ref(), "care_started.destination", faults);
    let verwijzer = may_be(wire.verwijzer, "care_started.verwijzer", faults);
    if matches!(ids, Ids::Derived(_)) && wire.referral.is_empty() && wire.verwijzer == 0 {
        faults.add("care_started.verwijzer", "REQUIRED", "say who referred, or name the request");
    }
    Some(Change::CareStarted { referral: referral?, destination: destination?, verwijzer: verwijzer? })
}

fn check(wire: &event::FollowUpChecked, faults: &mut Faults) -> Option<Check> {
    let covers_until = date(&wire.covers_until, "follow_up_checked.covers_until", faults);
    let jeugdhulp = word(wire.jeugdhulp, "follow_up_checked.jeugdhulp", faults);
    let onderwijs = word(wire.onderwijs, "follow_up_checked.onderwijs", faults);
    let need = word(wire.need, "follow_up_checked.need", faults);
    let source = word(wire.source, "follow_up_checked.source", faults);
    let day = u16::try_from(wire.day).ok();
    if day.is_none() {
        faults.add("follow_up_checked.day", "OUT_OF_RANGE", "give days after the baseline, or 0");
    }
    Some(Check {
        covers_until: covers_until?,
        jeugdhulp: jeugdhulp?,
        onderwijs: onderwijs?,
        need: need?,
        source: source?,
        day: day?,
    })
}

fn closing(wire: &event::EpisodeClosed, faults: &mut Faults) -> Option<Closing> {
    let reason = word(wire.reason, "closed.reason", faults);
    let end = may_be(wire.end, "closed.end", faults);
    let usefulness = optional(wire.usefulness, "closed.usefulness", faults);
    let informant = may_be(wire.informant, "closed.informant", faults);
    let further_help = may_be(wire.further_help, "closed.further_help", faults);
    let certainty_now = optional(wire.certainty_now, "closed.certainty_now", faults);
    let certainty_then = optional(wire.certainty_then, "closed.certainty_then", faults);
    Some(Closing {
        reason: reason?,
        end: end?,
        usefulness: usefulness?,
        informant: informant?,
        further_help: further_help?,
        certainty_now: certainty_now?,
        certainty_then: certainty_then?,
    })
}

fn correction(wire: &event::FactCorrected, faults: &mut Faults) -> Option<Correction> {
    let target = named(&wire.target, "corrected_fact.target", faults);
    let second_person = person(&wire.second_person, "corrected_fact.second_person", faults);
    let reason = may_be(wire.reason, "corrected_fact.reason", faults);
    let effective_at = match &wire.effective_at {
        None => Some(None),
        Some(at) => {
            let at = from_wire_time(at);
            if at.is_none() {
                faults.add("corrected_fact.effective_at", "BAD_MOMENT", "give a moment of the calendar");
            }
            at.map(Some)
        }
    };
    let baseline = may_be(wire.baseline, "corrected_fact.baseline", faults);
    Some(Correction {
        target: target?,
        void: wire.void,
        second_person: second_person?,
        reason: reason?,
        effective_at: effective_at?,
        baseline: baseline?,
    })
}
