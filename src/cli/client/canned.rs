//! A platform that gives answers made beforehand, for the tests of the commands.

use super::{Access, Client};
use crate::cli::netrc::Netrc;
use axum::{body::Body, extract::Request, response::Response};
use futures_util::{StreamExt as _, stream};
use http_body_util::BodyExt as _;
use hyper_util::{
    rt::{TokioExecutor, TokioIo},
    server::conn::auto,
    service::TowerToHyperService,
};
use serde_json::Value;
use std::{
    collections::VecDeque,
    io,
    net::SocketAddr,
    sync::{Arc, Mutex},
};
use tokio::{net::TcpListener, sync::watch};
use tokio_util::task::AbortOnDropHandle;

/// How an answer ends.
#[derive(Clone, Copy)]
enum End {
    Whole,
    Never,
    Cut,
}

/// One answer: to which request, with which status, headers and body.
pub(in crate::cli) struct Canned {
    request: &'static str,
    status: u16,
    headers: Vec<(&'static str, &'static str)>,
    body: String,
    end: End,
}

impl Canned {
    /// A JSON answer with status 200. `ORIGIN` in it stands for the platform's address.
    pub(in crate::cli) fn json(request: &'static str, body: &Value) -> Self {
        Self {
            request,
            status: 200,
            headers: vec![("content-type", "application/json")],
            body: body.to_string(),
            end: End::Whole,
        }
    }

    pub(in crate::cli) fn text(request: &'static str, body: &str) -> Self {
        Self { request, status: 200, headers: Vec::new(), body: body.to_owned(), end: End::Whole }
    }

    pub(in crate::cli) fn events(request: &'static str, body: &str) -> Self {
        Self::text(request, body).with_header("content-type", "text/event-stream")
    }

    pub(in crate::cli) fn refusal(request: &'static str, status: u16, id: &str, message: &str) -> Self {
        let body = serde_json::json!({ "id": id, "message": message, "resource": "app" });
        Self { status, ..Self::json(request, &body) }
    }

    /// The same, but more could always come.
    pub(in crate::cli) fn endless(self) -> Self {
        Self { end: End::Never, ..self }
    }

    /// The same, but the connection breaks before it is whole.
    pub(in crate::cli) fn cut(self) -> Self {
        Self { end: End::Cut, ..self }
    }

    pub(in crate::cli) fn with_status(self, status: u16) -> Self {
        Self { status, ..self }
    }

    pub(in crate::cli) fn with_header(mut self, name: &'static str, value: &'static str) -> Self {
        self.headers.push((name, value));
        self
    }
}

/// What is left to answer, and what was asked.
#[derive(Default)]
struct Script {
    answers: Mutex<VecDeque<Canned>>,
    asked: watch::Sender<Vec<String>>,
    accepts: Mutex<Vec<String>>,
}

/// The platform; it is gone with this value.
pub(in crate::cli) struct CannedPlatform {
    address: SocketAddr,
    script: Arc<Script>,
    _serving: AbortOnDropHandle<()>,
}

impl CannedPlatform {
    /// Each answer is given once, in the order of those for the same request.
    pub(in crate::cli) async fn start(answers: impl IntoIterator<Item = Canned>) -> Self {
        let listener = TcpListener::bind("127.0.0.1:0").await.expect("a port");
        let address = listener.local_addr().expect("an address");
        let script =
            Arc::new(Script { answers: Mutex::new(answers.into_iter().collect()), ..Script::default() });
        let answering = Arc::clone(&script);
        let router = axum::Router::new().fallback(move |request: Request| {
            let script = Arc::clone(&answering);
            async move { script.answer(address, request).await }
        });
        let serving = async move {
            let mut connections = tokio::task::JoinSet::new();
            while let Ok((socket, _)) = listener.accept().await {
                let service = TowerToHyperService::new(router.clone());
                connections.spawn(async move {
                    let server = auto::Builder::new(TokioExecutor::new());
                    drop(server.serve_connection(TokioIo::new(socket), service).await);
                });
            }
        };
        #[expect(clippy::disallowed_methods, reason = "the platform owns the task")]
        let serving = AbortOnDropHandle::new(tokio::spawn(serving));
        Self { address, script, _serving: serving }
    }

