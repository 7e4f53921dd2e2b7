use super::{
    Api,
    error::ApiError,
    fields::Fields,
    output_stream,
    pages::{Field, Key, Listed, Page, Pages},
    parts::{IdOnly, Moment, Named, Null, User},
    scope::{Scope, Word},
};
use crate::ledger::{App, Release, ReleaseStatus, State};
use crate::name::{ProcessType, ReleaseVersion, SlugId};
use axum::{Json, Router, extract::State as Handle, http::StatusCode, routing::get};
use serde::Serialize;
use std::sync::Arc;

pub(super) fn routes() -> Router<Api> {
    Router::new()
        .route("/apps/{app}/releases", get(list).post(create))
        .route("/apps/{app}/releases/{release}", get(info))
}

/// A release.
#[derive(Debug, Serialize)]
struct Shape {
    addon_plan_names: [Null; 0],
    app: Named,
    artifacts: Vec<Artifact>,
    created_at: Moment,
    current: bool,
    description: String,
    eligible_for_rollback: bool,
    id: String,
    output_stream_url: Option<String>,
    slug: Option<IdOnly>,
    status: &'static str,
    updated_at: Moment,
    user: User,
    version: u64,
}

#[derive(Debug, Serialize)]
struct Artifact {
    id: String,
    r#type: &'static str,
}

impl Listed for Shape {
    const FIELDS: &'static [Field<Self>] = &[
        Field { name: "version", key: |release| Key::Number(release.version), unique: true },
        Field { name: "id", key: |release| Key::text(&release.id), unique: true },
    ];

    fn id(&self) -> &str {
        &self.id
    }
}

impl Shape {
    fn of(release: &Release, app: &App, state: &State, api: &Api) -> Self {
        let slug = release.slug.map(IdOnly::of);
        Self {
            addon_plan_names: [],
            app: Named::app(app),
            artifacts: slug.iter().map(|slug| Artifact { id: slug.id.clone(), r#type: "slug" }).collect(),
            created_at: Moment(release.created_at),
            current: app.current().is_some_and(|current| current.id == release.id),
            description: release.description.clone(),
            eligible_for_rollback: release.status == ReleaseStatus::Succeeded && slug.is_some(),
            id: release.id.to_string(),
            output_stream_url: has_phase(release, app).then(|| output_stream::of_release(api, release.id)),
            slug,
            status: match release.status {
                ReleaseStatus::Pending => "pending",
                ReleaseStatus::Succeeded => "succeeded",
                ReleaseStatus::Failed => "failed",
            },
            updated_at: Moment(release.updated_at),
            user: User::of(&release.actor, app, state),
            version: release.version.number(),
        }
    }
}

/// Whether a release phase ran or runs for it.
fn has_phase(release: &Release, app: &App) -> bool {
    let slug = release.slug.and_then(|slug| app.slugs.get(&slug));
    slug.is_some_and(|slug| slug.process_types.contains_key(&ProcessType::release()))
}

/// The release that `identity` names: its id, `5` or `v5`.
pub(super) fn find<'a>(app: &'a App, identity: &str) -> Result<&'a Arc<Release>, ApiError> {
    let by_version = identity.parse().ok().and_then(|version: ReleaseVersion| app.release(version));
    let by_id = || app.releases.iter().find(|release| release.id.to_string() == identity);
    by_version.or_else(by_id).ok_or_else(|| ApiError::missing("release"))
}

async fn list(Handle(api): Handle<Api>, scope: Scope, pages: Pages) -> Result<Page<Shape>, ApiError> {
    let Scope { app, state, .. } = scope;
    pages.of(app.releases.iter().map(|release| Shape::of(release, &app, &state, &api)))
}

async fn info(Handle(api): Handle<Api>, scope: Scope, Word(named): Word) -> Result<Json<Shape>, ApiError> {
    let release = find(&scope.app, &named)?;
    Ok(Json(Shape::of(release, &scope.app, &scope.state, &api)))
}

/// Releases a slug, or an earlier release again.
async fn create(
    Handle(api): Handle<Api>,
    scope: Scope,
    fields: Fields,
) -> Result<(StatusCode, Json<Shape>), ApiError> {
    let (actor, id) = (scope.caller.actor(), scope.app.id);
    let release = if let Some(named) = fields.identity("release")? {
        let to = find(&scope.app, &named)?.version;
        api.releases().rollback(&actor, id, to).await?
    } else {
        let named = fields.identity("slug")?.ok_or_else(|| fields.needs("slug"))?;
        let slug = named_slug(&api, &scope.app, &named)?;
        let description = fields.text("description")?.map(description).transpose()?;
        api.releases().release_slug(&actor, id, slug, description).await?
    };
    let state = api.state();
    let app = state.apps.get(&id).ok_or_else(|| ApiError::missing("app"))?;
    Ok((StatusCode::CREATED, Json(Shape::of(&release, app, &state, &api))))
}

/// The most characters of a description.
const MOST_WORDS: usize = 256;

/// A description is shown in one line, for as long as the ledger is kept.
fn description(text: &str) -> Result<String, ApiError> {
    if text.chars().count() > MOST_WORDS || text.chars().any(char::is_control) {
        let limit = format!("`description` must be one line of at most {MOST_WORDS} characters.");
        return Err(ApiError::invalid(limit));
    }
    Ok(text.to_owned())
}

/// The stored slug that `identity` names, also by the id that was given out before its upload.
fn named_slug(api: &Api, app: &App, identity: &str) -> Result<SlugId, ApiError> {
    let id: SlugId = identity.parse().map_err(|_| ApiError::missing("slug"))?;
    let id = api.uploads().stored_as(id).unwrap_or(id);
    app.slugs.contains_key(&id).then_some(id).ok_or_else(|| ApiError::missing("slug"))
}
