use super::{Api, caller::Caller, error::ApiError};
use crate::access::{Deed, Refused};
use crate::ledger::{App, State};
use axum::{
    extract::{FromRequestParts, RawPathParams},
    http::request::Parts,
};
use std::sync::Arc;

/// The app of a path `/apps/{app}/…`, and the state that it was found in.
pub(super) struct Scope {
    pub(super) app: Arc<App>,
    pub(super) state: Arc<State>,
    pub(super) caller: Caller,
}

impl Scope {
    /// That the caller may do `deed` with the app, which is more than its method tells.
    pub(super) fn may(&self, deed: Deed) -> Result<(), Refused> {
        self.caller.check(&self.app, &self.state, deed)
    }

    async fn of(parts: &mut Parts, api: &Api, deed: Deed) -> Result<Self, ApiError> {
        let caller = Caller::from_request_parts(parts, api).await?;
        let words = words(parts, api).await?;
        let named = words.iter().find(|(name, _)| *name == "app").map_or("", |(_, word)| word);
        let state = api.state();
        Ok(Self { app: caller.app(&state, named, deed)?, state, caller })
    }
}

/// The same where the method is not the safe one that it could be.
pub(super) struct Reading(pub(super) Scope);

/// The last variable word of a path: what names a thing of the app, or the thing itself.
pub(super) struct Word(pub(super) String);

impl FromRequestParts<Api> for Scope {
    type Rejection = ApiError;

    async fn from_request_parts(parts: &mut Parts, api: &Api) -> Result<Self, ApiError> {
        let deed = if parts.method.is_safe() { Deed::SEE } else { Deed::CHANGE };
        Self::of(parts, api, deed).await
    }
}

impl FromRequestParts<Api> for Reading {
    type Rejection = ApiError;

    async fn from_request_parts(parts: &mut Parts, api: &Api) -> Result<Self, ApiError> {
        Scope::of(parts, api, Deed::SEE).await.map(Self)
    }
}

impl FromRequestParts<Api> for Word {
    type Rejection = ApiError;

    async fn from_request_parts(parts: &mut Parts, api: &Api) -> Result<Self, ApiError> {
        let words = words(parts, api).await?;
        Ok(Self(words.iter().last().map(|(_, word)| word.to_owned()).unwrap_or_default()))
    }
}

async fn words(parts: &mut Parts, api: &Api) -> Result<RawPathParams, ApiError> {
    let words = RawPathParams::from_request_parts(parts, api).await;
    words.map_err(|_| ApiError::malformed("The path is not UTF-8."))
}
