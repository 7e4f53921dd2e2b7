use super::{Api, caller::Caller, error::ApiError, scope::Scope};
use crate::access::Need;
use axum::{Json, Router, extract::State as Handle, http::StatusCode, routing::post};
use serde::Serialize;

pub(super) fn routes() -> Router<Api> {
    Router::new().route("/sources", post(create)).route("/apps/{app}/sources", post(create_for_app))
}

/// Where a source can be uploaded, and how it is named afterwards.
#[derive(Debug, Serialize)]
struct Shape {
    source_blob: Addresses,
}

#[derive(Debug, Serialize)]
struct Addresses {
    get_url: String,
    put_url: String,
}

async fn create(Handle(api): Handle<Api>, caller: Caller) -> Result<(StatusCode, Json<Shape>), ApiError> {
    caller.needs(Need::Write)?;
    let secret =
        api.uploads().expect_source(caller.account.id, api.now(), api.config().limits.upload_life)?;
    let url = api.config().own(&format!("/sources/{secret}"));
    let source_blob = Addresses { get_url: url.clone(), put_url: url };
    Ok((StatusCode::CREATED, Json(Shape { source_blob })))
}

async fn create_for_app(api: Handle<Api>, scope: Scope) -> Result<(StatusCode, Json<Shape>), ApiError> {
    create(api, scope.caller).await
}
