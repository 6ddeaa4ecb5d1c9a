//! What people record: every fact over gRPC, what is refused, and that all of it is on record.

use jiff::{SignedDuration, civil::Date, tz::TimeZone};
use tonic::Code;
use tonic_types::StatusExt as _;
use voordeur_contracts::{
    common::{CommandContext, ConcernDomain},
    escalation::{
        Episode, GetEpisodeRequest, ListEpisodesRequest, RecordFactRequest, RecordFactResponse, fact,
        record_fact_request::Fact,
    },
    event::{self, AuditAction, AuditOutcome, referral_destination::To},
};
use voordeur_eventlog::{StreamName, memory::MemoryBroker};
use voordeur_kernel::Clock as _;

use crate::world::{About, Replica, World, about, of_id};

/// Today in the world's clock.
pub(crate) fn today(world: &World) -> Date {
    let zone = TimeZone::get("Europe/Amsterdam").unwrap();
    zone.to_datetime(world.clock.now()).date()
}

pub(crate) fn days(world: &World, days: i32) -> String {
    today(world).checked_add(jiff::Span::new().days(days)).unwrap().to_string()
}

/// An episode of child 1 at De Wilg, opened today, with a first contact.
pub(crate) async fn contacted(world: &World, replica: &Replica) -> Episode {
    let first = about(1, 1, 10_000);
    world.requested(&first).await;
    world.contact(&first, 10_001, true).await;
    world.episode(replica, 1, "there was contact", |e| e.first_contact_at.is_some()).await
}

pub(crate) fn ask(episode: &str, key: &str, fact: Fact) -> RecordFactRequest {
    RecordFactRequest {
        command: Some(CommandContext { idempotency_key: format!("{key}-key-0001"), seen_version: 0 }),
        episode_id: episode.to_owned(),
        effective_on: String::new(),
        fact: Some(fact),
    }
}

pub(crate) async fn tell(
    replica: &Replica,
    who: &str,
    request: RecordFactRequest,
) -> Result<RecordFactResponse, tonic::Status> {
    replica.person(who).record_fact(request).await.map(tonic::Response::into_inner)
}

pub(crate) fn baseline() -> Fact {
    Fact::BaselineAssessed(event::BaselineAssessed {
        baseline: event::Baseline::Possible.into(),
        probability_percent: 40,
        took_part: vec![event::BaselineParticipant::Parent.into()],
        ..Default::default()
    })
}

pub(crate) fn support(minutes: u32) -> Fact {
    Fact::SupportGiven(event::SupportGiven {
        kind: event::SupportKind::OnTheFloor.into(),
        minutes,
        funding: event::Funding::Beschikkingsvrij.into(),
    })
}

fn jeugdhulp() -> Option<event::ReferralDestination> {
    let care = event::JeugdhulpDestination { hulpvorm: 2, productcategorie: 45, ..Default::default() };
    Some(event::ReferralDestination { to: Some(To::Jeugdhulp(care)) })
}

fn bytes(fact_id: &str) -> prost::bytes::Bytes {
    let hex = fact_id.strip_prefix("fac_").unwrap();
    let pairs = (0..hex.len()).step_by(2).map(|i| u8::from_str_radix(&hex[i..i + 2], 16).unwrap());
    pairs.collect::<Vec<_>>().into()
}

pub(crate) fn reason(status: &tonic::Status) -> String {
    status.get_details_error_info().unwrap().reason
}

fn fields(status: &tonic::Status) -> Vec<String> {
    let details = status.get_details_bad_request().unwrap();
    details.field_violations.into_iter().map(|violation| violation.field).collect()
}

