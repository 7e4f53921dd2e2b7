use crate::clock::{Clock, Timestamp};
use crate::dyno::{Body, Dyno, HandleError};
use crate::logplex::{AppLog, Logplex, LogplexConfig, Tail, TailEvent, TailFilter};
use crate::name::AppName;
use crate::router::{Route, Router, RouterConfig, Routes, Target};
use bytes::Bytes;
use futures_util::stream;
use http::{Request, Response};
use http_body::Frame;
use http_body_util::{BodyExt as _, Full, StreamBody};
use hyper::client::conn::{http1, http2};
use hyper::rt::Executor;
use hyper_util::rt::TokioIo;
use std::{net::SocketAddr, sync::Arc, time::Duration};
use tokio::{
    io::{AsyncReadExt as _, AsyncWriteExt as _},
    net::{TcpListener, TcpStream},
    sync::mpsc,
    task::JoinSet,
};
use tokio_util::{sync::CancellationToken, task::TaskTracker};

pub(super) type Answer = Result<Response<Body>, HandleError>;

/// A router that serves one app on a port of its own.
pub(super) struct Served {
    pub(super) router: Router,
    pub(super) address: SocketAddr,
    pub(super) log: AppLog,
    pub(super) stop: CancellationToken,
    tail: Tail,
    serving: JoinSet<usize>,
    clients: TaskTracker,
}

impl Served {
    pub(super) async fn start(target: Target) -> Self {
        Self::with(RouterConfig::default(), target, Duration::from_mins(1)).await
    }

    pub(super) async fn with(config: RouterConfig, target: Target, grace: Duration) -> Self {
        let clock = Clock::standing_at(Timestamp::from_unix_micros(1_795_384_800_000_000));
        let app = AppName::like("shop");
        let log = Logplex::new(clock.clone(), LogplexConfig::default()).channel(&app);
        let router = Router::new(config, clock);
        router.publish(Routes::only(Route { app, log: log.clone(), target }));
        let listener = TcpListener::bind("127.0.0.1:0").await.expect("bound");
        let address = listener.local_addr().expect("an address");
        let (stop, mut serving) = (CancellationToken::new(), JoinSet::new());
        let (serve, stopped) = (router.clone(), stop.clone());
        serving.spawn(async move { serve.serve(vec![listener], stopped, grace).await });
        let tail = log.tail(TailFilter { follow: true, ..TailFilter::default() });
        Self { router, address, log, stop, tail, serving, clients: TaskTracker::new() }
    }

    pub(super) async fn answering<F, A>(answer: F) -> Self
    where
        F: Fn(Request<Body>) -> A + Send + Sync + 'static,
        A: Future<Output = Answer> + Send + 'static,
    {
        Self::start(one(answer)).await
    }

    pub(super) async fn socket(&self) -> TcpStream {
        TcpStream::connect(self.address).await.expect("connected")
    }

    /// Sends `text` as it stands, and reads until the router closes.
    pub(super) async fn raw(&self, text: impl AsRef<[u8]>) -> String {
        let mut socket = self.socket().await;
        socket.write_all(text.as_ref()).await.expect("sent");
        rest(&mut socket).await
    }

    /// A client for HTTP/1.1.
    pub(super) async fn http1(&self) -> http1::SendRequest<Body> {
        let (sender, connection) = http1::handshake(TokioIo::new(self.socket().await)).await.expect("shaken");
        self.clients.spawn(connection);
        sender
    }

    /// A client for HTTP/2.
    pub(super) async fn http2(&self) -> http2::SendRequest<Body> {
        let streams = Tracked(self.clients.clone());
        let (sender, connection) =
            http2::handshake(streams, TokioIo::new(self.socket().await)).await.expect("shaken");
        self.clients.spawn(connection);
        sender
    }

    /// The next line of the log, with what changes from run to run made equal.
    pub(super) async fn line(&mut self) -> String {
        match self.tail.next().await {
            Some(TailEvent::Line(line)) => {
                masked(&format!("{:?}[{}]: {}", line.source, line.process, line.text))
            }
            other => panic!("no line but {other:?}"),
        }
    }

    /// How many requests were cut, once the router has stopped.
    pub(super) async fn stopped(&mut self) -> usize {
        self.serving.join_next().await.expect("one").expect("no panic")
    }
}

