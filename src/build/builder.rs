use super::{
    BuildError, CacheKey,
    catalog::Catalog,
    course::Course,
    environment::Environment,
    locks,
    log::Log,
    script::Limit,
    workspace::{self, CacheDir},
};
use crate::app::ConfigVars;
use crate::name::AppName;
use crate::slug::{Slug, SlugStore};
use std::{path::PathBuf, sync::Arc, time::Duration};
use tokio::{sync::mpsc, time::Instant};
use tokio_util::{sync::CancellationToken, task::TaskTracker};

/// How many lines a build may be ahead of who watches it.
const LINES_AHEAD: usize = 256;

/// The operator's variables that a build may see unless told otherwise: proxies, certificate authorities and
/// mirrors of package registries. None of them names a secret by itself; a proxy's or mirror's address may
/// hold one.
pub const PASSTHROUGH: [&str; 24] = [
    "ALL_PROXY",
    "HTTPS_PROXY",
    "HTTP_PROXY",
    "NO_PROXY",
    "all_proxy",
    "https_proxy",
    "http_proxy",
    "no_proxy",
    "CURL_CA_BUNDLE",
    "NODE_EXTRA_CA_CERTS",
    "PIP_CERT",
    "REQUESTS_CA_BUNDLE",
    "SSL_CERT_DIR",
    "SSL_CERT_FILE",
    "GOPROXY",
    "GOSUMDB",
    "NPM_CONFIG_REGISTRY",
    "npm_config_registry",
    "PIP_DEFAULT_TIMEOUT",
    "PIP_EXTRA_INDEX_URL",
    "PIP_FIND_LINKS",
    "PIP_INDEX_URL",
    "PIP_TRUSTED_HOST",
    "UV_INDEX_URL",
];

/// What keeps builds from doing harm: buildpacks' scripts are programs of the machine.
#[derive(Clone, Copy, Debug, Default, Eq, PartialEq, serde::Deserialize, serde::Serialize)]
#[serde(rename_all = "kebab-case")]
pub enum BuildJail {
    /// Nothing does: they run as this program's user, so only the platform's owner may build.
    #[default]
    OwnerOnly,
    /// Nothing does, and whoever may deploy may build: everybody with access is trusted.
    None,
}

/// How builds are done.
#[derive(Clone, Debug, documented::DocumentedFields, serde::Deserialize, serde::Serialize)]
#[serde(default, deny_unknown_fields, rename_all = "kebab-case")]
pub struct BuilderConfig {
    /// Where buildpacks, toolchains and each app's `CACHE_DIR` are kept, and builds happen. May be deleted
    /// while nothing is built; may be shared by several processes.
    #[serde(skip)]
    pub cache_dir: PathBuf,
    /// How long one build may take, without waiting for others. Default: 15 min, as on Heroku.
    #[serde(with = "crate::clock::duration_text")]
    pub time_limit: Duration,
    /// How many builds run at one time on a platform; others wait in their order. Default: 2.
    pub at_once: usize,
    /// How many builds may wait for them; more are refused. Default: 50.
    pub waiting: usize,
    /// How many of those may be of one app. Default: 5.
    pub waiting_per_app: usize,
    /// Who may build on a platform, as long as builds have no jail: "owner-only", or "none" for everybody who may deploy.
    /// Default: "owner-only".
    pub jail: BuildJail,
    /// The most bytes of a slug, and of the source it is made from. Default: 1 GB.
    pub slug_limit: u64,
    /// The names of the operator's environment variables that a build sees besides `PATH`. Default: proxies,
    /// certificate authorities and mirrors of package registries.
    pub passthrough: Vec<String>,
    /// Whether a request may name a directory as a buildpack. Its scripts run as this program's user, so only
    /// where the asker is the operator. Default: no.
    #[serde(skip)]
    pub allow_directories: bool,
}

impl Default for BuilderConfig {
    fn default() -> Self {
        Self::new("")
    }
}

impl BuilderConfig {
    /// The defaults, with `cache_dir`.
    #[must_use]
    pub fn new(cache_dir: impl Into<PathBuf>) -> Self {
        Self {
            cache_dir: cache_dir.into(),
            time_limit: Duration::from_mins(15),
            at_once: 2,
            waiting: 50,
            waiting_per_app: 5,
            jail: BuildJail::default(),
            slug_limit: 1_000_000_000,
            passthrough: PASSTHROUGH.map(str::to_owned).to_vec(),
            allow_directories: false,
        }
    }
}

/// What is to be built.
#[derive(Clone, Debug)]
pub struct BuildRequest {
    /// Whose build it is, for who watches.
    pub app: AppName,
    /// The app's cache. Only one of the builds that share it runs at a time.
    pub cache: CacheKey,
    /// The directory of the source. It is copied, never written to.
    pub source: PathBuf,
    /// The buildpacks to use, in this order: names, as `python` or `heroku/python`, or directories (`./mine`)
    /// where they are allowed. Empty: the first that recognizes the app.
    pub buildpacks: Vec<String>,
    /// The config vars that buildpacks see, as files in `ENV_DIR`; no part of the slug.
    pub config: ConfigVars,
}

