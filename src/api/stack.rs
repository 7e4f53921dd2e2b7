use super::{
    Api,
    error::ApiError,
    pages::{Field, Key, Listed, Page, Pages},
    parts::{Moment, Named},
    scope::{Scope, Word},
};
use crate::clock::Timestamp;
use crate::slug::STACK;
use axum::{Json, Router, routing::get};
use serde::Serialize;

pub(super) fn routes() -> Router<Api> {
    Router::new()
        .route("/stacks", get(list))
        .route("/stacks/{stack}", get(info))
        .route("/apps/{app}/available-stacks", get(list_for_app))
}

#[derive(Debug, Serialize)]
struct Shape {
    created_at: Moment,
    default: bool,
    id: String,
    name: &'static str,
    state: &'static str,
    updated_at: Moment,
}

impl Listed for Shape {
    const FIELDS: &'static [Field<Self>] = &[
        Field { name: "id", key: |stack| Key::text(&stack.id), unique: true },
        Field { name: "name", key: |stack| Key::text(stack.name), unique: true },
    ];

    fn id(&self) -> &str {
        &self.id
    }
}

/// The one stack there is.
fn only() -> Shape {
    let always = Moment(Timestamp::from_unix_micros(0));
    let id = Named::fixed("stack", STACK).id;
    Shape { created_at: always, default: true, id, name: STACK, state: "public", updated_at: always }
}

async fn list(pages: Pages) -> Result<Page<Shape>, ApiError> {
    pages.of([only()])
}

async fn list_for_app(_scope: Scope, pages: Pages) -> Result<Page<Shape>, ApiError> {
    pages.of([only()])
}

async fn info(Word(named): Word) -> Result<Json<Shape>, ApiError> {
    let stack = only();
    let is = named == stack.name || named == stack.id;
    is.then_some(Json(stack)).ok_or_else(|| ApiError::missing("stack"))
}

/// Refuses another stack than the one there is.
pub(super) fn check(wanted: Option<&str>) -> Result<(), ApiError> {
    let known = |wanted: &str| wanted == STACK || wanted == Named::fixed("stack", STACK).id;
    if wanted.is_none_or(known) {
        return Ok(());
    }
    Err(ApiError::invalid(format!("This platform has one stack, {STACK}.")))
}
