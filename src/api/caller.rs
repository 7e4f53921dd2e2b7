use super::{Api, error::ApiError};
use crate::access::{Caller as Known, ClientAddress, Credentials};
use crate::ledger::Account;
use axum::{
    extract::{FromRequestParts, Request, State as Handle},
    http::{HeaderValue, request::Parts},
    middleware::Next,
    response::{IntoResponse, Response},
};
use std::{ops::Deref, sync::Arc};

/// Who asks, and how often they still may.
#[derive(Clone, Debug)]
pub(super) struct Caller {
    known: Known,
    /// How many requests the account has left.
    pub(super) remaining: u32,
}

impl Deref for Caller {
    type Target = Known;

    fn deref(&self) -> &Known {
        &self.known
    }
}

/// Whose token or password was shown, to get a token.
#[derive(Clone)]
pub(super) struct Claimant(pub(super) Arc<Account>);

/// What a request shows, and from where it comes.
fn credentials(request: &Request) -> Option<Credentials> {
    let from: Option<&ClientAddress> = request.extensions().get();
    Credentials::of(request.headers()).map(|credentials| credentials.sent_from(from.copied()))
}

/// How many requests an account has left after this one.
fn take(api: &Api, account: &Account) -> Result<u32, ApiError> {
    api.allowance().take(account.id, api.now()).ok_or_else(ApiError::rate_limited)
}

/// Lets a request pass when its caller is known and may ask again.
pub(super) async fn admit(Handle(api): Handle<Api>, request: Request, next: Next) -> Response {
    let known = api.doorkeeper().by_token(credentials(&request).as_ref()).map_err(ApiError::from);
    let caller = known.and_then(|known| {
        let remaining = take(&api, &known.account)?;
        Ok((Caller { known, remaining }, remaining))
    });
    pass(caller, request, next).await
}

/// The same for a caller who may show a password.
pub(super) async fn admit_claimant(Handle(api): Handle<Api>, request: Request, next: Next) -> Response {
    let known = api.doorkeeper().by_token_or_password(credentials(&request).as_ref()).await;
    let claimant = known.map_err(ApiError::from).and_then(|account| {
        let remaining = take(&api, &account)?;
        Ok((Claimant(account), remaining))
    });
    pass(claimant, request, next).await
}

/// Hands on a request with who asks, and tells how many they have left.
async fn pass<T: Clone + Send + Sync + 'static>(
    who: Result<(T, u32), ApiError>,
    mut request: Request,
    next: Next,
) -> Response {
    let (mut response, remaining) = match who {
        Ok((who, remaining)) => {
            request.extensions_mut().insert(who);
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

impl<S: Sync> FromRequestParts<S> for Claimant {
    type Rejection = ApiError;

    async fn from_request_parts(parts: &mut Parts, _: &S) -> Result<Self, ApiError> {
        parts.extensions.get().cloned().ok_or_else(ApiError::unauthorized)
    }
}
