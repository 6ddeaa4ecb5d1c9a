//! Binds a service to its addresses.

use std::{net::SocketAddr, sync::Arc, time::Duration};

use serde::Serialize;
use tokio::net::TcpListener;
use tonic::transport::{Server, server::TcpIncoming};
use tonic_health::{ServingStatus, server::HealthReporter};

use crate::{
    Environment, Service, StartError, backlog,
    config::{LimitsConfig, ListenConfig},
    grpc::CallLayer,
    http::{self, Readiness},
};

/// How often health follows readiness.
const HEALTH_EVERY: Duration = Duration::from_millis(100);

/// Where a service listens, and its bounds.
#[derive(Debug, Clone)]
pub struct Listen {
    /// Addresses.
    pub addresses: ListenConfig,
    /// Bounds.
    pub limits: LimitsConfig,
}

/// Where a service was bound.
#[derive(Debug, Clone, Serialize)]
pub struct Bound {
    /// Its name.
    pub service: &'static str,
    /// gRPC.
    pub grpc: SocketAddr,
    /// Health, metrics, administration.
    pub http: SocketAddr,
    /// Whether it is ready, and why not.
    #[serde(skip)]
    pub readiness: Arc<Readiness>,
}

impl Bound {
    /// Waits until everything that has to hold holds.
    pub async fn ready(&self) {
        let mut tick = tokio::time::interval(HEALTH_EVERY);
        while !self.readiness.is_ready() {
            tick.tick().await;
        }
    }
}

/// Binds a service and serves it until the tasks of its environment stop.
///
/// # Errors
/// Without development mode (access is not built yet), with addresses that are not loopback, or when an address is in use.
pub async fn serve(
    service: Service,
    listen: &Listen,
    environment: &Environment,
) -> Result<Bound, StartError> {
    permit(&listen.addresses, environment.dev)?;
    let grpc = bind("gRPC", listen.addresses.grpc).await?;
    let http = bind("HTTP", listen.addresses.http).await?;
    let local =
        |listener: &TcpListener| listener.local_addr().map_err(StartError::io("reading the bound address"));
    let (grpc_address, http_address) = (local(&grpc)?, local(&http)?);
    let tasks = &environment.tasks;
    let readiness = Arc::new(Readiness::new(
        service.name,
        service.ready,
        Arc::clone(&environment.broker),
        tasks.draining(),
    ));

    let (reporter, health) = tonic_health::server::health_reporter();
    tasks.spawn(
        "health",
        follow_readiness(reporter, Arc::clone(&readiness), service.grpc_services, tasks.stop()),
    );
    tasks.spawn("backlog", backlog::observe(service.name, Arc::clone(&environment.broker), tasks.stop()));
    let unreflected =
        |error: tonic_reflection::server::Error| StartError::Failed(format!("reflection: {error}"));
    let described = || {
        tonic_reflection::server::Builder::configure()
            .register_encoded_file_descriptor_set(voordeur_contracts::DESCRIPTORS)
            .register_encoded_file_descriptor_set(tonic_health::pb::FILE_DESCRIPTOR_SET)
    };
    let reflection = described().build_v1().map_err(unreflected)?;
    // The reflection client of grpcio, among others, speaks nothing newer.
    let older_reflection = described().build_v1alpha().map_err(unreflected)?;
    let layer = CallLayer::new(
        service.name,
        environment.dev,
        &listen.limits,
        tasks.draining(),
        service.refusal_detail,
    );
    let server = Server::builder()
        .max_concurrent_streams(listen.limits.connection_streams_max)
        // A phone that went away without a word is noticed within the minute.
        .http2_keepalive_interval(Some(Duration::from_secs(30)))
        .http2_keepalive_timeout(Some(Duration::from_secs(10)))
        .http2_max_header_list_size(16 * 1024)
        .layer(layer)
        .add_routes(service.grpc.add_service(health).add_service(reflection).add_service(older_reflection))
        .serve_with_incoming_shutdown(
            TcpIncoming::from(grpc).with_nodelay(Some(true)),
            tasks.draining().cancelled_owned(),
        );
    tasks.spawn_server("grpc", server);

    let pages = http::router(Arc::clone(&readiness), service.folds);
    let stop = tasks.stop();
    tasks.spawn("http", async move {
        axum::serve(http, pages).with_graceful_shutdown(stop.cancelled_owned()).await
    });
    tracing::info!(service = service.name, grpc = %grpc_address, http = %http_address, "listening");
    Ok(Bound { service: service.name, grpc: grpc_address, http: http_address, readiness })
}

fn permit(addresses: &ListenConfig, dev: bool) -> Result<(), StartError> {
    if !dev {
        return Err(StartError::Settings(
            "access is not built yet, so services only start with --dev: plaintext, loopback addresses, identities on trust"
                .to_owned(),
        ));
    }
    match [addresses.grpc, addresses.http].into_iter().find(|address| !address.ip().is_loopback()) {
        None => Ok(()),
        Some(address) => Err(StartError::Settings(format!(
            "with --dev only loopback addresses are bound, and {address} is none; use 127.0.0.1"
        ))),
    }
}

async fn bind(what: &str, address: SocketAddr) -> Result<TcpListener, StartError> {
    TcpListener::bind(address).await.map_err(StartError::io(format!(
        "cannot listen for {what} on {address}; is another process using it?"
    )))
}

async fn follow_readiness(
    reporter: HealthReporter,
    readiness: Arc<Readiness>,
    services: Vec<&'static str>,
    stop: tokio_util::sync::CancellationToken,
) -> Result<(), std::convert::Infallible> {
    let mut told = None;
    let mut tick = tokio::time::interval(HEALTH_EVERY);
    while !stop.is_cancelled() {
        let ready = readiness.is_ready();
        if told.replace(ready) != Some(ready) {
            let status = if ready { ServingStatus::Serving } else { ServingStatus::NotServing };
            // The empty name is the server as a whole.
            for name in services.iter().copied().chain([""]) {
                reporter.set_service_status(name, status).await;
            }
            tracing::info!(ready, checks = ?readiness.checks(), "readiness");
        }
        tokio::select! {
            _ = tick.tick() => {}
            () = stop.cancelled() => {}
        }
    }
    Ok(())
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn without_development_mode_nothing_is_served_and_with_it_only_on_loopback() {
        let at = |grpc: &str| ListenConfig { grpc: grpc.parse().unwrap(), http: "[::1]:0".parse().unwrap() };
        assert!(permit(&at("127.0.0.1:0"), true).is_ok());
        assert!(permit(&at("0.0.0.0:7401"), true).unwrap_err().to_string().contains("0.0.0.0:7401"));
        assert!(permit(&at("127.0.0.1:0"), false).unwrap_err().to_string().contains("--dev"));
    }
}
