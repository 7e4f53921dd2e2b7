use super::{
    error::RouterError,
    line::Line,
    routes::{Route, Target},
    wire::Wire,
};
use crate::logplex::{Source, Stream};
use http::{HeaderValue, Method, Uri, Version, request};
use std::{
    sync::{
        Arc,
        atomic::{AtomicUsize, Ordering::Relaxed},
    },
    time::Instant,
};

/// One request's line in the making: it is written when this is dropped, whatever the reason.
pub(super) struct Record {
    pub(super) wire: Arc<Wire>,
    pub(super) route: Arc<Route>,
    method: Method,
    uri: Uri,
    version: Version,
    pub(super) names: Names,
    started: Instant,
    /// When it went to the dynos: later than `started` where the app had to be waited for.
    asked: Instant,
    /// Which of the route's dynos has the request; [`NONE`] if none. Atomic so that it can be set while a dyno of
    /// the same route is borrowed.
    dyno: AtomicUsize,
    status: u16,
    bytes: u64,
    outcome: Outcome,
}

/// No dyno: no list is this long.
const NONE: usize = usize::MAX;

enum Outcome {
    Open,
    Whole,
    Failed(RouterError),
}

/// What names a request in its line.
pub(super) struct Names {
    pub(super) host: Option<HeaderValue>,
    pub(super) request_id: HeaderValue,
    pub(super) forwarded_for: HeaderValue,
}

impl Record {
    pub(super) fn new(
        wire: Arc<Wire>,
        route: Arc<Route>,
        parts: &request::Parts,
        names: Names,
        started: Instant,
    ) -> Self {
        wire.opened();
        let (method, uri, version) = (parts.method.clone(), parts.uri.clone(), parts.version);
        let (dyno, status, bytes, outcome) = (AtomicUsize::new(NONE), 0, 0, Outcome::Open);
        Self {
            wire,
            route,
            method,
            uri,
            version,
            names,
            started,
            asked: started,
            dyno,
            status,
            bytes,
            outcome,
        }
    }

    pub(super) fn method(&self) -> &Method {
        &self.method
    }

    pub(super) fn started(&self) -> Instant {
        self.started
    }

    pub(super) fn asked(&self) -> Instant {
        self.asked
    }

    /// The app was waited for, and has this route now.
    pub(super) fn booted(&mut self, route: Arc<Route>) {
        self.route = route;
        self.asked = Instant::now();
    }

    /// The dyno with this index has the request.
    pub(super) fn reached(&self, dyno: usize) {
        self.dyno.store(dyno, Relaxed);
    }

    /// No dyno has it.
    pub(super) fn not_reached(&self) {
        self.dyno.store(NONE, Relaxed);
    }

    /// The head of the answer is known.
    pub(super) fn answered(&mut self, status: u16) {
        self.status = status;
    }

    /// Counts what goes to the client of the dyno's answer, and says how much that is by now.
    pub(super) fn sent(&mut self, bytes: usize) -> u64 {
        if matches!(self.outcome, Outcome::Open) {
            self.bytes += bytes as u64;
        }
        self.bytes
    }

    /// The answer is whole, or the page for an error is.
    pub(super) fn whole(&mut self) {
        if matches!(self.outcome, Outcome::Open) {
            self.outcome = Outcome::Whole;
        }
    }

    /// The exchange failed; the first reason holds.
    pub(super) fn failed(&mut self, error: RouterError) {
        if !matches!(self.outcome, Outcome::Failed(_)) {
            self.outcome = Outcome::Failed(error);
        }
    }

    fn error(&self) -> Option<RouterError> {
        match self.outcome {
            Outcome::Whole => None,
            Outcome::Failed(error) => Some(error),
            Outcome::Open if std::thread::panicking() => Some(RouterError::PlatformError),
            Outcome::Open => Some(self.wire.interruption()),
        }
    }

    fn status(&self, error: Option<RouterError>) -> u16 {
        match error.map(|error| error.facts().status) {
            Some(499) => 499,
            Some(status) if self.status == 0 => status,
            _ => self.status,
        }
    }

    fn text(&self) -> String {
        let error = self.error();
        let dyno = match &self.route.target {
            Target::Dynos(dynos) => dynos.get(self.dyno.load(Relaxed)),
            _ => None,
        };
        let tls = self.wire.tls_version.get().copied();
        let line = Line {
            error,
            method: self.method.as_str(),
            path: self.uri.path_and_query().map_or("/", |path| path.as_str()),
            host: self.names.host.as_ref().map_or(b"", |host| host.as_bytes()),
            request_id: self.names.request_id.as_bytes(),
            forwarded_for: self.names.forwarded_for.as_bytes(),
            dyno: dyno.map(|dyno| (dyno.name(), self.started.elapsed())),
            status: self.status(error),
            bytes: self.bytes,
            protocol: match (self.version, tls) {
                (Version::HTTP_2, _) => "http2",
                (_, Some(_)) => "https",
                (_, None) => "http",
            },
            tls,
        };
        line.text()
    }
}

impl Drop for Record {
    fn drop(&mut self) {
        self.wire.closed();
        self.route.log.write(Source::Heroku, "router", Stream::System, self.text());
    }
}
