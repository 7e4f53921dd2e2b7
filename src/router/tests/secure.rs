//! HTTP over TLS, on the port that speaks clear text as well.

use super::{
    handing_over::{Echo, UPGRADE, with_switching},
    harness::{Served, all, full, ok, one, rest},
};
use crate::dyno::Body;
use crate::router::{ClearText, Destination, Door, RouterConfig, Routes, Tls};
use futures_util::future::BoxFuture;
use http::{Request, Response};
use hyper::client::conn::{http1, http2};
use hyper_util::rt::{TokioExecutor, TokioIo};
use rustls::{
    ClientConfig, HandshakeKind, RootCertStore, ServerConfig, SupportedProtocolVersion,
    crypto::ring,
    pki_types::{PrivateKeyDer, ServerName},
    version::{TLS12, TLS13},
};
use std::{sync::Arc, time::Duration};
use tokio::{
    io::{AsyncReadExt as _, AsyncWriteExt as _},
    net::TcpStream,
};
use tokio_rustls::{TlsConnector, client::TlsStream};
use tokio_util::task::TaskTracker;

/// A router that speaks TLS, and who trusts it.
struct Secure {
    served: Served,
    roots: Arc<RootCertStore>,
    clients: TaskTracker,
}

impl Secure {
    async fn start(clear_text: ClearText) -> Self {
        Self::with(RouterConfig::default(), clear_text, Duration::from_mins(1)).await
    }

    /// The app says how it was reached.
    async fn with(config: RouterConfig, clear_text: ClearText, grace: Duration) -> Self {
        let target = one(|request: Request<Body>| async move {
            let header = |name: &str| request.headers()[name].to_str().expect("text").to_owned();
            let text = format!("{} {}", header("x-forwarded-proto"), header("x-forwarded-port"));
            Ok(Response::new(full(text)))
        });
        let served = Served::with(config, target, grace).await;
        let made = rcgen::generate_simple_self_signed(["localhost".to_owned()]).expect("made");
        let key = PrivateKeyDer::try_from(made.signing_key.serialize_der()).expect("a key");
        let config = ServerConfig::builder_with_provider(Arc::new(ring::default_provider()))
            .with_safe_default_protocol_versions()
            .expect("versions")
            .with_no_client_auth()
            .with_single_cert(vec![made.cert.der().clone()], key)
            .expect("its key");
        served.router.secure(Tls::new(config, clear_text));
        let mut roots = RootCertStore::empty();
        roots.add(made.cert.der().clone()).expect("a root");
        Self { served, roots: Arc::new(roots), clients: TaskTracker::new() }
    }

