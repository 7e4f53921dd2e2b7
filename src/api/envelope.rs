//! What is the same for every request and answer.

use super::{Api, error::ApiError};
use crate::slug::Digest;
use axum::{
    body::{Body, to_bytes},
    extract::{Request, State as Handle},
    http::{HeaderMap, HeaderValue, Method, StatusCode, header},
    middleware::Next,
    response::{IntoResponse, Response},
};

/// Gives every request an id, and lets changes run to their end when their client goes away.
pub(super) async fn seal(Handle(api): Handle<Api>, request: Request, next: Next) -> Response {
    let id = request_id(request.headers());
    let reads = matches!(*request.method(), Method::GET | Method::HEAD | Method::OPTIONS);
    let mut response = if reads { next.run(request).await } else { api.to_its_end(next.run(request)).await };
    response.headers_mut().insert("request-id", id);
    response
}

/// The client's id of the request when it sent one; the official CLI sends a growing list, which is not taken over.
fn request_id(headers: &HeaderMap) -> HeaderValue {
    let legal = |id: &&HeaderValue| {
        (20..=200).contains(&id.len())
            && id.as_bytes().iter().all(|c| c.is_ascii_alphanumeric() || *c == b'-')
    };
    let own = || HeaderValue::from_str(&uuid::Uuid::new_v4().to_string());
    let given = headers.get("request-id").filter(legal).cloned();
    given.or_else(|| own().ok()).unwrap_or_else(|| HeaderValue::from_static("none"))
}

/// Answers in JSON: refuses who wants something else, tags the answer, and leaves it out when the client has it.
pub(super) async fn in_json(request: Request, next: Next) -> Response {
    if !accepts_version_3(request.headers()) {
        return ApiError::not_acceptable().into_response();
    }
    let is_get = matches!(*request.method(), Method::GET | Method::HEAD);
    let known = request.headers().get(header::IF_NONE_MATCH).cloned();
    let mut response = next.run(request).await;
    let cache = HeaderValue::from_static("private, no-cache");
    response.headers_mut().insert(header::CACHE_CONTROL, cache);
    if is_get && response.status().is_success() { tagged(response, known.as_ref()).await } else { response }
}

fn accepts_version_3(headers: &HeaderMap) -> bool {
    let Some(accept) = headers.get(header::ACCEPT) else { return true };
    let accept = accept.to_str().unwrap_or_default().to_ascii_lowercase();
    accept.trim().is_empty() || accept.split(',').any(|range| is_version_3(range.trim()))
}

fn is_version_3(range: &str) -> bool {
    let mut parts = range.split(';').map(str::trim);
    match parts.next().unwrap_or_default() {
        "*/*" | "application/*" | "application/json" => true,
        "application/vnd.heroku+json" => {
            let version = parts.find_map(|part| part.strip_prefix("version="));
            version.is_none_or(|version| version == "3" || version.starts_with("3."))
        }
        _ => false,
    }
}

async fn tagged(response: Response, known: Option<&HeaderValue>) -> Response {
    let (mut parts, body) = response.into_parts();
    // Every answer here was made in memory, so that reading it cannot fail and needs no limit.
    let Ok(bytes) = to_bytes(body, usize::MAX).await else { return ApiError::internal().into_response() };
    let tag = format!("\"{}\"", &Digest::of(&bytes).hex()[..32]);
    let known = known.and_then(|known| known.to_str().ok()).unwrap_or_default();
    let same =
        known.split(',').any(|one| matches!(one.trim().trim_start_matches("W/"), t if t == tag || t == "*"));
    if let Ok(tag) = HeaderValue::from_str(&tag) {
        parts.headers.insert(header::ETAG, tag);
    }
    if same && parts.status == StatusCode::OK {
        parts.status = StatusCode::NOT_MODIFIED;
        parts.headers.remove(header::CONTENT_TYPE);
        parts.headers.remove(header::CONTENT_LENGTH);
        return Response::from_parts(parts, Body::empty());
    }
    Response::from_parts(parts, Body::from(bytes))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn every_version_3_is_taken() {
        let accepts = |accept| {
            let mut headers = HeaderMap::new();
            headers.insert(header::ACCEPT, HeaderValue::from_static(accept));
            accepts_version_3(&headers)
        };
        for accept in [
            "",
            "*/*",
            "application/json",
            "application/vnd.heroku+json; version=3",
            "application/vnd.heroku+json; version=3.sdk",
            "application/vnd.heroku+json;version=3, text/html",
        ] {
            assert!(accepts(accept), "{accept}");
        }
        for accept in ["text/html", "application/vnd.heroku+json; version=2", "application/xml"] {
            assert!(!accepts(accept), "{accept}");
        }
    }

    #[test]
    fn a_single_request_id_is_echoed_and_a_list_is_not() {
        let of = |id: &'static str| {
            let mut headers = HeaderMap::new();
            headers.insert("request-id", HeaderValue::from_static(id));
            request_id(&headers) == id
        };
        assert!(of("67e55044-10b1-426f-9247-bb680e5fe0c8"));
        assert!(!of("67e55044-10b1-426f-9247-bb680e5fe0c8,67e55044-10b1-426f-9247-bb680e5fe0c9"));
        assert!(!of("short"));
    }
}
