use super::{
    Api,
    error::ApiError,
    formation,
    pages::{Field, Key, Listed, Page, Pages},
    parts::{Moment, Named, Null},
    scope::{Scope, Word},
};
use crate::formation::{AppRoster, DynoState, DynoStatus, Selection};
use crate::ledger::App;
use crate::name::ProcessType;
use axum::{
    Json, Router,
    extract::{Path, State as Handle},
    http::StatusCode,
    routing::{delete, get, post},
};
use serde::Serialize;
use serde_json::{Value, json};
use std::sync::Arc;

pub(super) fn routes() -> Router<Api> {
    Router::new()
        .route("/apps/{app}/dynos", get(list).post(create).delete(restart_all))
        .route("/apps/{app}/dynos/{dyno}", get(info).delete(restart))
        .route("/apps/{app}/dynos/{dyno}/actions/stop", post(stop))
        .route("/apps/{app}/formations/{formation}", delete(restart_type))
        .route("/apps/{app}/formations/{formation}/actions/stop", post(stop_type))
}

/// One-off dynos are not for platforms yet: told so that nobody looks for a mistake of their own.
async fn create(_scope: Scope) -> ApiError {
    ApiError::invalid(
        "This platform does not run one-off dynos yet: `hokku run --local` does, on your machine.",
    )
}

/// A dyno as it is now: the one resource that is not from the ledger.
#[derive(Debug, Serialize)]
struct Shape {
    app: Named,
    attach_url: Null,
    command: String,
    created_at: Moment,
    id: String,
    name: String,
    release: ReleaseShape,
    size: &'static str,
    state: &'static str,
    r#type: String,
    updated_at: Moment,
}

#[derive(Debug, Serialize)]
struct ReleaseShape {
    id: Option<String>,
    version: u64,
}

impl Listed for Shape {
    const FIELDS: &'static [Field<Self>] = &[
        Field { name: "id", key: |dyno| Key::text(&dyno.id), unique: true },
        Field { name: "name", key: |dyno| Key::text(&dyno.name), unique: true },
    ];

    fn id(&self) -> &str {
        &self.id
    }
}

impl Shape {
    fn of(dyno: &DynoStatus, app: &App) -> Self {
        let release = app.release(dyno.release);
        Self {
            app: Named::app(app),
            attach_url: (),
            command: dyno.command.clone(),
            created_at: Moment(dyno.since),
            id: dyno.id.to_string(),
            name: dyno.name.to_string(),
            release: ReleaseShape {
                id: release.map(|release| release.id.to_string()),
                version: dyno.release.number(),
            },
            size: dyno.size.name(),
            state: match dyno.state {
                DynoState::Starting => "starting",
                DynoState::Up => "up",
                DynoState::Crashed => "crashed",
                DynoState::Down => "down",
            },
            r#type: ProcessType::to_string(dyno.name.process_type()),
            updated_at: Moment(dyno.since),
        }
    }
}

fn roster(api: &Api, app: &App) -> Option<Arc<AppRoster>> {
    api.supervisor().roster().apps.get(&app.id).cloned()
}

/// The dyno that `identity` names: its name or its id.
fn find(api: &Api, app: &App, identity: &str) -> Result<DynoStatus, ApiError> {
    let named = |dyno: &&DynoStatus| dyno.name.to_string() == identity || dyno.id.to_string() == identity;
    let roster = roster(api, app);
    let found = roster.iter().flat_map(|roster| &roster.dynos).find(named).cloned();
    found.ok_or_else(|| ApiError::missing("dyno"))
}

async fn list(Handle(api): Handle<Api>, scope: Scope, pages: Pages) -> Result<Page<Shape>, ApiError> {
    let roster = roster(&api, &scope.app);
    let dynos = roster.iter().flat_map(|roster| &roster.dynos);
    pages.of(dynos.map(|dyno| Shape::of(dyno, &scope.app)))
}

async fn info(Handle(api): Handle<Api>, scope: Scope, Word(named): Word) -> Result<Json<Shape>, ApiError> {
    Ok(Json(Shape::of(&find(&api, &scope.app, &named)?, &scope.app)))
}

/// Answered at once; the dynos follow.
type Accepted = (StatusCode, Json<Value>);

async fn select(api: &Api, scope: &Scope, selection: Selection) -> Accepted {
    api.supervisor().restart(scope.app.id, selection).await;
    (StatusCode::ACCEPTED, Json(json!({})))
}

async fn restart_all(Handle(api): Handle<Api>, scope: Scope) -> Accepted {
    select(&api, &scope, Selection::All).await
}

async fn restart(Handle(api): Handle<Api>, scope: Scope, Word(named): Word) -> Result<Accepted, ApiError> {
    let dyno = find(&api, &scope.app, &named)?;
    Ok(select(&api, &scope, Selection::Dyno(dyno.name)).await)
}

async fn restart_type(
    Handle(api): Handle<Api>,
    scope: Scope,
    Word(named): Word,
) -> Result<Accepted, ApiError> {
    let (process_type, _) = formation::find(&scope.app, &named)?;
    Ok(select(&api, &scope, Selection::Type(process_type)).await)
}

/// A dyno of a formation that is stopped is started again, as on Heroku.
async fn stop(
    api: Handle<Api>,
    scope: Scope,
    Path((_, named)): Path<(String, String)>,
) -> Result<Accepted, ApiError> {
    restart(api, scope, Word(named)).await
}

async fn stop_type(
    api: Handle<Api>,
    scope: Scope,
    Path((_, named)): Path<(String, String)>,
) -> Result<Accepted, ApiError> {
    restart_type(api, scope, Word(named)).await
}
