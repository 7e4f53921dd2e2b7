use super::{
    asset::{Asset, Variant},
    encoding::{Accepted, Encoding},
    library::{Found, Library},
    options::{StaticOptions, StaticSiteError},
    range::{Wanted, is_known},
};
use crate::dyno::Body;
use bytes::Bytes;
use cap_std::fs::Dir;
use futures_util::TryStreamExt as _;
use http::{HeaderMap, HeaderValue, Method, Request, Response, StatusCode, Uri, header};
use http_body::Frame;
use http_body_util::{BodyExt as _, Full, StreamBody};
use std::{io, io::Seek as _, ops::Range, sync::Arc};
use tokio::io::AsyncReadExt as _;
use tokio_util::io::ReaderStream;

/// Bytes of a large file that are in memory at one time.
const CHUNK: usize = 64 * 1024;

/// A directory of a slug which the host serves.
#[derive(Debug)]
pub struct StaticSite {
    library: Library,
}

impl StaticSite {
    /// A site of the directory that `options` name under `app`, the slug's tree, which must not change while the
    /// site lives.
    ///
    /// # Errors
    /// [`StaticSiteError::Directory`] if there is no such directory.
    pub fn new(app: Dir, options: StaticOptions) -> Result<Self, StaticSiteError> {
        let root = if options.directory == "." { Ok(app) } else { app.open_dir(&options.directory) };
        match root {
            Ok(root) => Ok(Self { library: Library::new(root, options) }),
            Err(cause) => Err(StaticSiteError::Directory { directory: options.directory, cause }),
        }
    }

    /// Answers one request; `GET` and `HEAD` only. The request's body is not read.
    pub async fn handle(&self, request: Request<Body>) -> Response<Body> {
        let (parts, _) = request.into_parts();
        if !matches!(parts.method, Method::GET | Method::HEAD) {
            let mut response =
                message(StatusCode::METHOD_NOT_ALLOWED, "Only GET and HEAD are answered here.\n");
            response.headers_mut().insert(header::ALLOW, HeaderValue::from_static("GET, HEAD"));
            return response;
        }
        let answered = match self.library.find(parts.uri.path()).await {
            Ok(found) => self.answer(found, &parts.method, &parts.uri, &parts.headers).await,
            Err(error) => Err(error),
        };
        let mut response = answered.unwrap_or_else(|error| {
            tracing::error!(%error, path = parts.uri.path(), "a file of a static site could not be read");
            message(StatusCode::INTERNAL_SERVER_ERROR, "This file cannot be read at the moment.\n")
        });
        if parts.method == Method::HEAD {
            *response.body_mut() = Body::default();
        }
        response
    }

    async fn answer(
        &self,
        found: Found,
        method: &Method,
        uri: &Uri,
        headers: &HeaderMap,
    ) -> io::Result<Response<Body>> {
        match found {
            Found::Asset(asset) => self.file(&asset, method, headers).await,
            Found::Moved(link) => Ok(moved(link, uri.query())),
            Found::Missing(None) => Ok(message(StatusCode::NOT_FOUND, "There is nothing here.\n")),
            Found::Missing(Some(page)) => {
                let variant = page.variant(&Accepted::by(headers));
                let body = self.content(variant, 0..variant.length, method).await?;
                let mut response = sent(&page, variant, variant.length, body);
                *response.status_mut() = StatusCode::NOT_FOUND;
                response.headers_mut().remove(header::ETAG);
                response.headers_mut().remove(header::ACCEPT_RANGES);
                Ok(response)
            }
        }
    }

    async fn file(&self, asset: &Asset, method: &Method, headers: &HeaderMap) -> io::Result<Response<Body>> {
        let variant = asset.variant(&Accepted::by(headers));
        if is_known(headers, &variant.etag) {
            return Ok(not_modified(asset, variant));
        }
        let wanted = match *method {
            Method::GET => Wanted::by(headers, variant.length, &variant.etag),
            _ => Wanted::Whole,
        };
        let whole = 0..variant.length;
        let (part, status) = match wanted {
            Wanted::Whole => (whole, StatusCode::OK),
            Wanted::Part(part) => (part, StatusCode::PARTIAL_CONTENT),
            Wanted::Nothing => return Ok(not_satisfiable(variant.length)),
        };
        let body = self.content(variant, part.clone(), method).await?;
        let mut response = sent(asset, variant, part.end - part.start, body);
        *response.status_mut() = status;
        if status == StatusCode::PARTIAL_CONTENT {
            let text = format!("bytes {}-{}/{}", part.start, part.end - 1, variant.length);
            insert(&mut response, header::CONTENT_RANGE, text);
        }
        Ok(response)
    }

