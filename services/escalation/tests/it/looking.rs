//! What people of a centre see, who does not, and that every look is on record first.

use std::collections::BTreeSet;

use tonic::Code;
use tonic_types::StatusExt as _;
use voordeur_chassis::Identity;
use voordeur_contracts::{
    common::{Position, Role, actor::Who},
    escalation::{GetEpisodeRequest, ListEpisodesRequest},
    event::{AuditAction, AuditOutcome},
};
use voordeur_eventlog::{StreamName, memory::MemoryBroker};

use crate::world::{About, Replica, World, about, of_id, of_task, task};

async fn with_episode() -> (World, Replica) {
    let world = World::new(MemoryBroker::new());
    let replica = world.replica().await;
    world.requested(&about(1, 1, 0)).await;
    world.episode(&replica, 1, "the episode is open", |e| e.open).await;
    (world, replica)
}

fn reason(status: &tonic::Status) -> String {
    status.get_details_error_info().unwrap().reason
}

#[tokio::test(start_paused = true)]
async fn the_people_of_the_centre_see_it_and_every_look_is_on_record() {
    let (world, replica) = with_episode().await;
    let before = world.looks().len();
    let by_task = replica.person("sam").get_episode(of_task(1)).await.unwrap().into_inner();
    let episode = by_task.episode.unwrap();
    let by_id = replica.person("marit").get_episode(of_id(&episode.episode_id)).await.unwrap().into_inner();
    assert_eq!(by_id.episode.as_ref(), Some(&episode));
    let looks = world.looks().split_off(before);
    let seen_by: Vec<_> = looks
        .iter()
        .map(|look| match look.user.clone().unwrap().who.unwrap() {
            Who::Person(person) => (person.key.clone(), person.role()),
            other => panic!("{other:?}"),
        })
        .collect();
    assert_eq!(seen_by, [("sam".to_owned(), Role::Professional), ("marit".to_owned(), Role::Coordinator)]);
    for look in &looks {
        assert_eq!(
            (look.event_action_code(), look.event_outcome_indicator()),
            (AuditAction::R, AuditOutcome::Success)
        );
        assert_eq!(look.data_subject_id.as_ref(), [1; 16]);
        assert_eq!(look.event_id, "get-episode");
    }
    let subjects: BTreeSet<_> =
        world.broker.messages(StreamName::Audit).into_iter().map(|m| m.subject).collect();
    let hex = episode.episode_id.strip_prefix("epi_").unwrap();
    assert_eq!(
        subjects.iter().map(|s| s.as_str()).collect::<Vec<_>>(),
        [format!("voordeur.audit.v1.escalation.{hex}")]
    );
    replica.stop().await;
}

#[tokio::test(start_paused = true)]
async fn others_do_not_learn_that_it_is_there_and_their_try_is_on_record() {
    let (world, replica) = with_episode().await;
    let before = world.looks().len();
    let refused = replica.person("eva").get_episode(of_task(1)).await.unwrap_err();
    let absent = replica.person("eva").get_episode(of_task(99)).await.unwrap_err();
    assert_eq!((refused.code(), refused.message()), (absent.code(), absent.message()));
    assert_eq!(refused.code(), Code::NotFound);
    let looks = world.looks().split_off(before);
    assert_eq!(
        looks.iter().map(|l| l.event_outcome_indicator()).collect::<Vec<_>>(),
        [AuditOutcome::Refused]
    );
    for (who, expected) in [
        ("organisation:basisschool-de-wilg", "PEOPLE_ONLY"),
        ("operator", "PEOPLE_ONLY"),
        ("person:niemand", "UNKNOWN_PERSON"),
        ("person:ib-de-wilg", "NOT_YOUR_ROLE"),
    ] {
        let who: Identity = who.parse().unwrap();
        let status = replica.client(who.clone()).get_episode(of_task(1)).await.unwrap_err();
        assert_eq!((status.code(), reason(&status).as_str()), (Code::PermissionDenied, expected));
        let status = replica.client(who).list_episodes(ListEpisodesRequest::default()).await.unwrap_err();
        assert_eq!((status.code(), reason(&status).as_str()), (Code::PermissionDenied, expected));
    }
    replica.stop().await;
}

#[tokio::test(start_paused = true)]
async fn what_cannot_be_put_on_record_is_not_shown() {
    let (world, replica) = with_episode().await;
    world.broker.delete(StreamName::Audit);
    let status = replica.person("noor").get_episode(of_task(1)).await.unwrap_err();
    assert!(!matches!(status.code(), Code::Ok | Code::NotFound), "{status}");
    assert!(replica.person("noor").list_episodes(ListEpisodesRequest::default()).await.is_err());
    replica.stop().await;
}

