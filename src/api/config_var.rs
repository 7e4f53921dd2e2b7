use super::{
    Api,
    error::ApiError,
    fields::Fields,
    release,
    scope::{Scope, Word},
};
use crate::access::Deed;
use crate::app::{ConfigChanges, ConfigKey, ConfigVars};
use crate::ledger::{App, ReleaseStatus};
use axum::{
    Json, Router,
    extract::State as Handle,
    response::{IntoResponse as _, Response},
    routing::get,
};
use serde_json::Value;
use std::collections::BTreeMap;

pub(super) fn routes() -> Router<Api> {
    Router::new()
        .route("/apps/{app}/config-vars", get(info).patch(update))
        .route("/apps/{app}/releases/{release}/config-vars", get(of_release))
}

type Shape = BTreeMap<String, String>;

fn shape(vars: &ConfigVars) -> Json<Shape> {
    Json(vars.iter().map(|(key, value)| (key.to_owned(), value.to_owned())).collect())
}

async fn info(scope: Scope) -> Result<Json<Shape>, ApiError> {
    scope.may(Deed::SEE_CONFIG)?;
    Ok(shape(&scope.app.config))
}

async fn of_release(scope: Scope, Word(named): Word) -> Result<Json<Shape>, ApiError> {
    scope.may(Deed::SEE_CONFIG)?;
    Ok(shape(&release::find(&scope.app, &named)?.config))
}

/// When this answers, the release with the new config vars is there.
async fn update(Handle(api): Handle<Api>, scope: Scope, fields: Fields) -> Result<Response, ApiError> {
    scope.may(Deed::SET_CONFIG)?;
    let changes = fields.into_map().into_iter().map(change).collect::<Result<_, _>>()?;
    let actor = scope.caller.actor();
    let app = api.releases().set_config(&actor, scope.app.id, ConfigChanges::new(changes)).await?;
    Ok((warning(&app), shape(&app.config)).into_response())
}

/// What the official command line shows beside its success: the change may still fail.
fn warning(app: &App) -> Option<[(&'static str, String); 1]> {
    let release = app.releases.last().filter(|release| release.status == ReleaseStatus::Pending)?;
    let version = release.version;
    let text = format!("{version} waits for its release command: see `releases:output {version}`");
    Some([("x-heroku-warning", text)])
}

fn change((key, value): (String, Value)) -> Result<(ConfigKey, Option<String>), ApiError> {
    let key: ConfigKey = key.parse().map_err(|error| ApiError::invalid(format!("{error}.")))?;
    match value {
        Value::Null => Ok((key, None)),
        Value::String(value) => Ok((key, Some(value))),
        _ => Err(ApiError::invalid(format!(
            "The value of config var {key} must be a string, or null to unset it."
        ))),
    }
}
