use super::{
    GitConfig, GitError, Rooms, advertisement,
    error::io_error,
    exchange, hook_socket,
    permits::{Permit, Permits},
    program::Git,
    pushes::Pushes,
    refusal::Refusal,
    repositories::Repositories,
    service::Service,
};
use crate::ledger::App;
use crate::name::AccountId;
use axum::{
    Router,
    routing::{get, post},
};
use std::{fmt, io, path::PathBuf, sync::Arc};
use tokio::sync::Semaphore;
use tokio_util::{sync::CancellationToken, task::TaskTracker};

/// The git door. Clones are one.
#[derive(Clone)]
pub struct GitDoor(Arc<Inner>);

pub(super) struct Inner {
    pub(super) config: GitConfig,
    pub(super) rooms: Rooms,
    pub(super) git: Option<Git>,
    pub(super) pushes: Arc<Pushes>,
    pub(super) upkeep: Semaphore,
    /// Pushes and fetches, and what follows from them.
    pub(super) tasks: TaskTracker,
    repositories: Arc<Repositories>,
    receiving: Permits,
    sending: Permits,
    /// What hears hooks and removes repositories, until it is told to end.
    watch: TaskTracker,
    closing: CancellationToken,
}

impl fmt::Debug for GitDoor {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("GitDoor").field("config", &self.0.config).finish_non_exhaustive()
    }
}

impl GitDoor {
    /// Opens the repositories below `config.dir`, and finds the system's git. Without one every request is refused.
    ///
    /// Git calls this very program as its hook: its `main` must call [`hook::run`](super::hook::run) when it
    /// [is the hook](super::hook::is_hook).
    ///
    /// # Errors
    /// [`GitError`].
    pub async fn open(config: GitConfig, rooms: Rooms) -> Result<Self, GitError> {
        let git = Git::find(config.max_pack).await;
        if let Err(reason) = &git {
            tracing::warn!("git push does not work: {reason}");
        }
        let (dir, ledger) = (config.dir.clone(), rooms.ledger.clone());
        let open = move || {
            let repositories = Repositories::open(dir.clone(), ledger)?;
            hook_socket::link_hook(&dir)?;
            Ok(repositories)
        };
        let opened = tokio::task::spawn_blocking(open).await;
        let failed =
            |failed| io_error("open", &config.dir)(io::Error::other::<tokio::task::JoinError>(failed));
        let repositories = Arc::new(opened.map_err(failed)??);
        let listener = hook_socket::bind(&config.dir)?;
        let at_once = config.at_once;
        let inner = Arc::new(Inner {
            config,
            rooms,
            git: git.ok(),
            pushes: Arc::default(),
            upkeep: Semaphore::new(1),
            tasks: TaskTracker::new(),
            repositories,
            receiving: Permits::new(at_once),
            sending: Permits::new(at_once),
            watch: TaskTracker::new(),
            closing: CancellationToken::new(),
        });
        inner.watch_over(hook_socket::listen(Arc::clone(&inner), listener));
        inner.watch_over(Arc::clone(&inner.repositories).follow());
        Ok(Self(inner))
    }

    /// The door as a tower service, for whoever has the sockets: `/APP.git/…`.
    pub fn router(&self) -> Router {
        Router::new()
            .route("/{repository}/info/refs", get(advertisement::advertise))
            .route("/{repository}/git-receive-pack", post(exchange::receive))
            .route("/{repository}/git-upload-pack", post(exchange::upload))
            .fallback(async || Refusal::NotSmart)
            .with_state(self.clone())
    }

    /// Waits for pushes and fetches to end, which do so soon after [`Rooms::stop`] and the end of their builds.
    pub async fn close(&self) {
        self.0.tasks.close();
        self.0.tasks.wait().await;
        self.0.closing.cancel();
        self.0.watch.close();
        self.0.watch.wait().await;
    }

    pub(super) fn inner(&self) -> &Arc<Inner> {
        &self.0
    }
}

impl Inner {
    fn watch_over(&self, task: impl Future<Output = ()> + Send + 'static) {
        self.watch.spawn(self.closing.clone().run_until_cancelled_owned(task));
    }

    /// The system's git.
    pub(super) fn git(&self) -> Result<&Git, Refusal> {
        self.git.as_ref().ok_or(Refusal::NoGit)
    }

    /// The right of `account` to begin one more push or fetch.
    pub(super) async fn permit(&self, service: Service, account: AccountId) -> Result<Permit, Refusal> {
        if self.rooms.stop.is_cancelled() {
            return Err(Refusal::Stopping);
        }
        let among = match service {
            Service::ReceivePack => &self.receiving,
            Service::UploadPack => &self.sending,
        };
        among.take(account).await
    }

    /// Where the app's repository is.
    pub(super) async fn repository(&self, app: &App, git: &Git) -> Result<PathBuf, Refusal> {
        self.repositories.of(app.id, git).await.map_err(|cause| match cause.kind() {
            io::ErrorKind::NotFound => Refusal::NoApp(app.name.to_string()),
            _ => Refusal::host("make a repository", &cause),
        })
    }
}

/// The app's name or id in a repository's: `shop.git`.
pub(super) fn repository_name(repository: &str) -> &str {
    repository.strip_suffix(".git").unwrap_or(repository)
}
