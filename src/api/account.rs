use super::{
    Api,
    caller::Caller,
    error::ApiError,
    fields::Fields,
    pages::{Field, Key, Listed},
    parts::{Moment, Null},
    scope::Word,
};
use crate::access::Need;
use crate::ledger::Account;
use axum::{Json, Router, extract::State as Handle, routing::get};
use serde::Serialize;

pub(super) fn routes() -> Router<Api> {
    Router::new()
        .route("/account", get(own).patch(update))
        .route("/account/rate-limits", get(rate_limits))
        .route("/users/{account}", get(info))
}

/// Somebody, as only they and the platform's owner see them.
#[derive(Debug, Serialize)]
#[expect(clippy::struct_excessive_bools, reason = "Heroku's schema has them")]
pub(super) struct Shape {
    allow_tracking: bool,
    beta: bool,
    country_of_residence: Null,
    created_at: Moment,
    default_organization: Null,
    default_team: Null,
    delinquent_at: Null,
    email: String,
    federated: bool,
    id: String,
    identity_provider: Null,
    last_login: Null,
    name: Null,
    sms_number: Null,
    suspended_at: Null,
    two_factor_authentication: bool,
    updated_at: Moment,
    verified: bool,
}

impl Listed for Shape {
    const FIELDS: &'static [Field<Self>] = &[
        Field { name: "id", key: |account| Key::text(&account.id), unique: true },
        Field { name: "email", key: |account| Key::text(&account.email), unique: true },
    ];

    fn id(&self) -> &str {
        &self.id
    }
}

impl Shape {
    pub(super) fn of(account: &Account) -> Self {
        Self {
            allow_tracking: false,
            beta: false,
            country_of_residence: (),
            created_at: Moment(account.created_at),
            default_organization: (),
            default_team: (),
            delinquent_at: (),
            email: account.email.clone(),
            federated: false,
            id: account.id.to_string(),
            identity_provider: (),
            last_login: (),
            name: (),
            sms_number: (),
            suspended_at: (),
            two_factor_authentication: false,
            updated_at: Moment(account.created_at),
            verified: true,
        }
    }
}

async fn own(caller: Caller) -> Result<Json<Shape>, ApiError> {
    caller.needs(Need::Identity)?;
    Ok(Json(Shape::of(&caller.account)))
}

/// Gives the caller another password; nothing else of an account can be changed.
async fn update(Handle(api): Handle<Api>, caller: Caller, fields: Fields) -> Result<Json<Shape>, ApiError> {
    caller.needs(Need::Global)?;
    let new = fields.text("new_password")?.ok_or_else(|| fields.needs("new_password"))?;
    let changed = api.doorkeeper().change_password(&caller, fields.text("password")?, new).await?;
    Ok(Json(Shape::of(&changed)))
}

async fn info(Handle(api): Handle<Api>, caller: Caller, Word(named): Word) -> Result<Json<Shape>, ApiError> {
    caller.needs(Need::Identity)?;
    if named == "~" || is(&caller.account, &named) {
        return Ok(Json(Shape::of(&caller.account)));
    }
    let state = api.state();
    let other = state.accounts.values().find(|account| caller.is_operator && is(account, &named));
    other.map(|account| Json(Shape::of(account))).ok_or_else(|| ApiError::missing("account"))
}

/// Whether `identity` names this account: its id or its e-mail address.
pub(super) fn is(account: &Account, identity: &str) -> bool {
    identity.eq_ignore_ascii_case(&account.email) || identity == account.id.to_string()
}

#[derive(Debug, Serialize)]
struct ApiLimitsShape {
    remaining: u32,
}

async fn rate_limits(caller: Caller) -> Json<ApiLimitsShape> {
    Json(ApiLimitsShape { remaining: caller.remaining })
}
