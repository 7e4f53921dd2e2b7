use super::{
    Api,
    error::ApiError,
    fields::Fields,
    output_stream,
    pages::{Field, Key, Listed, Page, Pages},
    parts::{IdOnly, Moment, Null, User},
    scope::{Scope, Word},
};
use crate::ledger::{App, Build, BuildStatus, State};
use crate::release::Deploy;
use axum::{Json, Router, extract::State as Handle, http::StatusCode, routing::get};
use serde::Serialize;
use std::sync::Arc;

pub(super) fn routes() -> Router<Api> {
    Router::new()
        .route("/apps/{app}/builds", get(list).post(create))
        .route("/apps/{app}/builds/{build}", get(info).delete(cancel))
}

/// A build.
#[derive(Debug, Serialize)]
struct Shape {
    app: IdOnly,
    buildpacks: Vec<BuildpackShape>,
    created_at: Moment,
    generation: &'static str,
    id: String,
    output_stream_url: String,
    release: Option<IdOnly>,
    slug: Option<IdOnly>,
    source_blob: SourceShape,
    stack: String,
    status: &'static str,
    updated_at: Moment,
    user: User,
}

#[derive(Debug, Serialize)]
struct BuildpackShape {
    name: String,
    url: String,
}

#[derive(Debug, Serialize)]
struct SourceShape {
    checksum: Option<String>,
    /// Empty: the archive is deleted when it was built.
    url: &'static str,
    version: Option<String>,
    version_description: Null,
}

impl Listed for Shape {
    const FIELDS: &'static [Field<Self>] = &[
        Field { name: "id", key: |build| Key::text(&build.id), unique: true },
        Field { name: "started_at", key: |build| Key::Text(build.created_at.0.in_seconds()), unique: false },
    ];

    fn id(&self) -> &str {
        &self.id
    }
}

impl Shape {
    fn of(build: &Build, app: &App, state: &State, api: &Api) -> Self {
        let (status, slug) = match &build.status {
            BuildStatus::Pending => ("pending", None),
            BuildStatus::Succeeded(slug) => ("succeeded", Some(IdOnly::of(slug))),
            BuildStatus::Failed(_) => ("failed", None),
        };
        let named = |name: &String| BuildpackShape { name: name.clone(), url: name.clone() };
        Self {
            app: IdOnly::of(app.id),
            buildpacks: build.buildpacks.iter().map(named).collect(),
            created_at: Moment(build.created_at),
            generation: "cedar",
            id: build.id.to_string(),
            output_stream_url: output_stream::of_build(api, build.id),
            release: build.release.map(IdOnly::of),
            slug,
            source_blob: SourceShape {
                checksum: build.source.checksum.clone(),
                url: "",
                version: build.source.version.clone(),
                version_description: (),
            },
            stack: app.stack.clone(),
            status,
            updated_at: Moment(build.updated_at),
            user: User::of(&build.actor, app, state),
        }
    }
}

fn find<'a>(app: &'a App, identity: &str) -> Result<&'a Arc<Build>, ApiError> {
    let found = app.builds.iter().find(|build| build.id.to_string() == identity);
    found.ok_or_else(|| ApiError::missing("build"))
}

async fn list(Handle(api): Handle<Api>, scope: Scope, pages: Pages) -> Result<Page<Shape>, ApiError> {
    let Scope { app, state, .. } = scope;
    pages.of(app.builds.iter().map(|build| Shape::of(build, &app, &state, &api)))
}

async fn info(Handle(api): Handle<Api>, scope: Scope, Word(named): Word) -> Result<Json<Shape>, ApiError> {
    let build = find(&scope.app, &named)?;
    Ok(Json(Shape::of(build, &scope.app, &scope.state, &api)))
}

/// Begins a build of an uploaded source; it goes on when this has answered.
async fn create(
    Handle(api): Handle<Api>,
    scope: Scope,
    fields: Fields,
) -> Result<(StatusCode, Json<Shape>), ApiError> {
    let blob = fields.object("source_blob")?.ok_or_else(|| fields.needs("source_blob"))?;
    let url = blob.text("url")?.ok_or_else(|| blob.needs("url"))?;
    let word = |name| blob.text(name).map(|text| text.filter(|text| !text.is_empty()).map(str::to_owned));
    let (version, checksum) = (word("version")?, word("checksum")?);
    let buildpacks = buildpacks(&fields)?;
    let source = api.uploads().take_source(url, scope.caller.account.id, api.now())?;
    let deploy = Deploy { source, version, checksum, buildpacks };
    let build = api.releases().deploy(&scope.caller.actor(), scope.app.id, deploy).await?;
    Ok((StatusCode::CREATED, Json(Shape::of(&build, &scope.app, &scope.state, &api))))
}

fn buildpacks(fields: &Fields) -> Result<Vec<String>, ApiError> {
    let named = |buildpack: &Fields| match buildpack.text("url")? {
        Some(url) => Ok(url.to_owned()),
        None => Ok(buildpack.text("name")?.ok_or_else(|| buildpack.needs("url"))?.to_owned()),
    };
    fields.objects("buildpacks")?.unwrap_or_default().iter().map(named).collect()
}

async fn cancel(Handle(api): Handle<Api>, scope: Scope, Word(named): Word) -> Result<Json<Shape>, ApiError> {
    let id = find(&scope.app, &named)?.id;
    if !api.releases().cancel_build(id) {
        return Err(ApiError::invalid("This build has ended; there is nothing to cancel."));
    }
    let state = api.state();
    let app = state.apps.get(&scope.app.id).ok_or_else(|| ApiError::missing("app"))?;
    Ok(Json(Shape::of(find(app, &named)?, app, &state, &api)))
}