    pub(in crate::cli) fn client(&self) -> Client {
        Access::of_test(&format!("http://{}", self.address)).client().expect("a client").without_pauses()
    }

    /// A client with the tokens of a netrc file.
    pub(in crate::cli) fn client_with_netrc(&self, netrc: Netrc) -> Client {
        let access = Access::of_test_with_netrc(&format!("http://{}", self.address), netrc);
        access.client().expect("a client").without_pauses()
    }

    /// Name and port.
    pub(in crate::cli) fn machine(&self) -> String {
        self.address.to_string()
    }

    /// Every request: method, path, the headers that matter, and the body.
    pub(in crate::cli) fn asked(&self) -> String {
        self.script.asked.borrow().join("\n")
    }

    /// Waits for a request that starts like this.
    pub(in crate::cli) async fn was_asked(&self, start: &str) {
        let mut asked = self.script.asked.subscribe();
        let found = asked.wait_for(|asked| asked.iter().any(|request| request.starts_with(start))).await;
        drop(found.expect("the platform is there"));
    }

    /// What each request accepts.
    pub(in crate::cli) fn accepts(&self) -> Vec<String> {
        self.script.accepts.lock().expect("no panic").clone()
    }

    /// The same platform under a name of this machine.
    pub(in crate::cli) fn client_by_name(&self, name: &str) -> Client {
        let host = format!("http://{name}:{}", self.address.port());
        Access::of_test(&host).client().expect("a client").without_pauses()
    }

    /// `text` without what differs from run to run.
    pub(in crate::cli) fn redacted(&self, text: &str) -> String {
        text.replace(&self.address.to_string(), "ADDRESS")
    }
}

impl Script {
    async fn answer(&self, address: SocketAddr, request: Request) -> Response {
        let (head, body) = request.into_parts();
        let key = format!("{} {}", head.method, head.uri);
        let body = body.collect().await.expect("a body").to_bytes();
        let mut line = key.clone();
        let is_json = head.headers.get("content-type").is_some_and(|kind| kind == "application/json");
        let is_upload = head.method == "PUT" && !is_json;
        for name in ["authorization", "range", "last-event-id", "content-length"] {
            let uploaded = name != "content-length" || is_upload;
            if let (Some(value), true) = (head.headers.get(name), uploaded) {
                line.extend([" [", name, ": ", value.to_str().expect("text"), "]"]);
            }
        }
        if !is_upload && !body.is_empty() {
            line.extend([" <- ", &String::from_utf8_lossy(&body)]);
        }
        self.asked.send_modify(|asked| asked.push(line));
        let accept = head.headers.get("accept").map_or("", |value| value.to_str().expect("text"));
        self.accepts.lock().expect("no panic").push(accept.to_owned());
        let mut answers = self.answers.lock().expect("no panic");
        let found = answers.iter().position(|answer| answer.request == key).and_then(|at| answers.remove(at));
        let answer =
            found.unwrap_or_else(|| Canned::text("", &format!("not canned: {key}")).with_status(501));
        let mut response = Response::builder().status(answer.status);
        for (name, value) in answer.headers {
            response = response.header(name, value);
        }
        let body = answer.body.replace("ORIGIN", &format!("http://{address}"));
        let first = stream::iter([Ok::<_, io::Error>(body.clone())]);
        let body = match answer.end {
            End::Whole => Body::from(body),
            End::Never => Body::from_stream(first.chain(stream::pending())),
            End::Cut => Body::from_stream(first.chain(stream::iter([Err(io::Error::other("cut"))]))),
        };
        response.body(body).expect("an answer")
    }
}
