//! A stored slug as the file that `hokku build -o` makes, at an address that can be told from its id only with the
//! platform's secret.

use super::{Api, error::ApiError};
use crate::ledger::App;
use crate::name::{AppId, SlugId};
use crate::slug::{Slug, SlugError};
use axum::{
    Router,
    body::Body,
    extract::{Path, State as Handle},
    http::header,
    response::{IntoResponse, Response},
    routing::get,
};
use futures_util::StreamExt as _;
use tokio_util::io::ReaderStream;

pub(super) fn routes() -> Router<Api> {
    Router::new().route("/blobs/{app}/{slug}/{secret}", get(read))
}

pub(super) fn address(api: &Api, app: &App, slug: SlugId) -> String {
    let config = api.config();
    let name = name(app.id, slug);
    config.own(&format!("/{name}/{}", config.secret.of(&name)))
}

fn name(app: AppId, slug: SlugId) -> String {
    format!("blobs/{app}/{slug}")
}

async fn read(
    Handle(api): Handle<Api>,
    Path((app, slug, secret)): Path<(String, String, String)>,
) -> Result<Response, ApiError> {
    let missing = || ApiError::missing("slug");
    let (app, slug) = app.parse().ok().zip(slug.parse().ok()).ok_or_else(missing)?;
    if !api.config().secret.is_of(&name(app, slug), &secret) {
        return Err(missing());
    }
    let place = api.fetch()?;
    let state = api.state();
    let digest = state.apps.get(&app).and_then(|app| app.slugs.get(&slug)).ok_or_else(missing)?.digest;
    let fault = |error| match error {
        // It was collected: no release that is kept points at it.
        SlugError::NoSlug { .. } => missing(),
        other => ApiError::operator("read a slug", &other),
    };
    let slug = Slug::open(api.store(), &digest).await.map_err(fault)?;
    let packed = api.releases().upload_file()?;
    slug.export(packed.path()).await.map_err(fault)?;
    // The open file outlives its name, which is removed right here.
    let opened = tokio::fs::File::open(packed.path()).await;
    let file = opened.map_err(|cause| ApiError::operator("read a packed slug", &cause))?;
    let chunks = ReaderStream::new(file).map(move |chunk| {
        let _until_sent = &place;
        chunk
    });
    let body = Body::from_stream(chunks);
    Ok(([(header::CONTENT_TYPE, "application/octet-stream")], body).into_response())
}
