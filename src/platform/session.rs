use super::{
    Config, DataDir, PlatformError,
    control::{Control, Rendezvous},
    doors::Doors,
    hosts::Hosts,
    owner,
    service_manager::ServiceManager,
    tls::Tls,
};
use crate::access::Token;
use crate::api::{ApiConfig, ApiSecret};
use crate::build::{Builder, BuilderConfig};
use crate::clock::Clock;
use crate::dyno::{Compiler, Engine, EngineConfig, make_private};
use crate::formation::{LocalLauncher, Supervisor};
use crate::ledger::{Ledger, LedgerConfig, LedgerError, PlatformKey};
use crate::logplex::Logplex;
use crate::name::Scheme;
use crate::release::Rooms;
use crate::router::{self, ClearText, Inherited, Listeners, Router, RouterConfig, given_out};
use crate::slug::SlugStore;
use rustix::process::{Resource, Rlimit};
use std::{
    sync::Arc,
    time::{Duration, Instant},
};
use tokio::net::TcpListener;
use tokio_util::{sync::CancellationToken, task::TaskTracker};

/// A platform on its data directory. Made by [`start`](Self::start), run by [`run`](Self::run).
pub struct Platform {
    config: Config,
    data: DataDir,
    listeners: Vec<TcpListener>,
    port: u16,
    token: Option<Token>,
    rooms: Rooms,
    doors: Doors,
    router: Router,
    scheme: Scheme,
    /// Until it runs.
    tls: Option<Tls>,
    /// Streams of the API end with it.
    stop: CancellationToken,
}

impl Platform {
    /// Takes the data directory and the port, replays the ledger, and settles what a kill left half done. Dynos begin to
    /// start; nothing is answered before [`run`](Self::run).
    ///
    /// `key` is the platform's key where the operator keeps it outside of the data directory. Sockets that were `inherited`
    /// take the place of those that the configuration names.
    ///
    /// # Errors
    /// [`PlatformError`] names what is wrong, and what to do.
    pub async fn start(
        config: Config,
        compiler: Compiler,
        key: Option<PlatformKey>,
        inherited: Inherited,
    ) -> Result<Self, PlatformError> {
        let clock = Clock::system();
        let data = DataDir::open(&config.data_dir)?;
        let Listeners { sockets: listeners, ports } = listen(&config, inherited).await?;
        let tls = Tls::open(data.path(), &config.domain, &config.tls, clock.clone())?;
        // Over TLS only where clients trust the certificate without being told to.
        let scheme = if tls.is_operators() { Scheme::Https } else { Scheme::Http };
        let port = given_out(&ports, scheme);
        let (ledger, key) = open_ledger(&data, key, clock.clone()).await?;
        let token = owner::ensure_owner(&ledger, &data, &config.owner).await?;
        let stop = CancellationToken::new();
        let rooms = open_rooms(&config, &data, compiler, ledger, clock.clone())?;
        let api_config = ApiConfig {
            domain: config.domain.to_string(),
            scheme,
            port,
            limits: config.api,
            upload_limit: config.releases.source_limit,
            ..ApiConfig::new(ApiSecret::from_bytes(key.derive("output streams")))
        };
        let doors = Doors::open(&config, &data, api_config, &rooms, &stop).await?;
        let most = most_connections(config.router.max_connections);
        let router = Router::new(RouterConfig { max_connections: most, ..config.router.clone() }, clock);
        let clear_text =
            if config.tls.redirect { ClearText::Redirected { port } } else { ClearText::Answered };
        router.secure(router::Tls::new(tls.server_config()?, clear_text));
        data.write("url", &format!("http://localhost:{port}\n"))?;
        Ok(Self { config, data, listeners, port, token, rooms, doors, router, scheme, tls: Some(tls), stop })
    }

    /// Where it is reached: `http://localhost:8080`, `https://paas.example.com` with the operator's certificate.
    #[must_use]
    pub fn url(&self) -> String {
        let (scheme, port) = (self.scheme, self.port);
        let port = if port == scheme.default_port() { String::new() } else { format!(":{port}") };
        format!("{scheme}://{}{port}", self.config.domain)
    }

    /// The directory that it holds.
    #[must_use]
    pub fn data_dir(&self) -> &DataDir {
        &self.data
    }

    /// The owner's token, if it was made at this start: to be shown once.
    #[must_use]
    pub fn new_token(&self) -> Option<&str> {
        self.token.as_ref().map(Token::reveal)
    }

