use crate::app::ConfigChanges;
use crate::build::{Builder, BuilderConfig};
use crate::clock::Clock;
use crate::dyno::{Engine, EngineConfig};
use crate::formation::{FormationConfig, LocalLauncher, Supervisor};
use crate::ledger::{
    Actor, App, Build, BuildStatus, Event, Ledger, Release, ReleaseStatus, SourceRecord, State, Stream,
};
use crate::logplex::{Logplex, LogplexConfig, TailFilter};
use crate::name::{AccountId, AppId, AppName, BuildId, PlatformId, ReleaseVersion};
use crate::release::{Deploy, OutputId, ReleaseConfig, ReleaseError, Releases, Rooms, SourceArchive};
use crate::slug::SlugStore;
use std::{collections::BTreeMap, io::Write as _, path::PathBuf, sync::Arc, time::Duration};

/// Writes its first argument and exits with the number of its arguments: 0 is success.
const JOB: &str = include_str!("../../../tests/guests/command.wat");
/// Never ends by itself.
const SPIN: &str = r#"(module (memory (export "memory") 1) (func (export "_start") (loop $l (br $l))))"#;

/// A platform with its owner, in a temporary directory.
pub(super) struct Fixture {
    pub(super) dir: tempfile::TempDir,
    pub(super) rooms: Rooms,
    pub(super) releases: Releases,
    pub(super) owner: Actor,
}

impl Fixture {
    pub(super) async fn new() -> Self {
        Self::with(|_| {}).await
    }

    pub(super) async fn with(set: impl FnOnce(&mut ReleaseConfig)) -> Self {
        Self::made(set, |_| {}).await
    }

    pub(super) async fn building(set: impl FnOnce(&mut BuilderConfig)) -> Self {
        Self::made(|_| {}, set).await
    }

    async fn made(set: impl FnOnce(&mut ReleaseConfig), set_builds: impl FnOnce(&mut BuilderConfig)) -> Self {
        let dir = tempfile::tempdir().expect("a directory");
        let clock = Clock::system();
        let ledger = Ledger::in_memory(clock.clone());
        let id = AccountId::random();
        let owner = Actor::Account { id, email: "ada@example.com".to_owned() };
        let first = |_: &State| {
            let account = Event::AccountCreated { account: id, email: "ada@example.com".to_owned() };
            let events = [Event::PlatformCreated { platform: PlatformId::random() }, account];
            Ok::<_, ReleaseError>(events.map(|event| (Stream::Platform, event)).into())
        };
        ledger.change(&Actor::Platform, first).await.expect("an owner");
        let store = SlugStore::open_dir(&dir.path().join("slugs")).expect("a store");
        let mut builds = BuilderConfig::new(dir.path().join("cache/builds"));
        set_builds(&mut builds);
        let builder = Builder::new(builds, store.clone()).expect("a builder");
        let cache_dir = Some(dir.path().join("cache"));
        let engine = Engine::new(EngineConfig { cache_dir, max_instances: 20, ..EngineConfig::default() })
            .expect("an engine");
        let logplex = Logplex::new(clock.clone(), LogplexConfig::default());
        let launcher = Arc::new(LocalLauncher { engine: engine.clone(), store: store.clone() });
        let formation = FormationConfig::default();
        let supervisor = Supervisor::start(formation, launcher, &ledger, logplex.clone(), clock.clone());
        let rooms = Rooms { ledger, builder, engine, store, supervisor, logplex, clock };
        let mut config = config(dir.path().join("releases"));
        set(&mut config);
        let releases = Releases::open(config, rooms.clone()).await.expect("opened");
        Self { dir, rooms, releases, owner }
    }

    pub(super) async fn create(&self, name: &str) -> Arc<App> {
        let name = Some(name.parse().expect("a name"));
        self.releases.create_app(&self.owner, name).await.expect("created")
    }

    pub(super) fn app(&self, app: AppId) -> Arc<App> {
        Arc::clone(&self.rooms.ledger.state().apps[&app])
    }

    /// A site whose page says `page`, with a release command when there is one.
    pub(super) fn site(page: &str, release: Option<&str>) -> Vec<(String, String)> {
        let release = release.map(|command| format!("release: {command}\n")).unwrap_or_default();
        [
            ("./Procfile", format!("web: static public\n{release}")),
            ("./public/index.html", page.to_owned()),
            ("./bin/job.wat", JOB.to_owned()),
            ("./bin/spin.wat", SPIN.to_owned()),
        ]
        .map(|(path, text)| (path.to_owned(), text))
        .into()
    }

    pub(super) fn archive(&self, files: &[(String, String)]) -> SourceArchive {
        let mut file = self.releases.upload_file().expect("a file");
        let mut tar =
            tar::Builder::new(flate2::write::GzEncoder::new(&mut file, flate2::Compression::fast()));
        for (path, text) in files {
            let mut header = tar::Header::new_gnu();
            header.set_size(text.len() as u64);
            header.set_mode(0o644);
            tar.append_data(&mut header, path, text.as_bytes()).expect("written");
        }
        tar.into_inner()
            .and_then(flate2::write::GzEncoder::finish)
            .expect("written")
            .flush()
            .expect("written");
        SourceArchive { file }
    }

