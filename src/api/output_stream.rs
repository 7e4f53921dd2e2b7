//! The output of builds and release phases, at addresses that can be told from the id only with the platform's secret.

use super::{Api, error::ApiError};
use crate::name::{BuildId, ReleaseId};
use crate::release::{Output, OutputId};
use axum::{
    Router,
    body::Body,
    extract::{Path, State as Handle},
    http::header,
    response::{IntoResponse, Response},
    routing::get,
};
use bytes::Bytes;
use std::{convert::Infallible, str::FromStr};
use tokio_util::sync::CancellationToken;

pub(super) fn routes() -> Router<Api> {
    Router::new().route("/streams/{kind}/{id}/{secret}", get(read))
}

pub(super) fn of_build(api: &Api, id: BuildId) -> String {
    address(api, &format!("builds/{id}"))
}

pub(super) fn of_release(api: &Api, id: ReleaseId) -> String {
    address(api, &format!("releases/{id}"))
}

fn address(api: &Api, name: &str) -> String {
    let config = api.config();
    config.own(&format!("/streams/{name}/{}", config.secret.of(name)))
}

async fn read(
    Handle(api): Handle<Api>,
    Path((kind, id, secret)): Path<(String, String, String)>,
) -> Result<Response, ApiError> {
    let missing = || ApiError::not_found("There is no output here, or not yet.");
    let known = api.config().secret.is_of(&format!("{kind}/{id}"), &secret);
    let of = known.then(|| output_id(&kind, &id)).flatten().ok_or_else(missing)?;
    let output = api.releases().output(of).await.ok_or_else(missing)?;
    let head =
        [(header::CONTENT_TYPE, "text/plain; charset=utf-8"), (header::CACHE_CONTROL, "private, no-cache")];
    Ok((head, body(output, api.stop().clone())).into_response())
}

fn output_id(kind: &str, id: &str) -> Option<OutputId> {
    match kind {
        "builds" => BuildId::from_str(id).ok().map(OutputId::Build),
        "releases" => ReleaseId::from_str(id).ok().map(OutputId::Release),
        _ => None,
    }
}

fn body(output: Output, stop: CancellationToken) -> Body {
    Body::from_stream(futures_util::stream::unfold((output, stop), async |(mut output, stop)| {
        let next = stop.run_until_cancelled(output.next()).await.flatten()?;
        Some((Ok::<Bytes, Infallible>(next), (output, stop)))
    }))
}
