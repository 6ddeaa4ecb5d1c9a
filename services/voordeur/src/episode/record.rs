//! One fact: from the command line to the service, and back.

use voordeur_chassis::SystemClock;
use voordeur_contracts::{
    common::{SealedText, TextPurpose},
    escalation::{RecordFactRequest, record_fact_request::Fact as Wire},
    event::{self, referral_destination::To},
    intake::SealTextRequest,
};
use voordeur_kernel::{Clock as _, CommitId};

use super::{
    arguments::{About, Care, Destination, Fact},
    get,
};
use crate::{
    client::{Client, drawn_key},
    failure::Failure,
    output,
    wire::{shown, shown_position, to_json, wire_moment},
};

/// Records it and shows what was stored.
pub(super) async fn run(client: &Client, fact: Fact, json: bool) -> Result<(), Failure> {
    let (about, fact) = read(client, fact).await?;
    let request = RecordFactRequest {
        command: about.act.context()?,
        episode_id: about.episode,
        effective_on: about.on.unwrap_or_default(),
        fact: Some(fact),
    };
    let service = client.episodes()?;
    let reply = client.call(request, |request| {
        let mut service = service.clone();
        async move { service.record_fact(request).await }
    });
    let reply = reply.await?;
    if json {
        return output::value(&to_json("voordeur.escalation.v1.RecordFactResponse", &reply)?, true);
    }
    let known = if reply.known { " (known already, nothing changed)" } else { "" };
    output::line(&format!("{}{known}", reply.fact_id))?;
    if let Some(episode) = &reply.episode {
        output::line(&format!("version: {}", episode.version))?;
        if let Some(class) = &episode.classification {
            output::line(&format!("today: {} ({})", class.outcome, class.reason))?;
        }
    }
    output::line(&format!("position: {}", shown_position(reply.position.as_ref())))
}

async fn read(client: &Client, fact: Fact) -> Result<(About, Wire), Failure> {
    Ok(match fact {
        Fact::Goal { about, domain, without_parents, text } => {
            let text = match text {
                Some(text) => seal(client, &about, text).await?,
                None => None,
            };
            let goal = Default::default();
            (about, Wire::GoalSet(event::GoalSet { goal, domain, with_parents: !without_parents, text }))
        }
        other => of_work(other).or_else(|other| of_outcome(*other))?,
    })
}

/// Facts of the work, or back with what is none.
fn of_work(fact: Fact) -> Result<(About, Wire), Box<Fact>> {
    Ok(match fact {
        Fact::Baseline { about, answer, probability, took_part, marks, second } => {
            let judged = event::BaselineAssessed {
                baseline: answer,
                probability_percent: probability,
                took_part,
                marks,
                second_judgement: second,
                follow_up_plan_version: 0,
            };
            (about, Wire::BaselineAssessed(judged))
        }
        Fact::GoalScore { about, goal, score, without_parents } => {
            let scored = event::GoalScored { goal: bytes(goal), score, with_parents: !without_parents };
            (about, Wire::GoalScored(scored))
        }
        Fact::Support { about, kind, minutes, funding } => {
            (about, Wire::SupportGiven(event::SupportGiven { kind, minutes, funding }))
        }
        Fact::Consult { about, minutes, funding } => {
            (about, Wire::SpecialistConsulted(event::SpecialistConsulted { minutes, funding }))
        }
        Fact::Close {
            about,
            reason,
            end,
            further_help,
            usefulness,
            informant,
            certainty_now,
            certainty_then,
        } => {
            let closed = event::EpisodeClosed {
                reason,
                end: end.unwrap_or_default(),
                usefulness,
                informant: informant.unwrap_or_default(),
                further_help: further_help.unwrap_or_default(),
                certainty_now,
                certainty_then,
            };
            (about, Wire::Closed(closed))
        }
        Fact::Correct { about, fact, void, count: _, happened_on, baseline, reason, second_person } => {
            let corrected = event::FactCorrected {
                target: bytes(fact),
                void,
                second_person,
                reason,
                effective_at: happened_on.map(wire_moment),
                baseline: baseline.unwrap_or_default(),
            };
            (about, Wire::CorrectedFact(corrected))
        }
        other => return Err(Box::new(other)),
    })
}

