use super::{Api, error::ApiError};
use crate::ledger::{Account, Actor, App, State};
use crate::slug::Digest;
use axum::{
    extract::{FromRequestParts, Request, State as Handle},
    http::{HeaderMap, HeaderValue, header, request::Parts},
    middleware::Next,
    response::{IntoResponse, Response},
};
use base64::{Engine as _, engine::general_purpose::STANDARD_PAD_INDIFFERENT as BASE64};
use std::sync::Arc;

/// Who asks.
#[derive(Clone, Debug)]
pub(super) struct Caller {
    pub(super) account: Arc<Account>,
    /// Whether it is the platform's owner, who sees every app.
    pub(super) is_owner: bool,
    /// How many requests the account has left.
    pub(super) remaining: u32,
}

impl Caller {
    /// Whoever has the token of `headers`.
    fn of(api: &Api, headers: &HeaderMap) -> Result<Self, ApiError> {
        let token = token(headers).ok_or_else(ApiError::unauthorized)?;
        let state = api.state();
        let authorization = state.authorizations.get(&Digest::of(token.as_bytes()));
        let now = api.now();
        let valid = authorization.filter(|token| token.expires_at.is_none_or(|end| now < end));
        let account = valid.and_then(|token| state.accounts.get(&token.account));
        let account = account.cloned().ok_or_else(ApiError::unauthorized)?;
        let remaining = api.allowance().take(account.id, now).ok_or_else(ApiError::rate_limited)?;
        Ok(Self { is_owner: state.owner == Some(account.id), account, remaining })
    }

    /// The caller, for the ledger.
    pub(super) fn actor(&self) -> Actor {
        Actor::Account { id: self.account.id, email: self.account.email.clone() }
    }

    pub(super) fn may_see(&self, app: &App) -> bool {
        self.is_owner || app.owner == self.account.id
    }

    /// The app that `identity` names, if the caller may know of it.
    pub(super) fn app(&self, state: &State, identity: &str) -> Result<Arc<App>, ApiError> {
        let app = state.app(identity).filter(|app| self.may_see(app));
        app.cloned().ok_or_else(|| ApiError::missing("app"))
    }
}

/// The token of `Bearer TOKEN`, or the password of `Basic USER:TOKEN` whatever the user is called.
fn token(headers: &HeaderMap) -> Option<String> {
    let (scheme, credentials) = headers.get(header::AUTHORIZATION)?.to_str().ok()?.trim().split_once(' ')?;
    let credentials = credentials.trim();
    if scheme.eq_ignore_ascii_case("bearer") {
        return Some(credentials.to_owned());
    }
    let basic = scheme.eq_ignore_ascii_case("basic").then(|| BASE64.decode(credentials).ok())??;
    let (_, password) = std::str::from_utf8(&basic).ok()?.split_once(':')?;
    Some(password.to_owned())
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

#[cfg(test)]
mod tests {
    use super::*;

    fn token_of(authorization: &'static str) -> Option<String> {
        let mut headers = HeaderMap::new();
        headers.insert(header::AUTHORIZATION, HeaderValue::from_static(authorization));
        token(&headers)
    }

    #[test]
    fn a_token_comes_as_bearer_or_as_password() {
        for authorization in ["Bearer abc", "bearer  abc ", "Basic bWVAZXhhbXBsZS5jb206YWJj", "basic OmFiYw"]
        {
            assert_eq!(token_of(authorization).as_deref(), Some("abc"), "{authorization}");
        }
        for authorization in ["", "abc", "Basic", "Basic !", "Basic YWJj", "Digest abc"] {
            assert_eq!(token_of(authorization), None, "{authorization}");
        }
    }
}
