//! What operators see: alive, ready, health, reflection, folds.

use std::sync::atomic::Ordering;

use tonic::transport::Channel;
use tonic_health::pb::{
    HealthCheckRequest, health_check_response::ServingStatus, health_client::HealthClient,
};
use tonic_reflection::pb::{
    v1::{
        ServerReflectionRequest, server_reflection_client::ServerReflectionClient,
        server_reflection_request::MessageRequest, server_reflection_response::MessageResponse,
    },
    v1alpha,
};

use crate::support::{Running, eventually, get, start};

async fn channel(toy: &Running) -> Channel {
    Channel::from_shared(format!("http://{}", toy.bound.grpc)).unwrap().connect().await.unwrap()
}

async fn health(toy: &Running, service: &str) -> ServingStatus {
    let mut client = HealthClient::new(channel(toy).await);
    client.check(HealthCheckRequest { service: service.to_owned() }).await.unwrap().into_inner().status()
}

#[tokio::test]
async fn readiness_follows_the_folds_and_the_broker_and_health_follows_readiness() {
    let toy = start().await;
    let name = "voordeur.intake.v1.SignalIntakeService";
    eventually("serving", async || match health(&toy, name).await {
        ServingStatus::Serving => Ok(()),
        other => Err(format!("{other:?}")),
    })
    .await;
    assert_eq!(get(&toy.bound, "/readyz").await.0, 200);
    assert_eq!(get(&toy.bound, "/livez").await.0, 200);

    toy.caught_up.store(false, Ordering::SeqCst);
    let (status, page) = get(&toy.bound, "/readyz").await;
    assert_eq!(status, 503);
    assert!(page.contains("\"signals_caught_up\":false") && page.contains("\"broker\":true"), "{page}");
    for service in [name, ""] {
        eventually("not serving", async || match health(&toy, service).await {
            ServingStatus::NotServing => Ok(()),
            other => Err(format!("{other:?}")),
        })
        .await;
    }

    toy.caught_up.store(true, Ordering::SeqCst);
    toy.broker.set_available(false);
    let (status, page) = get(&toy.bound, "/readyz").await;
    assert!(status == 503 && page.contains("\"broker\":false"), "{page}");
    toy.broker.set_available(true);
    assert_eq!(get(&toy.bound, "/readyz").await.0, 200);
}

#[tokio::test]
async fn the_folds_tell_where_they_are_and_what_they_hold() {
    let toy = start().await;
    let (status, page) = get(&toy.bound, "/admin/folds").await;
    assert_eq!(status, 200);
    assert_eq!(
        page,
        r#"[{"service":"intake","fold":"signals","stream":"SIGNALS","incarnation":"a","position":7,"histories":3,"frozen":0,"digest":"00000000000000000000000000000abc"}]"#
    );
}

#[tokio::test]
async fn reflection_knows_every_service_of_the_contracts() {
    let toy = start().await;
    let mut client = ServerReflectionClient::new(channel(&toy).await);
    let ask = ServerReflectionRequest {
        host: String::new(),
        message_request: Some(MessageRequest::ListServices(String::new())),
    };
    let mut replies =
        client.server_reflection_info(futures_util::stream::iter([ask])).await.unwrap().into_inner();
    let reply = replies.message().await.unwrap().unwrap();
    let Some(MessageResponse::ListServicesResponse(list)) = reply.message_response else {
        panic!("{reply:?}")
    };
    let names: Vec<_> = list.service.into_iter().map(|service| service.name).collect();
    // Clients that only know the older protocol see the same.
    let mut older = v1alpha::server_reflection_client::ServerReflectionClient::new(channel(&toy).await);
    let ask = v1alpha::ServerReflectionRequest {
        host: String::new(),
        message_request: Some(
            v1alpha::server_reflection_request::MessageRequest::ListServices(String::new()),
        ),
    };
    let mut replies =
        older.server_reflection_info(futures_util::stream::iter([ask])).await.unwrap().into_inner();
    let reply = replies.message().await.unwrap().unwrap();
    let Some(v1alpha::server_reflection_response::MessageResponse::ListServicesResponse(list)) =
        reply.message_response
    else {
        panic!("{reply:?}")
    };
    let older_names: Vec<_> = list.service.into_iter().map(|service| service.name).collect();
    for name in
        ["voordeur.intake.v1.SignalIntakeService", "voordeur.routing.v1.TaskService", "grpc.health.v1.Health"]
    {
        assert!(names.iter().any(|found| found == name), "{name} is not in {names:?}");
        assert!(older_names.iter().any(|found| found == name), "{name} is not in {older_names:?}");
    }
}
