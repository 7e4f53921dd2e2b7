use crate::clock::{Clock, Timestamp};
use crate::dyno::{Dyno, DynoError, DynoSpec, Exit};
use crate::formation::{AppRoster, FormationConfig, Launcher, Roster, Settled, Supervisor, WebTarget};
use crate::ledger::{Actor, Event, Ledger, SlugRecord, State, Stream, WantedDynos};
use crate::logplex::{Logplex, LogplexConfig, TailFilter};
use crate::name::{AccountId, AppId, AppName, DynoName, PlatformId, ReleaseId, ReleaseVersion, SlugId};
use crate::slug::{CommandError, SlugDigest};
use std::{convert::Infallible, sync::Arc, time::Duration};
use tokio::sync::{mpsc, oneshot};

const OWNER: [u8; 16] = [1; 16];

/// A start that waits for the test's word. Dropped, it panics as a launcher might.
pub(super) struct Launch {
    pub(super) name: DynoName,
    pub(super) spec: DynoSpec,
    answer: oneshot::Sender<Result<Arc<Dyno>, DynoError>>,
}

impl Launch {
    /// A web dyno comes up.
    pub(super) fn serves(self) {
        let dyno = Dyno::from_fn(&self.name.to_string(), |request| async move {
            Ok(http::Response::new(request.into_body()))
        });
        self.answer.send(Ok(Arc::new(dyno))).expect("it is waited for");
    }

    /// A process comes up; what is sent ends it.
    pub(super) fn runs(self) -> oneshot::Sender<Exit> {
        let (end, ended) = oneshot::channel();
        let dyno = Dyno::from_command(&self.name.to_string(), |stop| async move {
            let ended = stop.run_until_cancelled(ended).await;
            ended.map_or(Exit::Stopped, |ended| ended.expect("the test ends it"))
        });
        self.answer.send(Ok(Arc::new(dyno))).expect("it is waited for");
        end
    }

    /// A process comes up that does not stop when it is told to.
    pub(super) fn runs_on(self) {
        let dyno = Dyno::from_command(&self.name.to_string(), |_| std::future::pending());
        self.answer.send(Ok(Arc::new(dyno))).expect("it is waited for");
    }

    /// The app's fault.
    pub(super) fn fails(self) {
        let error = DynoError::Command { command: String::new(), cause: CommandError::Empty };
        self.fails_with(error);
    }

    pub(super) fn fails_with(self, error: DynoError) {
        self.answer.send(Err(error)).expect("it is waited for");
    }

    /// Whether nobody waits for it any more.
    pub(super) async fn cancelled(mut self) {
        self.answer.closed().await;
    }
}

struct Scripted(mpsc::UnboundedSender<Launch>);

#[async_trait::async_trait]
impl Launcher for Scripted {
    async fn launch(&self, _: SlugDigest, spec: DynoSpec) -> Result<Arc<Dyno>, DynoError> {
        let (answer, answered) = oneshot::channel();
        self.0.send(Launch { name: spec.name.clone(), spec, answer }).expect("the test listens");
        answered.await.expect("the test answers")
    }
}

/// A platform of ledger and supervisor alone, with one app called `shop`.
pub(super) struct Platform {
    pub(super) ledger: Ledger,
    pub(super) logplex: Logplex,
    pub(super) supervisor: Supervisor,
    pub(super) launches: mpsc::UnboundedReceiver<Launch>,
    pub(super) app: AppId,
}

pub(super) fn config() -> FormationConfig {
    FormationConfig { starts_at_once: 100, ..FormationConfig::default() }
}

impl Platform {
    pub(super) async fn start() -> Self {
        Self::start_with(config()).await
    }

    pub(super) async fn start_with(config: FormationConfig) -> Self {
        Self::start_among(&[], config).await
    }

    /// With apps that were deployed before the platform's start.
    pub(super) async fn start_among(neighbours: &[&str], config: FormationConfig) -> Self {
        let clock = Clock::standing_at(Timestamp::from_unix_micros(1_795_384_800_000_042));
        let ledger = Ledger::in_memory(clock.clone());
        let app = found(&ledger, "shop").await;
        for name in neighbours {
            let neighbour = found(&ledger, name).await;
            deploy(&ledger, neighbour, &["web"]).await;
        }
        let logplex = Logplex::new(clock.clone(), LogplexConfig::default());
        let (told, launches) = mpsc::unbounded_channel();
        let scripted = Arc::new(Scripted(told));
        let supervisor = Supervisor::start(config, scripted, &ledger, logplex.clone(), clock);
        Self { ledger, logplex, supervisor, launches, app }
    }

    pub(super) async fn append(&self, events: Vec<Event>) {
        append(&self.ledger, Stream::App(self.app), events).await;
    }

    /// A release of an app with these process types.
    pub(super) async fn deploy(&self, types: &[&str]) -> ReleaseVersion {
        deploy(&self.ledger, self.app, types).await
    }

