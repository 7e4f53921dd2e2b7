use super::harness::{Served, all, full, ok};
use http::{Request, Response};

/// A dyno that answers with what it was sent.
async fn mirror() -> Served {
    Served::answering(|request| async move {
        let mut lines: Vec<_> = request
            .headers()
            .iter()
            .map(|(name, value)| format!("{name}: {}", value.to_str().expect("text")))
            .collect();
        lines.sort();
        Ok(Response::new(full(format!("{} {}\n{}", request.method(), request.uri(), lines.join("\n")))))
    })
    .await
}

#[tokio::test]
async fn a_dyno_reads_where_a_request_came_from() {
    let served = mirror().await;
    let port = format!("x-forwarded-port: {}", served.address.port());
    let text = "GET /a HTTP/1.1\r\nHost: shop.example\r\nX-Request-Id: a-good-id-of-the-client\r\nX-Forwarded-For: 1.1.1.1\r\nX-Forwarded-Proto: https\r\nConnection: close, x-mine\r\nX-Mine: 1\r\nUpgrade: websocket\r\n\r\n";
    let answer = served.raw(text).await.replace(&port, "x-forwarded-port: N");
    let (_, body) = answer.split_once("\r\n\r\n").expect("a body");
    insta::assert_snapshot!(body, @"
    GET /a
    host: shop.example
    via: 1.1 hokku-router
    x-forwarded-for: 1.1.1.1, 127.0.0.1
    x-forwarded-port: N
    x-forwarded-proto: http
    x-request-id: a-good-id-of-the-client
    x-request-start: 1795384800000
    ");
}

#[tokio::test]
async fn a_target_with_a_host_outranks_the_header() {
    let mut served = mirror().await;
    let text = "GET http://real.example/a HTTP/1.1\r\nHost: other.example\r\nConnection: close\r\n\r\n";
    let answer = served.raw(text).await;
    assert!(answer.contains("GET /a\nhost: real.example\n"), "{answer}");
    assert!(served.line().await.contains(" host=real.example "));
}

#[tokio::test]
async fn a_chunked_body_has_no_length() {
    let served = mirror().await;
    let text = "POST / HTTP/1.1\r\nHost: a\r\nConnection: close\r\nTransfer-Encoding: chunked\r\n\r\n1\r\nx\r\n0\r\n\r\n";
    let answer = served.raw(text).await;
    assert!(
        answer.contains("POST /\n")
            && !answer.contains("content-length: 1\n")
            && !answer.contains("transfer-encoding")
    );
}

#[tokio::test]
async fn a_client_reads_the_routers_name() {
    let mut served = Served::answering(|request| async move {
        let mut response = ok("")?;
        if request.uri().path() == "/own" {
            response.headers_mut().insert("server", "gunicorn".parse().expect("legal"));
        }
        for (name, value) in [("connection", "x-hop"), ("x-hop", "1"), ("keep-alive", "timeout=1")] {
            response.headers_mut().insert(name, value.parse().expect("legal"));
        }
        Ok(response)
    })
    .await;
    let mut client = served.http1().await;
    for (path, server) in [("/", "hokku"), ("/own", "gunicorn")] {
        let request = Request::get(path).header("host", "a").body(full("")).expect("legal");
        let response = client.send_request(request).await.expect("answered");
        let headers = response.headers().clone();
        all(response.into_body()).await;
        assert_eq!(
            (headers["server"].as_bytes(), headers["via"].as_bytes()),
            (server.as_bytes(), &b"1.1 hokku-router"[..])
        );
        assert!(["connection", "x-hop", "keep-alive"].iter().all(|name| !headers.contains_key(*name)));
        assert!(headers.contains_key("date"));
        served.line().await;
    }
}
