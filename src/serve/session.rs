use super::{
    ServeConfig, ServeError, process::say, release_phase::release_phase, version::Version, watch::Watch,
};
use crate::app::ConfigVars;
use crate::build::{BuildRequest, Builder, BuilderConfig};
use crate::clock::Clock;
use crate::dyno::{DynoSpec, Engine, EngineConfig, PrepareEvent, Stdio, make_private};
use crate::logplex::{AppLog, Logplex, LogplexConfig};
use crate::name::{DynoName, ProcessType, Scheme};
use crate::router::{BindError, Listen, Listeners, Route, Router, RouterConfig, Routes, Target, given_out};
use crate::slug::{Slug, SlugStore};
use std::{io, sync::Arc};
use tokio::net::TcpListener;
use tokio_util::sync::CancellationToken;

/// One app, served from its directory. Made by [`bind`](Self::bind), run by [`run`](Self::run).
pub struct Serve {
    config: ServeConfig,
    listeners: Vec<TcpListener>,
    port: u16,
    engine: Engine,
    builder: Builder,
    router: Arc<Router>,
    logplex: Logplex,
    log: AppLog,
}

impl Serve {
    /// Takes the port and opens the caches; nothing is built yet.
    ///
    /// # Errors
    /// [`ServeError::Directory`], [`ServeError::Listen`], [`ServeError::Cache`], [`ServeError::Engine`].
    pub async fn bind(mut config: ServeConfig) -> Result<Self, ServeError> {
        let unreadable = |cause| ServeError::Directory { dir: config.dir.clone(), cause };
        let dir = config.dir.canonicalize().map_err(unreadable)?;
        std::fs::read_dir(&dir).map_err(unreadable)?;
        config.dir = dir;
        let wanted = config.port;
        let taken = |error: BindError| ServeError::Listen { port: wanted, cause: error.cause };
        let Listeners { sockets: listeners, ports } =
            Listen::localhost(wanted).bind().await.map_err(taken)?;
        let port = given_out(&ports, Scheme::Http);
        let unusable = |cause| ServeError::Cache { dir: config.cache_dir.clone(), cause };
        make_private(&config.cache_dir).map_err(unusable)?;
        let clock = Clock::system();
        let engine = Engine::new(EngineConfig {
            cache_dir: Some(config.cache_dir.clone()),
            compiler: config.compiler.clone(),
            ..EngineConfig::default()
        })?;
        let store = SlugStore::open_dir(&config.cache_dir.join("slugs"))?;
        let builds =
            BuilderConfig { allow_directories: true, ..BuilderConfig::new(config.cache_dir.join("builds")) };
        let builder = Builder::new(builds, store)?;
        let logplex = Logplex::new(clock.clone(), LogplexConfig::default());
        let log = logplex.channel(&config.app);
        let router = Arc::new(Router::new(RouterConfig::default(), clock));
        Ok(Self { config, listeners, port, engine, builder, router, logplex, log })
    }

    /// The app's log: everything that happens is written here.
    #[must_use]
    pub fn log(&self) -> &AppLog {
        &self.log
    }

    /// The port that is listened on.
    #[must_use]
    pub fn port(&self) -> u16 {
        self.port
    }

    /// Builds, serves and rebuilds until `stop`, then lets running requests end.
    ///
    /// A version that does not come up is told in the log and leaves the one before it running.
    ///
    /// # Errors
    /// [`ServeError::Watch`] when files cannot be watched; without watching, whatever kept the only version from
    /// coming up.
    pub async fn run(mut self, stop: CancellationToken) -> Result<(), ServeError> {
        let mut current = None;
        let routing = CancellationToken::new();
        let mut watch = match self.config.watch.then(|| Watch::new(&self.config.dir)).transpose() {
            Ok(watch) => watch,
            Err(error) => {
                self.shut_down(current, routing, None).await;
                return Err(error);
            }
        };
        let mut router = None;
        let ended = loop {
            let update = stop.run_until_cancelled(self.update(&mut current)).await;
            match update {
                None => break Ok(()),
                Some(Err(error)) if watch.is_none() => break Err(error),
                Some(Err(error)) => self.report(&error, current.is_some()),
                Some(Ok(())) => {}
            }
            if router.is_none() {
                router = Some(self.start_router(routing.clone()));
                say(&self.log, "serve", format!("Listening on http://localhost:{}", self.port));
            }
            let changed = if let Some(watch) = &mut watch {
                stop.run_until_cancelled(watch.changed()).await.flatten()
            } else {
                stop.cancelled().await;
                None
            };
            let Some(path) = changed else { break Ok(()) };
            // An editor's temporary file is gone by now; its name would say nothing.
            let shown = if path.exists() { path.strip_prefix(&self.config.dir).ok() } else { None };
            let shown = shown.filter(|path| !path.as_os_str().is_empty());
            let shown = shown.map_or_else(|| "a file".to_owned(), |path| path.display().to_string());
            say(&self.log, "serve", format!("{shown} changed"));
        };
        self.shut_down(current, routing, router).await;
        ended
    }

