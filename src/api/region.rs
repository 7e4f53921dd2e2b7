use super::{
    Api,
    error::ApiError,
    pages::{Field, Key, Listed, Page, Pages},
    parts::{Moment, Named},
    scope::Word,
};
use crate::clock::Timestamp;
use axum::{Json, Router, routing::get};
use serde::Serialize;

pub(super) fn routes() -> Router<Api> {
    Router::new().route("/regions", get(list)).route("/regions/{region}", get(info))
}

/// The one region there is. It is named as Heroku's first, which clients ask for without being told.
pub(super) const NAME: &str = "us";

#[derive(Debug, Serialize)]
struct Shape {
    country: &'static str,
    created_at: Moment,
    description: &'static str,
    id: String,
    locale: &'static str,
    name: &'static str,
    private_capable: bool,
    provider: Provider,
    updated_at: Moment,
}

#[derive(Debug, Serialize)]
struct Provider {
    name: &'static str,
    region: &'static str,
}

impl Listed for Shape {
    const FIELDS: &'static [Field<Self>] = &[
        Field { name: "id", key: |region| Key::text(&region.id), unique: true },
        Field { name: "name", key: |region| Key::text(region.name), unique: true },
    ];

    fn id(&self) -> &str {
        &self.id
    }
}

fn only() -> Shape {
    let always = Moment(Timestamp::from_unix_micros(0));
    Shape {
        country: "Here",
        created_at: always,
        description: "This platform",
        id: Named::fixed("region", NAME).id,
        locale: "Here",
        name: NAME,
        private_capable: false,
        provider: Provider { name: "hokku", region: "us-east-1" },
        updated_at: always,
    }
}

async fn list(pages: Pages) -> Result<Page<Shape>, ApiError> {
    pages.of([only()])
}

async fn info(Word(named): Word) -> Result<Json<Shape>, ApiError> {
    let region = only();
    let is = named == region.name || named == region.id;
    is.then_some(Json(region)).ok_or_else(|| ApiError::missing("region"))
}

/// Refuses another region than the one there is.
pub(super) fn check(wanted: Option<&str>) -> Result<(), ApiError> {
    let known = |wanted: &str| wanted == NAME || wanted == Named::fixed("region", NAME).id;
    if wanted.is_none_or(known) {
        return Ok(());
    }
    Err(ApiError::invalid(format!("This platform has one region, {NAME}.")))
}
