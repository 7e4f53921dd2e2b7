use super::{
    Api,
    error::ApiError,
    fields::Fields,
    parts::{Moment, Named},
    scope::{Scope, Word},
    slug_blob,
};
use crate::clock::Timestamp;
use crate::ledger::{App, SlugRecord};
use crate::name::{ProcessType, SlugId};
use crate::slug::STACK;
use axum::{
    Json, Router,
    extract::State as Handle,
    http::StatusCode,
    routing::{get, post},
};
use serde::Serialize;
use std::collections::BTreeMap;

pub(super) fn routes() -> Router<Api> {
    Router::new().route("/apps/{app}/slugs", post(create)).route("/apps/{app}/slugs/{slug}", get(info))
}

/// A slug.
#[derive(Debug, Default, Serialize)]
pub(super) struct Shape {
    /// Where to send it, or where to fetch it.
    blob: Option<Blob>,
    buildpack_provided_description: Option<String>,
    checksum: Option<String>,
    commit: Option<String>,
    commit_description: Option<String>,
    created_at: Option<Moment>,
    deleted_at: Option<Moment>,
    id: String,
    process_types: BTreeMap<String, String>,
    size: Option<u64>,
    stack: Option<Named>,
    updated_at: Option<Moment>,
}

#[derive(Debug, Serialize)]
struct Blob {
    method: &'static str,
    url: String,
}

impl Shape {
    pub(super) fn of(slug: &SlugRecord, app: &App, api: &Api) -> Self {
        let stored = app.slug_times.get(&slug.id).copied().map(Moment);
        let text = |(name, command): (&ProcessType, &String)| (ProcessType::to_string(name), command.clone());
        Self {
            blob: Some(Blob { method: "GET", url: slug_blob::address(api, app, slug.id) }),
            buildpack_provided_description: slug.buildpack.clone(),
            checksum: Some(format!("SHA256:{}", slug.digest.hex())),
            commit: slug.commit.clone(),
            created_at: stored,
            id: slug.id.to_string(),
            process_types: slug.process_types.iter().map(text).collect(),
            size: Some(slug.size),
            stack: Some(Named::fixed("stack", &slug.stack)),
            updated_at: stored,
            ..Self::default()
        }
    }

    /// A slug that is yet to be uploaded to `url`.
    fn expected(id: SlugId, url: String, commit: Option<String>, now: Timestamp) -> Self {
        Self {
            blob: Some(Blob { method: "PUT", url }),
            commit,
            created_at: Some(Moment(now)),
            id: id.to_string(),
            stack: Some(Named::fixed("stack", STACK)),
            updated_at: Some(Moment(now)),
            ..Self::default()
        }
    }
}

/// Gives out an address for a packed slug. What it is and can run is read from the slug itself, so that the process
/// types sent here do not count.
async fn create(
    Handle(api): Handle<Api>,
    scope: Scope,
    fields: Fields,
) -> Result<(StatusCode, Json<Shape>), ApiError> {
    super::stack::check(fields.identity("stack")?.as_deref())?;
    let process_types = fields.object("process_types")?.ok_or_else(|| fields.needs("process_types"))?;
    for (process_type, command) in process_types.into_map() {
        let legal =
            process_type.parse::<ProcessType>().map_err(|error| ApiError::invalid(format!("{error}.")))?;
        if !command.is_string() {
            return Err(ApiError::invalid(format!("The command of process type {legal} must be a string.")));
        }
    }
    let commit = fields.text("commit")?.map(str::to_owned);
    let (now, id) = (api.now(), SlugId::random());
    let expected = super::upload::ExpectedSlug {
        id,
        app: scope.app.id,
        actor: scope.caller.actor(),
        commit: commit.clone(),
    };
    let secret = api.uploads().expect_slug(expected, now, api.config().limits.upload_life)?;
    let url = api.config().own(&format!("/slugs/{secret}"));
    Ok((StatusCode::CREATED, Json(Shape::expected(id, url, commit, now))))
}

async fn info(Handle(api): Handle<Api>, scope: Scope, Word(named): Word) -> Result<Json<Shape>, ApiError> {
    let missing = || ApiError::missing("slug");
    let id: SlugId = named.parse().map_err(|_| missing())?;
    let id = api.uploads().stored_as(id).unwrap_or(id);
    Ok(Json(Shape::of(scope.app.slugs.get(&id).ok_or_else(missing)?, &scope.app, &api)))
}