/// Makes slugs. Clones share one cache and end together.
#[derive(Clone, Debug)]
pub struct Builder {
    shared: Arc<Shared>,
    builds: TaskTracker,
    stop: CancellationToken,
}

/// What every build of one builder uses.
pub(super) struct Shared {
    pub(super) config: BuilderConfig,
    pub(super) cache: CacheDir,
    pub(super) catalog: Catalog,
    pub(super) environment: Environment,
    pub(super) store: SlugStore,
}

impl std::fmt::Debug for Shared {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        f.debug_struct("Shared").field("config", &self.config).finish_non_exhaustive()
    }
}

impl Builder {
    /// Prepares the cache directory: unpacks the embedded buildpacks and removes what killed builds left.
    /// Reads the environment once, here. Blocks on the disk for a moment.
    ///
    /// # Errors
    /// [`BuildError::Host`] or [`BuildError::DiskFull`] when the cache directory cannot be written.
    pub fn new(config: BuilderConfig, store: SlugStore) -> Result<Self, BuildError> {
        let cache = CacheDir::open(&config.cache_dir)?;
        let catalog = Catalog::open(&cache.buildpacks(), config.allow_directories)?;
        let environment = Environment::of_operator(&config.passthrough);
        let shared = Shared { config, cache, catalog, environment, store };
        Ok(Self { shared: Arc::new(shared), builds: TaskTracker::new(), stop: CancellationToken::new() })
    }

    /// How builds are done here.
    #[must_use]
    pub fn config(&self) -> &BuilderConfig {
        &self.shared.config
    }

    /// Builds the source into a slug in the store, and gives `output` each line for the one who watches, as
    /// it comes and without line breaks.
    ///
    /// Dropping the future cancels the build: its processes are killed and its files removed in the
    /// background, which [`close`](Self::close) waits for.
    ///
    /// # Errors
    /// [`BuildError`]; [`BuildError::is_app_fault`] says whose it is. After any of them nothing of the build
    /// is left but what its buildpacks wrote to the app's cache.
    pub async fn build(
        &self,
        request: BuildRequest,
        output: &mut (dyn FnMut(&str) + Send),
    ) -> Result<Slug, BuildError> {
        let (watcher, mut lines) = mpsc::channel(LINES_AHEAD);
        let stop = self.stop.child_token();
        let _cancelled_with_this_future = stop.clone().drop_guard();
        let time = self.shared.config.time_limit;
        let limit = Limit { deadline: Instant::now() + time, time, stop };
        let course = Course::new(Arc::clone(&self.shared), request, Log::new(watcher), limit);
        let build = self.builds.spawn(course.run());
        while let Some(line) = lines.recv().await {
            output(&line);
        }
        match build.await {
            Ok(result) => result,
            Err(failed) => match failed.try_into_panic() {
                Ok(panic) => std::panic::resume_unwind(panic),
                Err(_) => Err(BuildError::Cancelled),
            },
        }
    }

    /// The name of the buildpack that comes with this program and that `name` means: `python`, `heroku/python` or
    /// `urn:buildpack:heroku/python`. Never one in a directory.
    ///
    /// # Errors
    /// [`BuildError::UnknownBuildpack`] lists those there are.
    pub fn buildpack(&self, name: &str) -> Result<String, BuildError> {
        self.shared.catalog.known(name).map(|buildpack| buildpack.name.clone())
    }

    /// Removes what was kept for the builds of an app, with its lock. Waits for a build of it that runs or is being
    /// cleaned up.
    ///
    /// # Errors
    /// [`BuildError::Host`]: what could not be removed stays. [`BuildError::Cancelled`] with the builder.
    pub async fn forget(&self, cache: &CacheKey) -> Result<(), BuildError> {
        let (dir, path) = (self.shared.cache.of_app(cache), self.shared.cache.app_lock(cache));
        let (watcher, _) = mpsc::channel(1);
        let time = self.shared.config.time_limit;
        let mut limit = Limit { deadline: Instant::now() + time, time, stop: self.stop.clone() };
        let lock = locks::take(&path, "", &mut Log::new(watcher), &mut limit).await?;
        let removed = tokio::task::spawn_blocking(move || {
            workspace::remove(&dir).map_err(|cause| BuildError::host("remove", &dir, cause))?;
            locks::remove(&path, lock)
        });
        removed.await.unwrap_or(Err(BuildError::Cancelled))
    }

    /// Cancels every build, and every later one; does not wait.
    pub fn cancel(&self) {
        self.stop.cancel();
    }

    /// Cancels every build and waits until nothing of them is left. Later builds are cancelled at once.
    pub async fn close(&self) {
        self.cancel();
        self.builds.close();
        self.builds.wait().await;
    }
}
