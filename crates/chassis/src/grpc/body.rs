//! The body of a response, watched to its end: the status of a call stands in its trailers.

use std::{
    future::Future,
    panic::{AssertUnwindSafe, catch_unwind},
    pin::Pin,
    task::{Context, Poll},
};

use bytes::Bytes;
use http::{HeaderMap, HeaderValue};
use http_body::{Body, Frame, SizeHint};
use tonic::{Code, Status};

use super::call::Call;
use crate::Problem;

/// Resolves when the stream has to end before its time, with the status to end it with.
pub(crate) type Cut = Pin<Box<dyn Future<Output = Status> + Send>>;

/// A response body that notes the status of its call.
pub(crate) struct Observed {
    inner: tonic::body::Body,
    call: Call,
    cut: Option<Cut>,
    done: bool,
}

impl Observed {
    pub(crate) fn new(inner: tonic::body::Body, call: Call, cut: Option<Cut>) -> Self {
        Self { inner, call, cut, done: false }
    }

    fn finish(&mut self, status: &Status) -> Poll<Option<Result<Frame<Bytes>, Status>>> {
        self.done = true;
        self.call.end(status.code());
        let mut trailers = HeaderMap::new();
        if status.add_header(&mut trailers).is_err() {
            trailers.insert(Status::GRPC_STATUS, HeaderValue::from_static("13"));
        }
        Poll::Ready(Some(Ok(Frame::trailers(trailers))))
    }
}

impl Body for Observed {
    type Data = Bytes;
    type Error = Status;

    fn poll_frame(self: Pin<&mut Self>, cx: &mut Context<'_>) -> Poll<Option<Result<Frame<Bytes>, Status>>> {
        let this = self.get_mut();
        if this.done {
            return Poll::Ready(None);
        }
        if let Some(cut) = &mut this.cut
            && let Poll::Ready(status) = cut.as_mut().poll(cx)
        {
            return this.finish(&status);
        }
        let span = this.call.span.clone();
        let inner = Pin::new(&mut this.inner);
        let polled = catch_unwind(AssertUnwindSafe(|| span.in_scope(|| inner.poll_frame(cx))));
        match polled {
            Err(_) => this.finish(&Problem::broken("an internal fault; tell the operator").into()),
            Ok(Poll::Pending) => Poll::Pending,
            Ok(Poll::Ready(frame)) => {
                match &frame {
                    Some(Ok(frame)) => {
                        if let Some(trailers) = frame.trailers_ref() {
                            this.call.end(code_in(trailers).unwrap_or(Code::Unknown));
                        }
                    }
                    Some(Err(status)) => this.call.end(status.code()),
                    None => this.call.end(Code::Unknown),
                }
                Poll::Ready(frame)
            }
        }
    }

    fn is_end_stream(&self) -> bool {
        self.done || self.inner.is_end_stream()
    }

    fn size_hint(&self) -> SizeHint {
        SizeHint::default()
    }
}

/// The status of a call that is over: in the headers when there is no body, else in the trailers.
pub(crate) fn code_in(headers: &HeaderMap) -> Option<Code> {
    headers.get(Status::GRPC_STATUS).map(|value| Code::from_bytes(value.as_bytes()))
}