    fn client(&self, versions: &[&'static SupportedProtocolVersion], alpn: &[&str]) -> TlsConnector {
        let mut config = ClientConfig::builder_with_provider(Arc::new(ring::default_provider()))
            .with_protocol_versions(versions)
            .expect("versions")
            .with_root_certificates(Arc::clone(&self.roots))
            .with_no_client_auth();
        config.alpn_protocols = alpn.iter().map(|name| name.as_bytes().to_vec()).collect();
        TlsConnector::from(Arc::new(config))
    }

    async fn connect(&self, client: &TlsConnector) -> TlsStream<TcpStream> {
        let name = ServerName::try_from("localhost").expect("a name");
        client.connect(name, self.served.socket().await).await.expect("shaken")
    }

    async fn plain_stream(&self) -> TlsStream<TcpStream> {
        self.connect(&self.client(&[&TLS13], &[])).await
    }
}

const REQUEST: &[u8] = b"GET /p HTTP/1.1\r\nHost: shop.localhost\r\nConnection: close\r\n\r\n";

/// Sends `request` and reads to the end.
async fn exchange(stream: &mut TlsStream<TcpStream>, request: &[u8]) -> String {
    stream.write_all(request).await.expect("sent");
    let mut read = Vec::new();
    stream.read_to_end(&mut read).await.expect("an end that TLS announces");
    String::from_utf8(read).expect("text")
}

#[tokio::test]
async fn one_port_speaks_http_and_https() {
    let mut secure = Secure::start(ClearText::Answered).await;
    let port = secure.served.address.port();
    for version in [&TLS12, &TLS13] {
        let mut stream = secure.connect(&secure.client(&[version], &["http/1.1"])).await;
        let text = exchange(&mut stream, REQUEST).await;
        assert!(
            text.starts_with("HTTP/1.1 200 OK") && text.ends_with(&format!("\r\nhttps {port}")),
            "{text}"
        );
        let line = secure.served.line().await;
        let ending = format!(
            "bytes={} protocol=https tls=true tls_version=tls1.{}",
            6 + port.to_string().len(),
            if version.version == TLS12.version { 2 } else { 3 }
        );
        assert!(line.ends_with(&ending), "{line}");
    }
    let text = secure.served.raw(REQUEST).await;
    assert!(text.ends_with(&format!("\r\nhttp {port}")), "{text}");
    assert!(secure.served.line().await.ends_with(" protocol=http"));
}

#[tokio::test]
async fn http2_is_agreed_on_in_the_handshake() {
    let mut secure = Secure::start(ClearText::Answered).await;
    let stream = secure.connect(&secure.client(&[&TLS13], &["h2", "http/1.1"])).await;
    assert_eq!(stream.get_ref().1.alpn_protocol(), Some(&b"h2"[..]));
    let io = TokioIo::new(stream);
    let (mut sender, connection) = http2::handshake(TokioExecutor::new(), io).await.expect("shaken");
    secure.clients.spawn(connection);
    let request = Request::get("https://shop.localhost/").body(full("")).expect("legal");
    let response = sender.send_request(request).await.expect("answered");
    assert!(all(response.into_body()).await.starts_with("https "));
    assert!(secure.served.line().await.ends_with(" protocol=http2 tls=true tls_version=tls1.3"));
}

#[tokio::test]
async fn a_second_handshake_resumes_the_first() {
    let secure = Secure::start(ClearText::Answered).await;
    for version in [&TLS12, &TLS13] {
        let client = secure.client(&[version], &[]);
        for kind in [HandshakeKind::Full, HandshakeKind::Resumed] {
            let mut stream = secure.connect(&client).await;
            exchange(&mut stream, REQUEST).await;
            assert_eq!(stream.get_ref().1.handshake_kind(), Some(kind));
        }
    }
}

#[tokio::test]
async fn large_bodies_pass_both_ways() {
    let secure = Secure::start(ClearText::Answered).await;
    secure.served.router.publish(Routes::only(crate::router::Route {
        app: crate::name::AppName::like("shop"),
        log: secure.served.log.clone(),
        target: one(|request: Request<Body>| async { Ok(Response::new(request.into_body())) }),
    }));
    let io = TokioIo::new(secure.plain_stream().await);
    let (mut sender, connection) = http1::handshake(io).await.expect("shaken");
    secure.clients.spawn(connection);
    let sent = "x".repeat(3_000_000);
    let request = Request::post("/").header("host", "a").body(full(sent.clone())).expect("legal");
    let response = sender.send_request(request).await.expect("answered");
    assert!(all(response.into_body()).await == sent);
}

#[tokio::test]
async fn what_is_no_handshake_after_its_first_byte_is_closed() {
    let mut secure = Secure::start(ClearText::Answered).await;
    for garbage in [&b"\x16"[..], b"\x16GET / HTTP/1.1\r\n\r\n", b"\x16\x03\x01\xff\xff", &[0x16; 9000]] {
        let mut socket = secure.served.socket().await;
        socket.write_all(garbage).await.expect("sent");
        socket.shutdown().await.expect("ended");
        let answer = rest(&mut socket).await;
        assert!(!answer.contains("HTTP"), "{answer}");
    }
    assert!(secure.served.raw(REQUEST).await.starts_with("HTTP/1.1 200"));
    assert!(secure.served.line().await.contains("path=\"/p\""), "nothing else was taken for a request");
}

#[tokio::test]
async fn clear_text_within_tls_and_tls_within_tls_are_closed() {
    let secure = Secure::start(ClearText::Answered).await;
    let stream = secure.plain_stream().await;
    let (mut socket, _) = stream.into_inner();
    socket.write_all(REQUEST).await.expect("sent");
    assert!(!rest(&mut socket).await.contains("HTTP"));
    let mut stream = secure.plain_stream().await;
    stream.write_all(b"\x16\x03\x01").await.expect("sent");
    stream.read_u8().await.expect_err("closed");
}

#[tokio::test(start_paused = true)]
async fn a_slow_handshake_is_given_up() {
    let secure = Secure::start(ClearText::Answered).await;
    let mut socket = secure.served.socket().await;
    socket.write_all(b"\x16\x03\x01\x02").await.expect("sent");
    let began = tokio::time::Instant::now();
    assert_eq!(rest(&mut socket).await, "");
    assert!((9..=11).contains(&began.elapsed().as_secs()), "{:?}", began.elapsed());
}

#[tokio::test]
async fn without_a_certificate_there_is_no_tls() {
    let served = Served::answering(|_| async { ok("http") }).await;
    assert_eq!(served.raw(b"\x16\x03\x01\x02").await, "");
    assert!(served.raw(REQUEST).await.ends_with("http"));
}

#[tokio::test]
async fn silent_connections_are_closed_over_tls_too() {
    let config = RouterConfig { idle: Duration::from_millis(20), ..RouterConfig::default() };
    let secure = Secure::with(config, ClearText::Answered, Duration::from_mins(1)).await;
    let mut read = Vec::new();
    secure.plain_stream().await.read_to_end(&mut read).await.expect_err("cut before a request");
    let mut stream = secure.plain_stream().await;
    let text = exchange(&mut stream, b"GET / HTTP/1.1\r\nHost: a\r\n\r\n").await;
    assert!(text.starts_with("HTTP/1.1 200"), "{text}");
}

#[tokio::test]
async fn a_greeting_may_come_over_tls() {
    let secure = Secure::start(ClearText::Answered).await;
    secure.served.router.greet(Arc::new(Echo));
    let mut stream = secure.plain_stream().await;
    stream.write_all(b"rendezvous-7/abc\r\nhello").await.expect("sent");
    stream.shutdown().await.expect("ended");
    let mut read = String::new();
    stream.read_to_string(&mut read).await.expect("whole");
    assert_eq!(read, "rendezvous-7/abc of 127.0.0.1\nhello");
}

#[tokio::test]
async fn a_connection_that_was_switched_over_tls_is_cut_after_the_grace() {
    let mut secure = Secure::with(RouterConfig::default(), ClearText::Answered, Duration::ZERO).await;
    let mut takes = with_switching(&secure.served);
    let mut client = secure.plain_stream().await;
    client.write_all(UPGRADE).await.expect("sent");
    let mut door = takes.recv().await.expect("taken");
    door.write_all(b"down").await.expect("sent");
    door.flush().await.expect("sent");
    let mut head = Vec::new();
    while !head.ends_with(b"\r\n\r\ndown") {
        head.push(client.read_u8().await.expect("more"));
    }
    let mut early = [0; 6];
    door.read_exact(&mut early).await.expect("read");
    let stop = async { secure.served.stop.cancel() };
    let (read, ()) = tokio::join!(door.read_u8(), stop);
    assert_eq!(read.expect_err("cut").kind(), std::io::ErrorKind::ConnectionAborted);
    assert_eq!(secure.served.stopped().await, 1);
}

/// Says hello.
struct Hello;

impl Door for Hello {
    fn name(&self) -> &'static str {
        "hello"
    }

