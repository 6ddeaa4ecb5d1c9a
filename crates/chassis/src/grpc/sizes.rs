//! Bounds the size of each message of a request before it is gathered in memory: every message says its length in five bytes before it.

use std::{
    pin::Pin,
    task::{Context, Poll, ready},
};

use bytes::{Buf as _, Bytes};
use http_body::{Body, Frame, SizeHint};
use tonic::Status;
use voordeur_kernel::{ErrorKind, limits};

use crate::Problem;

/// A request body whose messages are bounded.
pub(crate) struct Bounded {
    inner: tonic::body::Body,
    lengths: Lengths,
    refused: bool,
    /// What a refusal carries.
    detail: Option<prost_types::Any>,
}

impl Bounded {
    pub(crate) fn new(inner: tonic::body::Body, detail: Option<prost_types::Any>) -> Self {
        Self { inner, lengths: Lengths::default(), refused: false, detail }
    }
}

impl Body for Bounded {
    type Data = Bytes;
    type Error = Status;

    fn poll_frame(self: Pin<&mut Self>, cx: &mut Context<'_>) -> Poll<Option<Result<Frame<Bytes>, Status>>> {
        let this = self.get_mut();
        if this.refused {
            return Poll::Ready(Some(Err(too_large(this.detail.take()))));
        }
        let frame = ready!(Pin::new(&mut this.inner).poll_frame(cx));
        if let Some(Ok(frame)) = &frame
            && let Some(data) = frame.data_ref()
            && let Err(good) = this.lengths.pass(data)
        {
            // What came before it in the same frame is not to blame.
            this.refused = true;
            return Poll::Ready(Some(Ok(Frame::data(data.slice(..good)))));
        }
        Poll::Ready(frame)
    }

    fn is_end_stream(&self) -> bool {
        !self.refused && self.inner.is_end_stream()
    }

    fn size_hint(&self) -> SizeHint {
        self.inner.size_hint()
    }
}

/// Where we are between the lengths.
#[derive(Debug, Default)]
struct Lengths {
    /// Bytes of the five before a message that have come, and what they say so far.
    prefix: [u8; 5],
    filled: usize,
    /// Bytes of the message that still come.
    left: usize,
}

fn too_large(detail: Option<prost_types::Any>) -> Status {
    let problem =
        Problem::new(ErrorKind::TooMuch, "REQUEST_TOO_LARGE", "a message of the request is too large");
    // Smaller works, later does not.
    let problem = Problem { retry_after: None, extra: detail.into_iter().collect(), ..problem };
    problem.with_metadata("bytes_max", limits::REQUEST_BYTES_MAX.to_string()).into()
}

impl Lengths {
    /// Goes over a piece; an error tells how many of its bytes stand before the message that is too large.
    fn pass(&mut self, piece: &Bytes) -> Result<(), usize> {
        let mut data = piece.clone();
        let mut good = 0;
        while data.has_remaining() {
            if self.left > 0 {
                let step = self.left.min(data.len());
                data.advance(step);
                self.left -= step;
                continue;
            }
            if self.filled == 0 {
                good = piece.len() - data.len();
            }
            if let Some(slot) = self.prefix.get_mut(self.filled) {
                *slot = data.get_u8();
                self.filled += 1;
            }
            if self.filled == self.prefix.len() {
                let [_, a, b, c, d] = self.prefix;
                self.left = u32::from_be_bytes([a, b, c, d]) as usize;
                self.filled = 0;
                if self.left > limits::REQUEST_BYTES_MAX {
                    return Err(good);
                }
            }
        }
        Ok(())
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn message(length: usize) -> Vec<u8> {
        let mut bytes = vec![0];
        bytes.extend(u32::try_from(length).unwrap().to_be_bytes());
        bytes.resize(5 + length, 7);
        bytes
    }

    #[test]
    fn the_length_is_seen_however_the_bytes_are_cut() {
        for cut in [1, 2, 3, 5, 7, 4096, usize::MAX] {
            let mut stream = [message(0), message(1), message(10_000)].concat();
            let pass = |bytes: &[u8]| {
                let mut lengths = Lengths::default();
                bytes
                    .chunks(cut.min(bytes.len()))
                    .try_for_each(|chunk| lengths.pass(&Bytes::copy_from_slice(chunk)))
            };
            assert!(pass(&stream).is_ok(), "{cut}");
            stream.extend(message(limits::REQUEST_BYTES_MAX + 1).get(..5).unwrap());
            assert!(pass(&stream).is_err(), "{cut}");
        }
        let both = [message(3), message(limits::REQUEST_BYTES_MAX + 1)].concat();
        assert_eq!(Lengths::default().pass(&Bytes::from(both)), Err(8));
    }
}
