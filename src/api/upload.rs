//! Uploads at secret addresses: sources to build and packed slugs. What is expected is kept in memory; an upload that
//! is not taken before its time is deleted.

use super::{Api, error::ApiError, secrets, slug};
use crate::clock::Timestamp;
use crate::ledger::Actor;
use crate::name::{AccountId, AppId, SlugId};
use crate::release::SourceArchive;
use crate::slug::Size;
use axum::{
    Json, Router,
    body::Body,
    extract::{Path, State as Handle},
    http::{HeaderMap, header},
    response::{IntoResponse, Response},
    routing::put,
};
use http_body_util::BodyExt as _;
use std::{
    collections::HashMap,
    io,
    sync::{Mutex, MutexGuard, PoisonError},
    time::Duration,
};
use tempfile::NamedTempFile;
use tokio::io::AsyncWriteExt as _;

/// How many sources of one account may wait to be uploaded or built; the oldest makes room for another.
const MOST_WAITING: usize = 16;

pub(super) fn routes() -> Router<Api> {
    Router::new().route("/sources/{secret}", put(receive_source)).route("/slugs/{secret}", put(receive_slug))
}

/// What is expected, and what came and was not taken yet.
#[derive(Default)]
pub(super) struct Uploads(Mutex<Table>);

#[derive(Default)]
struct Table {
    expected: HashMap<String, Expected>,
    /// Under which id a slug was stored for which another had been given out.
    stored: HashMap<SlugId, Stored>,
}

struct Stored {
    id: SlugId,
    until: Timestamp,
}

struct Expected {
    what: What,
    until: Timestamp,
}

enum What {
    /// A source that is yet to come.
    Source(AccountId),
    /// A source that is here.
    Received(AccountId, NamedTempFile),
    Slug(ExpectedSlug),
}

impl Expected {
    fn is_source_of(&self, account: AccountId) -> bool {
        matches!(self.what, What::Source(by) | What::Received(by, _) if by == account)
    }
}

/// A slug that is yet to come.
#[derive(Clone)]
pub(super) struct ExpectedSlug {
    /// The id that was given out for it.
    pub(super) id: SlugId,
    pub(super) app: AppId,
    pub(super) actor: Actor,
    pub(super) commit: Option<String>,
}

impl Uploads {
    fn table(&self) -> MutexGuard<'_, Table> {
        // A panic elsewhere leaves the table whole, so poison is not passed on.
        self.0.lock().unwrap_or_else(PoisonError::into_inner)
    }

    /// Gives out the secret of a new upload address, and deletes what nobody took in time.
    fn expect(&self, what: What, now: Timestamp, life: Duration) -> Result<String, ApiError> {
        let secret = secrets::random()?;
        let mut table = self.table();
        table.expected.retain(|_, expected| now < expected.until);
        table.stored.retain(|_, stored| now < stored.until);
        table.expected.insert(secret.clone(), Expected { what, until: later(now, life) });
        Ok(secret)
    }

    pub(super) fn expect_source(
        &self,
        by: AccountId,
        now: Timestamp,
        life: Duration,
    ) -> Result<String, ApiError> {
        self.make_room(by);
        self.expect(What::Source(by), now, life)
    }

    fn make_room(&self, account: AccountId) {
        let mut table = self.table();
        let waiting: Vec<_> =
            table.expected.iter().filter(|(_, expected)| expected.is_source_of(account)).collect();
        if waiting.len() >= MOST_WAITING
            && let Some(oldest) = waiting.into_iter().min_by_key(|(_, expected)| expected.until)
        {
            let oldest = oldest.0.clone();
            table.expected.remove(&oldest);
        }
    }

    pub(super) fn expect_slug(
        &self,
        slug: ExpectedSlug,
        now: Timestamp,
        life: Duration,
    ) -> Result<String, ApiError> {
        self.expect(What::Slug(slug), now, life)
    }

    /// Takes the expectation out, so that nobody else fulfils it; `None` when there is none that is still valid.
    fn take(&self, secret: &str, now: Timestamp) -> Option<Expected> {
        self.table().expected.remove(secret).filter(|expected| now < expected.until)
    }

    fn put_back(&self, secret: String, expected: Expected) {
        self.table().expected.insert(secret, expected);
    }

    /// The source that `account` uploaded to the address `url`; it can be taken once.
    pub(super) fn take_source(
        &self,
        url: &str,
        account: AccountId,
        now: Timestamp,
    ) -> Result<SourceArchive, ApiError> {
        let secret = url.rsplit_once("/sources/").map_or("", |(_, secret)| secret);
        match self.take(secret, now) {
            Some(Expected { what: What::Received(by, file), .. }) if by == account => {
                Ok(SourceArchive { file })
            }
            Some(other @ Expected { what: What::Source(_), .. }) => {
                self.put_back(secret.to_owned(), other);
                Err(ApiError::invalid(
                    "Nothing was uploaded yet: PUT the archive to the put_url of POST /sources first.",
                ))
            }
            other => {
                if let Some(other) = other {
                    self.put_back(secret.to_owned(), other);
                }
                Err(ApiError::invalid(
                    "`source_blob.url` must be a get_url of POST /sources, not older than an hour and not built yet.",
                ))
            }
        }
    }

    /// The id of the slug that was stored after `announced` had been given out for it.
    pub(super) fn stored_as(&self, announced: SlugId) -> Option<SlugId> {
        self.table().stored.get(&announced).map(|stored| stored.id)
    }
}

