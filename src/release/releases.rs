use super::{
    Output, OutputId, ReleaseConfig, ReleaseError, Rooms,
    build_queue::{BuildQueue, QueueLimits},
    collection::Collection,
    error::io_error,
    journal::tell_release,
    output::Outputs,
    pins::Pins,
    recovery::settle,
    slug_gate::SlugGate,
    turns::{Turn, Turns},
    unpacked::empty_dir,
    works::Works,
};
use crate::build::BuilderConfig;
use crate::crash_point;
use crate::ledger::{Actor, App, Event, Release, ReleaseStatus, Stream};
use crate::logplex::AppLog;
use crate::name::{AppId, AppName, BuildId, ReleaseId, ReleaseVersion, SlugId};
use std::{path::PathBuf, sync::Arc};
use tokio_util::task::TaskTracker;

/// The one way in which anything becomes a release. Clones are one.
#[derive(Clone)]
pub struct Releases(pub(super) Arc<Inner>);

pub(super) struct Inner {
    pub(super) config: ReleaseConfig,
    pub(super) rooms: Rooms,
    /// Whose releases are being changed.
    pub(super) turns: Turns<AppId>,
    /// Names that are being given or taken away. Taken before an app's turn.
    pub(super) names: Turns<AppName>,
    /// Nobody inside waits for a turn, which a release phase may hold for an hour: whoever waits pins the slug.
    pub(super) gate: SlugGate,
    pub(super) pins: Pins,
    pub(super) works: Arc<Works>,
    pub(super) outputs: Arc<Outputs>,
    pub(super) builds: Arc<BuildQueue>,
    pub(super) collection: Collection,
    /// Everything that goes on without its caller.
    pub(super) tasks: TaskTracker,
}

/// What a new release is made of.
pub(super) struct NewRelease {
    pub(super) description: String,
    pub(super) slug: Option<SlugId>,
    pub(super) build: Option<BuildId>,
    pub(super) rollback_to: Option<ReleaseVersion>,
    /// Whether its slug has a release phase.
    pub(super) has_phase: bool,
}

/// A release that was recorded.
pub(super) struct Recorded {
    pub(super) app: Arc<App>,
    pub(super) release: Arc<Release>,
    pub(super) log: AppLog,
}

impl Releases {
    /// Opens the room, and settles what a stop left half done: builds and releases that were pending have failed.
    ///
    /// # Errors
    /// [`ReleaseError::Io`] when the directory cannot be used, [`ReleaseError::Append`].
    pub async fn open(config: ReleaseConfig, rooms: Rooms) -> Result<Self, ReleaseError> {
        let dir = config.dir.clone();
        let open = move || {
            empty_dir(&dir.join("uploads"))?;
            empty_dir(&dir.join("sources"))?;
            let outputs = dir.join("outputs");
            Outputs::open(outputs.clone()).map_err(io_error("read", &outputs))
        };
        let outputs = tokio::task::spawn_blocking(open).await.unwrap_or(Err(ReleaseError::Stopping))?;
        settle(&rooms.ledger).await?;
        let state = rooms.ledger.state();
        for gone in outputs.apps().into_iter().filter(|app| !state.apps.contains_key(app)) {
            outputs.forget(gone).await;
        }
        let inner = Inner {
            turns: Turns::default(),
            names: Turns::default(),
            gate: SlugGate::default(),
            pins: Pins::default(),
            works: Works::new(),
            outputs,
            builds: BuildQueue::new(limits_of(rooms.builder.config())),
            collection: Collection::default(),
            tasks: TaskTracker::new(),
            config,
            rooms,
        };
        // Nothing is collected now: whoever put an older ledger in its place by mistake still has every slug.
        Ok(Self(Arc::new(inner)))
    }

    /// The output of a build or of a release's release phase, from its first byte and as it comes, to its end; `None`
    /// when there is none (any more).
    pub async fn output(&self, of: OutputId) -> Option<Output> {
        self.0.outputs.read(of).await
    }

    /// Cancels a build that waits or runs; `false` when it has ended or is being released.
    #[must_use]
    pub fn cancel_build(&self, build: BuildId) -> bool {
        self.0.works.cancel_build(build)
    }

    /// A file for an upload, in the room's directory.
    ///
    /// # Errors
    /// [`ReleaseError::Io`].
    pub fn upload_file(&self) -> Result<tempfile::NamedTempFile, ReleaseError> {
        let dir = self.0.dir("uploads");
        tempfile::Builder::new().prefix("upload-").tempfile_in(&dir).map_err(io_error("write to", &dir))
    }

    /// Cancels builds and release phases, and waits for them. What is asked for later is [`ReleaseError::Stopping`].
    pub async fn close(&self) {
        self.0.works.stop();
        self.0.tasks.close();
        self.0.tasks.wait().await;
        self.0.rooms.builder.close().await;
        self.0.outputs.close().await;
    }
}