    pub(super) fn deploy(&self, files: &[(String, String)]) -> Deploy {
        let version = Some("1a2b3c4d5e6f".to_owned());
        Deploy { source: self.archive(files), version, checksum: None, buildpacks: vec![] }
    }

    /// Deploys and gives the build as it ended, with its output.
    pub(super) async fn deployed(&self, app: AppId, deploy: Deploy) -> (Arc<Build>, String) {
        let build = self.releases.deploy(&self.owner, app, deploy).await.expect("begun");
        let output = self.output(OutputId::Build(build.id)).await;
        (self.build(app, build.id), output)
    }

    /// Deploys a site, which must succeed, as the release that it gives.
    pub(super) async fn site_deployed(&self, app: AppId, page: &str) -> Arc<Release> {
        let (build, output) = self.deployed(app, self.deploy(&Self::site(page, None))).await;
        assert!(matches!(build.status, BuildStatus::Succeeded(_)), "{output}");
        Arc::clone(self.app(app).releases.last().expect("a release"))
    }

    pub(super) fn build(&self, app: AppId, build: BuildId) -> Arc<Build> {
        let app = self.app(app);
        Arc::clone(app.builds.iter().find(|made| made.id == build).expect("a build"))
    }

    /// An output to its end.
    pub(super) async fn output(&self, of: OutputId) -> String {
        let mut output = self.releases.output(of).await.expect("an output");
        let mut bytes = Vec::new();
        while let Some(chunk) = output.next().await {
            bytes.extend(chunk);
        }
        String::from_utf8(bytes).expect("UTF-8")
    }

    pub(super) async fn set(
        &self,
        app: AppId,
        changes: &[(&str, Option<&str>)],
    ) -> Result<Arc<App>, ReleaseError> {
        let changes =
            changes.iter().map(|(key, value)| (key.parse().expect("a key"), value.map(str::to_owned)));
        let changes = ConfigChanges::new(changes.collect::<BTreeMap<_, _>>());
        self.releases.set_config(&self.owner, app, changes).await
    }

    /// Waits until the app is as `wanted`.
    pub(super) async fn until(&self, app: AppId, mut wanted: impl FnMut(&App) -> bool) -> Arc<App> {
        let mut states = self.rooms.ledger.subscribe();
        let found = states.wait_for(|state| state.apps.get(&app).is_some_and(|app| wanted(app)));
        Arc::clone(&found.await.expect("the ledger is open").apps[&app])
    }

    pub(super) async fn until_not_pending(&self, app: AppId, version: &str) -> Arc<Release> {
        let version: ReleaseVersion = version.parse().expect("a version");
        let ended =
            |app: &App| app.release(version).is_some_and(|made| made.status != ReleaseStatus::Pending);
        let app = self.until(app, ended).await;
        Arc::clone(app.release(version).expect("there"))
    }

    /// A build that is recorded and that nobody runs, as a kill leaves it.
    pub(super) async fn orphaned_build(&self, app: AppId) -> BuildId {
        let build = BuildId::random();
        let source = SourceRecord::default();
        let event = Event::BuildCreated { build, source, buildpacks: vec![] };
        let decide = |_: &State| Ok::<_, ReleaseError>(vec![(Stream::App(app), event.clone())]);
        self.rooms.ledger.change(&self.owner, decide).await.expect("recorded");
        build
    }

    pub(super) async fn log(&self, app: &str) -> Vec<String> {
        let log = self.rooms.logplex.channel(&AppName::like(app));
        let mut tail = log.tail(TailFilter::default());
        let mut lines = Vec::new();
        while let Some(event) = tail.next().await {
            let line = event.line();
            lines.push(format!("{}[{}]: {}", line.source, line.process, line.text));
        }
        lines
    }

    /// What the engine keeps in `name` of its cache: locks and trees, or compiled code.
    pub(super) fn cached(&self, name: &str) -> Vec<PathBuf> {
        let mut dir = self.dir.path().join("cache").join(name);
        if name == "compiled" {
            dir.push(self.rooms.engine.compatibility());
        }
        std::fs::read_dir(dir).expect("read").map(|entry| entry.expect("entry").path()).collect()
    }

    /// What is in the room's directory `name`.
    pub(super) fn left_in(&self, name: &str) -> usize {
        std::fs::read_dir(self.dir.path().join("releases").join(name)).expect("read").count()
    }
}

pub(super) fn config(dir: PathBuf) -> ReleaseConfig {
    let mut config = ReleaseConfig::new(dir, |app| format!("http://{app}.localhost:8080/"));
    config.settle_limit = Duration::from_mins(1);
    config
}

pub(super) fn descriptions(app: &App) -> Vec<String> {
    app.releases
        .iter()
        .map(|made| format!("{} {} {:?}", made.version, made.description, made.status))
        .collect()
}
