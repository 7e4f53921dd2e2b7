//! What only a platform has: apps that are being started, maintenance, and other doors behind the same port.

use super::harness::{Served, Told, all, chunk, fed, full, ok, one};
use crate::dyno::Body;
use crate::name::AppName;
use crate::router::{Destination, Door, Route, RouterConfig, Routes, Target};
use bytes::Bytes;
use futures_util::{future::BoxFuture, stream};
use http::{Request, Response};
use http_body::Frame;
use http_body_util::{BodyExt as _, StreamBody};
use std::{
    sync::{Arc, Mutex},
    time::Duration,
};
use tokio::{io::AsyncWriteExt as _, sync::mpsc};

fn get(host: &str) -> Request<Body> {
    Request::get("/").header("host", host).body(full("")).expect("legal")
}

fn publish(served: &Served, target: Target) {
    served.router.publish(Routes::only(Route {
        app: AppName::like("shop"),
        log: served.log.clone(),
        target,
    }));
}

#[tokio::test]
async fn a_request_waits_for_an_app_that_is_being_started() {
    let mut served = Served::start(Target::Booting).await;
    let mut client = served.http1().await;
    let mut other = served.http1().await;
    let ready = async {
        // An answer on another connection: by then the first request is under way.
        assert_eq!(other.send_request(get("a b")).await.expect("answered").status(), 400);
        publish(&served, Target::Booting);
        publish(&served, one(|_| async { ok("up") }));
    };
    let (response, ()) = tokio::join!(client.send_request(get("shop")), ready);
    assert_eq!(all(response.expect("answered").into_body()).await, "up");
    let line = served.line().await;
    assert!(line.contains("at=info") && line.contains("dyno=web.1"), "{line}");
}

#[tokio::test]
async fn waiting_ends_with_h20_when_the_app_takes_too_long() {
    let config = RouterConfig { boot: Duration::from_millis(10), ..RouterConfig::default() };
    let mut served = Served::with(config, Target::Booting, Duration::from_mins(1)).await;
    let response = served.http1().await.send_request(get("shop")).await.expect("answered");
    assert_eq!(response.status(), 503);
    insta::assert_snapshot!(served.line().await, @r#"Heroku[router]: at=error code=H20 desc="App boot timeout" method=GET path="/" host=shop request_id=ID fwd="127.0.0.1" dyno= connect= service= status=503 bytes= protocol=http"#);
}

#[tokio::test]
async fn a_destroyed_app_is_waited_for_no_longer() {
    let served = Served::start(Target::Booting).await;
    let mut client = served.http1().await;
    let mut other = served.http1().await;
    let gone = async {
        assert_eq!(other.send_request(get("a b")).await.expect("answered").status(), 400);
        served.router.publish(Routes::new());
    };
    let (response, ()) = tokio::join!(client.send_request(get("shop")), gone);
    assert_eq!(response.expect("answered").status(), 404);
}

#[tokio::test]
async fn maintenance_is_h80() {
    let mut served = Served::start(Target::Maintenance).await;
    let response = served.http1().await.send_request(get("shop")).await.expect("answered");
    assert_eq!(response.status(), 503);
    assert!(all(response.into_body()).await.contains("closed for maintenance"));
    assert!(served.line().await.contains(r#"code=H80 desc="Maintenance mode""#));
}

/// Answers with the host and what was sent, and then with what the test feeds.
struct Echo(Mutex<Option<Body>>);

impl Door for Echo {
    fn name(&self) -> &'static str {
        "echo"
    }

    fn answer(&self, request: Request<Body>) -> BoxFuture<'static, Response<Body>> {
        let fed = self.0.lock().expect("whole").take();
        Box::pin(async move {
            if let Some(fed) = fed {
                return Response::new(fed);
            }
            let headers = format!("{:?}", request.headers());
            let sent = all(request.into_body()).await;
            Response::new(full(format!("{sent} {headers}")))
        })
    }
}

fn with_door(served: &Served, body: Option<Body>) {
    let mut routes = Routes::new();
    routes.insert("api.example", Destination::Door(Arc::new(Echo(Mutex::new(body))))).expect("a host");
    served.router.publish(routes);
}

#[tokio::test]
async fn a_door_gets_the_request_as_it_came() {
    let served = Served::start(Target::Blank).await;
    with_door(&served, None);
    let request = Request::post("/x").header("host", "API.example:80").header("authorization", "Bearer t");
    let request = request.body(full("sent")).expect("legal");
    let response = served.http1().await.send_request(request).await.expect("answered");
    let text = all(response.into_body()).await;
    assert_eq!(
        text,
        r#"sent {"host": "API.example:80", "authorization": "Bearer t", "content-length": "4"}"#
    );
    assert_eq!(served.http1().await.send_request(get("shop")).await.expect("answered").status(), 404);
}

#[tokio::test]
async fn a_door_need_not_read_what_is_sent() {
    let served = Served::start(Target::Blank).await;
    with_door(&served, Some(full("refused")));
    let mut client = served.http1().await;
    let request = Request::post("/x").header("host", "api.example").body(full(vec![b'x'; 3_000_000]));
    let response = client.send_request(request.expect("legal")).await.expect("answered");
    assert_eq!(all(response.into_body()).await, "refused");
    client.ready().await.expect("the connection lives");
    let response = client.send_request(get("api.example")).await.expect("answered");
    assert!(all(response.into_body()).await.contains("host"));
}

#[tokio::test]
async fn what_a_door_streams_may_be_silent_for_long() {
    let config = RouterConfig { idle: Duration::from_millis(4), ..RouterConfig::default() };
    let served = Served::with(config, Target::Blank, Duration::from_mins(1)).await;
    let (sender, body) = fed();
    with_door(&served, Some(body));
    sender.send(Ok("first")).expect("fed");
    let response = served.http1().await.send_request(get("api.example")).await.expect("answered");
    let mut body = response.into_body();
    assert_eq!(chunk(&mut body).await, "first");
    // Connections without a visit are closed after that time: this one ends long after this one was opened.
    let mut idle = served.socket().await;
    assert_eq!(super::harness::rest(&mut idle).await, "");
    sender.send(Ok("last")).expect("fed");
    drop(sender);
    assert_eq!(body.collect().await.expect("whole").to_bytes(), "last");
}

#[tokio::test]
async fn a_client_that_takes_nothing_of_what_a_door_streams_is_let_go() {
    let config = RouterConfig { idle: Duration::from_millis(4), ..RouterConfig::default() };
    let served = Served::with(config, Target::Blank, Duration::from_mins(1)).await;
    let (events, mut heard) = mpsc::unbounded_channel();
    let endless = stream::unfold(Told(events), async |told| {
        Some((Ok(Frame::data(Bytes::from_static(&[b'x'; 4096]))), told))
    });
    with_door(&served, Some(StreamBody::new(endless).boxed_unsync()));
    let mut socket = served.socket().await;
    socket.write_all(b"GET / HTTP/1.1\r\nhost: api.example\r\n\r\n").await.expect("sent");
    assert_eq!(heard.recv().await, Some("dropped"), "while the client is there still");
    drop(socket);
}
