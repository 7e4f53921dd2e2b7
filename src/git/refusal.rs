use crate::access::Refused;
use axum::{
    body::Body,
    http::{HeaderValue, StatusCode, header},
    response::{IntoResponse, Response},
};

/// The most characters of an app's name that a refusal repeats.
const NAME_LIMIT: usize = 60;

/// Why a request is not served. git shows the words of an answer that is plain text.
#[derive(Debug)]
pub(super) enum Refusal {
    /// Who asks is not let in.
    Access(Refused),
    /// There is no such app, or not for this caller.
    NoApp(String),
    /// It is not git that asks, or one that is too old.
    NotSmart,
    /// The request is not as git sends it.
    Malformed(&'static str),
    /// The machine has no git that can be used.
    NoGit,
    /// There is no room for another exchange.
    Busy,
    /// The platform stops.
    Stopping,
    /// Something failed that the operator finds in the log.
    Host,
}

impl Refusal {
    /// The fault is the operator's, who reads it in the log.
    pub(super) fn host(what: &str, cause: &dyn std::fmt::Display) -> Self {
        tracing::error!(%cause, "git: cannot {what}");
        Self::Host
    }

    fn status(&self) -> StatusCode {
        match self {
            Self::Access(Refused::Unauthorized) => StatusCode::UNAUTHORIZED,
            Self::Access(Refused::TooMany { .. }) => StatusCode::TOO_MANY_REQUESTS,
            Self::Access(Refused::NoApp) | Self::NoApp(_) => StatusCode::NOT_FOUND,
            Self::Access(_) | Self::NotSmart => StatusCode::FORBIDDEN,
            Self::Malformed(_) => StatusCode::BAD_REQUEST,
            Self::NoGit | Self::Busy | Self::Stopping => StatusCode::SERVICE_UNAVAILABLE,
            Self::Host => StatusCode::INTERNAL_SERVER_ERROR,
        }
    }

    fn words(&self) -> String {
        match self {
            Self::Access(refused) => refused.to_string(),
            Self::NoApp(name) => {
                let shown: String = name.chars().filter(|c| !c.is_control()).take(NAME_LIMIT).collect();
                format!("No such app as {shown}.")
            }
            Self::NotSmart => {
                "Only git's smart protocol is spoken here: clone with git 1.6.6 or newer.".into()
            }
            Self::Malformed(what) => (*what).to_owned(),
            Self::NoGit => {
                "This platform has no git. Its operator finds what to do in the platform's log.".into()
            }
            Self::Busy => "Too many pushes or fetches are under way. Try again in a minute.".into(),
            Self::Stopping => "The platform is stopping. Try again when it is back.".into(),
            Self::Host => {
                "The platform could not do this. Its operator finds the reason in the platform's log.".into()
            }
        }
    }
}

impl From<Refused> for Refusal {
    fn from(refused: Refused) -> Self {
        Self::Access(refused)
    }
}

impl IntoResponse for Refusal {
    fn into_response(self) -> Response {
        let mut response = Response::new(Body::from(self.words() + "\n"));
        *response.status_mut() = self.status();
        let headers = response.headers_mut();
        headers.insert(header::CONTENT_TYPE, HeaderValue::from_static("text/plain; charset=utf-8"));
        headers.insert(header::CACHE_CONTROL, HeaderValue::from_static("no-cache"));
        match self {
            Self::Access(Refused::Unauthorized) => {
                headers.insert(
                    header::WWW_AUTHENTICATE,
                    HeaderValue::from_static("Basic realm=\"Hokku\", charset=\"UTF-8\""),
                );
            }
            Self::Access(Refused::TooMany { wait }) => {
                headers.insert(header::RETRY_AFTER, HeaderValue::from(wait.as_secs().max(1)));
            }
            Self::Busy => {
                headers.insert(header::RETRY_AFTER, HeaderValue::from(60));
            }
            _ => {}
        }
        response
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn refusals_say_what_to_do() {
        let told = |refusal: Refusal| format!("{} {}", refusal.status().as_u16(), refusal.words());
        insta::assert_snapshot!(told(Refused::Unauthorized.into()), @"401 Invalid credentials provided.");
        insta::assert_snapshot!(told(Refused::Scope.into()), @"403 This token's scopes do not allow it. Use one that was made with wider scopes.");
        insta::assert_snapshot!(told(Refusal::NoApp("sh\u{1b}op".to_owned())), @"404 No such app as shop.");
        insta::assert_snapshot!(told(Refusal::NotSmart), @"403 Only git's smart protocol is spoken here: clone with git 1.6.6 or newer.");
        insta::assert_snapshot!(told(Refusal::NoGit), @"503 This platform has no git. Its operator finds what to do in the platform's log.");
        insta::assert_snapshot!(told(Refusal::Busy), @"503 Too many pushes or fetches are under way. Try again in a minute.");
        insta::assert_snapshot!(told(Refusal::Stopping), @"503 The platform is stopping. Try again when it is back.");
        insta::assert_snapshot!(told(Refusal::Host), @"500 The platform could not do this. Its operator finds the reason in the platform's log.");
    }

    #[test]
    fn who_is_not_let_in_is_asked_for_a_password() {
        let answer = Refusal::from(Refused::Unauthorized).into_response();
        let asked = answer.headers()[header::WWW_AUTHENTICATE].to_str().expect("text");
        assert!(asked.starts_with("Basic realm=\"Hokku\""), "{asked}");
        assert!(answer.headers()[header::CONTENT_TYPE].to_str().expect("text").starts_with("text/plain"));
    }
}
