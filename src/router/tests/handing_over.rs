//! Connections that a door goes on with: after 101 Switching Protocols, and those that never were HTTP.

use super::harness::{Served, full, ok, one, rest, until};
use crate::access::ClientAddress;
use crate::dyno::Body;
use crate::router::{Destination, Door, Greeted, RawStream, RouterConfig, Routes, Target};
use futures_util::future::BoxFuture;
use http::{Request, Response, StatusCode, header};
use hyper::upgrade::{OnUpgrade, Upgraded};
use hyper_util::rt::TokioIo;
use std::{sync::Arc, time::Duration};
use tokio::{
    io::{AsyncReadExt as _, AsyncWriteExt as _},
    net::TcpStream,
    sync::mpsc,
};
use tokio_util::task::TaskTracker;

const MINUTE: Duration = Duration::from_mins(1);
pub(super) const UPGRADE: &[u8] =
    b"GET /x HTTP/1.1\r\nHost: api.example\r\nConnection: upgrade\r\nUpgrade: talk\r\n\r\nearly ";

/// Answers 101, and gives the connection to the test.
struct Switching {
    tasks: TaskTracker,
    give: mpsc::UnboundedSender<TokioIo<Upgraded>>,
}

impl Door for Switching {
    fn name(&self) -> &'static str {
        "switching"
    }

    fn answer(&self, mut request: Request<Body>) -> BoxFuture<'static, Response<Body>> {
        let client = request.extensions().get::<ClientAddress>().map(|client| client.0.to_string());
        let Some(upgrade) = request.extensions_mut().remove::<OnUpgrade>() else {
            return Box::pin(async { Response::new(full(client.unwrap_or_default())) });
        };
        let give = self.give.clone();
        self.tasks.spawn(async move {
            let upgraded = upgrade.await.expect("upgraded");
            give.send(TokioIo::new(upgraded)).expect("listening");
        });
        let mut response = Response::new(Body::default());
        *response.status_mut() = StatusCode::SWITCHING_PROTOCOLS;
        response.headers_mut().insert(header::CONNECTION, header::HeaderValue::from_static("upgrade"));
        response.headers_mut().insert(header::UPGRADE, header::HeaderValue::from_static("talk"));
        Box::pin(async { response })
    }
}

/// A router with such a door, and the connections it takes.
async fn switching(
    config: RouterConfig,
    grace: Duration,
) -> (Served, mpsc::UnboundedReceiver<TokioIo<Upgraded>>) {
    let served = Served::with(config, Target::Blank, grace).await;
    let takes = with_switching(&served);
    (served, takes)
}

pub(super) fn with_switching(served: &Served) -> mpsc::UnboundedReceiver<TokioIo<Upgraded>> {
    let (give, takes) = mpsc::unbounded_channel();
    let mut routes = Routes::new();
    let door = Switching { tasks: TaskTracker::new(), give };
    routes.insert("api.example", Destination::Door(Arc::new(door))).expect("a host");
    served.router.publish(routes);
    takes
}

async fn upgraded(served: &Served) -> TcpStream {
    let mut client = served.socket().await;
    client.write_all(UPGRADE).await.expect("sent");
    let head = until(&mut client, "\r\n\r\n").await;
    assert!(head.starts_with("HTTP/1.1 101 Switching Protocols\r\n"), "{head}");
    client
}

#[tokio::test]
async fn a_door_is_told_where_a_client_is_and_an_app_by_header_alone() {
    let (served, _takes) = switching(RouterConfig::default(), MINUTE).await;
    let text = served.raw("GET / HTTP/1.1\r\nHost: api.example\r\nConnection: close\r\n\r\n").await;
    assert!(text.ends_with("\r\n127.0.0.1"), "{text}");
    let app = Served::answering(|request: Request<Body>| async move {
        assert!(request.extensions().get::<ClientAddress>().is_none());
        ok("hi")
    });
    let text = app.await.raw("GET / HTTP/1.1\r\nHost: a\r\nConnection: close\r\n\r\n").await;
    assert!(text.ends_with("hi"), "{text}");
}

#[tokio::test]
async fn an_app_is_not_asked_to_switch() {
    let served = Served::answering(|request: Request<Body>| async move {
        assert!(!request.headers().contains_key(header::UPGRADE));
        ok("stays")
    });
    let request = "GET / HTTP/1.1\r\nHost: a\r\nConnection: close, upgrade\r\nUpgrade: talk\r\n\r\n";
    assert!(served.await.raw(request).await.ends_with("stays"));
}

#[tokio::test]
async fn a_connection_that_was_switched_may_be_silent_and_ends_with_its_door() {
    let config = RouterConfig { idle: Duration::from_millis(4), ..RouterConfig::default() };
    let (served, mut takes) = switching(config, MINUTE).await;
    let mut client = upgraded(&served).await;
    let mut door = takes.recv().await.expect("taken");
    let mut read = [0; 6];
    door.read_exact(&mut read).await.expect("read");
    assert_eq!(&read, b"early ");
    // Others are closed after that time: these were opened long after it.
    for _ in 0..3 {
        assert_eq!(rest(&mut served.socket().await).await, "");
    }
    client.write_all(b"up").await.expect("sent");
    door.read_exact(&mut read[..2]).await.expect("read");
    assert_eq!(&read[..2], b"up");
    door.write_all(b"down").await.expect("sent");
    drop(door);
    assert_eq!(rest(&mut client).await, "down");
}