#[derive(Clone)]
struct Tracked(TaskTracker);

impl<F: Future<Output = ()> + Send + 'static> Executor<F> for Tracked {
    fn execute(&self, future: F) {
        self.0.spawn(future);
    }
}

/// Reads until the other side closes; a reset is an end too.
pub(super) async fn rest(socket: &mut TcpStream) -> String {
    let mut read = Vec::new();
    let mut chunk = [0; 4096];
    while let Ok(count @ 1..) = socket.read(&mut chunk).await {
        read.extend_from_slice(&chunk[..count]);
    }
    String::from_utf8_lossy(&read).into_owned()
}

/// Reads until what was read ends with `end`.
pub(super) async fn until(socket: &mut TcpStream, end: &str) -> String {
    let mut read = Vec::new();
    while !read.ends_with(end.as_bytes()) {
        read.push(socket.read_u8().await.expect("more"));
    }
    String::from_utf8_lossy(&read).into_owned()
}

/// Makes request ids and times equal in every run.
pub(super) fn masked(text: &str) -> String {
    let words = text.split_inclusive([' ', '\n']).map(|word| {
        let mask = |prefix: &str, to: &str| {
            let end = if word.ends_with('\n') { "\n" } else { " " };
            word.starts_with(prefix).then(|| format!("{prefix}{to}{end}"))
        };
        mask("request_id=", "ID")
            .or_else(|| mask("service=", if word.trim() == "service=" { "" } else { "Nms" }))
            .unwrap_or_else(|| word.to_owned())
    });
    words.collect()
}

/// A target of one dyno.
pub(super) fn one<F, A>(answer: F) -> Target
where
    F: Fn(Request<Body>) -> A + Send + Sync + 'static,
    A: Future<Output = Answer> + Send + 'static,
{
    Target::Dynos(vec![Arc::new(Dyno::from_fn("web.1", answer))])
}

pub(super) fn full(text: impl Into<Bytes>) -> Body {
    Full::new(text.into()).map_err(|never| match never {}).boxed_unsync()
}

#[expect(clippy::unnecessary_wraps, reason = "what a dyno's closure returns")]
pub(super) fn ok(text: &'static str) -> Answer {
    Ok(Response::new(full(text)))
}

/// A body which a test feeds; it ends when the sender is dropped and fails when it sends an error.
pub(super) fn fed() -> (mpsc::UnboundedSender<Result<&'static str, &'static str>>, Body) {
    let (sender, receiver) = mpsc::unbounded_channel::<Result<&'static str, &'static str>>();
    let frames = stream::unfold(receiver, |mut receiver| async move {
        let next = receiver.recv().await?;
        let frame = next.map(|text| Frame::data(Bytes::from_static(text.as_bytes()))).map_err(Into::into);
        Some((frame, receiver))
    });
    (sender, StreamBody::new(frames).boxed_unsync())
}

/// The next chunk of a body as text.
pub(super) async fn chunk<B>(body: &mut B) -> String
where
    B: http_body::Body<Data = Bytes> + Unpin,
    B::Error: std::fmt::Debug,
{
    let frame = body.frame().await.expect("a frame").expect("whole");
    String::from_utf8_lossy(frame.data_ref().expect("data")).into_owned()
}

/// All of a body as text.
pub(super) async fn all<B>(body: B) -> String
where
    B: http_body::Body<Data = Bytes>,
    B::Error: std::fmt::Debug,
{
    String::from_utf8_lossy(&body.collect().await.expect("whole").to_bytes()).into_owned()
}

/// Tells a test when it is dropped.
pub(super) struct Told(pub(super) mpsc::UnboundedSender<&'static str>);

impl Drop for Told {
    fn drop(&mut self) {
        // A test may have stopped listening.
        let _ = self.0.send("dropped");
    }
}

/// A dyno's answer that never comes: it tells `events` when it was asked, and when it was given up.
pub(super) async fn never(events: mpsc::UnboundedSender<&'static str>, request: Request<Body>) -> Answer {
    let _told = Told(events.clone());
    events.send("asked").expect("listening");
    let _request = request;
    std::future::pending().await
}
