use super::{Api, error::ApiError};
use crate::access::{Caller as Account, Credentials};
use axum::{
    extract::{FromRequestParts, Request, State as Handle},
    http::{HeaderMap, HeaderValue, request::Parts},
    middleware::Next,
    response::{IntoResponse, Response},
};
use std::ops::Deref;

/// Who asks, and how often they still may.
#[derive(Clone, Debug)]
pub(super) struct Caller {
    known: Account,
    /// How many requests the account has left.
    pub(super) remaining: u32,
}

impl Deref for Caller {
    type Target = Account;

    fn deref(&self) -> &Account {
        &self.known
    }
}

impl Caller {
    /// Whoever has the token of `headers`.
    fn of(api: &Api, headers: &HeaderMap) -> Result<Self, ApiError> {
        let known = api.doorkeeper().by_token(Credentials::of(headers).as_ref())?;
        let remaining =
            api.allowance().take(known.account.id, api.now()).ok_or_else(ApiError::rate_limited)?;
        Ok(Self { known, remaining })
    }
}

/// Lets a request pass when its caller is known and may ask again.
pub(super) async fn admit(Handle(api): Handle<Api>, mut request: Request, next: Next) -> Response {
    let (mut response, remaining) = match Caller::of(&api, request.headers()) {
        Ok(caller) => {
            let remaining = caller.remaining;
            request.extensions_mut().insert(caller);
            (next.run(request).await, remaining)
        }
        Err(refused) => (refused.into_response(), 0),
    };
    if response.status() != axum::http::StatusCode::UNAUTHORIZED {
        response.headers_mut().insert("ratelimit-remaining", HeaderValue::from(remaining));
    }
    response
}

impl<S: Sync> FromRequestParts<S> for Caller {
    type Rejection = ApiError;

    async fn from_request_parts(parts: &mut Parts, _: &S) -> Result<Self, ApiError> {
        parts.extensions.get().cloned().ok_or_else(ApiError::unauthorized)
    }
}
