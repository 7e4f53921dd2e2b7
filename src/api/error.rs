use crate::access::{AccountError, Refused};
use crate::formation::OneOffError;
use crate::ledger::{AppendError, ChangeError, LedgerError};
use crate::release::ReleaseError;
use crate::slug::{CommandError, SlugError};
use axum::{
    Json,
    http::{HeaderValue, StatusCode, header},
    response::{IntoResponse, Response},
};
use std::{error::Error, fmt, time::Duration};

/// What a request is refused with: a status, and the body that clients of Heroku's API expect.
///
/// This is the one place where a fault of another room gets a status.
pub(super) struct ApiError {
    status: StatusCode,
    id: &'static str,
    message: String,
    resource: Option<&'static str>,
    /// How long to wait before it is asked again.
    wait: Option<Duration>,
}

/// Without the wait, which the message tells.
impl fmt::Debug for ApiError {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let Self { status, id, message, resource, wait: _ } = self;
        let mut debug = f.debug_struct("ApiError");
        debug.field("status", &status.as_u16()).field("id", id).field("message", message);
        debug.field("resource", resource).finish()
    }
}

#[derive(serde::Serialize)]
struct Body<'a> {
    id: &'a str,
    message: &'a str,
    #[serde(skip_serializing_if = "Option::is_none")]
    resource: Option<&'a str>,
}

impl ApiError {
    fn new(status: StatusCode, id: &'static str, message: impl Into<String>) -> Self {
        Self { status, id, message: message.into(), resource: None, wait: None }
    }

    /// There is no such `resource`, or not for this caller.
    pub(super) fn missing(resource: &'static str) -> Self {
        let message = format!("Couldn't find that {}.", resource.replace('_', " "));
        Self { resource: Some(resource), ..Self::not_found(message) }
    }

    /// There is nothing at this address.
    pub(super) fn not_found(message: impl Into<String>) -> Self {
        Self::new(StatusCode::NOT_FOUND, "not_found", message)
    }

    /// The app's current release has no such process type.
    pub(super) fn no_process_type(name: &str) -> Self {
        let message = format!("Couldn't find that process type ({name}).");
        Self { resource: Some("formation"), ..Self::not_found(message) }
    }

    /// The request is understood, and cannot be meant.
    pub(super) fn invalid(message: impl Into<String>) -> Self {
        Self::new(StatusCode::UNPROCESSABLE_ENTITY, "invalid_params", message)
    }

    /// The request is not understood.
    pub(super) fn malformed(message: impl Into<String>) -> Self {
        Self::new(StatusCode::BAD_REQUEST, "bad_request", message)
    }

    pub(super) fn forbidden(message: impl Into<String>) -> Self {
        Self::new(StatusCode::FORBIDDEN, "forbidden", message)
    }

    pub(super) fn conflict(message: impl Into<String>) -> Self {
        Self::new(StatusCode::CONFLICT, "conflict", message)
    }

    pub(super) fn unauthorized() -> Self {
        Self::new(StatusCode::UNAUTHORIZED, "unauthorized", "Invalid credentials provided.")
    }

    pub(super) fn wrong_method() -> Self {
        let message = "This resource cannot be used that way: see the Allow header for the methods it has.";
        Self::new(StatusCode::METHOD_NOT_ALLOWED, "method_not_allowed", message)
    }

    /// What is at this address is spoken to in another protocol.
    pub(super) fn upgrade_required(protocol: &str) -> Self {
        let message = format!("Ask over HTTP/1.1 with `Connection: upgrade` and `Upgrade: {protocol}`.");
        Self::new(StatusCode::UPGRADE_REQUIRED, "upgrade_required", message)
    }

    pub(super) fn not_acceptable() -> Self {
        let message = "Only `Accept: application/vnd.heroku+json; version=3` can be answered.";
        Self::new(StatusCode::NOT_ACCEPTABLE, "not_acceptable", message)
    }

    pub(super) fn range(message: impl Into<String>) -> Self {
        Self::new(StatusCode::RANGE_NOT_SATISFIABLE, "requested_range_not_satisfiable", message)
    }

    pub(super) fn too_large(message: impl Into<String>) -> Self {
        Self::new(StatusCode::PAYLOAD_TOO_LARGE, "payload_too_large", message)
    }

    pub(super) fn too_slow(what: &str, limit: Duration) -> Self {
        let message = format!("Nothing of the {what} came for {} s: send it again.", limit.as_secs());
        Self::new(StatusCode::REQUEST_TIMEOUT, "request_timeout", message)
    }

    pub(super) fn rate_limited() -> Self {
        let message =
            "Your account reached the API rate limit. Please wait a few minutes before making new requests.";
        Self::too_many(message)
    }

    /// There is room for no more of these at one time.
    pub(super) fn too_many(message: impl Into<String>) -> Self {
        Self::new(StatusCode::TOO_MANY_REQUESTS, "rate_limit", message)
    }

    pub(super) fn stopping() -> Self {
        let message = "The platform is stopping; try again when it is back.";
        Self::new(StatusCode::SERVICE_UNAVAILABLE, "service_unavailable", message)
    }

