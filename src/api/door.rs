use super::{
    ApiConfig, absent, account, accounts, allowance::Allowance, app, app_transfer, attachment,
    attachment::Attachments, authorization, build, buildpack, caller, collaborator, config_var, domain, dyno,
    dyno_size, envelope, error::ApiError, formation, log_session, log_session::Sessions, output_stream,
    region, release, slug, slug_blob, source, stack, upload, upload::Uploads,
};
use crate::access::Doorkeeper;
use crate::clock::{Clock, Timestamp};
use crate::formation::Supervisor;
use crate::ledger::{Ledger, State};
use crate::logplex::Logplex;
use crate::release::Releases;
use crate::slug::SlugStore;
use axum::{
    Router,
    middleware::{from_fn, from_fn_with_state},
    response::{IntoResponse, Response},
};
use std::{fmt, sync::Arc};
use tokio::sync::{OwnedSemaphorePermit, Semaphore};
use tokio_util::{sync::CancellationToken, task::TaskTracker};

/// What the API works with.
#[derive(Clone)]
pub struct Rooms {
    /// The record, which all answers come from.
    pub ledger: Ledger,
    /// Knows who may do what.
    pub doorkeeper: Doorkeeper,
    /// Makes releases.
    pub releases: Releases,
    /// Knows what runs.
    pub supervisor: Supervisor,
    /// Where slugs are, for those who fetch one.
    pub store: SlugStore,
    /// Where log sessions read.
    pub logplex: Logplex,
    /// What time it is.
    pub clock: Clock,
    /// Streams and uploads end when this is cancelled.
    pub stop: CancellationToken,
}

/// Slugs that are packed and sent at a time.
const FETCHED_AT_ONCE: usize = 4;

/// The control API. Clones are one.
#[derive(Clone)]
pub struct Api(Arc<Inner>);

struct Inner {
    config: ApiConfig,
    rooms: Rooms,
    allowance: Allowance,
    sessions: Sessions,
    uploads: Uploads,
    attachments: Attachments,
    /// Slugs that are being fetched: each takes its whole size of the disk meanwhile.
    fetching: Arc<Semaphore>,
    changes: TaskTracker,
}

impl fmt::Debug for Api {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("Api").field("config", &self.0.config).finish_non_exhaustive()
    }
}

impl Api {
    /// An API without a door yet: see [`router`](Self::router).
    #[must_use]
    pub fn new(config: ApiConfig, rooms: Rooms) -> Self {
        let allowance = Allowance::new(config.limits);
        let (sessions, uploads) = (Sessions::default(), Uploads::default());
        let (attachments, changes) = (Attachments::default(), TaskTracker::new());
        let fetching = Arc::new(Semaphore::new(FETCHED_AT_ONCE));
        Self(Arc::new(Inner { config, rooms, allowance, sessions, uploads, attachments, fetching, changes }))
    }

    /// The API as a tower service, for whoever has the sockets.
    pub fn router(&self) -> Router {
        self.guarded()
            .merge(authorization::creating(self))
            .merge(by_secret())
            .fallback(async || ApiError::not_found("There is nothing at this address."))
            .method_not_allowed_fallback(async || ApiError::wrong_method())
            .layer(from_fn_with_state(self.clone(), envelope::seal))
            .with_state(self.clone())
    }

    /// What needs a token.
    fn guarded(&self) -> Router<Self> {
        [
            absent::routes(),
            account::routes(),
            accounts::routes(),
            app::routes(),
            app_transfer::routes(),
            authorization::routes(),
            build::routes(),
            buildpack::routes(),
            collaborator::routes(),
            config_var::routes(),
            domain::routes(),
            dyno::routes(),
            dyno_size::routes(),
            formation::routes(),
            log_session::routes(),
            region::routes(),
            release::routes(),
            slug::routes(),
            source::routes(),
            stack::routes(),
        ]
        .into_iter()
        .fold(Router::new(), Router::merge)
        .route_layer(from_fn_with_state(self.clone(), caller::admit))
        .route_layer(from_fn(envelope::in_json))
    }

    /// Waits for the changes that have begun, and for the clients of one-off dynos, which end with
    /// [`Rooms::stop`]. Later ones are refused.
    pub async fn close(&self) {
        self.0.changes.close();
        self.0.changes.wait().await;
        self.0.attachments.close().await;
    }

    /// The answer of a change, which goes on if this future is dropped.
    pub(super) async fn to_its_end(
        &self,
        change: impl Future<Output = Response> + Send + 'static,
    ) -> Response {
        if self.0.changes.is_closed() {
            return ApiError::stopping().into_response();
        }
        self.0.changes.spawn(change).await.unwrap_or_else(|_| {
            tracing::error!("a change did not come to its end: it panicked");
            ApiError::internal().into_response()
        })
    }

    /// A place among the slugs that are being fetched.
    pub(super) fn fetch(&self) -> Result<OwnedSemaphorePermit, ApiError> {
        let place = Arc::clone(&self.0.fetching).try_acquire_owned();
        place.map_err(|_| {
            ApiError::too_many(format!(
                "{FETCHED_AT_ONCE} slugs are being fetched already. Try again when one has arrived."
            ))
        })
    }

    /// What `work` gives, unless the platform stops first.
    pub(super) async fn until_stop<T>(&self, work: impl Future<Output = T>) -> Result<T, ApiError> {
        self.stop().run_until_cancelled(work).await.ok_or_else(ApiError::stopping)
    }

    pub(super) fn config(&self) -> &ApiConfig {
        &self.0.config
    }

    pub(super) fn ledger(&self) -> &Ledger {
        &self.0.rooms.ledger
    }

    pub(super) fn doorkeeper(&self) -> &Doorkeeper {
        &self.0.rooms.doorkeeper
    }

    pub(super) fn state(&self) -> Arc<State> {
        self.ledger().state()
    }

    pub(super) fn releases(&self) -> &Releases {
        &self.0.rooms.releases
    }

    pub(super) fn store(&self) -> &SlugStore {
        &self.0.rooms.store
    }

    pub(super) fn supervisor(&self) -> &Supervisor {
        &self.0.rooms.supervisor
    }

    pub(super) fn logplex(&self) -> &Logplex {
        &self.0.rooms.logplex
    }

    pub(super) fn stop(&self) -> &CancellationToken {
        &self.0.rooms.stop
    }

    pub(super) fn now(&self) -> Timestamp {
        self.0.rooms.clock.now()
    }

    pub(super) fn allowance(&self) -> &Allowance {
        &self.0.allowance
    }

    pub(super) fn sessions(&self) -> &Sessions {
        &self.0.sessions
    }

    pub(super) fn attachments(&self) -> &Attachments {
        &self.0.attachments
    }

    pub(super) fn uploads(&self) -> &Uploads {
        &self.0.uploads
    }
}

/// What needs no token: whoever knows the secret address is meant.
fn by_secret() -> Router<Api> {
    log_session::reading()
        .merge(attachment::routes())
        .merge(output_stream::routes())
        .merge(slug_blob::routes())
        .merge(upload::routes())
}