    fn answer(&self, _request: Request<Body>) -> BoxFuture<'static, Response<Body>> {
        Box::pin(async { Response::new(full("hello")) })
    }
}

#[tokio::test]
async fn clear_text_may_be_sent_on_to_https() {
    let mut secure = Secure::start(ClearText::Redirected { port: 443 }).await;
    let text = secure.served.raw("POST /a?b=%20 HTTP/1.1\r\nHost: Shop.localhost:80\r\nContent-Length: 2\r\nConnection: close\r\n\r\nhi").await;
    let head = text.split("\r\ndate:").next().expect("a head");
    insta::assert_snapshot!(head.replace('\r', ""), @"
    HTTP/1.1 308 Permanent Redirect
    location: https://Shop.localhost/a?b=%20
    via: 1.1 hokku-router
    server: hokku
    connection: close
    content-length: 0
    ");
    insta::assert_snapshot!(secure.served.line().await, @r#"Heroku[router]: at=info method=POST path="/a?b=%20" host=Shop.localhost:80 request_id=ID fwd="127.0.0.1" dyno= connect= service= status=308 bytes= protocol=http"#);
    let text = exchange(&mut secure.plain_stream().await, REQUEST).await;
    assert!(text.starts_with("HTTP/1.1 200"), "{text}");
    let mut routes = Routes::new();
    routes.insert("localhost", Destination::Door(Arc::new(Hello))).expect("a host");
    secure.served.router.publish(routes);
    let text = secure.served.raw("GET / HTTP/1.1\r\nHost: localhost\r\nConnection: close\r\n\r\n").await;
    assert!(text.ends_with("hello"), "other doors answer: {text}");
}

#[tokio::test]
async fn a_redirect_names_a_port_that_is_not_the_usual_one() {
    let secure = Secure::start(ClearText::Redirected { port: 8443 }).await;
    let text = secure.served.raw(REQUEST).await;
    assert!(text.contains("\r\nlocation: https://shop.localhost:8443/p\r\n"), "{text}");
    let old = secure.served.raw("GET / HTTP/1.0\r\n\r\n").await;
    assert!(old.starts_with("HTTP/1.0 200"), "without a host there is nowhere to go: {old}");
}

#[tokio::test]
async fn a_handshake_under_way_does_not_hold_a_stop_up() {
    let mut secure = Secure::with(RouterConfig::default(), ClearText::Answered, Duration::from_mins(1)).await;
    let mut shaking = secure.served.socket().await;
    shaking.write_all(b"\x16\x03\x01").await.expect("sent");
    let mut stream = secure.plain_stream().await;
    secure.served.stop.cancel();
    assert_eq!(secure.served.stopped().await, 0);
    assert_eq!(rest(&mut shaking).await, "");
    stream.read_u8().await.expect_err("closed");
}