fn limits_of(config: &BuilderConfig) -> QueueLimits {
    let BuilderConfig { at_once, waiting, waiting_per_app, .. } = *config;
    QueueLimits { at_once, waiting, waiting_per_app }
}

impl Inner {
    /// One of the room's directories.
    pub(super) fn dir(&self, name: &str) -> PathBuf {
        self.config.dir.join(name)
    }

    /// The app as it is now.
    pub(super) fn app(&self, app: AppId) -> Result<Arc<App>, ReleaseError> {
        self.rooms.ledger.state().apps.get(&app).cloned().ok_or(ReleaseError::NoApp)
    }

    /// Waits until no other change of the app's releases is under way. Cancel safe.
    pub(super) async fn turn(&self, app: AppId) -> Result<Turn, ReleaseError> {
        if self.works.is_stopping() {
            return Err(ReleaseError::Stopping);
        }
        let name = self.app(app)?.name.clone();
        let waited = self.config.phase_limit;
        let turn = tokio::time::timeout(waited, self.turns.take(&app)).await;
        turn.map_err(|_| ReleaseError::Busy { app: name, waited })
    }

    /// Does `work` to its end, also when the caller goes away meanwhile.
    pub(super) async fn owned<T: Send + 'static>(
        &self,
        work: impl Future<Output = Result<T, ReleaseError>> + Send + 'static,
    ) -> Result<T, ReleaseError> {
        if self.works.is_stopping() {
            return Err(ReleaseError::Stopping);
        }
        match self.tasks.spawn(work).await {
            Ok(done) => done,
            Err(failed) => match failed.try_into_panic() {
                Ok(panic) => std::panic::resume_unwind(panic),
                Err(_) => Err(ReleaseError::Stopping),
            },
        }
    }

    /// Records a release with the changes before it, in one batch, as `decide` says over the app as it is; `None`
    /// when it says that nothing changes. The caller has the app's turn.
    pub(super) async fn record(
        &self,
        actor: &Actor,
        app: AppId,
        mut decide: impl FnMut(&App) -> Result<Option<(Vec<Event>, NewRelease)>, ReleaseError> + Send,
    ) -> Result<Option<Recorded>, ReleaseError> {
        let release = ReleaseId::random();
        let decide = |state: &crate::ledger::State| {
            let now = state.apps.get(&app).ok_or(ReleaseError::NoApp)?;
            let Some((mut events, new)) = decide(now)? else { return Ok(Vec::new()) };
            let version = now.releases.last().map_or(ReleaseVersion::FIRST, |last| last.version.next());
            events.push(new.event(release, version));
            Ok(events.into_iter().map(|event| (Stream::App(app), event)).collect())
        };
        let state = self.rooms.ledger.change(actor, decide).await?;
        let app = state.apps.get(&app).ok_or(ReleaseError::NoApp)?;
        let made = app.releases.iter().rev().find(|made| made.id == release);
        let Some(release) = made.cloned() else { return Ok(None) };
        crash_point::reached("release.recorded");
        let log = self.rooms.logplex.channel(&app.name);
        tell_release(&log, &release, actor);
        if super::collection::something_fell_out(app, self.config.keep) {
            self.collection.wanted();
        }
        Ok(Some(Recorded { app: Arc::clone(app), release, log }))
    }

    /// Lets a recorded release go on by itself: its release phase runs if it has one, and `turn` ends with it.
    pub(super) fn go_on(self: &Arc<Self>, recorded: Recorded, turn: Turn) {
        if recorded.release.status != ReleaseStatus::Pending {
            return self.collect_if_wanted();
        }
        let work = self.works.begin(recorded.app.id, None);
        // Whoever destroys the app ends what had begun before.
        if self.app(recorded.app.id).is_err() {
            return;
        }
        let inner = Arc::clone(self);
        self.tasks.spawn(async move {
            // Why it failed is in the ledger, and in its output.
            inner.run_phase(&recorded, &work, &mut |_| {}).await.ok();
            drop(turn);
            inner.collect_if_wanted();
        });
    }

    /// Records what became of something of the app, in the platform's name.
    pub(super) async fn append(&self, app: AppId, event: Event) -> Result<(), ReleaseError> {
        let decide = |state: &crate::ledger::State| {
            state.apps.get(&app).ok_or(ReleaseError::NoApp)?;
            Ok(vec![(Stream::App(app), event.clone())])
        };
        self.rooms.ledger.change(&Actor::Platform, decide).await?;
        Ok(())
    }
}

impl NewRelease {
    pub(super) fn event(self, release: ReleaseId, version: ReleaseVersion) -> Event {
        let Self { description, slug, build, rollback_to, has_phase: pending } = self;
        Event::ReleaseCreated { release, version, description, slug, build, rollback_to, pending }
    }
}
