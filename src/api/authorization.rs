use super::{
    Api,
    caller::{Caller, Claimant, admit_claimant},
    envelope,
    error::ApiError,
    fields::Fields,
    pages::{Field, Key, Listed, Page, Pages},
    parts::{Moment, Null, derived_id},
    scope::Word,
};
use crate::access::{Need, Scopes, TokenWish};
use crate::clock::Timestamp;
use crate::ledger::{Account, Authorization, TokenScope};
use crate::name::AuthorizationId;
use axum::{
    Json, Router,
    extract::State as Handle,
    http::StatusCode,
    middleware::{from_fn, from_fn_with_state},
    routing::{get, post},
};
use serde::Serialize;
use serde_json::Value;
use std::{collections::BTreeSet, time::Duration};

/// What a token is for when nobody says it, as on Heroku.
const USUAL_DESCRIPTION: &str = "Long-lived user authorization";

pub(super) fn routes() -> Router<Api> {
    Router::new()
        .route("/oauth/authorizations", get(list))
        .route("/oauth/authorizations/{authorization}", get(info).delete(revoke))
        .route("/oauth/authorizations/{authorization}/actions/regenerate-tokens", post(regenerate))
        // There are no sessions of browsers.
        .route("/oauth/sessions", get(sessions))
        .route("/oauth/sessions/{session}", get(no_session).delete(no_session))
}

/// What a password opens as well as a token.
pub(super) fn creating(api: &Api) -> Router<Api> {
    Router::new()
        .route("/oauth/authorizations", post(create))
        .route_layer(from_fn_with_state(api.clone(), admit_claimant))
        .route_layer(from_fn(envelope::in_json))
}

/// A token, without its text but in the answer that makes it.
#[derive(Debug, Serialize)]
struct Shape {
    access_token: TokenShape,
    client: Null,
    created_at: Moment,
    description: String,
    grant: Null,
    id: String,
    refresh_token: Null,
    scope: BTreeSet<TokenScope>,
    session: Null,
    updated_at: Moment,
    user: UserShape,
}

#[derive(Debug, Serialize)]
struct TokenShape {
    /// How many seconds it is valid still.
    expires_in: Option<i64>,
    id: String,
    /// Empty when it is not told; of the caller's own, its beginning and end.
    token: String,
}

#[derive(Debug, Serialize)]
struct UserShape {
    email: String,
    full_name: Null,
    id: String,
}

impl Listed for Shape {
    const FIELDS: &'static [Field<Self>] =
        &[Field { name: "id", key: |authorization| Key::text(&authorization.id), unique: true }];

    fn id(&self) -> &str {
        &self.id
    }
}

impl Shape {
    fn of(authorization: &Authorization, account: &Account, token: &str, now: Timestamp) -> Self {
        let id = authorization.id.to_string();
        let left = |end: Timestamp| (end.unix_micros() - now.unix_micros()).max(0) / 1_000_000;
        Self {
            access_token: TokenShape {
                expires_in: authorization.expires_at.map(left),
                id: derived_id(&["access-token", &id, &authorization.created_at.to_string()]),
                token: token.to_owned(),
            },
            client: (),
            created_at: Moment(authorization.created_at),
            description: authorization.description.clone(),
            grant: (),
            id,
            refresh_token: (),
            scope: Scopes::new(authorization.scopes.clone()).named(),
            session: (),
            updated_at: Moment(authorization.created_at),
            user: UserShape { email: account.email.clone(), full_name: (), id: account.id.to_string() },
        }
    }

    /// One of the caller's, as it is shown later on.
    fn known(authorization: &Authorization, caller: &Caller, now: Timestamp) -> Self {
        let own = authorization.id == caller.authorization;
        Self::of(authorization, &caller.account, if own { &caller.token_hint } else { "" }, now)
    }
}

type Answer = Result<Json<Shape>, ApiError>;

fn missing() -> ApiError {
    ApiError::missing("authorization")
}

/// The caller's tokens that are valid now.
async fn list(Handle(api): Handle<Api>, caller: Caller, pages: Pages) -> Result<Page<Shape>, ApiError> {
    caller.needs(Need::Global)?;
    let (state, now) = (api.state(), api.now());
    let own = state.authorizations.values().filter(|token| token.account == caller.account.id);
    let valid = own.filter(|token| token.expires_at.is_none_or(|end| now < end));
    pages.of(valid.map(|token| Shape::known(token, &caller, now)))
}

/// The id in a path, if the caller's token may do with it what it wants: with itself, every token may.
fn named(caller: &Caller, word: &str) -> Result<AuthorizationId, ApiError> {
    let id = word.parse().map_err(|_| missing())?;
    if id != caller.authorization {
        caller.needs(Need::Global)?;
    }
    Ok(id)
}

async fn info(Handle(api): Handle<Api>, caller: Caller, Word(word): Word) -> Answer {
    let (id, state) = (named(&caller, &word)?, api.state());
    let mut own = state.authorizations.values().filter(|token| token.account == caller.account.id);
    let found = own.find(|token| token.id == id).ok_or_else(missing)?;
    Ok(Json(Shape::known(found, &caller, api.now())))
}

async fn create(
    Handle(api): Handle<Api>,
    Claimant(account): Claimant,
    fields: Fields,
) -> Result<(StatusCode, Json<Shape>), ApiError> {
    let wish = TokenWish {
        description: fields.text("description")?.unwrap_or(USUAL_DESCRIPTION).to_owned(),
        life: fields.count("expires_in")?.map(Duration::from_secs),
        scopes: scopes(&fields)?,
    };
    let (token, made) = api.doorkeeper().issue_token(&account, &wish).await?;
    Ok((StatusCode::CREATED, Json(Shape::of(&made, &account, token.reveal(), api.now()))))
}

fn scopes(fields: &Fields) -> Result<BTreeSet<TokenScope>, ApiError> {
    let Some(value) = fields.value("scope") else { return Ok(BTreeSet::new()) };
    let scope = |name: &Value| serde_json::from_value(name.clone()).ok();
    let scopes: Option<_> = value.as_array().and_then(|names| names.iter().map(scope).collect());
    scopes.ok_or_else(|| {
        let legal = "global, identity, read, write, read-protected, write-protected";
        ApiError::invalid(format!("`scope` must be an array of some of {legal}."))
    })
}

async fn regenerate(Handle(api): Handle<Api>, caller: Caller, Word(word): Word) -> Answer {
    let id = word.parse().map_err(|_| missing())?;
    caller.needs(Need::Global)?;
    let (token, made) = api.doorkeeper().regenerate_token(&caller.account, id).await?;
    Ok(Json(Shape::of(&made, &caller.account, token.reveal(), api.now())))
}

async fn revoke(Handle(api): Handle<Api>, caller: Caller, Word(word): Word) -> Answer {
    let id = named(&caller, &word)?;
    let revoked = api.doorkeeper().revoke_token(&caller.account, id).await?;
    Ok(Json(Shape::known(&revoked, &caller, api.now())))
}

async fn sessions(caller: Caller) -> Result<Json<[(); 0]>, ApiError> {
    caller.needs(Need::Identity)?;
    Ok(Json([]))
}

async fn no_session(_caller: Caller) -> ApiError {
    ApiError::missing("session")
}