    pub(super) async fn scale(&self, process_type: &str, quantity: u32) {
        let process_type = process_type.parse().expect("a process type");
        let WantedDynos { size, .. } = WantedDynos::default();
        self.append(vec![Event::FormationChanged { process_type, quantity, size }]).await;
    }

    /// The next start, which is that of `name`.
    pub(super) async fn launch(&mut self, name: &str) -> Launch {
        let launch = self.launches.recv().await.expect("a launch");
        assert_eq!(launch.name.to_string(), name);
        launch
    }

    pub(super) async fn settled(&self, release: ReleaseVersion) -> Settled {
        self.supervisor.settled(self.app, release, Duration::from_mins(1)).await
    }

    /// Waits for a roster in which the app is told so.
    pub(super) async fn is_told(&self, expected: &str) {
        let app = self.app;
        let mut rosters = self.supervisor.subscribe();
        let told = |roster: &Arc<Roster>| {
            roster.apps.get(&app).map_or_else(String::new, |app| told(app)) == expected
        };
        let found = tokio::time::timeout(Duration::from_secs(20), rosters.wait_for(told)).await;
        let now = self.supervisor.roster().apps.get(&app).map_or_else(String::new, |app| self::told(app));
        assert!(found.is_ok(), "it is `{now}`, not `{expected}`");
    }

    /// What the dyno manager wrote to the app's log.
    pub(super) async fn log(&self) -> String {
        let mut tail =
            self.logplex.channel(&"shop".parse::<AppName>().expect("a name")).tail(TailFilter::default());
        let mut lines = Vec::new();
        while let Some(event) = tail.next().await {
            let line = event.line();
            lines.push(format!("{}[{}]: {}", line.source, line.process, line.text));
        }
        lines.join("\n")
    }
}

/// `web.1 v3 up; to web.1`.
pub(super) fn told(app: &AppRoster) -> String {
    let dynos = app.dynos.iter().map(|dyno| format!("{} {} {}", dyno.name, dyno.release, dyno.state));
    let target = match &app.web {
        WebTarget::Up(dynos) => {
            let names = dynos.iter().map(|dyno| dyno.name().to_string()).collect::<Vec<_>>();
            format!("to {}", names.join(" "))
        }
        other => format!("{other:?}").to_lowercase(),
    };
    format!("{}; {target}", dynos.collect::<Vec<_>>().join(", "))
}

pub(super) async fn append(ledger: &Ledger, stream: Stream, events: Vec<Event>) {
    let decide =
        |_: &State| Ok::<_, Infallible>(events.iter().map(|event| (stream, event.clone())).collect());
    ledger.change(&Actor::Platform, decide).await.expect("appended");
}

/// A new app, with the two releases that every app begins with.
pub(super) async fn found(ledger: &Ledger, name: &str) -> AppId {
    let owner = AccountId::derived(OWNER);
    if ledger.state().accounts.is_empty() {
        let beginning = vec![
            Event::PlatformCreated { platform: PlatformId::random() },
            Event::AccountCreated { account: owner, email: "owner@example.com".to_owned() },
        ];
        append(ledger, Stream::Platform, beginning).await;
    }
    let app = AppId::random();
    let name = name.parse().expect("a name");
    append(
        ledger,
        Stream::Platform,
        vec![Event::AppCreated { app, name, owner, stack: "wasi-1".to_owned() }],
    )
    .await;
    append(ledger, Stream::App(app), vec![release(1, None), release(2, None)]).await;
    app
}

/// A release of an app with these process types.
pub(super) async fn deploy(ledger: &Ledger, app: AppId, types: &[&str]) -> ReleaseVersion {
    release_slug(ledger, app, SlugDigest::of_manifest(b"any"), types).await
}

/// Stores a slug and releases it.
pub(super) async fn release_slug(
    ledger: &Ledger,
    app: AppId,
    digest: SlugDigest,
    types: &[&str],
) -> ReleaseVersion {
    let number = ledger.state().apps[&app].releases.len() + 1;
    let number = u64::try_from(number).expect("small");
    let id = SlugId::random();
    let types =
        types.iter().map(|name| (name.parse().expect("a process type"), format!("bin/{name} --v{number}")));
    let slug = SlugRecord {
        id,
        digest,
        size: 1,
        process_types: types.collect(),
        commit: Some("1a2b3c4d".to_owned()),
        buildpack: None,
        stack: "wasi-1".to_owned(),
    };
    append(ledger, Stream::App(app), vec![Event::SlugCreated { slug }, release(number, Some(id))]).await;
    version(number)
}

fn version(number: u64) -> ReleaseVersion {
    number.to_string().parse().expect("a version")
}

fn release(number: u64, slug: Option<SlugId>) -> Event {
    Event::ReleaseCreated {
        release: ReleaseId::random(),
        version: version(number),
        description: "Deploy".to_owned(),
        slug,
        build: None,
        rollback_to: None,
        pending: false,
    }
}
