//! Many signals at once.

use std::collections::BTreeSet;

use bytes::{Buf as _, BufMut as _};
use prost::Message as _;
use tokio_stream::StreamExt as _;
use tonic::{
    Code, Request, Status,
    codec::{Codec, DecodeBuf, Decoder, EncodeBuf, Encoder},
};
use voordeur_chassis::DEV_IDENTITY;
use voordeur_contracts::intake::{
    SubmitSignalRequest, SubmitSignalsRequest, SubmitSignalsResponse,
    submit_signals_response::Result as Outcome,
};
use voordeur_eventlog::StreamName;
use voordeur_testkit::eventually;

use crate::world::{SOON, World, acute, consult};

fn items(requests: Vec<SubmitSignalRequest>) -> Vec<SubmitSignalsRequest> {
    requests.into_iter().map(|signal| SubmitSignalsRequest { signal: Some(signal) }).collect()
}

#[tokio::test]
async fn every_item_has_one_result_in_its_order() {
    let world = World::new().await;
    let mut requests: Vec<_> = (0..100).map(|number| consult(&format!("zorg-{number}"))).collect();
    requests[10].severity = 9;
    requests[20].client_reference = "zorg-0".to_owned();
    requests[21].client_reference = "zorg-1".to_owned();
    requests[21].severity = 3;
    requests[30] = acute(consult("nood-1"));
    let mut requests = items(requests);
    requests[40].signal = None;
    let stream = world.school().submit_signals(tokio_stream::iter(requests)).await.unwrap().into_inner();
    let results: Vec<SubmitSignalsResponse> = stream.map(Result::unwrap).collect().await;
    assert_eq!(results.iter().map(|r| r.index).collect::<Vec<_>>(), (0..100).collect::<Vec<_>>());
    let mut accepted = BTreeSet::new();
    for result in &results {
        match (result.index, result.result.as_ref().unwrap()) {
            (10, Outcome::Error(error)) => {
                assert_eq!(
                    (error.code.as_str(), error.faults[0].field.as_str()),
                    ("INVALID_ARGUMENT", "severity")
                );
            }
            (20, Outcome::Accepted(receipt)) => assert!(accepted.contains(&receipt.signal_id)),
            (21, Outcome::Error(error)) => assert_eq!(error.reason, "REFERENCE_REUSED"),
            (40, Outcome::Error(error)) => assert_eq!(error.reason, "REQUIRED"),
            (index, Outcome::Accepted(receipt)) => {
                assert_eq!(receipt.guidance.is_some(), index == 30);
                assert!(accepted.insert(receipt.signal_id.clone()));
            }
            (index, other) => panic!("{index}: {other:?}"),
        }
    }
    assert_eq!(world.stored(StreamName::Signals).len(), accepted.len());
    assert_eq!(accepted.len(), 96);
}

#[tokio::test]
async fn a_caller_that_goes_away_keeps_what_she_had_and_may_send_it_all_again() {
    let world = World::new().await;
    let all: Vec<_> = (0..10).map(|number| consult(&format!("zorg-{number}"))).collect();
    let (send, requests) = tokio::sync::mpsc::channel(4);
    let requests = tokio_stream::wrappers::ReceiverStream::new(requests);
    let mut results = world.school().submit_signals(requests).await.unwrap().into_inner();
    for item in items(all[..4].to_vec()) {
        send.send(item).await.unwrap();
    }
    for index in 0..4 {
        assert_eq!(results.next().await.unwrap().unwrap().index, index);
    }
    drop(results);
    drop(send);
    assert_eq!(world.stored(StreamName::Signals).len(), 4);
    let stream = world.school().submit_signals(tokio_stream::iter(items(all))).await.unwrap().into_inner();
    let known = stream
        .filter(|result| matches!(&result.as_ref().unwrap().result, Some(Outcome::Accepted(r)) if r.already_known))
        .collect::<Vec<_>>()
        .await;
    assert_eq!(known.len(), 4);
    assert_eq!(world.stored(StreamName::Signals).len(), 10);
}

/// Sends bytes as they are.
#[derive(Default)]
struct Raw;

impl Codec for Raw {
    type Encode = Vec<u8>;
    type Decode = SubmitSignalsResponse;
    type Encoder = Self;
    type Decoder = Self;

    fn encoder(&mut self) -> Self {
        Self
    }

    fn decoder(&mut self) -> Self {
        Self
    }
}

impl Encoder for Raw {
    type Item = Vec<u8>;
    type Error = Status;

    fn encode(&mut self, item: Vec<u8>, buffer: &mut EncodeBuf<'_>) -> Result<(), Status> {
        buffer.put_slice(&item);
        Ok(())
    }
}

impl Decoder for Raw {
    type Item = SubmitSignalsResponse;
    type Error = Status;

    fn decode(&mut self, buffer: &mut DecodeBuf<'_>) -> Result<Option<SubmitSignalsResponse>, Status> {
        let bytes = buffer.copy_to_bytes(buffer.remaining());
        SubmitSignalsResponse::decode(bytes).map(Some).map_err(|error| Status::internal(error.to_string()))
    }
}

#[tokio::test]
async fn a_stream_that_breaks_off_keeps_its_results_and_nothing_later_changes() {
    let world = World::new().await;
    let mut bytes: Vec<Vec<u8>> = items((0..6).map(|n| consult(&format!("zorg-{n}"))).collect())
        .iter()
        .map(prost::Message::encode_to_vec)
        .collect();
    let half = bytes[3].len() / 2;
    bytes[3].truncate(half);
    let mut client = tonic::client::Grpc::new(world.replica.channel());
    client.ready().await.unwrap();
    let mut request = Request::new(tokio_stream::iter(bytes));
    request.metadata_mut().insert(DEV_IDENTITY, "organisation:school-a".parse().unwrap());
    let path = "/voordeur.intake.v1.SignalIntakeService/SubmitSignals".parse().unwrap();
    let mut results = client.streaming(request, path, Raw).await.unwrap().into_inner();
    for index in 0..3 {
        let result = results.message().await.unwrap().unwrap();
        assert_eq!(result.index, index);
        assert!(matches!(result.result, Some(Outcome::Accepted(_))));
    }
    let status = results.message().await.unwrap_err();
    assert_ne!(status.code(), Code::Ok);
    let stored =
        eventually("quiet", SOON, || async { Ok::<_, String>(world.stored(StreamName::Signals).len()) })
            .await;
    assert_eq!(stored, 3);
}
