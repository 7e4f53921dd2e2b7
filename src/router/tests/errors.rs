use super::harness::{Answer, Served, all, chunk, fed, full, never, ok, one, rest, until};
use crate::dyno::{Body, Dyno, HandleError, Untouched};
use crate::router::{RouterConfig, Target};
use http::{Request, Response};
use http_body_util::BodyExt as _;
use std::{
    sync::{
        Arc,
        atomic::{AtomicUsize, Ordering::Relaxed},
    },
    time::Duration,
};
use tokio::{io::AsyncWriteExt as _, sync::mpsc};

const MINUTE: Duration = Duration::from_mins(1);
/// Limits that a test can wait for.
const SOON: Duration = Duration::from_millis(30);

fn get() -> Request<Body> {
    Request::get("/").header("host", "a").body(full("")).expect("legal")
}

/// Status, whether the page names the code, and the log line.
async fn refused(served: &mut Served, code: &str) -> String {
    let response = served.http1().await.send_request(get()).await.expect("answered");
    assert_eq!(response.status(), 503);
    let page = all(response.into_body()).await;
    assert!(page.contains(code) && !page.contains("internal"), "{page}");
    served.line().await
}

#[tokio::test]
async fn an_app_without_dynos_says_why() {
    for (target, code) in [
        (Target::NoWeb, "H14"),
        (Target::Dynos(Vec::new()), "H14"),
        (Target::Crashed, "H10"),
        (Target::Blank, "H81"),
    ] {
        let mut served = Served::start(target).await;
        let line = refused(&mut served, code).await;
        assert!(
            line.contains(&format!("at=error code={code} desc="))
                && line.contains("dyno= connect= service= status=503 bytes= "),
            "{line}"
        );
    }
}

type Failure = fn() -> HandleError;

#[tokio::test]
async fn a_dyno_that_fails_is_named() {
    let failures: [(Failure, &str); 4] = [
        (|| HandleError::Crashed { reason: "internal".to_owned() }, "H13"),
        (|| HandleError::NoResponse, "H13"),
        (|| HandleError::Host("internal".to_owned()), "H99"),
        (|| HandleError::NotServing("internal".to_owned()), "H99"),
    ];
    for (failure, code) in failures {
        let mut served = Served::answering(move |_| async move { Err(failure()) }).await;
        let line = refused(&mut served, code).await;
        assert!(
            line.contains(&format!("code={code} "))
                && line.contains(" dyno=web.1 connect=0ms service=Nms status=503 bytes=0 "),
            "{line}"
        );
    }
}