#[tokio::test(start_paused = true)]
async fn every_fact_is_recorded_shown_in_order_and_on_record() {
    let world = World::new(MemoryBroker::new());
    let replica = world.replica().await;
    let episode = contacted(&world, &replica).await;
    let id = episode.episode_id.clone();
    assert_eq!(episode.baseline_until, days(&world, 14));
    let before = world.looks().len();
    let mut given = Vec::new();
    let give = async |who: &str, key: &str, fact: Fact| {
        let reply = tell(&replica, who, ask(&id, key, fact)).await.unwrap();
        assert!(!reply.known);
        reply
    };
    given.push(give("noor", "baseline", baseline()).await.fact_id);
    let second = match baseline() {
        Fact::BaselineAssessed(judged) => {
            Fact::BaselineAssessed(event::BaselineAssessed { second_judgement: true, ..judged })
        }
        other => other,
    };
    given.push(give("sam", "second", second).await.fact_id);
    let set =
        event::GoalSet { domain: ConcernDomain::Gedrag.into(), with_parents: true, ..Default::default() };
    let goal = give("noor", "goal", Fact::GoalSet(set)).await.fact_id;
    given.push(goal.clone());
    given.push(give("noor", "support", support(45)).await.fact_id);
    let consulted = event::SpecialistConsulted { minutes: 0, funding: event::Funding::Onderwijs.into() };
    given.push(give("noor", "consult", Fact::SpecialistConsulted(consulted)).await.fact_id);
    let score = event::GoalScored {
        goal: bytes(&goal),
        score: event::GoalScore::PartlyReached.into(),
        with_parents: true,
    };
    given.push(give("noor", "score", Fact::GoalScored(score)).await.fact_id);
    let requested = event::ReferralRequested {
        destination: jeugdhulp(),
        verwijzer: event::Verwijzer::Huisarts.into(),
        ..Default::default()
    };
    let referral = give("noor", "request", Fact::ReferralRequested(requested)).await.fact_id;
    given.push(referral.clone());
    let decided = event::ReferralDecided {
        referral: bytes(&referral),
        decision: event::ReferralDecision::Granted.into(),
    };
    given.push(give("noor", "decision", Fact::ReferralDecided(decided)).await.fact_id);
    let started = event::CareStarted { referral: bytes(&referral), destination: jeugdhulp(), verwijzer: 0 };
    given.push(give("noor", "care", Fact::CareStarted(started)).await.fact_id);
    given.push(give("noor", "jeugdwet", Fact::YouthCareStarted(event::YouthCareStarted {})).await.fact_id);
    given
        .push(give("noor", "report", Fact::VeiligThuisReported(event::VeiligThuisReported {})).await.fact_id);
    let planned =
        event::HandOverPlanned { moment: event::HandOverMoment::ToSchool.into(), on: days(&world, 200) };
    given.push(give("noor", "handover", Fact::HandOverPlanned(planned)).await.fact_id);

    world.clock.advance(SignedDuration::from_hours(24 * 95));
    let check = event::FollowUpChecked {
        covers_until: today(&world).to_string(),
        jeugdhulp: event::DomainStatus::Unknown.into(),
        onderwijs: event::DomainStatus::None.into(),
        need: event::NeedStatus::Ok.into(),
        source: event::FollowUpSource::ParentsAndStaff.into(),
        day: 90,
    };
    given.push(give("noor", "check", Fact::FollowUpChecked(check)).await.fact_id);
    let review = |reviewer: &str, of_receiving_provider| {
        Fact::ReferralReviewed(event::ReferralReviewed {
            referral: bytes(&referral),
            reviewer: reviewer.to_owned(),
            verdict: event::ReviewVerdict::Needed.into(),
            of_receiving_provider,
        })
    };
    given.push(give("noor", "review-1", review("marit", false)).await.fact_id);
    given.push(give("noor", "review-2", review("behandelaar-1", true)).await.fact_id);
    let ended =
        event::CareEnded { referral: bytes(&referral), reason: event::CareEndReason::VolgensPlan.into() };
    given.push(give("noor", "end", Fact::CareEnded(ended)).await.fact_id);
    let left = event::ChildLeft { destination: event::LeavingDestination::Regular.into() };
    let left = give("noor", "left", Fact::ChildLeft(left)).await.fact_id;
    given.push(left.clone());
    let corrected = event::FactCorrected {
        target: bytes(&left),
        void: true,
        second_person: "marit".to_owned(),
        reason: event::CorrectionReason::TypingError.into(),
        ..Default::default()
    };
    given.push(give("noor", "correct", Fact::CorrectedFact(corrected)).await.fact_id);
    let closed = event::EpisodeClosed {
        reason: event::EpisodeCloseReason::WorkDone.into(),
        end: event::CareEndReason::VolgensPlan.into(),
        usefulness: Some(8),
        informant: event::OutcomeInformant::Parent.into(),
        further_help: event::FurtherHelp::None.into(),
        certainty_now: Some(7),
        certainty_then: Some(4),
    };
    given.push(give("noor", "close", Fact::Closed(closed)).await.fact_id);
    let withdrawn = event::EpisodeConsentWithdrawn { scope: event::WithdrawalScope::FollowUp.into() };
    let last = give("noor", "withdraw", Fact::ConsentWithdrawn(withdrawn)).await;
    given.push(last.fact_id.clone());

    let looks = world.looks().split_off(before);
    assert_eq!(looks.len(), given.len(), "each change is on record");
    for look in &looks {
        assert_eq!(
            (look.event_id.as_str(), look.event_action_code(), look.event_outcome_indicator()),
            ("record-fact", AuditAction::U, AuditOutcome::Success)
        );
    }
    // Another replica shows the very same.
    let other = world.replica().await;
    let request = GetEpisodeRequest { at_least: last.position.clone(), ..of_id(&id) };
    let shown = other.person("sam").get_episode(request).await.unwrap().into_inner().episode.unwrap();
    assert_eq!(Some(&shown), last.episode.as_ref());
    let mut ids: Vec<_> = shown.facts.iter().map(|fact| fact.fact_id.clone()).collect();
    assert!(shown.facts.windows(2).all(|pair| pair[0].effective_on <= pair[1].effective_on));
    ids.sort();
    given.sort();
    assert_eq!(ids, given);
    let voided: Vec<_> = shown.facts.iter().filter(|fact| fact.voided).collect();
    assert!(matches!(voided.as_slice(), [fact] if matches!(fact.fact, Some(fact::Fact::ChildLeft(_)))));
    assert!(shown.facts.iter().all(|fact| fact.recorded_by == "noor" || fact.recorded_by == "sam"));
    assert_eq!((shown.open, shown.version, shown.deadlines.len()), (false, 20, 0));
    assert_eq!(shown.baseline(), event::Baseline::Possible);
    let class = shown.classification.unwrap();
    assert_eq!((class.ruleset.as_str(), class.window, class.outcome.as_str()), ("ESC-1", 365, "referred"));
    for replica in [replica, other] {
        replica.stop().await;
    }
}

