//! Somebody of a neighbouring centre who does the work: she sees the episode and records in it while she holds one of its tasks.

use jiff::SignedDuration;
use prost::Message as _;
use tonic::Code;
use voordeur_contracts::{
    escalation::{Episode, ListEpisodesRequest, record_fact_request::Fact},
    event::{
        self, AuditAction, AuditOutcome, EpisodeEvent, TaskStanding, TaskState, TaskTrigger, due_work::Work,
        episode_event::Change, task_trigger::Source,
    },
};
use voordeur_eventlog::{StreamName, Subject, memory::MemoryBroker};
use voordeur_kernel::{EpisodeId, TaskId};

use crate::{
    recording::{ask, baseline, contacted, support, tell},
    world::{About, Replica, World, about, of_id, of_task},
};

/// May she see it and record in it? Both or neither.
async fn may(replica: &Replica, who: &str, id: &str, key: &str) -> bool {
    let seen = replica.person(who).get_episode(of_id(id)).await;
    let told = tell(replica, who, ask(id, key, support(5))).await;
    for status in [seen.as_ref().err(), told.as_ref().err()].into_iter().flatten() {
        assert_eq!(status.code(), Code::NotFound, "even that it exists is about a child");
    }
    assert_eq!(seen.is_ok(), told.is_ok());
    seen.is_ok()
}

async fn with_episode() -> (World, Replica, Episode, About) {
    let world = World::new(MemoryBroker::new());
    let replica = world.replica().await;
    let episode = contacted(&world, &replica).await;
    (world, replica, episode, about(1, 1, 10_000))
}

#[tokio::test(start_paused = true)]
async fn who_holds_a_task_by_an_arrangement_sees_its_episode_and_records_in_it_meanwhile_and_only_then() {
    let (world, replica, episode, task) = with_episode().await;
    let id = &episode.episode_id;
    assert!(!may(&replica, "jet", id, "before").await, "an arrangement alone opens nothing");
    for (key, state) in [
        ("accepted", TaskState::Accepted),
        ("progress", TaskState::InProgress),
        ("hold", TaskState::OnHold),
        ("cancel", TaskState::CancelRequested),
    ] {
        world.stands(&task, state, "jet").await;
        assert!(may(&replica, "jet", id, key).await, "{state:?}");
    }
    assert!(!may(&replica, "ko", id, "colleague").await, "her own coordinator does not hold it");
    world.stands(&task, TaskState::InProgress, "noor").await;
    assert!(!may(&replica, "jet", id, "given").await, "it went to somebody else");
    world.stands(&task, TaskState::InProgress, "eva").await;
    assert!(!may(&replica, "eva", id, "stranger").await, "there is no arrangement with her centre");
    world.stands(&task, TaskState::Completed, "jet").await;
    assert!(!may(&replica, "jet", id, "ended").await, "what has ended is held by nobody");
    assert!(may(&replica, "noor", id, "own").await);
    replica.stop().await;
}

#[tokio::test(start_paused = true)]
async fn what_she_sees_and_records_is_on_record_with_the_rule_that_let_her() {
    let (world, replica, episode, task) = with_episode().await;
    let id = &episode.episode_id;
    let before = world.looks().len();
    assert!(!may(&replica, "jet", id, "before").await);
    world.stands(&task, TaskState::InProgress, "jet").await;
    let shown = replica.person("jet").get_episode(of_task(1)).await.unwrap().into_inner().episode;
    assert_eq!(shown.unwrap().episode_id, *id);
    let told = tell(&replica, "jet", ask(id, "baseline", baseline())).await.unwrap();
    assert_eq!(told.episode.unwrap().facts[0].recorded_by, "jet");
    let looks = world.looks().split_off(before);
    let rules: Vec<_> = looks
        .iter()
        .map(|look| {
            assert_eq!(look.data_subject_id.as_ref(), [1; 16]);
            let action = look.event_action_code();
            (action, look.event_outcome_indicator(), look.autorisatie_protocol.as_str())
        })
        .collect();
    let (team, holder) = ("team-of-centre/1 directory/0", "holder-by-arrangement/1 directory/0");
    assert_eq!(
        rules,
        [
            (AuditAction::R, AuditOutcome::Refused, team),
            (AuditAction::U, AuditOutcome::Refused, team),
            (AuditAction::R, AuditOutcome::Success, holder),
            (AuditAction::U, AuditOutcome::Success, holder),
        ]
    );
    let page = replica.person("jet").list_episodes(ListEpisodesRequest::default()).await.unwrap();
    assert_eq!(page.into_inner().episodes.len(), 0, "lists are of one's own centres");
    replica.stop().await;
}

