//! STUB: signatures for the other rooms.
use crate::app::DynoSize;
use crate::clock::{Clock, Timestamp};
use crate::dyno::{Dyno, DynoError, DynoSpec, Exit};
use crate::ledger::{Ledger, State};
use crate::logplex::Logplex;
use crate::name::{AppId, DynoId, DynoName, ProcessType, ReleaseVersion};
use std::{collections::HashMap, sync::Arc, time::Duration};
use tokio::sync::watch;

/// Every dyno of every app, as it is now: an immutable snapshot.
#[derive(Clone, Debug, Default)]
pub struct Roster {
    /// By app; an app without dynos may be missing.
    pub apps: HashMap<AppId, Arc<AppRoster>>,
}

/// The dynos of one app.
#[derive(Clone, Debug)]
pub struct AppRoster {
    /// Each dyno that is wanted or still runs, by name, in their order.
    pub dynos: Vec<DynoStatus>,
    /// Who answers its requests.
    pub web: WebTarget,
}

/// One dyno.
#[derive(Clone, Debug)]
pub struct DynoStatus {
    /// This start of it.
    pub id: DynoId,
    /// `web.1`.
    pub name: DynoName,
    /// What it runs.
    pub command: String,
    /// Its size.
    pub size: DynoSize,
    /// The release it runs.
    pub release: ReleaseVersion,
    /// What it does.
    pub state: DynoState,
    /// Since when.
    pub since: Timestamp,
}

/// What a dyno does, by Heroku's words.
#[derive(Clone, Copy, Debug, Eq, PartialEq)]
pub enum DynoState {
    /// It is being started.
    Starting,
    /// It runs.
    Up,
    /// It crashed, and is started again later.
    Crashed,
    /// It is stopped or about to start.
    Down,
}

/// Who answers an app's requests.
#[derive(Clone, Debug)]
pub enum WebTarget {
    /// These web dynos are up.
    Up(Vec<Arc<Dyno>>),
    /// None is up yet, but one is being started: requests wait.
    Booting,
    /// No web dyno is wanted.
    NoWeb,
    /// All web dynos crashed.
    Crashed,
    /// Nothing was deployed yet.
    Blank,
}

/// Which dynos a command is for.
#[derive(Clone, Debug, Eq, PartialEq)]
pub enum Selection {
    /// All of the app.
    All,
    /// Those of one type.
    Type(ProcessType),
    /// One.
    Dyno(DynoName),
}

/// Whether what runs is what is wanted.
#[derive(Clone, Debug, Eq, PartialEq)]
pub enum Settled {
    /// Every wanted dyno of that release or a later one is up, and no older one takes requests.
    Up,
    /// These dynos crashed.
    Crashed(Vec<DynoName>),
    /// It takes longer than was waited.
    Late,
}

/// The dyno manager. Clones are one.
#[derive(Clone)]
pub struct Supervisor(Arc<()>);

/// How dynos are managed.
#[derive(Clone, Debug)]
pub struct FormationConfig {
    /// How long a dyno may take to start (R10). Default: 60 s.
    pub boot_limit: Duration,
    /// How many dynos start at one time. Default: twice the cores.
    pub starts_at_once: usize,
    /// How long running requests and stopped processes may take to end. Default: 30 s.
    pub grace: Duration,
    /// After which time a dyno is replaced by a fresh one, give or take: Default: 24 h.
    pub cycle: Duration,
}

/// Starts dynos: on this machine ([`LocalLauncher`]), later on others.
#[async_trait::async_trait]
pub trait Launcher: Send + Sync + 'static {
    /// Starts a dyno of the slug `slug` (of the store) with `spec`; the programs are compiled first, which does not count as booting.
    async fn launch(&self, slug: crate::slug::SlugDigest, spec: DynoSpec) -> Result<Arc<Dyno>, DynoError>;
}

impl Supervisor {
    /// Starts managing: every app of the ledger's state is brought to what is wanted.
    #[must_use]
    pub fn start(
        config: FormationConfig,
        launcher: Arc<dyn Launcher>,
        ledger: &Ledger,
        logplex: Logplex,
        clock: Clock,
    ) -> Self {
        let _ = (config, launcher, ledger, logplex, clock);
        todo!()
    }

    /// Every dyno as it is now.
    #[must_use]
    pub fn roster(&self) -> Arc<Roster> {
        todo!()
    }

    /// Every later roster; some may be skipped, the last never.
    #[must_use]
    pub fn subscribe(&self) -> watch::Receiver<Arc<Roster>> {
        todo!()
    }

    /// Replaces the selected dynos with fresh ones: `web` before the old ones stop, others after. Gives how many; returns at once.
    pub async fn restart(&self, app: AppId, selection: Selection) -> usize {
        let _ = (app, selection);
        todo!()
    }

    /// Waits until what runs is what is wanted since `release`, at most `limit`.
    pub async fn settled(&self, app: AppId, release: ReleaseVersion, limit: Duration) -> Settled {
        let _ = (app, release, limit);
        todo!()
    }

    /// Stops every dyno: no more is started; web dynos leave the roster when `requests_done` is... Waits at most the grace.
    pub async fn close(&self) {
        todo!()
    }
}

#[allow(dead_code)]
fn unused(_: Exit, _: State) {}
