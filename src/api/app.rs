use super::{
    Api, account,
    caller::Caller,
    error::ApiError,
    fields::Fields,
    pages::{Field, Key, Listed, Page, Pages},
    parts::{Moment, Named, Null, User},
    region,
    scope::{Scope, Word},
    stack,
};
use crate::access::{Deed, Need};
use crate::ledger::{Account, Actor, App, Event, State, Stream};
use crate::name::{AppId, AppName};
use axum::{Json, Router, extract::State as Handle, http::StatusCode, routing::get};
use serde::Serialize;
use std::sync::Arc;

pub(super) fn routes() -> Router<Api> {
    Router::new()
        .route("/apps", get(list).post(create))
        .route("/users/{account}/apps", get(list_of))
        .route("/apps/{app}", get(info).patch(update).delete(destroy))
}

/// An app.
#[derive(Debug, Serialize)]
pub(super) struct Shape {
    acm: bool,
    archived_at: Null,
    build_stack: Named,
    buildpack_provided_description: Option<String>,
    created_at: Moment,
    generation: Named,
    git_url: String,
    id: String,
    internal_routing: bool,
    maintenance: bool,
    name: String,
    organization: Null,
    owner: User,
    region: Named,
    released_at: Option<Moment>,
    repo_size: Null,
    slug_size: Option<u64>,
    space: Null,
    stack: Named,
    team: Null,
    updated_at: Moment,
    web_url: String,
}

impl Listed for Shape {
    const FIELDS: &'static [Field<Self>] = &[
        Field { name: "id", key: |app| Key::text(&app.id), unique: true },
        Field { name: "name", key: |app| Key::text(&app.name), unique: true },
        Field { name: "updated_at", key: |app| Key::Text(app.updated_at.0.in_seconds()), unique: false },
    ];

    fn id(&self) -> &str {
        &self.id
    }
}

impl Shape {
    fn of(app: &App, state: &State, api: &Api) -> Self {
        let slug = app.current_slug();
        let stack = Named::fixed("stack", &app.stack);
        Self {
            acm: false,
            archived_at: (),
            build_stack: stack.clone(),
            buildpack_provided_description: slug.and_then(|slug| slug.buildpack.clone()),
            created_at: Moment(app.created_at),
            generation: Named::fixed("generation", "cedar"),
            git_url: api.config().git_url(&app.name),
            id: app.id.to_string(),
            internal_routing: false,
            maintenance: app.maintenance,
            name: AppName::to_string(&app.name),
            organization: (),
            owner: User::owner(app, state),
            region: Named::fixed("region", region::NAME),
            released_at: app.current().map(|release| Moment(release.created_at)),
            repo_size: (),
            slug_size: slug.map(|slug| slug.size),
            space: (),
            stack,
            team: (),
            updated_at: Moment(app.updated_at),
            web_url: api.config().web_url(&app.name),
        }
    }
}

async fn list(Handle(api): Handle<Api>, caller: Caller, pages: Pages) -> Result<Page<Shape>, ApiError> {
    caller.needs(Need::Read)?;
    let state = api.state();
    let seen = state.apps.values().filter(|app| caller.may_see(app, &state));
    pages.of(seen.map(|app| Shape::of(app, &state, &api)))
}

/// The apps that an account owns.
async fn list_of(
    Handle(api): Handle<Api>,
    caller: Caller,
    Word(named): Word,
    pages: Pages,
) -> Result<Page<Shape>, ApiError> {
    caller.needs(Need::Read)?;
    let state = api.state();
    let account = if named == "~" {
        Some(&caller.account)
    } else {
        let known = |other: &&Arc<Account>| caller.is_operator || other.id == caller.account.id;
        state.accounts.values().filter(known).find(|other| account::is(other, &named))
    };
    let account = account.ok_or_else(|| ApiError::missing("account"))?.id;
    let owned = state.apps.values().filter(|app| app.owner == account);
    pages.of(owned.map(|app| Shape::of(app, &state, &api)))
}

async fn info(Handle(api): Handle<Api>, scope: Scope) -> Json<Shape> {
    Json(Shape::of(&scope.app, &scope.state, &api))
}

async fn create(
    Handle(api): Handle<Api>,
    caller: Caller,
    fields: Fields,
) -> Result<(StatusCode, Json<Shape>), ApiError> {
    caller.needs(Need::Write)?;
    region::check(fields.identity("region")?.as_deref())?;
    stack::check(fields.identity("stack")?.as_deref())?;
    let name = fields.text("name")?.map(app_name).transpose()?;
    let app = api.releases().create_app(&caller.actor(), name).await?;
    Ok((StatusCode::CREATED, Json(Shape::of(&app, &api.state(), &api))))
}

fn app_name(text: &str) -> Result<AppName, ApiError> {
    text.parse().map_err(|error| ApiError::invalid(format!("{error}.")))
}

/// Makes the changes one after the other: each is an own entry, of which the name is the likelier to be refused.
async fn update(Handle(api): Handle<Api>, scope: Scope, fields: Fields) -> Result<Json<Shape>, ApiError> {
    let name = fields.text("name")?.map(app_name).transpose()?;
    let maintenance = fields.flag("maintenance")?;
    stack::check(fields.identity("build_stack")?.as_deref())?;
    let name = name.filter(|name| *name != scope.app.name);
    if name.is_some() {
        scope.may(Deed::RENAME)?;
    }
    let (actor, id) = (scope.caller.actor(), scope.app.id);
    if let Some(name) = name {
        api.releases().rename_app(&actor, id, name).await?;
    }
    if let Some(enabled) = maintenance {
        set_maintenance(&api, &actor, id, enabled).await?;
    }
    let state = api.state();
    let app = state.apps.get(&id).ok_or_else(|| ApiError::missing("app"))?;
    Ok(Json(Shape::of(app, &state, &api)))
}

async fn set_maintenance(api: &Api, actor: &Actor, id: AppId, enabled: bool) -> Result<(), ApiError> {
    let decide = |state: &State| {
        let app = state.apps.get(&id).ok_or_else(|| ApiError::missing("app"))?;
        let differs = app.maintenance != enabled;
        Ok(differs.then_some((Stream::App(id), Event::MaintenanceSet { enabled })).into_iter().collect())
    };
    api.ledger().change(actor, decide).await?;
    Ok(())
}

async fn destroy(Handle(api): Handle<Api>, scope: Scope) -> Result<Json<Shape>, ApiError> {
    scope.may(Deed::DESTROY)?;
    let app = api.releases().destroy_app(&scope.caller.actor(), scope.app.id).await?;
    Ok(Json(Shape::of(&app, &scope.state, &api)))
}