#[tokio::test]
async fn a_late_answer_is_given_up() {
    let (events, mut happened) = mpsc::unbounded_channel();
    let config = RouterConfig { first_byte: SOON, ..RouterConfig::default() };
    let target = one(move |request| never(events.clone(), request));
    let mut served = Served::with(config, target, MINUTE).await;
    insta::assert_snapshot!(refused(&mut served, "H12").await, @r#"Heroku[router]: at=error code=H12 desc="Request timeout" method=GET path="/" host=a request_id=ID fwd="127.0.0.1" dyno=web.1 connect=0ms service=Nms status=503 bytes=0 protocol=http"#);
    assert_eq!((happened.recv().await, happened.recv().await), (Some("asked"), Some("dropped")));
}

type Holding = mpsc::UnboundedReceiver<mpsc::UnboundedSender<Result<&'static str, &'static str>>>;

/// A dyno that sends half an answer; the rest is for the test to send.
async fn half(length: Option<&'static str>) -> (Served, Holding) {
    half_with(RouterConfig::default(), length).await
}

async fn half_with(config: RouterConfig, length: Option<&'static str>) -> (Served, Holding) {
    let (held, holding) = mpsc::unbounded_channel();
    let target = one(move |_| {
        let (sender, body) = fed();
        sender.send(Ok("half")).expect("open");
        held.send(sender).expect("held");
        let mut response = Response::new(body);
        if let Some(length) = length {
            response.headers_mut().insert("content-length", http::HeaderValue::from_static(length));
        }
        async { Ok(response) }
    });
    (Served::with(config, target, MINUTE).await, holding)
}

#[tokio::test]
async fn an_answer_that_breaks_off_is_seen_by_the_client() {
    let (mut served, mut holding) = half(None).await;
    let mut socket = served.socket().await;
    socket.write_all(b"GET / HTTP/1.1\r\nHost: a\r\n\r\n").await.expect("sent");
    until(&mut socket, "4\r\nhalf\r\n").await;
    holding.recv().await.expect("a sender").send(Err("internal")).expect("open");
    assert_eq!(rest(&mut socket).await, "", "closed without the last chunk");
    insta::assert_snapshot!(served.line().await, @r#"Heroku[router]: at=error code=H18 desc="Server Request Interrupted" method=GET path="/" host=a request_id=ID fwd="127.0.0.1" dyno=web.1 connect=0ms service=Nms status=200 bytes=4 protocol=http"#);
    let mut client = served.http2().await;
    let request = Request::get("http://a/").body(full("")).expect("legal");
    let mut answer = client.send_request(request).await.expect("answered").into_body();
    assert_eq!(chunk(&mut answer).await, "half");
    holding.recv().await.expect("a sender").send(Err("internal")).expect("open");
    assert!(answer.frame().await.expect("an error").is_err());
    assert!(served.line().await.contains("code=H18"));
}

#[tokio::test]
async fn an_answer_shorter_than_it_promised_breaks_off() {
    let (mut served, mut holding) = half(Some("8")).await;
    let mut socket = served.socket().await;
    socket.write_all(b"GET / HTTP/1.1\r\nHost: a\r\n\r\n").await.expect("sent");
    until(&mut socket, "half").await;
    drop(holding.recv().await.expect("a sender"));
    assert_eq!(rest(&mut socket).await, "");
    assert!(served.line().await.contains("code=H18 "));
}

#[tokio::test]
async fn an_answer_that_is_not_http_is_refused() {
    for (status, length, code) in [(200, "7", "H17"), (101, "2", "H17"), (200, "x", "H17")] {
        let mut served = Served::answering(move |_| async move {
            let response = Response::builder().status(status).header("content-length", length);
            Ok(response.body(full("ab")).expect("legal"))
        })
        .await;
        let line = refused(&mut served, code).await;
        assert!(line.contains("code=H17 desc=\"Poorly formatted HTTP response\""), "{line}");
    }
}

#[tokio::test]
async fn an_answer_that_stands_still_is_broken_off() {
    let config = RouterConfig { idle: SOON, ..RouterConfig::default() };
    let (mut served, _holding) = half_with(config, None).await;
    let answer = served.raw("GET / HTTP/1.1\r\nHost: a\r\n\r\n").await;
    assert!(answer.ends_with("4\r\nhalf\r\n"), "{answer}");
    insta::assert_snapshot!(served.line().await, @r#"Heroku[router]: at=error code=H15 desc="Idle connection" method=GET path="/" host=a request_id=ID fwd="127.0.0.1" dyno=web.1 connect=0ms service=Nms status=200 bytes=4 protocol=http"#);
}

#[tokio::test]
async fn a_client_that_stops_sending_is_given_up() {
    let config = RouterConfig { idle: SOON, ..RouterConfig::default() };
    let target = one(|request: Request<Body>| async move {
        let _ = request.into_body().collect().await;
        ok("never")
    });
    let mut served = Served::with(config, target, MINUTE).await;
    let mut socket = served.socket().await;
    socket.write_all(b"POST / HTTP/1.1\r\nHost: a\r\nContent-Length: 9\r\n\r\nhalf").await.expect("sent");
    assert!(rest(&mut socket).await.starts_with("HTTP/1.1 408"));
    let line = served.line().await;
    assert!(
        line.contains("at=warning code=H28 desc=\"Client Connection Idle\"") && line.contains("status=499"),
        "{line}"
    );
}

#[tokio::test]
async fn a_client_that_leaves_takes_its_guest_along() {
    for http2 in [false, true] {
        let (events, mut happened) = mpsc::unbounded_channel();
        let mut served = Served::answering(move |request| never(events.clone(), request)).await;
        if http2 {
            let mut client = served.http2().await;
            let request = Request::get("http://a/").body(full("")).expect("legal");
            let asking = client.send_request(request);
            tokio::select! {
                _ = asking => panic!("answered"),
                event = happened.recv() => assert_eq!(event, Some("asked")),
            }
        } else {
            let mut socket = served.socket().await;
            socket.write_all(b"GET / HTTP/1.1\r\nHost: a\r\n\r\n").await.expect("sent");
            assert_eq!(happened.recv().await, Some("asked"));
        }
        assert_eq!(happened.recv().await, Some("dropped"));
        let line = served.line().await;
        assert!(
            line.contains("at=warning code=H27 desc=\"Client Request Interrupted\"")
                && line.contains("dyno=web.1 connect=0ms service=Nms status=499 bytes=0"),
            "{line}"
        );
    }
}

#[tokio::test]
async fn a_client_that_leaves_in_an_answer_ends_it() {
    let (mut served, mut holding) = half(None).await;
    let mut socket = served.socket().await;
    socket.write_all(b"GET / HTTP/1.1\r\nHost: a\r\n\r\n").await.expect("sent");
    until(&mut socket, "half\r\n").await;
    drop(socket);
    holding.recv().await.expect("a sender").closed().await;
    assert!(served.line().await.contains("code=H27 "));
}

fn full_dyno(name: &str, asked: &Arc<AtomicUsize>) -> Arc<Dyno> {
    let asked = Arc::clone(asked);
    Arc::new(Dyno::from_fn(name, move |request| {
        asked.fetch_add(1, Relaxed);
        async move { Err(HandleError::Backlog { instances: 1, request: Untouched::new(request) }) as Answer }
    }))
}

#[tokio::test]
async fn a_full_dyno_passes_the_request_on_untouched() {
    let asked = Arc::default();
    let free =
        Arc::new(Dyno::from_fn("web.9", |request| async move { Ok(Response::new(request.into_body())) }));
    let full_ones = (1..=8).map(|number| full_dyno(&format!("web.{number}"), &asked));
    let mut served = Served::start(Target::Dynos(full_ones.chain([free]).collect())).await;
    let mut client = served.http1().await;
    for _ in 0..20 {
        let request = Request::post("/").header("host", "a").body(full("body")).expect("legal");
        let mut answer = client.send_request(request).await.expect("answered").into_body();
        assert_eq!(chunk(&mut answer).await, "body");
        assert!(answer.frame().await.is_none());
        assert!(served.line().await.contains("dyno=web.9 "));
    }
}

#[tokio::test]
async fn when_all_are_full_the_backlog_is_too_deep() {
    let asked = Arc::default();
    let dynos = (1..=20).map(|number| full_dyno(&format!("web.{number}"), &asked)).collect();
    let mut served = Served::start(Target::Dynos(dynos)).await;
    let line = refused(&mut served, "H11").await;
    assert!(
        line.contains("code=H11 desc=\"Backlog too deep\"") && line.contains("dyno= connect= "),
        "{line}"
    );
    assert_eq!(asked.load(Relaxed), 11, "the first and ten others");
}
