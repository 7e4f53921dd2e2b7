use super::wire::Wire;
use crate::dyno::BodyError;
use bytes::Bytes;
use http::{Version, header, request};
use http_body::{Body, Frame, SizeHint};
use http_body_util::BodyExt as _;
use hyper::body::Incoming;
use std::{
    pin::Pin,
    task::{Context, Poll},
    time::Duration,
};
use tokio::{runtime::Handle, time::timeout};
use tokio_util::task::TaskTracker;

/// How much of a body that nobody wants is read, and how long, before the connection ends over it.
const MOST_UNREAD: u64 = 16 * 1024 * 1024;
const UNREAD_FOR: Duration = Duration::from_secs(10);

/// A request's body as it arrives.
///
/// What nobody has read of it when this is dropped is read all the same: over HTTP/1.1 a connection that closes before
/// unread bytes ends with a reset, which takes the answer from the client.
pub(super) struct Arrival {
    /// `None` after its end.
    body: Option<Incoming>,
    /// Where the rest is read; `None` where nothing was sent that must be.
    rest: Option<TaskTracker>,
    /// The client sends nothing until it is asked to go on (`Expect: 100-continue`).
    held_back: bool,
}

impl Arrival {
    pub(super) fn new(wire: &Wire, parts: &request::Parts, body: Incoming) -> Self {
        let resettable = !body.is_end_stream() && parts.version <= Version::HTTP_11;
        let rest = resettable.then(|| wire.tasks.clone());
        Self { body: Some(body), rest, held_back: parts.headers.contains_key(header::EXPECT) }
    }
}

impl Drop for Arrival {
    fn drop(&mut self) {
        let (Some(body), Some(rest)) = (self.body.take(), self.rest.take()) else { return };
        // Without a runtime the connection is gone as well.
        if let (false, false, Ok(runtime)) = (self.held_back, body.is_end_stream(), Handle::try_current()) {
            rest.spawn_on(read_off(body, MOST_UNREAD, UNREAD_FOR), &runtime);
        }
    }
}

impl Body for Arrival {
    type Data = Bytes;
    type Error = BodyError;

    fn poll_frame(
        mut self: Pin<&mut Self>,
        cx: &mut Context<'_>,
    ) -> Poll<Option<Result<Frame<Bytes>, BodyError>>> {
        self.held_back = false;
        let Some(body) = &mut self.body else { return Poll::Ready(None) };
        let polled = Pin::new(body).poll_frame(cx);
        if matches!(polled, Poll::Ready(None | Some(Err(_)))) {
            self.body = None;
        }
        polled.map(|frame| frame.map(|frame| frame.map_err(Into::into)))
    }

    fn is_end_stream(&self) -> bool {
        self.body.as_ref().is_none_or(Body::is_end_stream)
    }

    fn size_hint(&self) -> SizeHint {
        self.body.as_ref().map_or_else(|| SizeHint::with_exact(0), Body::size_hint)
    }
}

/// Reads what nobody wants of `body`, until its end or a limit.
pub(super) async fn read_off(mut body: impl Body<Data = Bytes> + Unpin, most: u64, within: Duration) {
    let mut length = 0;
    let all = async {
        while let Some(Ok(frame)) = body.frame().await {
            length += frame.data_ref().map_or(0, Bytes::len) as u64;
            if length > most {
                break;
            }
        }
    };
    // Late or not, there is nothing else to do for it.
    let _ = timeout(within, all).await;
}

#[cfg(test)]
mod tests {
    use super::*;
    use futures_util::stream::{self, StreamExt as _};
    use http_body_util::StreamBody;
    use std::{
        convert::Infallible,
        sync::atomic::{AtomicU64, Ordering::Relaxed},
    };

    #[tokio::test(start_paused = true)]
    async fn not_all_is_read_of_a_body_without_end() {
        let kib = || Ok::<_, Infallible>(Frame::data(Bytes::from_static(&[0; 1024])));
        let taken = AtomicU64::new(0);
        let endless = stream::repeat_with(|| {
            taken.fetch_add(1, Relaxed);
            kib()
        });
        read_off(StreamBody::new(endless), 8 * 1024, UNREAD_FOR).await;
        assert_eq!(taken.load(Relaxed), 9);
        let stuck = stream::iter([kib()]).chain(stream::pending());
        read_off(StreamBody::new(stuck), MOST_UNREAD, UNREAD_FOR).await;
    }
}
