use crate::app::DynoSize;
use crate::clock::Timestamp;
use crate::dyno::Dyno;
use crate::name::{AppId, DynoId, DynoName, ProcessType, ReleaseVersion};
use std::{collections::HashMap, fmt, sync::Arc};

/// Every dyno of every app, as it is now: an immutable snapshot. What did not change is shared with the one before.
#[derive(Clone, Debug, Default)]
pub struct Roster {
    /// By app; an app without dynos may be missing.
    pub apps: HashMap<AppId, Arc<AppRoster>>,
}

/// The dynos of one app.
#[derive(Clone, Debug)]
pub struct AppRoster {
    /// Each dyno that is wanted or still runs and each one-off dyno, by name, in their order; while `web` is replaced a name is there twice.
    /// A web dyno that only sends its last answers is not here any more.
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
    /// It is being started, or waits for its turn.
    Starting,
    /// It runs.
    Up,
    /// It crashed, and is started again later.
    Crashed,
    /// It is being stopped.
    Down,
}

/// As the API writes it: `up`.
impl fmt::Display for DynoState {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.pad(match self {
            Self::Starting => "starting",
            Self::Up => "up",
            Self::Crashed => "crashed",
            Self::Down => "down",
        })
    }
}

/// Who answers an app's requests.
#[derive(Clone, Debug)]
pub enum WebTarget {
    /// These web dynos are up; there is at least one.
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

impl Selection {
    /// Whether the dyno called `name` is meant.
    #[must_use]
    pub fn includes(&self, name: &DynoName) -> bool {
        match self {
            Self::All => true,
            Self::Type(process_type) => name.process_type() == process_type,
            Self::Dyno(one) => name == one,
        }
    }
}

/// Whether what runs is what is wanted.
#[derive(Clone, Debug, Eq, PartialEq)]
pub enum Settled {
    /// Every wanted dyno of that release or a later one is up, and no older one takes requests.
    Up,
    /// These dynos crashed, and once more when they were started again.
    Crashed(Vec<DynoName>),
    /// It takes longer than was waited.
    Late,
}