#[tokio::test(start_paused = true)]
async fn a_list_shows_the_episodes_of_ones_own_centres_newest_first_in_pages() {
    let world = World::new(MemoryBroker::new());
    let replica = world.replica().await;
    for number in 1..=7_u8 {
        world.requested(&about(number, number, i64::from(number) * 10)).await;
    }
    world.requested(&About { centre: "de-eik", ..about(8, 8, 35) }).await;
    world.quiet(&[&replica]).await;
    let before = world.looks().len();

    let mut client = replica.person("noor");
    let mut seen = Vec::new();
    let mut request = ListEpisodesRequest { page_size: 3, ..Default::default() };
    loop {
        let page = client.list_episodes(request.clone()).await.unwrap().into_inner();
        seen.extend(page.episodes.iter().map(|e| e.tasks[0].task_id.clone()));
        if page.next_page_token.is_empty() {
            break;
        }
        assert_eq!(page.episodes.len(), 3);
        request.page_token = page.next_page_token;
    }
    let own: Vec<_> = (1..=7).rev().map(|number| task(number).to_string()).collect();
    assert_eq!(seen, own);
    let looks = world.looks().split_off(before);
    assert_eq!(looks.len(), 7, "each episode on a list is a look");
    assert!(looks.iter().all(|look| look.event_id == "list-episodes"));

    let of = |who: &str, centre: &str| {
        let mut client = replica.person(who);
        let request = ListEpisodesRequest { centre: centre.to_owned(), ..Default::default() };
        async move {
            let page = client.list_episodes(request).await.unwrap().into_inner();
            page.episodes.iter().map(|e| e.tasks[0].task_id.clone()).collect::<Vec<_>>()
        }
    };
    assert_eq!(of("eva", "").await, [task(8).to_string()]);
    assert_eq!(of("bo", "").await.len(), 8, "who works at two centres sees both, mixed by time");
    assert_eq!(of("bo", "").await[4], task(8).to_string());
    assert_eq!(of("bo", "de-eik").await, [task(8).to_string()]);
    replica.stop().await;
}

#[tokio::test(start_paused = true)]
async fn a_read_that_asks_for_a_position_waits_for_it() {
    let (world, replica) = with_episode().await;
    let reply = replica.person("noor").get_episode(of_task(1)).await.unwrap().into_inner();
    let position = reply.position.unwrap();
    let request = GetEpisodeRequest { at_least: Some(position.clone()), ..of_task(1) };
    assert!(replica.person("noor").get_episode(request).await.is_ok());
    let ahead = Position { sequence: position.sequence + 1, ..position.clone() };
    let mut client = replica.person("noor");
    let request = GetEpisodeRequest { at_least: Some(ahead), ..of_task(1) };
    let waiting = tokio::spawn(async move { client.get_episode(request).await });
    world.contact(&about(1, 1, 0), 30, true).await;
    let reply = waiting.await.unwrap().unwrap().into_inner();
    assert!(reply.episode.unwrap().first_contact_at.is_some());
    let never = Position { sequence: position.sequence + 1_000, ..position };
    let request = GetEpisodeRequest { at_least: Some(never), ..of_task(1) };
    let status = replica.person("noor").get_episode(request).await.unwrap_err();
    assert_eq!(status.code(), Code::DeadlineExceeded);
    replica.stop().await;
}

#[tokio::test(start_paused = true)]
async fn bad_requests_are_told_every_fault_at_once() {
    let (world, replica) = with_episode().await;
    let before = world.looks().len();
    let violations = |status: &tonic::Status| {
        let details = status.get_details_bad_request().unwrap();
        details.field_violations.into_iter().map(|violation| violation.field).collect::<Vec<_>>()
    };
    let foreign = Position { stream: "TASKS".into(), incarnation: "x".into(), sequence: 1 };
    let mut client = replica.person("noor");
    let request = GetEpisodeRequest { at_least: Some(foreign.clone()), ..of_id("tsk_1") };
    let status = client.get_episode(request).await.unwrap_err();
    assert_eq!(
        (status.code(), violations(&status)),
        (Code::InvalidArgument, vec!["episode_id".into(), "at_least".into()])
    );
    let status = client.get_episode(GetEpisodeRequest::default()).await.unwrap_err();
    assert_eq!(violations(&status), ["episode"]);
    let request = ListEpisodesRequest {
        centre: "de-eik".into(),
        page_size: 501,
        page_token: "x".into(),
        at_least: Some(foreign),
        open_only: true,
    };
    let status = client.list_episodes(request).await.unwrap_err();
    assert_eq!(violations(&status), ["centre", "page_size", "page_token", "at_least"]);
    assert_eq!(world.looks().len(), before);
    replica.stop().await;
}
