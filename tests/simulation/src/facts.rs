//! What people record about episodes: any fact, in any order, on what they see.

use futures_util::FutureExt as _;
use voordeur_contracts::{
    common::{CommandContext, ConcernDomain},
    escalation::{
        Episode, ListEpisodesRequest, RecordFactRequest, episode_service_client::EpisodeServiceClient, fact,
        record_fact_request::Fact,
    },
    event::{self, referral_destination::To},
};
use voordeur_kernel::CommitId;

use crate::{
    dice::Dice,
    people::{PEOPLE, replaced},
    world::{ServiceName, World, of, reason},
};

/// Somebody sits down and records a few things.
pub async fn record(world: World, mut dice: Dice, number: usize) {
    let who = *dice.pick(&PEOPLE);
    for nth in 0..dice.between(1, 6) {
        let key = format!("person-fact-{number}-{nth}");
        record_one(&world, &mut dice, who, key).await;
    }
}

/// She looks at the episodes of her centres and records something about one of them.
async fn record_one(world: &World, dice: &mut Dice, (person, centre, _): (&str, &str, bool), key: String) {
    let who = format!("person:{person}");
    let request = ListEpisodesRequest { page_size: 20, ..ListEpisodesRequest::default() };
    let listed = world.insist(dice, ServiceName::Escalation, 10, |grpc| {
        let request = of(&who, request.clone());
        async move { EpisodeServiceClient::new(grpc).list_episodes(request).await }.boxed()
    });
    let Some(Ok(listed)) = listed.await else { return };
    let mut episodes = listed.episodes;
    // Ids of episodes follow from random aliases, those of their tasks do not.
    episodes.sort_by_key(|episode| episode.tasks.first().map(|task| task.task_id.clone()));
    if episodes.is_empty() {
        return;
    }
    let episode = dice.pick(&episodes).clone();
    let colleagues: Vec<&str> = PEOPLE
        .iter()
        .filter(|(other, at, _)| *at == centre && *other != person)
        .map(|(other, ..)| *other)
        .collect();
    let seen_version = if dice.chance(40) { episode.version } else { 0 };
    let request = RecordFactRequest {
        command: Some(CommandContext { idempotency_key: key.clone(), seen_version }),
        episode_id: episode.episode_id.clone(),
        // Today: whatever day that is when it is stored.
        effective_on: String::new(),
        fact: Some(any(dice, world, &episode, &colleagues)),
    };
    let life = world.life();
    let told = tell(world, dice, &who, &request).await;
    world.settle_doubt(world.deriver.command_id(&who, &key));
    let what = format!("{person}: a fact of {}", episode.episode_id);
    match told {
        None => world.tell(format!("{what}: unknown")),
        Some(Ok(())) => {
            world.tell(format!("{what}: recorded"));
            if dice.chance(15)
                && let Some(Err(no)) = tell(world, dice, &who, &request).await
                && !replaced(person, &no)
                && life == world.life()
            {
                world.break_promise(9, format!("{what}: recorded, and refused when it was repeated: {no:?}"));
            }
        }
        Some(Err(no)) => {
            world.tell(format!("{what}: refused, {}", reason(&no)));
            if !replaced(person, &no) {
                world.ledger().refused.insert(world.deriver.command_id(&who, &key), what);
            }
        }
    }
}

async fn tell(
    world: &World,
    dice: &mut Dice,
    who: &str,
    request: &RecordFactRequest,
) -> Option<Result<(), tonic::Status>> {
    let told = world.insist(dice, ServiceName::Escalation, 40, |grpc| {
        let request = of(who, request.clone());
        async move { EpisodeServiceClient::new(grpc).record_fact(request).await }.boxed()
    });
    told.await.map(|told| told.map(|_| ()))
}

/// The bytes of one of the facts, mostly one of the right kind.
fn one_of(dice: &mut Dice, episode: &Episode, right: impl Fn(&fact::Fact) -> bool) -> Vec<u8> {
    let fits = |f: &&voordeur_contracts::escalation::Fact| f.fact.as_ref().is_some_and(&right);
    let fitting: Vec<_> = episode.facts.iter().filter(fits).collect();
    let all: Vec<_> = episode.facts.iter().collect();
    let from = if fitting.is_empty() || dice.chance(10) { &all } else { &fitting };
    let Some(found) = (!from.is_empty()).then(|| dice.pick(from)) else { return vec![7; 16] };
    let id = found.fact_id.strip_prefix("fac_").and_then(|hex| CommitId::parse_hex(hex).ok());
    id.map_or_else(Vec::new, |id| id.as_bytes().to_vec())
}

