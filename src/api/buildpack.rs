use super::{Api, error::ApiError, fields::Fields, scope::Scope};
use crate::ledger::App;
use axum::{Json, Router, extract::State as Handle, routing::get};
use serde::Serialize;

pub(super) fn routes() -> Router<Api> {
    Router::new().route("/apps/{app}/buildpack-installations", get(list).put(update))
}

/// A buildpack that builds an app, at its place among them.
#[derive(Debug, Serialize)]
struct Shape {
    buildpack: BuildpackShape,
    ordinal: usize,
}

#[derive(Debug, Serialize)]
struct BuildpackShape {
    name: String,
    /// As Heroku writes those of its own, which its clients show as `heroku/python`.
    url: String,
}

impl Shape {
    fn all(app: &App) -> Json<Vec<Self>> {
        let shape = |(ordinal, name): (usize, &String)| Self {
            buildpack: BuildpackShape { name: name.clone(), url: format!("urn:buildpack:heroku/{name}") },
            ordinal,
        };
        Json(app.buildpacks.iter().enumerate().map(shape).collect())
    }
}

async fn list(scope: Scope) -> Json<Vec<Shape>> {
    Shape::all(&scope.app)
}

/// Puts the named ones in the place of all; from the next build on.
async fn update(
    Handle(api): Handle<Api>,
    scope: Scope,
    fields: Fields,
) -> Result<Json<Vec<Shape>>, ApiError> {
    let updates = fields.objects("updates")?.ok_or_else(|| fields.needs("updates"))?;
    let named = |update: &Fields| {
        let named = update.text("buildpack")?.ok_or_else(|| update.needs("buildpack"));
        named.map(str::to_owned)
    };
    let asked: Vec<String> = updates.iter().map(named).collect::<Result<_, ApiError>>()?;
    let app = api.releases().set_buildpacks(&scope.caller.actor(), scope.app.id, &asked).await?;
    Ok(Shape::all(&app))
}