    /// Answers until `stop`; then lets running requests end, stops dynos, and closes the ledger. Gives how many requests
    /// were cut.
    pub async fn run(mut self, stop: CancellationToken) -> usize {
        let tasks = TaskTracker::new();
        let hosts = Hosts::new(self.config.domain.clone(), self.rooms.logplex.clone());
        let (ledger, supervisor) = (self.rooms.ledger.clone(), self.rooms.supervisor.clone());
        let (api, git) = (self.doors.api.router(), self.doors.git.router());
        let control = Control::new(api, git, self.router.clone(), ledger, supervisor, hosts);
        // Before the first request is taken.
        self.router.greet(Arc::new(Rendezvous(self.doors.api.clone())));
        control.refresh();
        let following = CancellationToken::new();
        tasks.spawn(following.clone().run_until_cancelled_owned(Arc::clone(&control).follow()));
        if let Some(tls) = self.tls.take() {
            tasks.spawn(following.clone().run_until_cancelled_owned(tls.keep_fresh()));
        }
        let manager = ServiceManager::of_process();
        tasks.spawn(following.clone().run_until_cancelled_owned(manager.give_signs_of_life()));
        manager.ready(&self.url());
        let serving = {
            let (router, listeners) = (self.router.clone(), std::mem::take(&mut self.listeners));
            let (stop, grace) = (stop.clone(), self.config.grace);
            async move { router.serve(listeners, stop, grace).await }
        };
        let ending = async {
            stop.cancelled().await;
            manager.stopping(self.config.grace);
            let deadline = Instant::now() + self.config.grace + LAST_STEPS;
            // Streams would not end by themselves.
            self.stop.cancel();
            by(deadline, "builds and releases", self.doors.releases.close()).await;
            by(deadline, "pushes and fetches", self.doors.git.close()).await;
            deadline
        };
        let (cut, deadline) = tokio::join!(serving, ending);
        following.cancel();
        tasks.close();
        tasks.wait().await;
        control.leave();
        drop(control);
        self.shut_down(deadline).await;
        cut
    }

    async fn shut_down(self, deadline: Instant) {
        by(deadline, "changes", self.doors.api.close()).await;
        by(deadline, "dynos", self.rooms.supervisor.close()).await;
        drop(self.router);
        by(deadline, "guests", self.rooms.engine.drained()).await;
        by(deadline, "refusals", self.doors.doorkeeper.close()).await;
        self.rooms.ledger.close().await;
        self.rooms.logplex.close();
    }
}

async fn listen(config: &Config, inherited: Inherited) -> Result<Listeners, PlatformError> {
    if inherited.is_empty() {
        return Ok(config.listen.bind().await?);
    }
    inherited.listen().map_err(PlatformError::Inherited)
}

/// How much longer than the grace for requests a stop may take in all.
const LAST_STEPS: Duration = Duration::from_secs(5);

/// Waits for one step of the stop; what is not done by then ends with the process, and loses nothing that was
/// acknowledged.
async fn by(deadline: Instant, what: &str, step: impl Future<Output = ()>) {
    if tokio::time::timeout_at(deadline.into(), step).await.is_err() {
        tracing::warn!("{what} did not end in time");
    }
}

/// Takes as many file descriptors as the system allows, and leaves half of them to dynos, slugs and the ledger.
fn most_connections(wanted: usize) -> usize {
    let limit = rustix::process::getrlimit(Resource::Nofile);
    let raised = Rlimit { current: limit.maximum, ..limit };
    let now = if rustix::process::setrlimit(Resource::Nofile, raised).is_ok() { raised } else { limit };
    let most = now.current.and_then(|limit| usize::try_from(limit / 2).ok()).unwrap_or(wanted);
    if most < wanted {
        tracing::warn!(
            wanted,
            most,
            "fewer connections than router.max-connections: raise the limit of open files"
        );
    }
    wanted.min(most)
}

async fn open_ledger(
    data: &DataDir,
    key: Option<PlatformKey>,
    clock: Clock,
) -> Result<(Ledger, PlatformKey), PlatformError> {
    let (file, dir) = (data.join("platform.key"), data.join("ledger"));
    let open = move || {
        let key = key.map_or_else(|| PlatformKey::of_file(&file), Ok)?;
        let ledger = Ledger::open(LedgerConfig { dir, key: key.clone() }, clock)?;
        Ok::<_, LedgerError>((ledger, key))
    };
    let opened = tokio::task::spawn_blocking(open).await;
    Ok(opened.unwrap_or_else(|failed| std::panic::resume_unwind(failed.into_panic()))?)
}

/// The rooms that work together, but for those that need them all.
fn open_rooms(
    config: &Config,
    data: &DataDir,
    compiler: Compiler,
    ledger: Ledger,
    clock: Clock,
) -> Result<Rooms, PlatformError> {
    let cache = match &config.cache_dir {
        unset if unset.as_os_str().is_empty() => data.join("cache"),
        cache => cache.clone(),
    };
    make_private(&cache).map_err(|cause| PlatformError::Cache { path: cache.clone(), cause })?;
    let engine =
        Engine::new(EngineConfig { cache_dir: Some(cache.clone()), compiler, ..config.dyno.clone() })?;
    let store = SlugStore::open_dir(&data.join("slugs"))?;
    let builds = BuilderConfig { cache_dir: cache.join("builds"), ..config.builds.clone() };
    let builder = Builder::new(builds, store.clone())?;
    let logplex = Logplex::new(clock.clone(), config.logplex);
    let launcher = Arc::new(LocalLauncher { engine: engine.clone(), store: store.clone() });
    let supervisor =
        Supervisor::start(config.formation.clone(), launcher, &ledger, logplex.clone(), clock.clone());
    Ok(Rooms { ledger, builder, engine, store, supervisor, logplex, clock })
}