#[tokio::test(start_paused = true)]
async fn a_second_person_is_of_the_centre_or_does_the_work() {
    let (world, replica, episode, task) = with_episode().await;
    let id = &episode.episode_id;
    let told = tell(&replica, "noor", ask(id, "support", support(5))).await.unwrap();
    let hex = told.fact_id.strip_prefix("fac_").unwrap();
    let target = u128::from_str_radix(hex, 16).unwrap().to_be_bytes().to_vec();
    let wrong = |key: &str, second_person: &str| {
        let corrected = event::FactCorrected {
            target: target.clone().into(),
            void: true,
            second_person: second_person.into(),
            reason: event::CorrectionReason::Double.into(),
            ..Default::default()
        };
        ask(id, key, Fact::CorrectedFact(corrected))
    };
    let refused = tell(&replica, "noor", wrong("early", "jet")).await.unwrap_err();
    assert_eq!(refused.code(), Code::InvalidArgument);
    world.stands(&task, TaskState::InProgress, "jet").await;
    tell(&replica, "noor", wrong("now", "jet")).await.unwrap();
    replica.stop().await;
}

#[tokio::test(start_paused = true)]
async fn more_work_on_a_task_that_ended_counts_as_a_task_of_the_episode() {
    let (world, replica, episode, first) = with_episode().await;
    let id = &episode.episode_id;
    let further =
        |number: u8, continues: u8| About { continues: Some(continues), ..about(number, 1, 10_100) };
    let (second, third) = (further(2, 1), further(3, 2));
    // A later signal on the same child is told to open tasks as well, and continues nothing.
    let other = about(4, 1, 10_200);
    world.linked(&first, TaskState::InProgress, 4).await;
    world.linked(&first, TaskState::Completed, 2).await;
    world.stands(&second, TaskState::InProgress, "jet").await;
    world.stands(&other, TaskState::InProgress, "noor").await;
    assert!(may(&replica, "jet", id, "second").await);
    let shown = replica.person("jet").get_episode(of_task(2)).await.unwrap().into_inner().episode;
    assert_eq!(shown.unwrap().episode_id, *id, "her task leads to it");
    world.linked(&second, TaskState::Completed, 3).await;
    assert!(!may(&replica, "jet", id, "between").await);
    world.stands(&third, TaskState::Accepted, "jet").await;
    assert!(may(&replica, "jet", id, "third").await);
    // A task that only names the same one in its history gives nothing.
    world.stands(&third, TaskState::Accepted, "noor").await;
    world.stands(&further(5, 9), TaskState::Accepted, "jet").await;
    world.linked(&third, TaskState::Completed, 5).await;
    assert!(!may(&replica, "jet", id, "foreign").await);
    assert_eq!(replica.person("noor").get_episode(of_task(5)).await.unwrap_err().code(), Code::NotFound);
    replica.stop().await;
}

#[tokio::test(start_paused = true)]
async fn who_holds_a_check_of_the_episode_records_its_answer() {
    let (world, replica, episode, _) = with_episode().await;
    let id = &episode.episode_id;
    tell(&replica, "noor", ask(id, "baseline", baseline())).await.unwrap();
    let hex = id.strip_prefix("epi_").unwrap();
    let episode_id = EpisodeId::parse_hex(hex).unwrap();
    for (asked_before, days) in [(0, 91), (1, 22)] {
        world.clock.advance(SignedDuration::from_hours(24 * days));
        let subject = Subject::of("voordeur.episode.v1", hex).unwrap();
        voordeur_testkit::eventually(
            "the check is asked for",
            std::time::Duration::from_secs(600),
            || async {
                let last = world.on.log(StreamName::Episodes).last(&subject, crate::world::soon()).await;
                let last = EpisodeEvent::decode(last.unwrap().unwrap().data).unwrap().change;
                match last {
                    Some(Change::WorkDue(due)) => match due.work.and_then(|work| work.work) {
                        Some(Work::FollowUpDay(90)) if asked_before == 0 => Ok(()),
                        Some(Work::MissedFollowUpDay(90)) if asked_before == 1 => Ok(()),
                        other => Err(format!("{other:?}")),
                    },
                    other => Err(format!("{other:?}")),
                }
            },
        )
        .await;
        let task = world.deriver().task_for_check(episode_id, 90, asked_before);
        let check =
            event::EpisodeCheck { episode: episode_id.as_bytes().to_vec().into(), day: 90, asked_before };
        let standing = |state: TaskState| TaskStanding {
            state: state.into(),
            holder: "jet".into(),
            trigger: Some(TaskTrigger { source: Some(Source::EpisodeCheck(check.clone())) }),
            child: vec![1; 16].into(),
            centre: "de-wilg".into(),
            ..Default::default()
        };
        assert!(!may(&replica, "jet", id, &format!("before-{asked_before}")).await);
        world.of_task(task, standing(TaskState::InProgress)).await;
        assert!(may(&replica, "jet", id, &format!("check-{asked_before}")).await);
        assert!(by_task(&replica, "jet", task).await.is_ok_and(|episode| episode.episode_id == *id));
        world.of_task(task, standing(TaskState::Completed)).await;
    }
    replica.stop().await;
}

async fn by_task(replica: &Replica, who: &str, task: TaskId) -> Result<Episode, tonic::Status> {
    let mut request = of_task(1);
    request.episode =
        Some(voordeur_contracts::escalation::get_episode_request::Episode::TaskId(task.to_string()));
    Ok(replica.person(who).get_episode(request).await?.into_inner().episode.unwrap())
}
