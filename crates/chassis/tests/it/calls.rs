//! What stands around a call.

use std::time::Duration;

use futures_util::StreamExt as _;
use tonic::{Code, Request};
use tonic_types::StatusExt as _;
use voordeur_chassis::DEV_IDENTITY;
use voordeur_contracts::intake::{SubmitSignalRequest, SubmitSignalsRequest, WatchSignalsRequest};

use crate::support::{DETAIL, Running, eventually, say, start, start_with, submission};

const SCHOOL: &str = "organisation:de-wilg";

/// Does a refusal carry what the service wants every refusal to carry, so that it still fits in a header?
fn detailed(status: &tonic::Status) -> bool {
    let rich = <tonic_types::pb::Status as prost::Message>::decode(status.details()).unwrap();
    rich.details.iter().filter(|detail| detail.type_url.ends_with(DETAIL)).count() == 1
}

#[tokio::test]
async fn a_refusal_around_a_call_carries_what_the_service_wants_it_to_carry() {
    let mut toy = start_with(|config| config.limits.calls_max = 1).await;
    let unknown = toy.client.submit_signal(SubmitSignalRequest::default()).await.unwrap_err();
    let broken = toy.client.submit_signal(submission("panic", SCHOOL)).await.unwrap_err();
    let large = "x".repeat(voordeur_kernel::limits::REQUEST_BYTES_MAX + 1);
    let large = toy.client.submit_signal(submission(&large, SCHOOL)).await.unwrap_err();
    let mut request = submission("slow", SCHOOL);
    say(request.metadata_mut(), "grpc-timeout", "1S");
    let late = toy.client.submit_signal(request).await.unwrap_err();
    let mut request = Request::new(futures_util::stream::pending::<SubmitSignalsRequest>());
    say(request.metadata_mut(), DEV_IDENTITY, SCHOOL);
    say(request.metadata_mut(), "grpc-timeout", "300m");
    let cut = toy.client.submit_signals(request).await.unwrap().into_inner().message().await.unwrap_err();
    let mut other = toy.client.clone();
    let slow = tokio::spawn(async move { other.submit_signal(submission("slow", SCHOOL)).await });
    let full = eventually("the only place is taken", async || {
        let outcome = toy.client.submit_signal(submission("a", SCHOOL)).await;
        outcome.map_or_else(Ok, |_| Err("still room".to_owned()))
    })
    .await;
    slow.abort();
    for (status, code) in [
        (unknown, Code::Unauthenticated),
        (broken, Code::Internal),
        (large, Code::ResourceExhausted),
        (late, Code::DeadlineExceeded),
        (cut, Code::DeadlineExceeded),
        (full, Code::ResourceExhausted),
    ] {
        assert_eq!(status.code(), code);
        assert!(detailed(&status), "{status:?}");
        assert!(status.get_details_error_info().is_some(), "{status:?}");
    }
    // What the service itself says is left as it says it.
    let own = toy.client.submit_signal(submission("problem", SCHOOL)).await.unwrap_err();
    assert!(!detailed(&own));
}

#[tokio::test]
async fn a_request_that_cannot_be_read_is_refused_with_it_too() {
    let toy = start().await;
    let channel = tonic::transport::Channel::from_shared(format!("http://{}", toy.bound.grpc)).unwrap();
    let mut grpc = tonic::client::Grpc::new(channel.connect().await.unwrap());
    grpc.ready().await.unwrap();
    // Another message than the method takes: its first field is no text.
    let wrong =
        SubmitSignalsRequest { signal: Some(SubmitSignalRequest { severity: 200, ..Default::default() }) };
    let mut request = Request::new(wrong);
    say(request.metadata_mut(), DEV_IDENTITY, SCHOOL);
    let path = http::uri::PathAndQuery::from_static("/voordeur.intake.v1.SignalIntakeService/SubmitSignal");
    let codec = tonic_prost::ProstCodec::<_, voordeur_contracts::intake::SubmitSignalResponse>::default();
    let outcome = grpc.unary(request, path, codec).await;
    let status = outcome.map(|_| ()).unwrap_err();
    assert_eq!(status.code(), Code::Internal, "{status:?}");
    assert!(detailed(&status), "{status:?}");
}

#[tokio::test]
async fn a_caller_is_who_the_header_says_during_development() {
    let mut toy = start().await;
    let reply = toy.client.submit_signal(submission("a", "person:noor")).await.unwrap().into_inner();
    assert_eq!(reply.signal_id, "person:noor");
    for who in ["nobody", "organisation:"] {
        let status = toy.client.submit_signal(submission("a", who)).await.unwrap_err();
        assert_eq!(status.code(), Code::Unauthenticated);
    }
    let status = toy.client.submit_signal(SubmitSignalRequest::default()).await.unwrap_err();
    assert_eq!(status.code(), Code::Unauthenticated);
    assert_eq!(status.get_details_error_info().unwrap().reason, "NOT_AUTHENTICATED");
}

