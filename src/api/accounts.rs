//! Accounts, for the platform's owner: an addition of ours, since Heroku makes accounts elsewhere.

use super::{
    Api,
    account::Shape,
    caller::Caller,
    error::ApiError,
    fields::Fields,
    pages::{Page, Pages},
    scope::Word,
};
use crate::ledger::Account;
use axum::{Json, Router, extract::State as Handle, http::StatusCode, routing::get};
use std::sync::Arc;

pub(super) fn routes() -> Router<Api> {
    Router::new()
        .route("/accounts", get(list).post(create))
        .route("/accounts/{account}", get(info).patch(update).delete(remove))
}

type Answer = Result<Json<Shape>, ApiError>;

/// The account that `identity` (an e-mail address or an id) names; `~` is the caller's.
fn find(api: &Api, caller: &Caller, identity: &str) -> Result<Arc<Account>, ApiError> {
    if identity == "~" {
        return Ok(Arc::clone(&caller.account));
    }
    api.state().account(identity).cloned().ok_or_else(|| ApiError::missing("account"))
}

async fn list(Handle(api): Handle<Api>, caller: Caller, pages: Pages) -> Result<Page<Shape>, ApiError> {
    caller.must_be_operator()?;
    pages.of(api.state().accounts.values().map(|account| Shape::of(account)))
}

async fn info(Handle(api): Handle<Api>, caller: Caller, Word(named): Word) -> Answer {
    caller.must_be_operator()?;
    Ok(Json(Shape::of(&*find(&api, &caller, &named)?)))
}

async fn create(
    Handle(api): Handle<Api>,
    caller: Caller,
    fields: Fields,
) -> Result<(StatusCode, Json<Shape>), ApiError> {
    caller.must_be_operator()?;
    let email = fields.text("email")?.ok_or_else(|| fields.needs("email"))?;
    let password = fields.text("password")?;
    let made = api.doorkeeper().create_account(&caller.actor(), email, password).await?;
    Ok((StatusCode::CREATED, Json(Shape::of(&made))))
}

/// Gives an account another password, without knowing the old one.
async fn update(Handle(api): Handle<Api>, caller: Caller, Word(named): Word, fields: Fields) -> Answer {
    caller.must_be_operator()?;
    let account = find(&api, &caller, &named)?;
    let password = fields.text("password")?.ok_or_else(|| fields.needs("password"))?;
    let changed = api.doorkeeper().set_password(&caller.actor(), account.id, password).await?;
    Ok(Json(Shape::of(&changed)))
}

async fn remove(Handle(api): Handle<Api>, caller: Caller, Word(named): Word) -> Answer {
    caller.must_be_operator()?;
    let account = find(&api, &caller, &named)?;
    api.doorkeeper().remove_account(&caller.actor(), account.id).await?;
    Ok(Json(Shape::of(&account)))
}
