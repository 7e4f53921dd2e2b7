use super::inflow::PATIENCE;
use axum::{
    body::{Body, Bytes},
    http::{HeaderValue, header},
    response::Response,
};
use bytes::BytesMut;
use futures_util::stream::{self, StreamExt as _};
use std::convert::Infallible;
use tokio::{io::AsyncReadExt as _, process::ChildStdout, sync::mpsc, time::timeout};

/// The most bytes that are read at a time.
const CHUNK: usize = 32 << 10;
/// How many of them wait for the client.
const WAITING: usize = 8;

/// What becomes of git when its client goes away.
#[derive(Clone, Copy, Debug, Eq, PartialEq)]
pub(super) enum WithoutClient {
    GoesOn,
    Ends,
}

/// What git says, on its way to the client.
pub(super) struct Outflow(pub(super) mpsc::Sender<Bytes>);

/// The client's end.
pub(super) struct Answer(mpsc::Receiver<Bytes>);

/// A way from git to a client.
pub(super) fn channel() -> (Outflow, Answer) {
    let (sender, receiver) = mpsc::channel(WAITING);
    (Outflow(sender), Answer(receiver))
}

impl Outflow {
    /// Hands everything on until git has said all. A client that takes nothing for long counts as gone. The answer ends
    /// when what is given back is dropped.
    pub(super) async fn pump(self, mut git: ChildStdout, without_client: WithoutClient) -> Option<Self> {
        let mut client = Some(self.0);
        let mut chunk = BytesMut::with_capacity(CHUNK);
        while git.read_buf(&mut chunk).await.is_ok_and(|read| read > 0) {
            let bytes = chunk.split().freeze();
            chunk.reserve(CHUNK);
            if let Some(taking) = &client
                && !matches!(timeout(PATIENCE, taking.send(bytes)).await, Ok(Ok(())))
            {
                client = None;
            }
            if client.is_none() && without_client == WithoutClient::Ends {
                break;
            }
        }
        client.map(Self)
    }
}

impl Answer {
    /// The answer, as soon as git says something: by then it has read what it was sent.
    pub(super) async fn begun(mut self, content_type: HeaderValue) -> Response {
        let first = self.0.recv().await;
        let rest = stream::unfold(self.0, async |mut rest| rest.recv().await.map(|bytes| (bytes, rest)));
        let all = stream::iter(first).chain(rest).map(Ok::<_, Infallible>);
        let mut response = Response::new(Body::from_stream(all));
        let headers = response.headers_mut();
        headers.insert(header::CONTENT_TYPE, content_type);
        headers
            .insert(header::CACHE_CONTROL, HeaderValue::from_static("no-cache, max-age=0, must-revalidate"));
        headers.insert(header::PRAGMA, HeaderValue::from_static("no-cache"));
        headers.insert(header::EXPIRES, HeaderValue::from_static("Fri, 01 Jan 1980 00:00:00 GMT"));
        response
    }
}
