//! The layer.

use std::{
    future::Future,
    panic::AssertUnwindSafe,
    pin::Pin,
    sync::Arc,
    task::{Context, Poll},
    time::Duration,
};

use futures_util::FutureExt as _;
use http::{Request, Response};
use prost::Message as _;
use tokio::sync::Semaphore;
use tokio_util::sync::CancellationToken;
use tonic::{Code, Status, body::Body};
use tonic_types::pb;
use tower::{Layer, Service};
use tracing::Instrument as _;
use voordeur_kernel::ErrorKind;

use super::{
    body::{Cut, Observed, code_in},
    call::{Call, Instruments},
    deadline::Times,
    methods::Method,
    sizes::Bounded,
};
use crate::{DEV_IDENTITY, Identity, Problem, RefusalDetail, config::LimitsConfig};

#[derive(Debug)]
struct Shared {
    service: &'static str,
    dev: bool,
    calls: Arc<Semaphore>,
    streams: Arc<Semaphore>,
    draining: CancellationToken,
    refusal_detail: Option<RefusalDetail>,
    instruments: Instruments,
}

/// Puts everything around calls that stands around every call.
#[derive(Debug, Clone)]
pub struct CallLayer(Arc<Shared>);

impl CallLayer {
    /// For one service.
    #[must_use]
    pub fn new(
        service: &'static str,
        dev: bool,
        limits: &LimitsConfig,
        draining: CancellationToken,
        refusal_detail: Option<RefusalDetail>,
    ) -> Self {
        Self(Arc::new(Shared {
            service,
            dev,
            calls: Arc::new(Semaphore::new(limits.calls_max)),
            streams: Arc::new(Semaphore::new(limits.streams_max)),
            draining,
            refusal_detail,
            instruments: Instruments::new(),
        }))
    }
}

impl<S> Layer<S> for CallLayer {
    type Service = CallService<S>;

    fn layer(&self, inner: S) -> CallService<S> {
        CallService { inner, shared: Arc::clone(&self.0) }
    }
}

/// A service with the layer around it.
#[derive(Debug, Clone)]
pub struct CallService<S> {
    inner: S,
    shared: Arc<Shared>,
}

impl<S> Service<Request<Body>> for CallService<S>
where
    S: Service<Request<Body>, Response = Response<Body>> + Clone + Send + 'static,
    S::Future: Send,
{
    type Response = Response<Body>;
    type Error = S::Error;
    type Future = Pin<Box<dyn Future<Output = Result<Response<Body>, S::Error>> + Send>>;

    fn poll_ready(&mut self, cx: &mut Context<'_>) -> Poll<Result<(), S::Error>> {
        self.inner.poll_ready(cx)
    }

    fn call(&mut self, request: Request<Body>) -> Self::Future {
        // The instance that was found ready is the one that is called.
        let fresh = self.inner.clone();
        let mut inner = std::mem::replace(&mut self.inner, fresh);
        // Health and reflection stay plain: asked often, and about nobody.
        if request.uri().path().starts_with("/grpc.") {
            return Box::pin(inner.call(request));
        }
        let shared = Arc::clone(&self.shared);
        Box::pin(shared.serve(request, move |request| inner.call(request)))
    }
}

impl Shared {
    async fn serve<F, E>(
        self: Arc<Self>,
        request: Request<Body>,
        handle: impl FnOnce(Request<Body>) -> F + Send,
    ) -> Result<Response<Body>, E>
    where
        F: Future<Output = Result<Response<Body>, E>> + Send,
    {
        let method = Method::of(request.uri().path());
        let caller = self.authenticate(request.headers());
        let mut call = Call::begin(
            self.service,
            &method,
            caller.as_ref().ok(),
            request.headers(),
            self.instruments.clone(),
        );
        let (request, times) = match self.admit(request, caller, &method, &mut call) {
            Ok(admitted) => admitted,
            Err(problem) => return Ok(refuse(self.detailed(problem, &method), &mut call)),
        };
        let span = call.span.clone();
        // The handler is called inside, so that a panic before its first wait is caught as well.
        let handled = AssertUnwindSafe(async move { handle(request).await }).catch_unwind().instrument(span);
        let response = match tokio::time::timeout_at(times.hard, handled).await {
            Err(_) => return Ok(refuse(self.detailed(too_late(), &method), &mut call)),
            Ok(Err(_)) => {
                let problem = Problem::broken("an internal fault; tell the operator");
                return Ok(refuse(self.detailed(problem, &method), &mut call));
            }
            Ok(Ok(outcome)) => outcome?,
        };
        let response = self.explained(response, &method);
        let (parts, body) = response.into_parts();
        if let Some(code) = code_in(&parts.headers) {
            call.end(code);
        }
        let cut = self.cut(&method, times);
        Ok(Response::from_parts(parts, Body::new(Observed::new(body, call, cut))))
    }

