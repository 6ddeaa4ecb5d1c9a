//! Winding down.

use std::time::Duration;

use tonic::{Code, Request};
use tonic_types::StatusExt as _;
use voordeur_chassis::{
    DEV_IDENTITY,
    lifecycle::{Ending, wind_down},
};
use voordeur_contracts::intake::{SubmitSignalRequest, SubmitSignalsRequest, WatchSignalsRequest};

use crate::support::{eventually, get, say, start};

#[tokio::test]
async fn what_is_in_hand_is_finished_watches_are_sent_elsewhere_and_readiness_goes_first() {
    let mut toy = start().await;
    let mut request = Request::new(WatchSignalsRequest::default());
    say(request.metadata_mut(), DEV_IDENTITY, "organisation:de-wilg");
    let mut watch = toy.client.watch_signals(request).await.unwrap().into_inner();
    watch.message().await.unwrap().unwrap();

    let (items, queue) = tokio::sync::mpsc::channel::<SubmitSignalsRequest>(4);
    let item = |reference: &str| SubmitSignalsRequest {
        signal: Some(SubmitSignalRequest { client_reference: reference.to_owned(), ..Default::default() }),
    };
    let mut request = Request::new(tokio_stream::wrappers::ReceiverStream::new(queue));
    say(request.metadata_mut(), DEV_IDENTITY, "organisation:de-wilg");
    items.send(item("before")).await.unwrap();
    let mut answers = toy.client.submit_signals(request).await.unwrap().into_inner();
    assert_eq!(answers.message().await.unwrap().unwrap().client_reference, "before");

    let tasks = toy.tasks.clone();
    let ending =
        tokio::spawn(async move { wind_down(&tasks, Duration::from_secs(30), std::future::pending()).await });
    let status = watch.message().await.unwrap_err();
    assert_eq!(status.code(), Code::Unavailable);
    assert_eq!(status.get_details_error_info().unwrap().reason, "STOPPING");
    let (code, page) = get(&toy.bound, "/readyz").await;
    assert!(code == 503 && page.contains("\"not_stopping\":false"), "{page}");
    // The bulk hand-over that was going on goes on.
    items.send(item("after")).await.unwrap();
    assert_eq!(answers.message().await.unwrap().unwrap().client_reference, "after");
    // Nobody new is let in.
    eventually("the address is closed", async || {
        match tokio::net::TcpStream::connect(toy.bound.grpc).await {
            Ok(_) => Err("still taking connections".to_owned()),
            Err(_) => Ok(()),
        }
    })
    .await;
    drop(items);
    assert!(answers.message().await.unwrap().is_none());
    drop((answers, watch, toy.client));
    assert_eq!(ending.await.unwrap(), Ending::Finished);
}

#[tokio::test]
async fn two_services_on_one_address_are_refused_with_the_address() {
    let toy = start().await;
    let taken = toy.bound.http;
    let mut config = voordeur_chassis::config::Config::default().on_free_ports();
    config.intake.grpc = taken;
    let environment = voordeur_chassis::Environment {
        broker: std::sync::Arc::new(toy.broker.clone()),
        clock: std::sync::Arc::new(voordeur_chassis::SystemClock),
        tasks: voordeur_chassis::Tasks::new(),
        dev: true,
    };
    let service = voordeur_chassis::Service {
        name: "routing",
        grpc: tonic::service::Routes::default(),
        grpc_services: vec![],
        refusal_detail: None,
        ready: vec![],
        folds: vec![],
    };
    let listen = voordeur_chassis::Listen { addresses: config.intake, limits: config.limits };
    let error = voordeur_chassis::serve(service, &listen, &environment).await.unwrap_err();
    assert!(error.to_string().contains(&taken.to_string()), "{error}");
}