#[tokio::test]
async fn a_connection_that_was_switched_is_waited_for() {
    let (mut served, mut takes) = switching(RouterConfig::default(), MINUTE).await;
    let mut idle = served.socket().await;
    let mut client = upgraded(&served).await;
    let mut door = takes.recv().await.expect("taken");
    served.stop.cancel();
    assert_eq!(rest(&mut idle).await, "", "stopping has begun");
    door.write_all(b"still there").await.expect("sent");
    drop(door);
    assert_eq!(rest(&mut client).await, "still there");
    assert_eq!(served.stopped().await, 0);
}

#[tokio::test]
async fn a_connection_that_was_switched_is_cut_after_the_grace() {
    let (mut served, mut takes) = switching(RouterConfig::default(), Duration::ZERO).await;
    let mut client = upgraded(&served).await;
    let door = takes.recv().await.expect("taken");
    let (mut reading, mut writing) = tokio::io::split(door);
    let stop = async { served.stop.cancel() };
    let read = async {
        let mut all = Vec::new();
        reading.read_to_end(&mut all).await.expect_err("cut").kind()
    };
    let write = async {
        loop {
            if let Err(error) = writing.write_all(&[b'x'; 4096]).await {
                return error.kind();
            }
        }
    };
    let (read, written, ()) = tokio::join!(read, write, stop);
    assert_eq!([read, written], [std::io::ErrorKind::ConnectionAborted; 2]);
    assert_eq!(served.stopped().await, 1);
    drop((reading, writing));
    rest(&mut client).await;
}

#[tokio::test]
async fn a_connection_that_was_switched_keeps_its_place() {
    let config = RouterConfig { max_connections: 1, ..RouterConfig::default() };
    let (served, mut takes) = switching(config, MINUTE).await;
    let mut first = upgraded(&served).await;
    let mut door = takes.recv().await.expect("taken");
    let mut second = served.socket().await;
    second.write_all(UPGRADE).await.expect("sent");
    door.write_all(b"here").await.expect("sent");
    until(&mut first, "here").await;
    assert!(takes.try_recv().is_err(), "the first still has the place");
    drop(door);
    assert!(takes.recv().await.is_some(), "and leaves it to the second");
}

/// Says the line and where it came from, and then whatever it reads.
pub(super) struct Echo;

impl Greeted for Echo {
    fn greeted(&self, line: String, mut stream: RawStream, client: ClientAddress) -> BoxFuture<'static, ()> {
        Box::pin(async move {
            stream.write_all(format!("{line} of {}\n", client.0).as_bytes()).await.expect("sent");
            let (mut read, mut write) = tokio::io::split(stream);
            // Whoever cuts it ends it.
            let _ = tokio::io::copy(&mut read, &mut write).await;
            let _ = write.shutdown().await;
        })
    }
}

async fn greeting(config: RouterConfig, grace: Duration) -> Served {
    let served = Served::with(config, one(|_| async { ok("http") }), grace).await;
    served.router.greet(Arc::new(Echo));
    served
}

#[tokio::test]
async fn a_connection_that_is_no_http_goes_to_whom_it_greets() {
    let config = RouterConfig { idle: Duration::from_millis(4), ..RouterConfig::default() };
    let served = greeting(config, MINUTE).await;
    let mut client = served.socket().await;
    client.write_all(b"rendezvous-7/abc\r\nfirst ").await.expect("sent");
    assert_eq!(until(&mut client, "first ").await, "rendezvous-7/abc of 127.0.0.1\nfirst ");
    for _ in 0..3 {
        assert_eq!(rest(&mut served.socket().await).await, "", "others are closed when idle");
    }
    client.write_all(b"last").await.expect("sent");
    client.shutdown().await.expect("ended");
    assert_eq!(rest(&mut client).await, "last");
    assert!(served.raw("GET / HTTP/1.1\r\nHost: a\r\nConnection: close\r\n\r\n").await.ends_with("http"));
}

#[tokio::test]
async fn a_greeting_that_nobody_takes_is_closed() {
    let served = Served::answering(|_| async { ok("http") }).await;
    assert_eq!(served.raw("rendezvous-7/abc\r\n").await, "");
    served.router.greet(Arc::new(Echo));
    assert_eq!(served.raw("rendezvous-7 abc\r\n").await, "", "a space");
    assert_eq!(served.raw(format!("rendezvous-{}", "x".repeat(2000))).await, "", "no end");
    let text = served.raw("rendezvous / HTTP/1.1\r\nHost: a\r\nConnection: close\r\n\r\n").await;
    assert!(text.starts_with("HTTP/1.1 200 OK"), "a method of that name: {text}");
}

#[tokio::test]
async fn a_greeted_connection_is_cut_after_the_grace() {
    let mut served = greeting(RouterConfig::default(), Duration::ZERO).await;
    let mut client = served.socket().await;
    client.write_all(b"rendezvous-7\r\n").await.expect("sent");
    until(&mut client, "\n").await;
    let mut silent = served.socket().await;
    silent.write_all(b"rendezvous-").await.expect("sent");
    served.stop.cancel();
    assert_eq!(rest(&mut client).await, "");
    assert_eq!(rest(&mut silent).await, "");
    assert_eq!(served.stopped().await, 1);
}