#[tokio::test(start_paused = true)]
async fn a_repeated_command_changes_nothing_and_the_same_key_for_another_fact_is_refused() {
    let world = World::new(MemoryBroker::new());
    let (one, two) = (world.replica().await, world.replica().await);
    let id = contacted(&world, &one).await.episode_id;
    let first = tell(&one, "noor", ask(&id, "support", support(45))).await.unwrap();
    let stored = world.broker.messages(StreamName::Episodes).len();
    // Tomorrow, at another replica.
    world.clock.advance(SignedDuration::from_hours(24));
    let again = tell(&two, "noor", ask(&id, "support", support(45))).await.unwrap();
    assert_eq!((again.known, &again.fact_id), (true, &first.fact_id));
    let other = tell(&two, "noor", ask(&id, "support", support(30))).await.unwrap_err();
    assert_eq!((other.code(), reason(&other).as_str()), (Code::AlreadyExists, "KEY_REUSED"));
    assert_eq!(world.broker.messages(StreamName::Episodes).len(), stored);
    assert!(!tell(&two, "sam", ask(&id, "support", support(45))).await.unwrap().known, "a key is hers alone");
    for replica in [one, two] {
        replica.stop().await;
    }
}

#[tokio::test(start_paused = true)]
async fn who_decided_on_an_older_version_is_refused_and_the_service_spoils_no_tap() {
    let world = World::new(MemoryBroker::new());
    let (one, two) = (world.replica().await, world.replica().await);
    let id = contacted(&world, &one).await.episode_id;
    tell(&one, "noor", ask(&id, "support-1", support(45))).await.unwrap();
    world.answered(&about(1, 1, 10_000), 10_010).await;
    world.episode(&two, 1, "the task is completed", |e| e.tasks[0].completed_at.is_some()).await;
    let seeing = |key: &str, version| {
        let mut request = ask(&id, key, support(15));
        request.command.as_mut().unwrap().seen_version = version;
        request
    };
    tell(&two, "sam", seeing("support-2", 1)).await.unwrap();
    let stale = tell(&one, "noor", seeing("support-3", 1)).await.unwrap_err();
    assert_eq!((stale.code(), reason(&stale).as_str()), (Code::Aborted, "VERSION_CHANGED"));
    assert_eq!(stale.get_details_error_info().unwrap().metadata["version"], "2");
    // Both at once, at two replicas: whoever comes second looks again and decides again.
    let (a, b) = tokio::join!(
        tell(&one, "noor", ask(&id, "side-a", support(10))),
        tell(&two, "sam", ask(&id, "side-b", support(20)))
    );
    assert!(a.is_ok() && b.is_ok(), "{a:?} {b:?}");
    let shown = world.episode(&one, 1, "both are there", |e| e.version == 4).await;
    assert_eq!(shown.facts.len(), 4);
    for replica in [one, two] {
        replica.stop().await;
    }
}

