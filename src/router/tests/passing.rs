use super::harness::{Served, all, chunk, fed, full, ok, one, rest, until};
use crate::router::{Destination, Route, Routes, Target};
use http::{Request, Response, StatusCode, Version, header};
use http_body_util::BodyExt as _;
use std::sync::Arc;
use tokio::io::AsyncWriteExt as _;

fn get(path: &str) -> Request<crate::dyno::Body> {
    Request::get(path).header("host", "shop.example").body(full("")).expect("legal")
}

#[tokio::test]
async fn one_connection_takes_many_requests() {
    let mut served =
        Served::answering(|request| async move { Ok(Response::new(full(request.uri().path().to_owned()))) })
            .await;
    let mut client = served.http1().await;
    for path in ["/a", "/b", "/c"] {
        let response = client.send_request(get(path)).await.expect("answered");
        assert_eq!(response.headers()["content-length"], "2");
        assert_eq!(all(response.into_body()).await, path);
        assert!(served.line().await.contains(&format!("path=\"{path}\"")));
    }
}

#[tokio::test]
async fn requests_in_one_packet_are_answered_in_order() {
    let served =
        Served::answering(|request| async move { Ok(Response::new(full(request.uri().path().to_owned()))) })
            .await;
    let text =
        "GET /first HTTP/1.1\r\nhost: a\r\n\r\nGET /second HTTP/1.1\r\nhost: a\r\nconnection: close\r\n\r\n";
    let answers = served.raw(text).await;
    let (first, second) =
        (answers.find("\r\n/first").expect("there"), answers.find("\r\n/second").expect("there"));
    assert!(first < second);
}

