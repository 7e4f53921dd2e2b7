use super::{
    Api,
    error::ApiError,
    pages::{Field, Key, Listed, Page, Pages},
    parts::{Named, Null},
    scope::{Scope, Word},
};
use crate::app::DynoSize;
use axum::{Json, Router, routing::get};
use serde::Serialize;

pub(super) fn routes() -> Router<Api> {
    Router::new()
        .route("/dyno-sizes", get(list))
        .route("/dyno-sizes/{dyno_size}", get(info))
        .route("/apps/{app}/available-dyno-sizes", get(list_for_app))
}

#[derive(Debug, Serialize)]
struct Shape {
    architecture: &'static str,
    compute: u64,
    cost: Null,
    dedicated: bool,
    generation: Named,
    id: String,
    /// In GB.
    memory: f64,
    name: &'static str,
    precise_dyno_units: f64,
    private_space_only: bool,
}

impl Listed for Shape {
    const FIELDS: &'static [Field<Self>] = &[
        Field { name: "id", key: |size| Key::text(&size.id), unique: true },
        Field { name: "name", key: |size| Key::text(size.name), unique: true },
    ];

    fn id(&self) -> &str {
        &self.id
    }
}

impl Shape {
    #[expect(clippy::cast_precision_loss, reason = "memory is a small multiple of half a GB")]
    fn of(size: DynoSize) -> Self {
        Self {
            architecture: "wasm32",
            compute: size.memory() >> 29,
            cost: (),
            dedicated: false,
            generation: Named::fixed("generation", "cedar"),
            id: Named::fixed("dyno-size", size.name()).id,
            memory: size.memory() as f64 / f64::from(1 << 30),
            name: size.name(),
            precise_dyno_units: 0.0,
            private_space_only: false,
        }
    }
}

/// The size that `identity` names: its name in any letter case, or its id.
pub(super) fn find(identity: &str) -> Result<DynoSize, ApiError> {
    let by_id = DynoSize::ALL.into_iter().find(|size| Named::fixed("dyno-size", size.name()).id == identity);
    let named = by_id.map_or_else(|| identity.parse(), Ok);
    named.map_err(|error: crate::app::InvalidDynoSize| ApiError::invalid(format!("{error}.")))
}

async fn list(pages: Pages) -> Result<Page<Shape>, ApiError> {
    pages.of(DynoSize::ALL.map(Shape::of))
}

async fn list_for_app(_scope: Scope, pages: Pages) -> Result<Page<Shape>, ApiError> {
    pages.of(DynoSize::ALL.map(Shape::of))
}

async fn info(Word(named): Word) -> Result<Json<Shape>, ApiError> {
    let size = find(&named).map_err(|_| ApiError::missing("dyno_size"))?;
    Ok(Json(Shape::of(size)))
}