fn destination() -> Option<event::ReferralDestination> {
    let care = event::JeugdhulpDestination { hulpvorm: 2, ..event::JeugdhulpDestination::default() };
    Some(event::ReferralDestination { to: Some(To::Jeugdhulp(care)) })
}

/// Today, in UTC.
fn today(world: &World) -> String {
    world.now().to_string().chars().take("2026-03-09".len()).collect()
}

/// Any fact but two. Consent is left alone: what comes after it opens other episodes, and this run counts one for each child. Hand-overs
/// are as well: moments of two children that come at once come in the order of their ids, which are of random aliases, and a seed must
/// play the same run twice.
fn any(dice: &mut Dice, world: &World, episode: &Episode, colleagues: &[&str]) -> Fact {
    let is_referral =
        |fact: &fact::Fact| matches!(fact, fact::Fact::ReferralRequested(_) | fact::Fact::CareStarted(_));
    match dice.between(0, 17) {
        0 | 1 | 14..=16 => Fact::BaselineAssessed(event::BaselineAssessed {
            baseline: event::Baseline::Possible.into(),
            probability_percent: u32::try_from(dice.between(0, 101)).expect("percent"),
            took_part: vec![event::BaselineParticipant::Parent.into()],
            second_judgement: dice.chance(40),
            ..event::BaselineAssessed::default()
        }),
        2 => Fact::GoalSet(event::GoalSet {
            domain: ConcernDomain::Gedrag.into(),
            with_parents: dice.chance(70),
            ..event::GoalSet::default()
        }),
        3 => Fact::GoalScored(event::GoalScored {
            goal: one_of(dice, episode, |fact| matches!(fact, fact::Fact::GoalSet(_))).into(),
            score: event::GoalScore::Reached.into(),
            with_parents: true,
        }),
        4 | 5 => Fact::SupportGiven(event::SupportGiven {
            kind: event::SupportKind::OnTheFloor.into(),
            minutes: u32::try_from(dice.between(1, 120)).expect("minutes"),
            funding: event::Funding::Beschikkingsvrij.into(),
        }),
        6 => Fact::ReferralRequested(event::ReferralRequested {
            destination: destination(),
            verwijzer: event::Verwijzer::Huisarts.into(),
            ..event::ReferralRequested::default()
        }),
        7 => Fact::ReferralDecided(event::ReferralDecided {
            referral: one_of(dice, episode, is_referral).into(),
            decision: event::ReferralDecision::Granted.into(),
        }),
        8 => Fact::CareStarted(event::CareStarted {
            referral: one_of(dice, episode, is_referral).into(),
            destination: destination(),
            verwijzer: 0,
        }),
        9 => Fact::CareEnded(event::CareEnded {
            referral: one_of(dice, episode, is_referral).into(),
            reason: event::CareEndReason::VolgensPlan.into(),
        }),
        10 => Fact::VeiligThuisReported(event::VeiligThuisReported {}),
        11 => Fact::CorrectedFact(event::FactCorrected {
            target: one_of(dice, episode, |_| true).into(),
            void: dice.chance(70),
            second_person: if colleagues.is_empty() { "noor" } else { *dice.pick(colleagues) }.to_owned(),
            reason: event::CorrectionReason::Double.into(),
            ..event::FactCorrected::default()
        }),
        12 => Fact::FollowUpChecked(event::FollowUpChecked {
            // Yesterday at the latest in the Netherlands, and too early for an episode of today: then it is refused.
            covers_until: today(world),
            jeugdhulp: event::DomainStatus::None.into(),
            onderwijs: event::DomainStatus::Unknown.into(),
            need: event::NeedStatus::Ok.into(),
            source: event::FollowUpSource::Parents.into(),
            day: 0,
        }),
        _ => Fact::Closed(event::EpisodeClosed {
            reason: event::EpisodeCloseReason::WorkDone.into(),
            end: event::CareEndReason::VolgensPlan.into(),
            further_help: event::FurtherHelp::None.into(),
            ..event::EpisodeClosed::default()
        }),
    }
}