#[tokio::test]
async fn http2_is_spoken_on_the_same_port() {
    let mut served = Served::answering(|request| async move {
        let host = request.headers()["host"].to_str().expect("text").to_owned();
        Ok(Response::new(full(format!("{host} {}", request.uri()))))
    })
    .await;
    let mut client = served.http2().await;
    let request = Request::get("http://shop.example/a?b").body(full("")).expect("legal");
    let response = client.send_request(request).await.expect("answered");
    assert_eq!(response.version(), Version::HTTP_2);
    assert_eq!(all(response.into_body()).await, "shop.example /a?b");
    insta::assert_snapshot!(served.line().await, @r#"Heroku[router]: at=info method=GET path="/a?b" host=shop.example request_id=ID fwd="127.0.0.1" dyno=web.1 connect=0ms service=Nms status=200 bytes=17 protocol=http2"#);
}

/// Each chunk is answered before the next is sent, so that a router which buffers would stand still.
#[tokio::test]
async fn bodies_stream_both_ways_at_once() {
    let echo = |request: Request<crate::dyno::Body>| async move { Ok(Response::new(request.into_body())) };
    let mut served = Served::answering(echo).await;

    let mut client = served.http1().await;
    let (sender, body) = fed();
    let request = Request::post("/").header("host", "a").body(body).expect("legal");
    let mut answer = client.send_request(request).await.expect("answered").into_body();
    for text in ["one", "two", "three"] {
        sender.send(Ok(text)).expect("open");
        assert_eq!(chunk(&mut answer).await, text);
    }
    drop(sender);
    assert_eq!(all(answer).await, "");
    assert!(served.line().await.contains("status=200 bytes=11 protocol=http"));

    let mut client = served.http2().await;
    let (sender, body) = fed();
    let request = Request::post("http://a/").body(body).expect("legal");
    let mut answer = client.send_request(request).await.expect("answered").into_body();
    for text in ["one", "two", "three"] {
        sender.send(Ok(text)).expect("open");
        assert_eq!(chunk(&mut answer).await, text);
    }
    drop(sender);
    assert_eq!(all(answer).await, "");
    assert!(served.line().await.contains("status=200 bytes=11 protocol=http2"));
}

#[tokio::test]
async fn a_head_has_no_body_in_either_protocol() {
    let mut served = Served::answering(|_| async { ok("12345") }).await;
    let answer = served.raw("HEAD / HTTP/1.1\r\nhost: a\r\nconnection: close\r\n\r\n").await;
    assert!(answer.contains("content-length: 5\r\n") && answer.ends_with("\r\n\r\n"), "{answer}");
    let mut client = served.http2().await;
    let request = Request::head("http://a/").body(full("")).expect("legal");
    let response = client.send_request(request).await.expect("answered");
    assert_eq!(response.headers()["content-length"], "5");
    assert_eq!(all(response.into_body()).await, "");
    for _ in 0..2 {
        assert!(served.line().await.contains("status=200 bytes=0"));
    }
}

#[tokio::test]
async fn a_head_waits_for_a_dyno_that_writes_a_body_all_the_same() {
    let mut served = Served::answering(|_| async {
        let (sender, body) = fed();
        sender.send(Ok("ignored")).expect("open");
        Ok(Response::new(body))
    })
    .await;
    let answer = served.raw("HEAD / HTTP/1.1\r\nhost: a\r\nconnection: close\r\n\r\n").await;
    assert!(answer.starts_with("HTTP/1.1 200") && answer.ends_with("\r\n\r\n"), "{answer}");
    assert!(served.line().await.starts_with("Heroku[router]: at=info"));
}

#[tokio::test]
async fn a_client_may_ask_before_it_sends() {
    let served = Served::answering(|request| async move {
        let body = all(request.into_body()).await;
        Ok(Response::new(full(body)))
    })
    .await;
    let mut socket = served.socket().await;
    let head = "POST / HTTP/1.1\r\nhost: a\r\nexpect: 100-continue\r\ncontent-length: 4\r\nconnection: close\r\n\r\n";
    socket.write_all(head.as_bytes()).await.expect("sent");
    assert_eq!(until(&mut socket, "\r\n\r\n").await, "HTTP/1.1 100 Continue\r\n\r\n");
    socket.write_all(b"body").await.expect("sent");
    assert!(rest(&mut socket).await.ends_with("\r\n\r\nbody"));
}

/// A body of 3 MB, more than a connection reads on its own account, and a second request after it.
fn large_and_another() -> Vec<u8> {
    let mut text = b"POST /upload HTTP/1.1\r\nhost: a\r\ncontent-length: 3000000\r\n\r\n".to_vec();
    text.resize(text.len() + 3_000_000, b'x');
    text.extend_from_slice(b"GET /second HTTP/1.1\r\nhost: a\r\nconnection: close\r\n\r\n");
    text
}

#[tokio::test]
async fn a_body_that_nobody_reads_takes_the_answer_from_no_client() {
    let mut served = Served::answering(|_| async { ok("unread") }).await;
    let answers = served.raw(large_and_another()).await;
    assert_eq!(answers.matches("\r\n\r\nunread").count(), 2, "{answers}");
    assert!(served.line().await.contains(r#"at=info method=POST path="/upload""#));
    served.router.publish(Routes::new());
    let answers = served.raw(large_and_another()).await;
    assert_eq!(answers.matches("HTTP/1.1 404").count(), 2, "an error page");
}

#[tokio::test]
async fn a_client_that_asks_before_it_sends_is_spared_an_unread_body() {
    let served = Served::answering(|_| async { ok("unread") }).await;
    let head = "POST / HTTP/1.1\r\nhost: a\r\nexpect: 100-continue\r\ncontent-length: 4\r\n\r\n";
    let answer = served.raw(head).await;
    assert!(answer.starts_with("HTTP/1.1 200") && answer.ends_with("unread"), "{answer}");
}

#[tokio::test]
async fn http_1_0_is_answered_and_closed() {
    let mut served = Served::answering(|_| async {
        let (sender, body) = fed();
        sender.send(Ok("streamed")).expect("open");
        Ok(Response::new(body))
    })
    .await;
    let answer = served.raw("GET / HTTP/1.0\r\n\r\n").await;
    assert!(answer.starts_with("HTTP/1.0 200 OK\r\n") && answer.ends_with("\r\n\r\nstreamed"), "{answer}");
    assert!(!answer.contains("transfer-encoding"));
    insta::assert_snapshot!(served.line().await, @r#"Heroku[router]: at=info method=GET path="/" host= request_id=ID fwd="127.0.0.1" dyno=web.1 connect=0ms service=Nms status=200 bytes=8 protocol=http"#);
}

#[tokio::test]
async fn each_host_has_its_own_app() {
    let served = Served::start(Target::NoWeb).await;
    let mut routes = Routes::new();
    for name in ["one", "two"] {
        let target = one(move |_| async move { ok(name) });
        let route = Route { app: name.parse().expect("legal"), log: served.log.clone(), target };
        routes.insert(&format!("{name}.example"), Destination::App(Arc::new(route))).expect("legal");
    }
    served.router.publish(routes);
    let mut client = served.http1().await;
    for (host, status, text) in
        [("one.example", 200, "one"), ("TWO.example.:80", 200, "two"), ("three.example", 404, "No such app")]
    {
        let request = Request::get("/").header("host", host).body(full("")).expect("legal");
        let response = client.send_request(request).await.expect("answered");
        assert_eq!(response.status().as_u16(), status, "{host}");
        assert!(all(response.into_body()).await.contains(text), "{host}");
    }
}

#[tokio::test]
async fn a_new_table_holds_for_open_connections() {
    let served = Served::answering(|_| async { ok("old") }).await;
    let mut client = served.http1().await;
    assert_eq!(all(client.send_request(get("/")).await.expect("answered").into_body()).await, "old");
    let route = Route {
        app: "shop".parse().expect("legal"),
        log: served.log.clone(),
        target: one(|_| async { ok("new") }),
    };
    served.router.publish(Routes::only(route));
    assert_eq!(all(client.send_request(get("/")).await.expect("answered").into_body()).await, "new");
}

#[tokio::test]
async fn trailers_pass_both_ways() {
    let served = Served::answering(|request| async move { Ok(Response::new(request.into_body())) }).await;
    let mut client = served.http2().await;
    let trailers = http::HeaderMap::from_iter([(header::ETAG, "\"x\"".parse().expect("legal"))]);
    let body = full("body").with_trailers(async move { Some(Ok(trailers)) }).boxed_unsync();
    let request = Request::post("http://a/").header("te", "trailers").body(body).expect("legal");
    let collected =
        client.send_request(request).await.expect("answered").into_body().collect().await.expect("whole");
    assert_eq!(collected.trailers().expect("there")["etag"], "\"x\"");
}

#[tokio::test]
async fn a_status_without_a_body_has_none() {
    let mut served = Served::answering(|_| async {
        let mut response = Response::new(full("ignored"));
        *response.status_mut() = StatusCode::NOT_MODIFIED;
        Ok(response)
    })
    .await;
    let mut client = served.http2().await;
    let response = client
        .send_request(Request::get("http://a/").body(full("")).expect("legal"))
        .await
        .expect("answered");
    assert_eq!(response.status(), 304);
    assert_eq!(all(response.into_body()).await, "");
    assert!(served.line().await.contains("status=304 bytes=0"));
}
