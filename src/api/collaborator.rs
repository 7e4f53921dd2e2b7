use super::{
    Api,
    error::ApiError,
    fields::Fields,
    pages::{Field, Key, Listed, Page, Pages},
    parts::{Moment, Named, Null, User, derived_id},
    scope::{Reading, Scope, Word},
};
use crate::access::Deed;
use crate::ledger::{App, State};
use axum::{Json, Router, extract::State as Handle, http::StatusCode, routing::get};
use serde::Serialize;

pub(super) fn routes() -> Router<Api> {
    Router::new()
        .route("/apps/{app}/collaborators", get(list).post(add))
        .route("/apps/{app}/collaborators/{collaborator}", get(info).delete(remove))
}

/// Somebody who may work on an app; its owner is one of them.
#[derive(Debug, Serialize)]
struct Shape {
    app: Named,
    created_at: Moment,
    id: String,
    permissions: [Null; 0],
    role: &'static str,
    updated_at: Moment,
    user: UserShape,
}

#[derive(Debug, Serialize)]
struct UserShape {
    email: String,
    federated: bool,
    id: String,
}

impl Listed for Shape {
    const FIELDS: &'static [Field<Self>] =
        &[Field { name: "id", key: |collaborator| Key::text(&collaborator.id), unique: true }];

    fn id(&self) -> &str {
        &self.id
    }
}

impl Shape {
    fn owner(app: &App, state: &State) -> Self {
        let User { email, id } = User::owner(app, state);
        Self {
            app: Named::app(app),
            created_at: Moment(app.created_at),
            id: derived_id(&["collaborator", &app.id.to_string(), &id]),
            permissions: [],
            role: "owner",
            updated_at: Moment(app.created_at),
            user: UserShape { email, federated: false, id },
        }
    }

    fn all(app: &App, state: &State) -> Vec<Self> {
        let others = app.collaborators.iter().filter_map(|(id, account)| {
            let account = state.accounts.get(account)?;
            let user =
                UserShape { email: account.email.clone(), federated: false, id: account.id.to_string() };
            Some(Self { id: id.to_string(), role: "collaborator", user, ..Self::owner(app, state) })
        });
        others.chain([Self::owner(app, state)]).collect()
    }
}

async fn list(scope: Scope, pages: Pages) -> Result<Page<Shape>, ApiError> {
    pages.of(Shape::all(&scope.app, &scope.state))
}

async fn info(scope: Scope, Word(named): Word) -> Result<Json<Shape>, ApiError> {
    let is = |shape: &Shape| {
        [&shape.id, &shape.user.id].contains(&&named) || shape.user.email.eq_ignore_ascii_case(&named)
    };
    find(&scope.app, &scope.state, is).map(Json)
}

fn find(app: &App, state: &State, is: impl Fn(&Shape) -> bool) -> Result<Shape, ApiError> {
    let found = Shape::all(app, state).into_iter().find(is);
    found.ok_or_else(|| ApiError::missing("collaborator"))
}

/// Nobody is told by e-mail, so that `silent` says nothing.
async fn add(
    Handle(api): Handle<Api>,
    scope: Scope,
    fields: Fields,
) -> Result<(StatusCode, Json<Shape>), ApiError> {
    scope.may(Deed::SHARE)?;
    let user = fields.identity("user")?.ok_or_else(|| fields.needs("user"))?;
    let (state, place) = api.doorkeeper().add_collaborator(&scope.caller, scope.app.id, &user).await?;
    let app = state.apps.get(&scope.app.id).ok_or_else(|| ApiError::missing("app"))?;
    let added = find(app, &state, |shape| shape.id == place.to_string())?;
    Ok((StatusCode::CREATED, Json(added)))
}

async fn remove(
    Handle(api): Handle<Api>,
    scope: Reading,
    Word(named): Word,
) -> Result<Json<Shape>, ApiError> {
    let Reading(Scope { app, caller, .. }) = scope;
    let before = api.state();
    let place = api.doorkeeper().remove_collaborator(&caller, app.id, &named).await?;
    let app = before.apps.get(&app.id).ok_or_else(|| ApiError::missing("app"))?;
    find(app, &before, |shape| shape.id == place.to_string()).map(Json)
}