fn later(now: Timestamp, by: Duration) -> Timestamp {
    let by = i64::try_from(by.as_micros()).unwrap_or(i64::MAX);
    Timestamp::from_unix_micros(now.unix_micros().saturating_add(by))
}

fn expired() -> ApiError {
    ApiError::not_found("There is no upload to this address (any more): ask for a new one.")
}

async fn receive_source(
    Handle(api): Handle<Api>,
    Path(secret): Path<String>,
    headers: HeaderMap,
    body: Body,
) -> Result<Response, ApiError> {
    let expected = api.uploads().take(&secret, api.now()).ok_or_else(expired)?;
    let What::Source(by) = expected.what else {
        api.uploads().put_back(secret, expected);
        return Err(ApiError::conflict("This address was used already: ask for a new one."));
    };
    match receive(&api, &headers, body).await {
        Ok(file) => {
            api.uploads().put_back(secret, Expected { what: What::Received(by, file), ..expected });
            Ok(Json(serde_json::json!({})).into_response())
        }
        Err(refused) => {
            // What failed half-way may be tried again.
            api.uploads().put_back(secret, Expected { what: What::Source(by), ..expected });
            Err(refused)
        }
    }
}

/// Stores a packed slug, and answers with what it is.
async fn receive_slug(
    Handle(api): Handle<Api>,
    Path(secret): Path<String>,
    headers: HeaderMap,
    body: Body,
) -> Result<Response, ApiError> {
    let Some(Expected { what: What::Slug(slug), until }) = api.uploads().take(&secret, api.now()) else {
        return Err(expired());
    };
    match store_slug(&api, &slug, &headers, body).await {
        Ok(shape) => Ok(shape),
        Err(refused) => {
            api.uploads().put_back(secret, Expected { what: What::Slug(slug), until });
            Err(refused)
        }
    }
}

async fn store_slug(
    api: &Api,
    slug: &ExpectedSlug,
    headers: &HeaderMap,
    body: Body,
) -> Result<Response, ApiError> {
    let file = receive(api, headers, body).await?;
    let id = api.releases().import_slug(&slug.actor, slug.app, file.path(), slug.commit.clone()).await?;
    let stored = Stored { id, until: later(api.now(), api.config().limits.upload_life) };
    api.uploads().table().stored.insert(slug.id, stored);
    let state = api.state();
    let app = state.apps.get(&slug.app).ok_or_else(|| ApiError::missing("app"))?;
    let record = app.slugs.get(&id).ok_or_else(|| ApiError::missing("slug"))?;
    Ok(Json(slug::Shape::of(record, app, api)).into_response())
}

/// How long an upload may stand still.
const PATIENCE: Duration = Duration::from_secs(55);

/// The body in a file; nothing is left of one that is refused.
async fn receive(api: &Api, headers: &HeaderMap, body: Body) -> Result<NamedTempFile, ApiError> {
    let limit = api.config().upload_limit;
    let announced = headers.get(header::CONTENT_LENGTH).and_then(|length| length.to_str().ok()?.parse().ok());
    if announced.is_some_and(|length: u64| length > limit) {
        return Err(too_large(limit));
    }
    let file = api.releases().upload_file()?;
    let handle = file.as_file().try_clone().map_err(|cause| unwritten(&cause))?;
    api.until_stop(write(tokio::fs::File::from_std(handle), body, limit)).await??;
    Ok(file)
}

async fn write(mut file: tokio::fs::File, mut body: Body, limit: u64) -> Result<(), ApiError> {
    let mut size = 0;
    loop {
        let frame = tokio::time::timeout(PATIENCE, body.frame()).await;
        let Some(frame) = frame.map_err(|_| ApiError::too_slow("upload", PATIENCE))? else { break };
        let frame = frame.map_err(|_| ApiError::malformed("The upload ended before it was complete."))?;
        let Ok(data) = frame.into_data() else { continue };
        size += data.len() as u64;
        if size > limit {
            return Err(too_large(limit));
        }
        file.write_all(&data).await.map_err(|cause| unwritten(&cause))?;
    }
    file.flush().await.map_err(|cause| unwritten(&cause))
}

fn too_large(limit: u64) -> ApiError {
    let limit = Size(limit);
    ApiError::too_large(format!(
        "The upload is larger than {limit}, the most this platform takes: leave files out."
    ))
}

fn unwritten(cause: &io::Error) -> ApiError {
    ApiError::operator("keep an upload", cause)
}
