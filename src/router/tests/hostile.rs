use super::harness::{Served, ok, rest};
use std::fmt::Write as _;
use tokio::io::AsyncWriteExt as _;

async fn status(served: &Served, text: &str) -> String {
    let answer = served.raw(text).await;
    answer.split_whitespace().nth(1).unwrap_or("closed").to_owned()
}

#[tokio::test]
async fn what_is_not_legal_is_refused_and_never_reaches_a_dyno() {
    let served = Served::answering(|_| async { panic!("reached") }).await;
    let long = "x".repeat(9000);
    let mut many = String::new();
    for number in 0..1100 {
        let _ = write!(many, "h{number}: x\r\n");
    }
    for (text, wanted) in [
        ("GET / HTTP/1.1\r\n\r\n".to_owned(), "400"),
        ("GET / HTTP/1.1\r\nHost: a\r\nHost: a\r\n\r\n".to_owned(), "400"),
        ("GET / HTTP/1.1\r\nHost: a b\r\n\r\n".to_owned(), "400"),
        ("GET / HTTP/1.1\r\nHost: a\r\nContent-Length: 1\r\nContent-Length: 2\r\n\r\nx".to_owned(), "400"),
        ("GET / HTTP/1.1\r\nHost: a\r\nContent-Length: -1\r\n\r\n".to_owned(), "400"),
        ("GET / HTTP/1.1\r\nHost: a\r\nTransfer-Encoding: gzip\r\n\r\n".to_owned(), "400"),
        ("GET / HTTP/1.1\r\nHost: a\r\n folded: x\r\n\r\n".to_owned(), "400"),
        ("GET / HTTP/1.1\r\nHost : a\r\n\r\n".to_owned(), "400"),
        ("GET / HTTP/1.1\r\nHost: a\r\nX: a\0b\r\n\r\n".to_owned(), "400"),
        ("GET  / HTTP/1.1\r\nHost: a\r\n\r\n".to_owned(), "400"),
        ("GET / HTTP/3.0\r\nHost: a\r\n\r\n".to_owned(), "400"),
        ("CONNECT a:443 HTTP/1.1\r\nHost: a:443\r\nConnection: close\r\n\r\n".to_owned(), "405"),
        ("GET / HTTP/1.1\r\nHost: a\r\nConnection: close\r\nExpect: a cake\r\n\r\n".to_owned(), "417"),
        (format!("GET /{long} HTTP/1.1\r\nHost: a\r\nConnection: close\r\n\r\n"), "414"),
        (format!("GET / HTTP/1.1\r\nHost: a\r\nConnection: close\r\nX: {long}\r\n\r\n"), "431"),
        (format!("GET / HTTP/1.1\r\nHost: a\r\nConnection: close\r\n{many}\r\n"), "431"),
    ] {
        // A request that keeps the connection open must still end for this test.
        let text = text.replacen("Host: a\r\nHost", "Connection: close\r\nHost: a\r\nHost", 1);
        let text = text.replacen("HTTP/1.1\r\n\r\n", "HTTP/1.1\r\nConnection: close\r\n\r\n", 1);
        let text = text.replacen("Host: a b\r\n", "Host: a b\r\nConnection: close\r\n", 1);
        assert_eq!(status(&served, &text).await, wanted, "{}", &text[..text.len().min(200)]);
    }
}

#[tokio::test]
async fn equal_lengths_are_one_and_chunks_outrank_them() {
    let served = Served::answering(|request| async move {
        let body = super::harness::all(request.into_body()).await;
        assert_eq!(body, "x");
        ok("fine")
    })
    .await;
    let twice =
        "POST / HTTP/1.1\r\nHost: a\r\nConnection: close\r\nContent-Length: 1\r\nContent-Length: 1\r\n\r\nx";
    assert_eq!(status(&served, twice).await, "200");
}

/// What a front server may take for one request, and a back server for two.
#[tokio::test]
async fn no_second_request_hides_in_a_body() {
    let served = Served::answering(|request| async move {
        assert_ne!(request.uri().path(), "/hidden");
        super::harness::all(request.into_body()).await;
        ok("fine")
    })
    .await;
    let hidden = "GET /hidden HTTP/1.1\r\nHost: a\r\n\r\n";
    for head in [
        "Content-Length: 41\r\nTransfer-Encoding: chunked",
        "Transfer-Encoding: chunked\r\nContent-Length: 41",
    ] {
        let text = format!("POST / HTTP/1.1\r\nHost: a\r\n{head}\r\n\r\n0\r\n\r\n{hidden}");
        let mut socket = served.socket().await;
        socket.write_all(text.as_bytes()).await.expect("sent");
        let answer = rest(&mut socket).await;
        assert!(
            answer.starts_with("HTTP/1.1 400") || answer.matches("HTTP/1.1 200").count() == 1,
            "{answer}"
        );
    }
}

#[tokio::test]
async fn a_hostile_request_cannot_forge_a_line() {
    let mut served = Served::answering(|_| async { ok("") }).await;
    let text = "GET /\"x\\ HTTP/1.1\r\nHost: a\r\nConnection: close\r\nX-Forwarded-For: 9.9.9.9\" dyno=web.9 at=error\r\n\r\n";
    let answer = served.raw(text).await;
    if answer.starts_with("HTTP/1.1 200") {
        insta::assert_snapshot!(served.line().await, @r#"Heroku[router]: at=info method=GET path="/%22x%5C" host=a request_id=ID fwd="9.9.9.9%22 dyno=web.9 at=error, 127.0.0.1" dyno=web.1 connect=0ms service=Nms status=200 bytes=0 protocol=http"#);
    }
    assert!(answer.starts_with("HTTP/1.1 200"), "{answer}");
}

#[tokio::test]
async fn refusals_are_logged_for_the_app() {
    let mut served = Served::answering(|_| async { panic!("reached") }).await;
    served.raw("GET / HTTP/1.1\r\nHost: a\r\nConnection: close\r\nExpect: x\r\n\r\n").await;
    insta::assert_snapshot!(served.line().await, @r#"Heroku[router]: at=error code=H26 desc="Request Error" method=GET path="/" host=a request_id=ID fwd="127.0.0.1" dyno= connect= service= status=417 bytes= protocol=http"#);
}
