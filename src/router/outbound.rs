use super::{door::Visit, error::RouterError, record::Record, upload::Upload};
use crate::dyno::{Body, BodyError};
use bytes::Bytes;
use http_body::{Body as _, Frame, SizeHint};
use std::{
    pin::Pin,
    sync::Arc,
    task::{Context, Poll},
    time::Instant,
};
use tokio::time::Sleep;

/// The body of an answer on its way to the client. It counts bytes, ends the record, and breaks the connection
/// off when the dyno fails or stands still, so that the client cannot take a part for the whole.
pub(super) struct Outbound {
    body: Body,
    /// `None` where no app was found, or a door answers.
    record: Option<Record>,
    _visit: Option<Visit>,
    /// What `Content-Length` promises.
    promised: Option<u64>,
    upload: Option<Arc<Upload>>,
    moved: Option<Instant>,
    /// Made when the dyno first keeps the client waiting, so that most answers never have one.
    timer: Option<Pin<Box<Sleep>>>,
}

impl Outbound {
    /// A body which is there already, or has no record.
    pub(super) fn page(body: Body, record: Option<Record>) -> Self {
        Self::new(body, record, None, None)
    }

    /// What a door answers.
    pub(super) fn of_door(body: Body, visit: Visit) -> Self {
        Self { _visit: Some(visit), ..Self::new(body, None, None, None) }
    }

    pub(super) fn new(
        body: Body,
        record: Option<Record>,
        promised: Option<u64>,
        upload: Option<Arc<Upload>>,
    ) -> Self {
        let mut outbound = Self { body, record, _visit: None, promised, upload, moved: None, timer: None };
        if outbound.body.is_end_stream() {
            outbound.end();
        }
        outbound
    }

    /// The dyno has nothing more to say; whether that was all it promised is seen here.
    fn end(&mut self) {
        if let Some(record) = &mut self.record {
            match self.promised {
                Some(promised) if record.sent(0) < promised => {
                    record.failed(RouterError::ServerRequestInterrupted);
                }
                _ => record.whole(),
            }
        }
    }

    fn passed(&mut self, frame: &Frame<Bytes>) {
        if self.timer.is_some() {
            self.moved = Some(Instant::now());
        }
        let length = frame.data_ref().map_or(0, Bytes::len);
        let sent = self.record.as_mut().map_or(0, |record| record.sent(length));
        let all_sent = self.promised.is_some_and(|promised| sent >= promised);
        if all_sent || self.body.is_end_stream() {
            self.end();
        }
    }

    fn fail(&mut self, error: RouterError) -> BodyError {
        if let Some(record) = &mut self.record {
            record.failed(error);
        }
        error.into()
    }

    /// Ready with the reason once nothing has moved in either direction for the idle time.
    fn poll_idle(&mut self, cx: &mut Context<'_>) -> Poll<RouterError> {
        let Some(record) = &self.record else { return Poll::Pending };
        let idle = record.wire.router.config().idle;
        let out = *self.moved.get_or_insert_with(Instant::now);
        let last = self.upload.as_ref().map_or(out, |upload| upload.moved().max(out));
        let timer =
            self.timer.get_or_insert_with(|| Box::pin(tokio::time::sleep_until((last + idle).into())));
        while timer.as_mut().poll(cx).is_ready() {
            if last.elapsed() >= idle {
                return Poll::Ready(self.idle_error());
            }
            timer.as_mut().reset((last + idle).into());
        }
        Poll::Pending
    }

    fn idle_error(&self) -> RouterError {
        match &self.upload {
            Some(upload) if upload.waits_for_client() => RouterError::ClientConnectionIdle,
            _ => RouterError::IdleConnection,
        }
    }
}

impl http_body::Body for Outbound {
    type Data = Bytes;
    type Error = BodyError;

    fn poll_frame(
        mut self: Pin<&mut Self>,
        cx: &mut Context<'_>,
    ) -> Poll<Option<Result<Frame<Bytes>, BodyError>>> {
        match Pin::new(&mut self.body).poll_frame(cx) {
            Poll::Ready(Some(Ok(frame))) => {
                self.passed(&frame);
                Poll::Ready(Some(Ok(frame)))
            }
            Poll::Ready(Some(Err(cause))) => {
                tracing::debug!(%cause, "an answer broke off");
                Poll::Ready(Some(Err(self.fail(RouterError::ServerRequestInterrupted))))
            }
            Poll::Ready(None) => {
                self.end();
                Poll::Ready(None)
            }
            Poll::Pending => self.poll_idle(cx).map(|error| Some(Err(self.fail(error)))),
        }
    }

    fn is_end_stream(&self) -> bool {
        self.body.is_end_stream()
    }

    fn size_hint(&self) -> SizeHint {
        self.body.size_hint()
    }
}