    fn start_router(&mut self, stop: CancellationToken) -> tokio_util::task::AbortOnDropHandle<usize> {
        let (router, listeners, grace) =
            (self.router.clone(), std::mem::take(&mut self.listeners), self.config.grace);
        let serving = async move { router.serve(listeners, stop, grace).await };
        #[expect(clippy::disallowed_methods, reason = "`run` owns the task and awaits it")]
        let task = tokio::spawn(serving);
        tokio_util::task::AbortOnDropHandle::new(task)
    }

    async fn shut_down(
        self,
        current: Option<Version>,
        routing: CancellationToken,
        router: Option<tokio_util::task::AbortOnDropHandle<usize>>,
    ) {
        routing.cancel();
        self.builder.close().await;
        if let Some(version) = &current {
            version.retire_web(&self.log);
            version.stop_others().await;
        }
        if let Some(router) = router {
            match router.await {
                Ok(0) => {}
                Ok(cut) => say(&self.log, "serve", format!("{cut} requests were cut")),
                Err(panic) => say(&self.log, "serve", format!("the router failed: {panic}")),
            }
        }
        drop(current);
        // A guest that is not done by then ends with the process.
        drop(tokio::time::timeout(self.config.grace, self.engine.drained()).await);
        self.logplex.close();
    }

    fn report(&self, error: &ServeError, serving: bool) {
        let told = error.to_string().replace('\n', "\n !     ");
        say(&self.log, "build", format!(" !     {told}"));
        let rest = if serving {
            " !     The version before it goes on serving."
        } else {
            let crashed = matches!(error, ServeError::Dyno(_) | ServeError::ReleasePhase { .. });
            self.publish(if crashed { Target::Crashed } else { Target::Blank });
            " !     Nothing is served until it is mended; change a file to build again."
        };
        say(&self.log, "build", rest);
    }

    /// Builds the directory as it is now and puts the result in the place of `current`.
    async fn update(&self, current: &mut Option<Version>) -> Result<(), ServeError> {
        let config = self.config_vars().await?;
        let slug = self.build(&config).await?;
        self.compile(&slug).await?;
        let spec = |process_type: &ProcessType| self.spec(process_type, &config);
        release_phase(&self.engine, &slug, spec, &self.log).await?;
        let next = Version::start_web(&self.engine, &slug, spec, &self.log).await?;
        self.publish(next.target());
        // Still `current` while its processes stop: whoever interrupts this finds it there and waits for it.
        if let Some(old) = current.as_ref() {
            old.retire_web(&self.log);
            old.stop_others().await;
        }
        next.start_others(&self.engine, &slug, spec, &self.log);
        *current = Some(next);
        Ok(())
    }

    async fn config_vars(&self) -> Result<ConfigVars, ServeError> {
        match tokio::fs::read_to_string(self.config.dir.join(".env")).await {
            Ok(text) => ConfigVars::from_dotenv(&text).map_err(|error| ServeError::Dotenv(error.to_string())),
            Err(error) if error.kind() == io::ErrorKind::NotFound => Ok(ConfigVars::default()),
            Err(error) => Err(ServeError::Dotenv(error.to_string())),
        }
    }

    async fn build(&self, config: &ConfigVars) -> Result<Slug, ServeError> {
        let request = BuildRequest {
            app: self.config.app.clone(),
            cache: (&self.config.app).into(),
            source: self.config.dir.clone(),
            buildpacks: self.config.buildpacks.clone(),
            config: config.clone(),
        };
        Ok(self.builder.build(request, &mut |line| say(&self.log, "build", line)).await?)
    }

    async fn compile(&self, slug: &Slug) -> Result<(), ServeError> {
        let mut progress = |event| match event {
            PrepareEvent::Compiling { program, size } => {
                let size = crate::slug::Size(size);
                say(&self.log, "build", format!("-----> Compiling {program} ahead of time ({size})"));
            }
            PrepareEvent::Compiled { took, .. } => {
                say(&self.log, "build", format!("       Done in {:.1} s", took.as_secs_f64()));
            }
        };
        Ok(self.engine.prepare(slug, &mut progress).await?)
    }

    fn spec(&self, process_type: &ProcessType, config: &ConfigVars) -> DynoSpec {
        let name = if process_type.is_release() {
            DynoName::one_off(process_type.clone())
        } else {
            DynoName::new(process_type.clone(), 1)
        };
        DynoSpec {
            config: config.clone(),
            port: process_type.is_web().then_some(self.port),
            stdio: Stdio::Log(self.log.clone()),
            reuse: self.config.reuse,
            ..DynoSpec::new(name)
        }
    }

    fn publish(&self, target: Target) {
        let route = Route { app: self.config.app.clone(), log: self.log.clone(), target };
        self.router.publish(Routes::only(route));
    }
}
