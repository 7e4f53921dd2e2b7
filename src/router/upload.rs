use super::{arrival::Arrival, config::RouterConfig, error::RouterError};
use crate::dyno::{Body, BodyError};
use bytes::Bytes;
use http_body::{Body as _, Frame, SizeHint};
use http_body_util::BodyExt;
use std::{
    pin::Pin,
    sync::{
        Arc,
        atomic::{AtomicU8, AtomicU64, Ordering::Relaxed},
    },
    task::{Context, Poll},
    time::{Duration, Instant},
};

/// The body of a request on its way to a dyno, as far as the time limits must know.
pub(super) struct Upload {
    started: Instant,
    /// When something last moved, in milliseconds after `started`.
    moved: AtomicU64,
    state: AtomicU8,
}

/// The dyno has not asked, or has what it asked for.
const DYNOS_TURN: u8 = 0;
/// The dyno waits for the client.
const CLIENTS_TURN: u8 = 1;

impl Upload {
    /// The body for a dyno, and what watches it; a request without a body needs no watching.
    pub(super) fn watch(body: Arrival, started: Instant) -> (Body, Option<Arc<Self>>) {
        if body.is_end_stream() {
            return (Body::default(), None);
        }
        let (moved, state) = (AtomicU64::new(0), AtomicU8::new(DYNOS_TURN));
        let upload = Arc::new(Self { started, moved, state });
        (Inbound { upload: Arc::clone(&upload), body }.boxed_unsync(), Some(upload))
    }

    fn note(&self, state: u8) {
        let moved = u64::try_from(self.started.elapsed().as_millis()).unwrap_or(u64::MAX);
        self.moved.store(moved, Relaxed);
        self.state.store(state, Relaxed);
    }

    /// When something last moved.
    pub(super) fn moved(&self) -> Instant {
        self.started + Duration::from_millis(self.moved.load(Relaxed))
    }

    /// Whether the dyno waits for the client rather than the other way round.
    pub(super) fn waits_for_client(&self) -> bool {
        self.state.load(Relaxed) == CLIENTS_TURN
    }
}

/// Until when an answer must begin, and whose fault it is if not.
pub(super) fn answer_due(
    upload: Option<&Upload>,
    started: Instant,
    config: &RouterConfig,
) -> (Instant, RouterError) {
    match upload {
        Some(upload) if upload.waits_for_client() => {
            (upload.moved() + config.idle, RouterError::ClientConnectionIdle)
        }
        Some(upload) => (upload.moved() + config.first_byte, RouterError::RequestTimeout),
        None => (started + config.first_byte, RouterError::RequestTimeout),
    }
}

/// What a dyno reads.
struct Inbound {
    upload: Arc<Upload>,
    body: Arrival,
}

impl http_body::Body for Inbound {
    type Data = Bytes;
    type Error = BodyError;

    fn poll_frame(
        mut self: Pin<&mut Self>,
        cx: &mut Context<'_>,
    ) -> Poll<Option<Result<Frame<Bytes>, BodyError>>> {
        match Pin::new(&mut self.body).poll_frame(cx) {
            Poll::Ready(frame) => {
                self.upload.note(DYNOS_TURN);
                Poll::Ready(frame)
            }
            Poll::Pending => {
                if !self.upload.waits_for_client() {
                    self.upload.note(CLIENTS_TURN);
                }
                Poll::Pending
            }
        }
    }

    fn is_end_stream(&self) -> bool {
        self.body.is_end_stream()
    }

    fn size_hint(&self) -> SizeHint {
        self.body.size_hint()
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    const LATE: u64 = 40_000;

    fn due(state: u8, moved: u64) -> (Duration, RouterError) {
        let started = Instant::now();
        let upload = Upload { started, moved: AtomicU64::new(moved), state: AtomicU8::new(state) };
        let (due, error) = answer_due(Some(&upload), started, &RouterConfig::default());
        (due - started, error)
    }

    #[test]
    fn an_upload_that_moves_is_not_late() {
        let seconds = Duration::from_secs;
        assert_eq!(due(DYNOS_TURN, 0), (seconds(30), RouterError::RequestTimeout));
        assert_eq!(due(DYNOS_TURN, LATE), (seconds(70), RouterError::RequestTimeout));
        assert_eq!(due(CLIENTS_TURN, LATE), (seconds(95), RouterError::ClientConnectionIdle));
        let started = Instant::now();
        let (due, error) = answer_due(None, started, &RouterConfig::default());
        assert_eq!((due - started, error), (seconds(30), RouterError::RequestTimeout));
    }
}