    /// The platform could not `action`: the operator's to repair, who finds `cause` in the platform's log; the caller
    /// learns nothing of the host.
    pub(super) fn operator(action: &str, cause: &(dyn Error + 'static)) -> Self {
        tracing::error!(error = %chain(cause), "could not {action}");
        let message = "The platform cannot do this now. Its operator finds the reason in the platform's log.";
        Self::new(StatusCode::SERVICE_UNAVAILABLE, "service_unavailable", message)
    }

    /// A bug of the platform, of which its log tells.
    pub(super) fn internal() -> Self {
        let message = "Something went wrong inside of the platform. Its operator finds the reason in the platform's log.";
        Self::new(StatusCode::INTERNAL_SERVER_ERROR, "internal_server_error", message)
    }
}

/// An error of a room below, as the API writes messages.
fn sentence(error: &dyn Error) -> String {
    let text = error.to_string();
    // A name at its start, as `v1` or one in backticks, stays as it is.
    let begins_with_a_word = text.starts_with(|c: char| c.is_ascii_lowercase())
        && text[1..].starts_with(|c: char| c.is_ascii_lowercase() || c == ' ');
    let (first, rest) = text.split_at(usize::from(begins_with_a_word));
    format!("{}{rest}.", first.to_ascii_uppercase())
}

/// `error` and what caused it, for the platform's log.
fn chain(error: &(dyn Error + 'static)) -> String {
    let (mut text, mut cause) = (error.to_string(), error.source());
    while let Some(deeper) = cause {
        text = format!("{text}: {deeper}");
        cause = deeper.source();
    }
    text
}

impl IntoResponse for ApiError {
    fn into_response(self) -> Response {
        let Self { status, id, message, resource, wait } = self;
        let mut response = (status, Json(Body { id, message: &message, resource })).into_response();
        if status == StatusCode::UNAUTHORIZED {
            let challenge = HeaderValue::from_static(r#"Basic realm="Hokku""#);
            response.headers_mut().insert(header::WWW_AUTHENTICATE, challenge);
        }
        if let Some(wait) = wait {
            let seconds = wait.as_micros().div_ceil(1_000_000);
            let seconds = u32::try_from(seconds).unwrap_or(u32::MAX);
            response.headers_mut().insert(header::RETRY_AFTER, HeaderValue::from(seconds));
        }
        response
    }
}

impl From<Refused> for ApiError {
    fn from(refused: Refused) -> Self {
        let message = refused.to_string();
        match refused {
            Refused::Unauthorized => Self::unauthorized(),
            Refused::TooMany { wait } => Self { wait: Some(wait), ..Self::too_many(message) },
            Refused::NoApp => Self::missing("app"),
            _ => Self::forbidden(message),
        }
    }
}

impl From<AccountError> for ApiError {
    fn from(error: AccountError) -> Self {
        use AccountError as E;
        match error {
            E::Refused(refused) => refused.into(),
            E::NoAuthorization => Self::missing("authorization"),
            E::NoCollaborator => Self::missing("collaborator"),
            E::Busy => Self { wait: Some(Duration::from_secs(1)), ..Self::too_many(sentence(&error)) },
            E::Unhashable(_) | E::Random(_) => Self::operator("change an account", &error),
            E::Append(append) => append.into(),
            refused => Self::invalid(sentence(&refused)),
        }
    }
}

impl From<OneOffError> for ApiError {
    fn from(error: OneOffError) -> Self {
        match error {
            OneOffError::NoApp => Self::missing("app"),
            OneOffError::Stopping => Self::stopping(),
            refused => Self::invalid(sentence(&refused)),
        }
    }
}

impl From<CommandError> for ApiError {
    fn from(error: CommandError) -> Self {
        Self::invalid(sentence(&error))
    }
}

impl From<AppendError> for ApiError {
    fn from(error: AppendError) -> Self {
        match error {
            AppendError::Closed => Self::stopping(),
            AppendError::Conflict { .. } | AppendError::Misfit(_) => {
                Self::conflict("Something else was changed at the same time; look again, and try again.")
            }
            AppendError::TooLarge { .. } => Self::too_large(sentence(&error)),
            AppendError::Ledger(LedgerError::Full { .. }) => {
                Self::operator("record a change", &error);
                let message =
                    "The platform's disk is full, so nothing was changed. Its operator has to make room.";
                Self::new(StatusCode::SERVICE_UNAVAILABLE, "service_unavailable", message)
            }
            other => Self::operator("record a change", &other),
        }
    }
}

impl From<ChangeError<ApiError>> for ApiError {
    fn from(error: ChangeError<ApiError>) -> Self {
        match error {
            ChangeError::Refused(refused) => refused,
            ChangeError::Append(append) => append.into(),
        }
    }
}

impl From<ReleaseError> for ApiError {
    fn from(error: ReleaseError) -> Self {
        use ReleaseError as E;
        match error {
            E::NoApp => Self::missing("app"),
            E::NoRelease { .. } => Self::missing("release"),
            E::NoSlug => Self::missing("slug"),
            E::NameTaken(_) | E::NameReserved(_) => Self::invalid(error.to_string()),
            E::BuildNotAllowed => Self::forbidden(sentence(&error)),
            E::Busy { .. } => Self::conflict(sentence(&error)),
            E::TooManyBuilds { .. } => Self::too_many(sentence(&error)),
            E::Stopping => Self::stopping(),
            E::Append(append) => append.into(),
            // Its own text names the file, which is the platform's.
            E::Slug(SlugError::NotASlug { why, .. }) => {
                Self::invalid(format!("What was uploaded is not a slug: {why}."))
            }
            fault if fault.is_host_fault() => Self::operator("make a release", &fault),
            refused => Self::invalid(sentence(&refused)),
        }
    }
}