/// Facts of what became of the child.
fn of_outcome(fact: Fact) -> Result<(About, Wire), Failure> {
    Ok(match fact {
        Fact::Referral { about, to, care, verwijzer } => {
            let destination = Some(destination(&to, &care));
            let referral = Default::default();
            (about, Wire::ReferralRequested(event::ReferralRequested { referral, destination, verwijzer }))
        }
        Fact::Decision { about, referral, decision } => {
            let referral = bytes(referral);
            (about, Wire::ReferralDecided(event::ReferralDecided { referral, decision }))
        }
        Fact::CareStart { about, referral, to, care, verwijzer } => {
            let started = event::CareStarted {
                referral: referral.map(bytes).unwrap_or_default(),
                destination: Some(destination(&to, &care)),
                verwijzer: verwijzer.unwrap_or_default(),
            };
            (about, Wire::CareStarted(started))
        }
        Fact::CareEnd { about, referral, reason } => {
            (about, Wire::CareEnded(event::CareEnded { referral: bytes(referral), reason }))
        }
        Fact::Review { about, referral, reviewer, verdict, receiving_provider } => {
            let reviewed = event::ReferralReviewed {
                referral: bytes(referral),
                reviewer,
                verdict,
                of_receiving_provider: receiving_provider,
            };
            (about, Wire::ReferralReviewed(reviewed))
        }
        Fact::VeiligThuis { about } => (about, Wire::VeiligThuisReported(event::VeiligThuisReported {})),
        Fact::Left { about, to } => (about, Wire::ChildLeft(event::ChildLeft { destination: to })),
        Fact::Withdraw { about, scope } => {
            (about, Wire::ConsentWithdrawn(event::EpisodeConsentWithdrawn { scope }))
        }
        Fact::Check { about, jeugdhulp, onderwijs, need, source, covers_until, day } => {
            let covers_until = covers_until.or_else(|| about.on.clone()).unwrap_or_else(today);
            let checked = event::FollowUpChecked { covers_until, jeugdhulp, onderwijs, need, source, day };
            (about, Wire::FollowUpChecked(checked))
        }
        Fact::YouthCare { about } => (about, Wire::YouthCareStarted(event::YouthCareStarted {})),
        Fact::HandOver { about, moment, reminder } => {
            (about, Wire::HandOverPlanned(event::HandOverPlanned { moment, on: reminder }))
        }
        Fact::Link { about, earlier } => {
            let earlier_episode = earlier.as_bytes().to_vec().into();
            (about, Wire::EpisodesLinked(event::EpisodesLinked { earlier_episode }))
        }
        Fact::Goal { .. }
        | Fact::Baseline { .. }
        | Fact::GoalScore { .. }
        | Fact::Support { .. }
        | Fact::Consult { .. }
        | Fact::Close { .. }
        | Fact::Correct { .. } => return Err(Failure::failed("this fact has a function of its own")),
    })
}

fn bytes(fact: CommitId) -> prost::bytes::Bytes {
    fact.as_bytes().to_vec().into()
}

/// Today in the Netherlands.
fn today() -> String {
    shown(SystemClock.now()).chars().take("2026-12-01".len()).collect()
}

fn destination(to: &Destination, care: &Care) -> event::ReferralDestination {
    let to = if let Some(toelaatbaarheid) = to.tlv {
        To::Onderwijs(event::OnderwijsDestination { toelaatbaarheid })
    } else if let Some(place) = to.place {
        To::Place(place)
    } else if let Some(other) = to.other {
        To::Other(other)
    } else {
        To::Jeugdhulp(event::JeugdhulpDestination {
            hulpvorm: care.hulpvorm.unwrap_or_default(),
            productcategorie: care.productcategorie.unwrap_or_default(),
            crisis: care.crisis,
            court: care.court,
        })
    };
    event::ReferralDestination { to: Some(to) }
}

/// Only intake seals: the text goes there first, bound to the newest task of the episode.
async fn seal(client: &Client, about: &About, text: String) -> Result<Option<SealedText>, Failure> {
    let episode = get(client, about.episode.clone()).await?.episode;
    let task = episode.and_then(|episode| episode.tasks.last().map(|task| task.task_id.clone()));
    let task_id =
        task.ok_or_else(|| Failure::failed("the episode has no task that a text could belong to"))?;
    let idempotency_key = match &about.act.key {
        Some(key) => key.clone(),
        None => drawn_key()?,
    };
    let centre = String::new();
    let request =
        SealTextRequest { task_id, purpose: TextPurpose::Note.into(), text, idempotency_key, centre };
    let service = client.details()?;
    let reply = client.call(request, |request| {
        let mut service = service.clone();
        async move { service.seal_text(request).await }
    });
    Ok(reply.await?.sealed)
}
