//! Watching.

use std::collections::BTreeMap;

use tokio_stream::StreamExt as _;
use tonic::{Code, Streaming};
use tonic_types::StatusExt as _;
use voordeur_contracts::{
    common::Position,
    intake::{
        ListSignalsRequest, SignalStatus, WatchSignalsRequest, WatchSignalsResponse,
        signal_intake_service_client::SignalIntakeServiceClient, watch_signals_response::Item,
    },
};
use voordeur_eventlog::{Broker as _, Commit, StreamName, Subject, Version};
use voordeur_kernel::{Clock as _, CommitId, SignalId};
use voordeur_testkit::eventually;

use crate::world::{As, SOON, Step, World, about_child, consult, deadline, fields, reason};

type Watch = Streaming<WatchSignalsResponse>;

async fn watch(world: &World, resume_after: Option<Position>) -> Watch {
    world.school().watch_signals(WatchSignalsRequest { resume_after }).await.unwrap().into_inner()
}

async fn next(watch: &mut Watch) -> (Option<(String, SignalStatus)>, Position) {
    let item = tokio::time::timeout(SOON, watch.next()).await.expect("an item in time").unwrap().unwrap();
    let signal = match item.item.unwrap() {
        Item::Signal(signal) => Some((signal.signal_id.clone(), signal.status())),
        Item::CaughtUp(_) => None,
    };
    (signal, item.position.unwrap())
}

#[tokio::test]
async fn what_is_open_comes_first_and_then_every_change() {
    let world = World::new().await;
    let first = world.submit(about_child("zorg-1")).await;
    let mut other = world.replica.intake("organisation:opvang-a");
    other.submit_signal(consult("zorg-1")).await.unwrap();
    eventually("the fold", SOON, || async {
        let list = world.school().list_signals(ListSignalsRequest::default()).await.unwrap().into_inner();
        if list.signals.len() == 1 { Ok(()) } else { Err("not there") }
    })
    .await;
    let mut items = watch(&world, None).await;
    assert_eq!(next(&mut items).await.0, Some((first.to_string(), SignalStatus::Received)));
    assert_eq!(next(&mut items).await.0, None, "caught up");
    let second = world.submit(consult("zorg-2")).await;
    assert_eq!(next(&mut items).await.0, Some((second.to_string(), SignalStatus::Received)));
    world.answer(first, "Advies").await;
    assert_eq!(next(&mut items).await.0, Some((first.to_string(), SignalStatus::Routed)));
    assert_eq!(next(&mut items).await.0, Some((first.to_string(), SignalStatus::Answered)));
}

#[tokio::test]
async fn a_watch_goes_on_after_a_position_also_on_another_replica() {
    let world = World::new().await;
    let mut items = watch(&world, None).await;
    let (_, mut position) = next(&mut items).await;
    let mut ids = Vec::new();
    for number in 0..3 {
        ids.push(world.submit(consult(&format!("zorg-{number}"))).await);
    }
    for _ in 0..2 {
        position = next(&mut items).await.1;
    }
    drop(items);
    world.route(ids[0], Step::requested("noor")).await;
    world.has_status(ids[0], SignalStatus::Routed).await;
    let other = world.another().await;
    let mut items = other
        .intake("organisation:school-a")
        .watch_signals(WatchSignalsRequest { resume_after: Some(position) })
        .await
        .unwrap()
        .into_inner();
    let mut newest = BTreeMap::new();
    while let (Some((id, status)), _) = next(&mut items).await {
        newest.insert(id, status);
    }
    let expected = BTreeMap::from([
        (ids[2].to_string(), SignalStatus::Received),
        (ids[0].to_string(), SignalStatus::Routed),
    ]);
    assert_eq!(newest, expected, "what moved since, and nothing else");
    other.stop().await;
}

#[tokio::test]
async fn a_foreign_position_is_refused() {
    let world = World::new().await;
    for stream in ["TASKS", "nothing"] {
        let position = Position { stream: stream.to_owned(), incarnation: "x".to_owned(), sequence: 1 };
        let request = WatchSignalsRequest { resume_after: Some(position) };
        assert_eq!(fields(&world.school().watch_signals(request).await.unwrap_err()), ["resume_after"]);
    }
}

/// Puts many signals of the school into the log, as another replica would.
async fn many_more(world: &World, many: u32) {
    let pattern = world.stored(StreamName::Signals).remove(0);
    let log = world.broker.log(StreamName::Signals);
    for number in 0..many {
        let mut id = [0xee; 16];
        id[..4].copy_from_slice(&number.to_be_bytes());
        let subject = Subject::of(pattern.subject.prefix(), &SignalId::from_bytes(id).to_hex()).unwrap();
        let commit = Commit {
            id: CommitId::from_bytes(id),
            kind: "nl.voordeur.signal.v1",
            source: "voordeur/intake",
            time: world.clock.now(),
            data: pattern.data.clone(),
            trace: Vec::new(),
            urgent: false,
        };
        log.append(&subject, Version::ABSENT, commit, deadline()).await.unwrap();
    }
}

#[tokio::test]
async fn a_reader_that_is_too_slow_is_cut_with_the_position_to_go_on_from() {
    let world = World::new().await;
    world.submit(consult("zorg-1")).await;
    // More than everything between the fold and the reader can hold: the fold's backlog, the buffers and windows of HTTP/2.
    let many = 12_000_u32;
    let channel = world.replica.narrow_channel().await;
    let request = WatchSignalsRequest { resume_after: None };
    let mut client =
        SignalIntakeServiceClient::with_interceptor(channel, As("organisation:school-a".to_owned()));
    let mut slow = client.watch_signals(request).await.unwrap().into_inner();
    many_more(&world, many).await;
    eventually("the fold", SOON, || async {
        let newest = world.school().list_signals(ListSignalsRequest::default()).await.unwrap().into_inner();
        let read = newest.position.unwrap().sequence;
        if read > u64::from(many) { Ok(()) } else { Err(read) }
    })
    .await;

    let mut read = 0_u64;
    let cut = loop {
        let next = tokio::time::timeout(SOON, slow.next()).await.expect("it goes on or is cut");
        match next.expect("it is cut, not ended") {
            Ok(item) => read += u64::from(matches!(item.item, Some(Item::Signal(_)))),
            Err(status) => break status,
        }
    };
    assert_eq!((cut.code(), reason(&cut).as_str()), (Code::ResourceExhausted, "READER_TOO_SLOW"));
    let info = cut.get_details_error_info().unwrap().metadata;
    let position = Position {
        stream: info["stream"].clone(),
        incarnation: info["incarnation"].clone(),
        sequence: info["sequence"].parse().unwrap(),
    };
    assert_eq!(position.sequence, read, "everything up to it had been sent");
    let mut items = watch(&world, Some(position)).await;
    let mut rest = 0;
    while next(&mut items).await.0.is_some() {
        rest += 1;
    }
    assert_eq!(read + rest, u64::from(many) + 1, "nothing is missed and nothing comes twice");
}