    /// The bytes `part` of a file: from memory, or in chunks from the disk.
    async fn content(&self, variant: &Variant, part: Range<u64>, method: &Method) -> io::Result<Body> {
        if *method == Method::HEAD {
            return Ok(Body::default());
        }
        if let Some(bytes) = &variant.bytes {
            let index = |at| usize::try_from(at).unwrap_or(usize::MAX).min(bytes.len());
            return Ok(full(bytes.slice(index(part.start)..index(part.end))));
        }
        let (root, path) = (Arc::clone(&self.library.root), variant.path.clone());
        let open = move || {
            let mut file = root.open(path)?.into_std();
            file.seek(io::SeekFrom::Start(part.start))?;
            Ok::<_, io::Error>((file, part.end - part.start))
        };
        let (file, length) = tokio::task::spawn_blocking(open).await.map_err(io::Error::other)??;
        let reader = tokio::fs::File::from_std(file).take(length);
        let chunks = ReaderStream::with_capacity(reader, CHUNK).map_ok(Frame::data).map_err(Into::into);
        Ok(StreamBody::new(chunks).boxed_unsync())
    }
}

/// What every answer with a file says about it.
fn sent(asset: &Asset, variant: &Variant, length: u64, body: Body) -> Response<Body> {
    let mut response = Response::new(body);
    let headers = response.headers_mut();
    headers.insert(header::CONTENT_TYPE, asset.content_type.clone());
    headers.insert(header::CONTENT_LENGTH, HeaderValue::from(length));
    headers.insert(header::ACCEPT_RANGES, HeaderValue::from_static("bytes"));
    headers.insert(header::X_CONTENT_TYPE_OPTIONS, HeaderValue::from_static("nosniff"));
    if variant.encoding != Encoding::Identity {
        headers.insert(header::CONTENT_ENCODING, HeaderValue::from_static(variant.encoding.name()));
    }
    describe(headers, asset, variant);
    response
}

/// What a cache must know, with the file or without it.
fn describe(headers: &mut HeaderMap, asset: &Asset, variant: &Variant) {
    headers.insert(header::ETAG, variant.etag.clone());
    headers.insert(header::CACHE_CONTROL, HeaderValue::from_static("public, max-age=0, must-revalidate"));
    if asset.varies() {
        headers.insert(header::VARY, HeaderValue::from_static("accept-encoding"));
    }
}

fn not_modified(asset: &Asset, variant: &Variant) -> Response<Body> {
    let mut response = Response::new(Body::default());
    *response.status_mut() = StatusCode::NOT_MODIFIED;
    describe(response.headers_mut(), asset, variant);
    response
}

fn not_satisfiable(length: u64) -> Response<Body> {
    let mut response = message(StatusCode::RANGE_NOT_SATISFIABLE, "The file is shorter than that.\n");
    insert(&mut response, header::CONTENT_RANGE, format!("bytes */{length}"));
    response
}

/// Permanent, as the slug will not change its mind; the query goes along.
fn moved(mut link: String, query: Option<&str>) -> Response<Body> {
    if let Some(query) = query {
        link.push('?');
        link.push_str(query);
    }
    let mut response = message(StatusCode::MOVED_PERMANENTLY, "Moved.\n");
    insert(&mut response, header::LOCATION, link);
    response
}

fn message(status: StatusCode, text: &'static str) -> Response<Body> {
    let mut response = Response::new(full(Bytes::from_static(text.as_bytes())));
    *response.status_mut() = status;
    let headers = response.headers_mut();
    headers.insert(header::CONTENT_TYPE, HeaderValue::from_static("text/plain; charset=utf-8"));
    headers.insert(header::CONTENT_LENGTH, HeaderValue::from(text.len()));
    headers.insert(header::CACHE_CONTROL, HeaderValue::from_static("public, max-age=0, must-revalidate"));
    response
}

fn insert(response: &mut Response<Body>, name: header::HeaderName, text: String) {
    if let Ok(value) = HeaderValue::try_from(text) {
        response.headers_mut().insert(name, value);
    }
}

fn full(bytes: Bytes) -> Body {
    Full::new(bytes).map_err(|never| match never {}).boxed_unsync()
}

#[cfg(test)]
#[path = "site_tests.rs"]
mod tests;
