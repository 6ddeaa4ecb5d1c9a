//! The addresses for operators: alive, ready, metrics, folds.

use std::{collections::BTreeMap, sync::Arc};

use axum::{Json, Router, extract::State, http::StatusCode, response::IntoResponse, routing::get};
use serde::Serialize;
use tokio_util::sync::CancellationToken;
use voordeur_eventlog::Broker;

use crate::{
    service::{Check, Digest, NamedFold},
    telemetry,
};

/// What has to hold before a service is ready: its own checks, a connection with the broker, and not stopping.
pub struct Readiness {
    service: &'static str,
    checks: Vec<Check>,
    broker: Arc<dyn Broker>,
    draining: CancellationToken,
}

impl std::fmt::Debug for Readiness {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        f.debug_struct("Readiness")
            .field("service", &self.service)
            .field("checks", &self.checks())
            .finish_non_exhaustive()
    }
}

impl Readiness {
    pub(crate) fn new(
        service: &'static str,
        checks: Vec<Check>,
        broker: Arc<dyn Broker>,
        draining: CancellationToken,
    ) -> Self {
        Self { service, checks, broker, draining }
    }

    /// Every check by its name.
    #[must_use]
    pub fn checks(&self) -> BTreeMap<&'static str, bool> {
        let own = self.checks.iter().map(|(name, holds)| (*name, holds()));
        own.chain([("broker", self.broker.connected()), ("not_stopping", !self.draining.is_cancelled())])
            .collect()
    }

    /// Do all checks hold?
    #[must_use]
    pub fn is_ready(&self) -> bool {
        !self.draining.is_cancelled()
            && self.broker.connected()
            && self.checks.iter().all(|(_, holds)| holds())
    }
}

#[derive(Serialize)]
struct ReadyPage {
    service: &'static str,
    ready: bool,
    checks: BTreeMap<&'static str, bool>,
}

/// What `/admin/folds` tells of one fold.
#[derive(Debug, Clone, PartialEq, Eq, Serialize)]
pub struct FoldPage {
    /// Which service.
    pub service: &'static str,
    /// Its name within the service.
    pub fold: &'static str,
    /// The stream it reads; `null` before the first message.
    pub stream: Option<&'static str>,
    /// Which life of the stream.
    pub incarnation: Option<String>,
    /// How far it has read.
    pub position: Option<u64>,
    /// Histories in memory.
    pub histories: usize,
    /// Histories it cannot read.
    pub frozen: usize,
    /// 128 bits in hexadecimal digits: equal positions must mean equal digests.
    pub digest: String,
}

impl FoldPage {
    /// As the page shows it.
    #[must_use]
    pub fn of(service: &'static str, fold: &'static str, digest: &Digest) -> Self {
        let position = digest.position.as_ref();
        Self {
            service,
            fold,
            stream: position.map(|position| position.stream.as_str()),
            incarnation: position.map(|position| position.incarnation.to_string()),
            position: position.map(|position| position.sequence),
            histories: digest.histories,
            frozen: digest.frozen,
            digest: format!("{:032x}", digest.value),
        }
    }
}

#[derive(Clone)]
struct Pages {
    readiness: Arc<Readiness>,
    folds: Arc<[NamedFold]>,
}

/// The pages.
pub(crate) fn router(readiness: Arc<Readiness>, folds: Vec<NamedFold>) -> Router {
    Router::new()
        .route("/livez", get(|| async { "ok\n" }))
        .route("/readyz", get(readyz))
        .route("/metrics", get(metrics))
        .route("/admin/folds", get(admin_folds))
        .with_state(Pages { readiness, folds: folds.into() })
}

async fn readyz(State(pages): State<Pages>) -> impl IntoResponse {
    let ready = pages.readiness.is_ready();
    let status = if ready { StatusCode::OK } else { StatusCode::SERVICE_UNAVAILABLE };
    (status, Json(ReadyPage { service: pages.readiness.service, ready, checks: pages.readiness.checks() }))
}

async fn metrics() -> impl IntoResponse {
    match telemetry::scrape() {
        Ok(text) => (StatusCode::OK, [("content-type", "text/plain; version=0.0.4; charset=utf-8")], text),
        Err(error) => {
            tracing::error!(error = %error, "metrics cannot be written");
            (
                StatusCode::INTERNAL_SERVER_ERROR,
                [("content-type", "text/plain; charset=utf-8")],
                String::new(),
            )
        }
    }
}

async fn admin_folds(State(pages): State<Pages>) -> impl IntoResponse {
    let service = pages.readiness.service;
    let folds = Arc::clone(&pages.folds);
    // A digest goes over everything in memory.
    let digests = tokio::task::spawn_blocking(move || {
        folds.iter().map(|(name, digest)| FoldPage::of(service, name, &digest())).collect::<Vec<_>>()
    });
    match digests.await {
        Ok(pages) => Json(pages).into_response(),
        Err(_) => StatusCode::INTERNAL_SERVER_ERROR.into_response(),
    }
}
