use http::StatusCode;
use std::fmt;

/// Why a request got no whole answer from a dyno, by Heroku's H-codes.
#[derive(Clone, Copy, Debug, Eq, Hash, PartialEq)]
#[non_exhaustive]
pub enum RouterError {
    /// H10, the app's fault: all web dynos have crashed.
    AppCrashed,
    /// H11, the app's fault: every web dyno's queue is full.
    BacklogTooDeep,
    /// H12, the app's fault: no answer began in time.
    RequestTimeout,
    /// H13, the app's fault: the dyno died or returned without an answer.
    ClosedWithoutResponse,
    /// H14, the owner's choice: no web dyno runs.
    NoWebDynos,
    /// H15, the app's fault: the answer stood still for too long.
    IdleConnection,
    /// H17, the app's fault: the answer is not legal HTTP.
    PoorlyFormattedResponse,
    /// H18, the app's fault: the answer broke off in its body.
    ServerRequestInterrupted,
    /// H20, the app's fault: it was not up in time.
    BootTimeout,
    /// H24, the operator's: the router stopped before the answer was whole.
    ForcedClose,
    /// H25, the app's fault: a header of the answer is too long.
    HttpRestriction,
    /// H26, the caller's fault: the request is not legal.
    InvalidRequest(InvalidRequest),
    /// H27, the caller's: the client went away.
    ClientRequestInterrupted,
    /// H28, the caller's fault: the client stood still for too long.
    ClientConnectionIdle,
    /// H80, the owner's choice: maintenance mode.
    Maintenance,
    /// H81, the owner's choice: nothing was deployed.
    BlankApp,
    /// H99, the operator's fault.
    PlatformError,
    /// No app answers at this host (no H-code, since there is no app to log it for).
    NoSuchApp,
}

/// What is wrong with a request that the router refuses.
#[derive(Clone, Copy, Debug, Eq, Hash, PartialEq)]
pub enum InvalidRequest {
    /// No host, two hosts, or something that is no host.
    Host,
    /// An `Expect` other than `100-continue`.
    Expect,
    /// `CONNECT`.
    Method,
    /// The request line is too long.
    RequestLine,
    /// A header line is too long.
    HeaderLine,
}

/// What a log line says about an error.
pub(super) struct Facts {
    /// Heroku's code; empty if it has none.
    pub(super) code: &'static str,
    /// Heroku's words for the code.
    pub(super) desc: &'static str,
    /// What the log says; 499 is never sent.
    pub(super) status: u16,
}

const fn facts(code: &'static str, desc: &'static str, status: u16) -> Facts {
    Facts { code, desc, status }
}