#[tokio::test(start_paused = true)]
async fn bad_requests_are_told_every_fault_at_once_and_refusals_are_on_record() {
    let world = World::new(MemoryBroker::new());
    let replica = world.replica().await;
    let id = contacted(&world, &replica).await.episode_id;
    let before = world.looks().len();
    let bad = RecordFactRequest {
        command: None,
        episode_id: "epi_1".into(),
        effective_on: "1-1-2026".into(),
        fact: Some(Fact::SupportGiven(event::SupportGiven { minutes: 1_441, ..Default::default() })),
    };
    let status = tell(&replica, "noor", bad).await.unwrap_err();
    assert_eq!(status.code(), Code::InvalidArgument);
    let expected = [
        "episode_id",
        "command.idempotency_key",
        "effective_on",
        "support_given.kind",
        "support_given.funding",
    ];
    assert_eq!(fields(&status), expected);
    let status = tell(&replica, "noor", ask(&id, "minutes", support(1_441))).await.unwrap_err();
    assert_eq!(fields(&status), ["support_given.minutes"]);
    let own_id = event::GoalSet { goal: vec![1; 16].into(), domain: 1, ..Default::default() };
    let status = tell(&replica, "noor", ask(&id, "goal", Fact::GoalSet(own_id))).await.unwrap_err();
    assert_eq!(fields(&status), ["goal_set.goal"]);
    assert_eq!(world.looks().len(), before, "nothing was looked at");

    let person = |second_person: &str| event::FactCorrected {
        target: vec![1; 16].into(),
        void: true,
        second_person: second_person.into(),
        reason: event::CorrectionReason::Double.into(),
        ..Default::default()
    };
    let status =
        tell(&replica, "noor", ask(&id, "correct", Fact::CorrectedFact(person("eva")))).await.unwrap_err();
    assert_eq!(fields(&status), ["corrected_fact.second_person"], "she is of another centre");
    let status =
        tell(&replica, "noor", ask(&id, "correct", Fact::CorrectedFact(person("sam")))).await.unwrap_err();
    assert_eq!((status.code(), reason(&status).as_str()), (Code::FailedPrecondition, "UNKNOWN_FACT"));
    let foreign = tell(&replica, "eva", ask(&id, "support", support(5))).await.unwrap_err();
    assert_eq!(foreign.code(), Code::NotFound, "even that it exists is about a child");
    let looks = world.looks().split_off(before);
    assert_eq!(looks.len(), 3);
    assert!(looks.iter().all(|look| look.event_outcome_indicator() == AuditOutcome::Refused));
    for (who, expected) in
        [("person:ib-de-wilg", "NOT_YOUR_ROLE"), ("organisation:basisschool-de-wilg", "PEOPLE_ONLY")]
    {
        let mut client = replica.client(who.parse().unwrap());
        let status = client.record_fact(ask(&id, "support", support(5))).await.unwrap_err();
        assert_eq!((status.code(), reason(&status).as_str()), (Code::PermissionDenied, expected));
    }
    replica.stop().await;
}

