//! The generated traits on top of what the service does.

use std::sync::Arc;

use futures_util::stream::BoxStream;
use tonic::{Request, Response, Status, Streaming};
use voordeur_chassis::{Problem, deadline, identity};
use voordeur_contracts::intake::{
    AcknowledgeAnswerRequest, AcknowledgeAnswerResponse, GetSignalRequest, GetSignalResponse,
    ListSignalsRequest, ListSignalsResponse, RevealDetailsRequest, RevealDetailsResponse, SealTextRequest,
    SealTextResponse, SubmitSignalRequest, SubmitSignalResponse, SubmitSignalsRequest, SubmitSignalsResponse,
    WatchSignalsRequest, WatchSignalsResponse, WithdrawSignalRequest, WithdrawSignalResponse,
    details_service_server::DetailsService, signal_intake_service_server::SignalIntakeService,
};

use super::{Intake, bulk, watch};

/// What source systems speak.
#[derive(Debug, Clone)]
pub(crate) struct SourceSystems(pub(crate) Arc<Intake>);

/// What the worklist speaks.
#[derive(Debug, Clone)]
pub(crate) struct Details(pub(crate) Arc<Intake>);

/// Results of a stream.
pub(crate) type Items<T> = BoxStream<'static, Result<T, Status>>;

fn reply<T>(outcome: Result<T, Problem>) -> Result<Response<T>, Status> {
    outcome.map(Response::new).map_err(Status::from)
}

#[tonic::async_trait]
impl SignalIntakeService for SourceSystems {
    async fn submit_signal(
        &self,
        request: Request<SubmitSignalRequest>,
    ) -> Result<Response<SubmitSignalResponse>, Status> {
        let (caller, until) = (identity(&request)?.clone(), deadline(&request));
        reply(self.0.submit(&caller, request.into_inner(), until).await)
    }

    type SubmitSignalsStream = Items<SubmitSignalsResponse>;

    async fn submit_signals(
        &self,
        request: Request<Streaming<SubmitSignalsRequest>>,
    ) -> Result<Response<Self::SubmitSignalsStream>, Status> {
        let caller = identity(&request)?.clone();
        Ok(Response::new(bulk::submit_all(Arc::clone(&self.0), caller, request.into_inner())))
    }

    async fn get_signal(
        &self,
        request: Request<GetSignalRequest>,
    ) -> Result<Response<GetSignalResponse>, Status> {
        let (caller, until) = (identity(&request)?.clone(), deadline(&request));
        reply(self.0.get(&caller, request.into_inner(), until).await)
    }

    async fn list_signals(
        &self,
        request: Request<ListSignalsRequest>,
    ) -> Result<Response<ListSignalsResponse>, Status> {
        let (caller, until) = (identity(&request)?.clone(), deadline(&request));
        reply(self.0.list(&caller, request.into_inner(), until).await)
    }

    type WatchSignalsStream = Items<WatchSignalsResponse>;

    async fn watch_signals(
        &self,
        request: Request<WatchSignalsRequest>,
    ) -> Result<Response<Self::WatchSignalsStream>, Status> {
        let (caller, until) = (identity(&request)?.clone(), deadline(&request));
        reply(watch::watch(Arc::clone(&self.0), &caller, request.into_inner(), until).await)
    }

    async fn withdraw_signal(
        &self,
        request: Request<WithdrawSignalRequest>,
    ) -> Result<Response<WithdrawSignalResponse>, Status> {
        let (caller, until) = (identity(&request)?.clone(), deadline(&request));
        reply(self.0.withdraw(&caller, request.into_inner(), until).await)
    }

    async fn acknowledge_answer(
        &self,
        request: Request<AcknowledgeAnswerRequest>,
    ) -> Result<Response<AcknowledgeAnswerResponse>, Status> {
        let (caller, until) = (identity(&request)?.clone(), deadline(&request));
        reply(self.0.acknowledge(&caller, request.into_inner(), until).await)
    }
}

#[tonic::async_trait]
impl DetailsService for Details {
    async fn seal_text(
        &self,
        request: Request<SealTextRequest>,
    ) -> Result<Response<SealTextResponse>, Status> {
        let (caller, until) = (identity(&request)?.clone(), deadline(&request));
        reply(self.0.seal_text(&caller, request.into_inner(), until).await)
    }

    async fn reveal_details(
        &self,
        request: Request<RevealDetailsRequest>,
    ) -> Result<Response<RevealDetailsResponse>, Status> {
        let (caller, until) = (identity(&request)?.clone(), deadline(&request));
        reply(self.0.reveal(&caller, request.into_inner(), until).await)
    }
}