#[tokio::test]
async fn a_problem_reaches_the_caller_with_all_its_details() {
    let mut toy = start().await;
    let status = toy.client.submit_signal(submission("problem", SCHOOL)).await.unwrap_err();
    assert_eq!(status.code(), Code::InvalidArgument);
    assert_eq!(status.get_details_bad_request().unwrap().field_violations[0].field, "severity");
}

#[tokio::test]
async fn a_panic_is_an_internal_error_and_the_service_goes_on() {
    let mut toy = start().await;
    let status = toy.client.submit_signal(submission("panic", SCHOOL)).await.unwrap_err();
    assert_eq!(status.code(), Code::Internal);
    assert!(!status.message().contains("fault of ours"), "{status:?}");
    toy.client.submit_signal(submission("a", SCHOOL)).await.unwrap();
}

/// What the service says to a call that comes too late. The client has a clock of its own, which says CANCELLED, and may be the first.
async fn too_late(toy: &Running, what: &str, timeout: &str) -> tonic::Status {
    eventually("the service says that it is too late", async || {
        let mut request = submission(what, SCHOOL);
        say(request.metadata_mut(), "grpc-timeout", timeout);
        let status = toy.client.clone().submit_signal(request).await.unwrap_err();
        if status.code() == Code::Cancelled { Err("the client gave up first".to_owned()) } else { Ok(status) }
    })
    .await
}

#[tokio::test]
async fn the_deadline_of_the_caller_is_honoured_and_passed_on() {
    let mut toy = start().await;
    let status = too_late(&toy, "slow", "1S").await;
    assert_eq!(status.code(), Code::DeadlineExceeded, "{status:?}");
    assert_eq!(status.get_details_error_info().unwrap().reason, "DEADLINE_EXCEEDED");

    let mut request = submission("a", SCHOOL);
    say(request.metadata_mut(), "grpc-timeout", "3S");
    let reply = toy.client.submit_signal(request).await.unwrap().into_inner();
    let left: u64 = reply.waived_fields[0].parse().unwrap();
    assert!((1_000..3_000).contains(&left), "{left}");

    assert_eq!(too_late(&toy, "a", "0m").await.code(), Code::DeadlineExceeded);
    let mut request = submission("a", SCHOOL);
    say(request.metadata_mut(), "grpc-timeout", "soon");
    assert_eq!(toy.client.submit_signal(request).await.unwrap_err().code(), Code::InvalidArgument);
}

#[tokio::test]
async fn a_stream_ends_at_the_deadline_of_its_caller() {
    let mut toy = start().await;
    let mut request = Request::new(WatchSignalsRequest::default());
    say(request.metadata_mut(), DEV_IDENTITY, SCHOOL);
    say(request.metadata_mut(), "grpc-timeout", "200m");
    let mut watch = toy.client.watch_signals(request).await.unwrap().into_inner();
    watch.message().await.unwrap().unwrap();
    assert_eq!(watch.message().await.unwrap_err().code(), Code::DeadlineExceeded);
}

#[tokio::test]
async fn more_calls_than_there_is_room_for_are_sent_away_at_once() {
    let mut toy = start_with(|config| config.limits.calls_max = 1).await;
    let mut other = toy.client.clone();
    let slow = tokio::spawn(async move { other.submit_signal(submission("slow", SCHOOL)).await });
    let status = eventually("the only place is taken", async || {
        toy.client
            .submit_signal(submission("a", SCHOOL))
            .await
            .map_or_else(Ok, |_| Err("still room".to_owned()))
    })
    .await;
    assert_eq!(status.code(), Code::ResourceExhausted);
    assert_eq!(status.get_details_retry_info().unwrap().retry_delay, Some(Duration::from_secs(1)));
    // The caller goes away: there is room again.
    slow.abort();
    eventually("room again", async || {
        toy.client.submit_signal(submission("a", SCHOOL)).await.map(drop).map_err(|status| status.to_string())
    })
    .await;
}

#[tokio::test]
async fn a_message_that_is_too_large_is_refused_and_a_stream_keeps_what_came_before() {
    let mut toy = start().await;
    let large = "x".repeat(voordeur_kernel::limits::REQUEST_BYTES_MAX + 1);
    let status = toy.client.submit_signal(submission(&large, SCHOOL)).await.unwrap_err();
    assert_eq!(status.code(), Code::ResourceExhausted, "{status:?}");

    let item = |reference: &str| SubmitSignalsRequest {
        signal: Some(SubmitSignalRequest { client_reference: reference.to_owned(), ..Default::default() }),
    };
    let mut request = Request::new(futures_util::stream::iter([item("first"), item(&large)]));
    say(request.metadata_mut(), DEV_IDENTITY, SCHOOL);
    let answers: Vec<_> = toy.client.submit_signals(request).await.unwrap().into_inner().collect().await;
    assert_eq!(answers[0].as_ref().unwrap().client_reference, "first");
    assert_eq!(answers[1].as_ref().unwrap_err().code(), Code::ResourceExhausted);
}