impl RouterError {
    /// Heroku's code, `H12`; empty for [`NoSuchApp`](Self::NoSuchApp).
    #[must_use]
    pub fn code(self) -> &'static str {
        self.facts().code
    }

    /// The status which the client is answered with, if it still can be.
    #[must_use]
    pub fn status(self) -> StatusCode {
        match self.facts().status {
            499 => StatusCode::REQUEST_TIMEOUT,
            status => StatusCode::from_u16(status).unwrap_or(StatusCode::SERVICE_UNAVAILABLE),
        }
    }

    pub(super) fn facts(self) -> Facts {
        match self {
            Self::AppCrashed => facts("H10", "App crashed", 503),
            Self::BacklogTooDeep => facts("H11", "Backlog too deep", 503),
            Self::RequestTimeout => facts("H12", "Request timeout", 503),
            Self::ClosedWithoutResponse => facts("H13", "Connection closed without response", 503),
            Self::NoWebDynos => facts("H14", "No web dynos running", 503),
            Self::IdleConnection => facts("H15", "Idle connection", 503),
            Self::PoorlyFormattedResponse => facts("H17", "Poorly formatted HTTP response", 503),
            Self::ServerRequestInterrupted => facts("H18", "Server Request Interrupted", 503),
            Self::BootTimeout => facts("H20", "App boot timeout", 503),
            Self::ForcedClose => facts("H24", "Forced close", 503),
            Self::HttpRestriction => facts("H25", "HTTP Restriction", 503),
            Self::ClientRequestInterrupted => facts("H27", "Client Request Interrupted", 499),
            Self::ClientConnectionIdle => facts("H28", "Client Connection Idle", 499),
            Self::Maintenance => facts("H80", "Maintenance mode", 503),
            Self::BlankApp => facts("H81", "Blank app", 503),
            Self::PlatformError => facts("H99", "Platform error", 503),
            Self::NoSuchApp => facts("", "No such app", 404),
            Self::InvalidRequest(what) => facts("H26", "Request Error", what.status()),
        }
    }

    /// For the person in front of the page, and for the app's owner; HTML.
    pub(super) fn advice(self) -> &'static str {
        match self {
            Self::AppCrashed => "The app crashed while starting. If it is yours, its log shows why.",
            Self::BacklogTooDeep => {
                "The app has more requests than it can take. Try again in a moment. If it is yours, run more web dynos or make its requests faster."
            }
            Self::RequestTimeout => {
                "The app took too long to answer. If it is yours, its log shows what it was doing; move long work to a worker."
            }
            Self::ClosedWithoutResponse => {
                "The app stopped before it answered. If it is yours, its log shows why."
            }
            Self::NoWebDynos => {
                "The app runs no web process. If it is yours, check that its Procfile has a <code>web:</code> line and that a web dyno runs."
            }
            Self::IdleConnection => {
                "The app stopped in the middle of its answer. If it is yours, its log shows what it was doing."
            }
            Self::PoorlyFormattedResponse => {
                "The app's answer is not legal HTTP. If it is yours, check the status and the Content-Length it sends."
            }
            Self::ServerRequestInterrupted => {
                "The app broke off in the middle of its answer. If it is yours, its log shows why."
            }
            Self::BootTimeout => {
                "The app takes too long to start. If it is yours, its log shows what it is doing."
            }
            Self::ForcedClose => "The server is restarting. Try again in a moment.",
            Self::HttpRestriction => {
                "A header of the app's answer is too long. If it is yours, send shorter headers and cookies of at most 8 KB."
            }
            Self::ClientRequestInterrupted => "The client closed the connection.",
            Self::ClientConnectionIdle => "The client sent or took nothing for too long.",
            Self::Maintenance => "The app is closed for maintenance. Try again later.",
            Self::BlankApp => {
                "Nothing is here yet. If the app is yours, its build has not succeeded; its log shows why."
            }
            Self::PlatformError => {
                "Something failed that is not the app's fault. Try again in a moment; if it stays, tell the operator of this server."
            }
            Self::NoSuchApp => {
                "There is no app at this address. If you expected one, check the app's name and its domains."
            }
            Self::InvalidRequest(what) => what.advice(),
        }
    }
}

impl InvalidRequest {
    fn status(self) -> u16 {
        match self {
            Self::Host => 400,
            Self::Expect => 417,
            Self::Method => 405,
            Self::RequestLine => 414,
            Self::HeaderLine => 431,
        }
    }

    fn advice(self) -> &'static str {
        match self {
            Self::Host => "The request must name one host.",
            Self::Expect => "Of the Expect header only 100-continue is known here.",
            Self::Method => "CONNECT is not for this server.",
            Self::RequestLine => "The address of the request is too long.",
            Self::HeaderLine => "A header of the request is too long.",
        }
    }
}

impl From<InvalidRequest> for RouterError {
    fn from(what: InvalidRequest) -> Self {
        Self::InvalidRequest(what)
    }
}

impl fmt::Display for RouterError {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let Facts { code, desc, .. } = self.facts();
        if code.is_empty() { f.write_str(desc) } else { write!(f, "{code} ({desc})") }
    }
}

impl std::error::Error for RouterError {}
