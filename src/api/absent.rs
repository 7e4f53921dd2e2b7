//! What Heroku has and this platform does not have (yet), where clients ask for it without being told: lists are empty,
//! and nothing is found in them.

use super::{Api, caller::Caller, error::ApiError, scope::Scope};
use axum::{Json, Router, routing::get};

/// Lists of the caller's that are empty.
pub(super) const GLOBAL: [&str; 6] =
    ["/account/features", "/account/keys", "/addons", "/addon-attachments", "/pipelines", "/teams"];

/// Lists of an app that are empty.
pub(super) const OF_APP: [&str; 6] =
    ["addons", "addon-attachments", "features", "log-drains", "sni-endpoints", "webhooks"];

pub(super) fn routes() -> Router<Api> {
    let routes = GLOBAL.iter().fold(Router::new(), |routes, path| routes.route(path, get(nothing)));
    let routes = OF_APP
        .iter()
        .fold(routes, |routes, list| routes.route(&format!("/apps/{{app}}/{list}"), get(nothing_of_app)));
    routes
        .route("/account/features/{feature}", get(async || ApiError::missing("account_feature")))
        .route("/apps/{app}/features/{feature}", get(missing_feature))
        .route("/apps/{app}/addons/{addon}", get(missing_addon))
        .route("/apps/{app}/pipeline-couplings", get(missing_coupling))
}

type Nothing = Json<[(); 0]>;

async fn nothing(_caller: Caller) -> Nothing {
    Json([])
}

async fn nothing_of_app(_scope: Scope) -> Nothing {
    Json([])
}

async fn missing_feature(_scope: Scope) -> ApiError {
    ApiError::missing("app_feature")
}

async fn missing_addon(_scope: Scope) -> ApiError {
    ApiError::missing("add_on")
}

async fn missing_coupling(_scope: Scope) -> ApiError {
    ApiError::missing("pipeline_coupling")
}
