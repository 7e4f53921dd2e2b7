use super::harness::{Served, all, full, never, ok, one, rest, until};
use crate::dyno::Body;
use crate::router::{RouterConfig, Target};
use bytes::Bytes;
use futures_util::stream;
use http::{Request, Response};
use http_body::Frame;
use http_body_util::{BodyExt as _, StreamBody};
use std::{sync::Arc, time::Duration};
use tokio::{
    io::AsyncWriteExt as _,
    net::TcpStream,
    sync::{Notify, mpsc},
};

const MINUTE: Duration = Duration::from_mins(1);

fn get() -> Request<Body> {
    Request::get("/").header("host", "a").body(full("")).expect("legal")
}

#[tokio::test]
async fn a_request_under_way_ends_and_newcomers_are_refused() {
    let (asked, go) = (Arc::new(Notify::new()), Arc::new(Notify::new()));
    let (told, wait) = (asked.clone(), go.clone());
    let mut served = Served::answering(move |_| {
        let (told, wait) = (told.clone(), wait.clone());
        async move {
            told.notify_one();
            wait.notified().await;
            ok("done")
        }
    })
    .await;
    let mut idle = served.socket().await;
    let mut client = served.http1().await;
    let address = served.address;
    let stop = async {
        asked.notified().await;
        served.stop.cancel();
        // The idle connection is closed before the request under way ends, and the listener before that.
        assert_eq!(rest(&mut idle).await, "");
        assert!(TcpStream::connect(address).await.is_err());
        go.notify_one();
    };
    let (response, ()) = tokio::join!(client.send_request(get()), stop);
    assert_eq!(all(response.expect("answered").into_body()).await, "done");
    assert_eq!(served.stopped().await, 0);
    assert!(served.line().await.contains("at=info"));
}

#[tokio::test]
async fn what_outlives_the_grace_is_cut_and_counted() {
    let (events, mut happened) = mpsc::unbounded_channel();
    let target = one(move |request| never(events.clone(), request));
    let mut served = Served::with(RouterConfig::default(), target, Duration::ZERO).await;
    let mut first = served.socket().await;
    first.write_all(b"GET / HTTP/1.1\r\nHost: a\r\n\r\n").await.expect("sent");
    let mut second = served.http2().await;
    let request = || Request::get("http://a/").body(full("")).expect("legal");
    let (one, two) = (second.clone().send_request(request()), second.send_request(request()));
    let stop = async {
        for _ in 0..3 {
            assert_eq!(happened.recv().await, Some("asked"));
        }
        served.stop.cancel();
    };
    let (one, two, ()) = tokio::join!(one, two, stop);
    assert!(one.is_err() && two.is_err());
    assert_eq!(rest(&mut first).await, "");
    assert_eq!(served.stopped().await, 3);
    for _ in 0..3 {
        let line = served.line().await;
        assert!(
            line.contains("at=error code=H24 desc=\"Forced close\"") && line.contains("status=503"),
            "{line}"
        );
    }
}

#[tokio::test]
async fn idle_connections_are_closed() {
    let config = RouterConfig { idle: Duration::from_millis(20), ..RouterConfig::default() };
    let served = Served::with(config, one(|_| async { ok("") }), MINUTE).await;
    let mut silent = served.socket().await;
    assert_eq!(rest(&mut silent).await, "", "one that never spoke");
    let mut slow = served.socket().await;
    slow.write_all(b"GET / HTTP/1.1\r\nHo").await.expect("sent");
    assert_eq!(rest(&mut slow).await, "", "one with half a head");
    let mut kept = served.socket().await;
    kept.write_all(b"GET / HTTP/1.1\r\nHost: a\r\n\r\n").await.expect("sent");
    assert!(rest(&mut kept).await.starts_with("HTTP/1.1 200"), "one after its request");
}

#[tokio::test]
async fn a_client_that_takes_nothing_is_given_up() {
    let config = RouterConfig { idle: Duration::from_millis(40), ..RouterConfig::default() };
    let endless = one(|_| async {
        let frame = || Ok(Frame::data(Bytes::from_static(&[b'x'; 1 << 13])));
        Ok(Response::new(StreamBody::new(stream::repeat_with(frame)).boxed_unsync()))
    });
    let mut served = Served::with(config, endless, MINUTE).await;
    let mut socket = served.socket().await;
    socket.write_all(b"GET / HTTP/1.1\r\nHost: a\r\n\r\n").await.expect("sent");
    let line = served.line().await;
    assert!(line.contains("code=H28 ") && line.contains("status=499"), "{line}");
}

#[tokio::test]
async fn one_more_connection_than_allowed_waits() {
    let config = RouterConfig { max_connections: 1, ..RouterConfig::default() };
    let served = Served::with(config, one(|_| async { ok("hi") }), MINUTE).await;
    let mut first = served.socket().await;
    first.write_all(b"GET / HTTP/1.1\r\nHost: a\r\n\r\n").await.expect("sent");
    until(&mut first, "hi").await;
    let mut second = served.socket().await;
    second.write_all(b"GET / HTTP/1.1\r\nHost: a\r\nConnection: close\r\n\r\n").await.expect("sent");
    first.write_all(b"GET / HTTP/1.1\r\nHost: a\r\nConnection: close\r\n\r\n").await.expect("sent");
    assert!(rest(&mut first).await.ends_with("hi"), "the first still has the place");
    assert!(rest(&mut second).await.ends_with("hi"), "and leaves it to the second");
}

#[tokio::test]
async fn stopping_before_the_first_connection_ends_at_once() {
    let mut served = Served::start(Target::Blank).await;
    served.stop.cancel();
    assert_eq!(served.stopped().await, 0);
}