    /// Who calls. Until access is built: whoever says so during development, else nobody.
    fn authenticate(&self, headers: &http::HeaderMap) -> Result<Identity, Problem> {
        let problem = |message| Problem::new(ErrorKind::NotAuthenticated, "NOT_AUTHENTICATED", message);
        if !self.dev {
            return Err(problem("say who you are: this call needs an identity"));
        }
        let told = headers.get(DEV_IDENTITY).ok_or_else(|| {
            problem("say who you are: set x-voordeur-dev-identity to organisation:<key>, person:<key> or operator")
        })?;
        told.to_str().ok().and_then(|text| text.parse().ok()).ok_or_else(|| {
            problem("x-voordeur-dev-identity must be organisation:<key>, person:<key> or operator")
        })
    }

    fn admit(
        &self,
        request: Request<Body>,
        caller: Result<Identity, Problem>,
        method: &Method,
        call: &mut Call,
    ) -> Result<(Request<Body>, Times), Problem> {
        let caller = caller?;
        let times = Times::of(request.headers()).map_err(|_| {
            Problem::fault(
                "grpc-timeout",
                "BAD_TIMEOUT",
                "must be one to eight digits and a unit of H, M, S, m, u, n",
            )
        })?;
        if times.hard <= voordeur_eventlog::Deadline::now() {
            return Err(too_late());
        }
        let room = if method.is_stream() { &self.streams } else { &self.calls };
        let permit = Arc::clone(room).try_acquire_owned().map_err(|_| {
            Problem::new(
                ErrorKind::TooMuch,
                "TOO_MANY_CALLS",
                "this service has as many calls as it takes; try again",
            )
            .retry_after(Duration::from_secs(1))
        })?;
        call.hold(permit);
        let (mut parts, body) = request.into_parts();
        parts.extensions.insert(caller);
        parts.extensions.insert(times);
        let body = Body::new(Bounded::new(body, self.detail(method)));
        Ok((Request::from_parts(parts, body), times))
    }

    fn detail(&self, method: &Method) -> Option<prost_types::Any> {
        self.refusal_detail.and_then(|detail| detail(&method.name))
    }

    /// A refusal from here, with what the service wants every refusal to carry.
    fn detailed(&self, mut problem: Problem, method: &Method) -> Problem {
        problem.extra.extend(self.detail(method));
        problem
    }

    /// A request that could not even be read is refused between us and the service, without any details.
    fn explained(&self, response: Response<Body>, method: &Method) -> Response<Body> {
        let Some(detail) = self.detail(method) else { return response };
        match Status::from_header_map(response.headers()) {
            Some(status) if status.code() != Code::Ok && status.details().is_empty() => {
                let rich = pb::Status {
                    code: status.code() as i32,
                    message: status.message().to_owned(),
                    details: vec![detail],
                };
                let details = rich.encode_to_vec().into();
                Status::with_details(status.code(), status.message(), details).into_http()
            }
            _ => response,
        }
    }

    /// Streams end at the caller's deadline, and watches when the service stops: they can be resumed elsewhere.
    fn cut(&self, method: &Method, times: Times) -> Option<Cut> {
        if !method.is_stream() {
            return None;
        }
        let stopping = method.is_watch().then(|| self.draining.clone());
        let too_late = self.detailed(too_late(), method);
        Some(Box::pin(async move {
            let stopping = async {
                match stopping {
                    Some(token) => token.cancelled_owned().await,
                    None => std::future::pending().await,
                }
            };
            let late = async {
                if times.given {
                    tokio::time::sleep_until(times.hard).await;
                } else {
                    std::future::pending::<()>().await;
                }
            };
            tokio::select! {
                () = stopping => Status::from(Problem::unavailable(
                    "STOPPING", "this service stops; watch again and resume after the last position",
                )),
                () = late => Status::from(too_late),
            }
        }))
    }
}

fn too_late() -> Problem {
    Problem::new(
        ErrorKind::TimedOut,
        "DEADLINE_EXCEEDED",
        "the deadline passed; the outcome may be unknown, send the same request again",
    )
}

fn refuse(problem: Problem, call: &mut Call) -> Response<Body> {
    let status = Status::from(problem);
    call.end(status.code());
    status.into_http()
}
