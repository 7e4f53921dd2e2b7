use super::{
    Api,
    caller::Caller,
    error::ApiError,
    fields::Fields,
    parts::{Moment, Named, User, derived_id},
    scope::Word,
};
use crate::access::{Deed, Need};
use axum::{Json, Router, extract::State as Handle, http::StatusCode, routing::get};
use serde::Serialize;

pub(super) fn routes() -> Router<Api> {
    Router::new()
        .route("/account/app-transfers", get(list).post(create))
        .route("/account/app-transfers/{transfer}", get(info))
}

/// An app's change of owner. Nobody has to accept it, so that it is over when it is told.
#[derive(Debug, Serialize)]
struct Shape {
    app: Named,
    created_at: Moment,
    id: String,
    owner: User,
    recipient: User,
    state: &'static str,
    updated_at: Moment,
}

/// Nobody is told by e-mail, so that `silent` says nothing.
async fn create(
    Handle(api): Handle<Api>,
    caller: Caller,
    fields: Fields,
) -> Result<(StatusCode, Json<Shape>), ApiError> {
    let named = fields.identity("app")?.ok_or_else(|| fields.needs("app"))?;
    let before = api.state();
    let app = caller.app(&before, &named, Deed::TRANSFER)?;
    let recipient = fields.identity("recipient")?.ok_or_else(|| fields.needs("recipient"))?;
    let after = api.doorkeeper().transfer_app(&caller, app.id, &recipient).await?;
    let transferred = after.apps.get(&app.id).ok_or_else(|| ApiError::missing("app"))?;
    let (owner, recipient) = (User::owner(&app, &before), User::owner(transferred, &after));
    let now = transferred.updated_at;
    let words = ["app-transfer", &app.id.to_string(), &owner.id, &recipient.id, &now.to_string()];
    let shape = Shape {
        id: derived_id(&words),
        app: Named::app(transferred),
        created_at: Moment(now),
        owner,
        recipient,
        state: "accepted",
        updated_at: Moment(now),
    };
    Ok((StatusCode::CREATED, Json(shape)))
}

/// None waits.
async fn list(caller: Caller) -> Result<Json<[(); 0]>, ApiError> {
    caller.needs(Need::Read)?;
    Ok(Json([]))
}

async fn info(_caller: Caller, Word(_): Word) -> ApiError {
    ApiError::missing("app_transfer")
}