#[tokio::test(start_paused = true)]
async fn two_aliases_of_one_child_are_linked_and_both_show_it() {
    let world = World::new(MemoryBroker::new());
    let replica = world.replica().await;
    let later = contacted(&world, &replica).await.episode_id;
    world.requested(&about(2, 2, 5_000)).await;
    let earlier = world.episode(&replica, 2, "the other alias has one", |e| e.open).await.episode_id;
    world.requested(&About { centre: "de-eik", ..about(3, 3, 4_000) }).await;
    world.quiet(&[&replica]).await;
    let page =
        replica.person("eva").list_episodes(ListEpisodesRequest::default()).await.unwrap().into_inner();
    let foreign = page.episodes[0].episode_id.clone();
    let link = |from: &str, key: &str, to: &str| {
        let hex = to.strip_prefix("epi_").unwrap();
        let earlier_episode = bytes(&format!("fac_{hex}"));
        ask(from, key, Fact::EpisodesLinked(event::EpisodesLinked { earlier_episode }))
    };
    let status = tell(&replica, "noor", link(&later, "foreign", &foreign)).await.unwrap_err();
    assert_eq!(fields(&status), ["episodes_linked.earlier_episode"]);
    let status = tell(&replica, "noor", link(&earlier, "wrong", &later)).await.unwrap_err();
    assert_eq!(reason(&status), "LINK_FROM_LATER");
    let status = tell(&replica, "noor", link(&later, "itself", &later)).await.unwrap_err();
    assert_eq!(reason(&status), "SAME_CHILD");
    let reply = tell(&replica, "noor", link(&later, "right", &earlier)).await.unwrap();
    assert_eq!(reply.episode.unwrap().linked_episode_ids, std::slice::from_ref(&earlier));
    let other = replica.person("noor").get_episode(of_id(&earlier)).await.unwrap().into_inner();
    assert_eq!(other.episode.unwrap().linked_episode_ids, std::slice::from_ref(&later));
    // A link that was a mistake is voided, and then neither shows it.
    let undo = event::FactCorrected {
        target: bytes(&reply.fact_id),
        void: true,
        second_person: "sam".into(),
        reason: event::CorrectionReason::WrongChild.into(),
        ..Default::default()
    };
    tell(&replica, "noor", ask(&later, "undo", Fact::CorrectedFact(undo))).await.unwrap();
    for id in [&later, &earlier] {
        let shown = replica.person("noor").get_episode(of_id(id)).await.unwrap().into_inner();
        assert_eq!(shown.episode.unwrap().linked_episode_ids, [""; 0]);
    }
    replica.stop().await;
}

#[tokio::test(start_paused = true)]
async fn what_cannot_be_put_on_record_is_not_told_and_the_retry_finds_it() {
    let world = World::new(MemoryBroker::new());
    let replica = world.replica().await;
    let id = contacted(&world, &replica).await.episode_id;
    world.broker.limit(StreamName::Audit, 1);
    let status = tell(&replica, "noor", ask(&id, "support", support(45))).await.unwrap_err();
    assert_eq!((status.code(), reason(&status).as_str()), (Code::Unavailable, "NOT_ON_RECORD"));
    world.broker.limit(StreamName::Audit, u64::MAX);
    let reply = tell(&replica, "noor", ask(&id, "support", support(45))).await.unwrap();
    assert!(reply.known, "it was stored, and is told once that is on record");
    replica.stop().await;
}
