use crate::build::Builder;
use crate::clock::Clock;
use crate::dyno::Engine;
use crate::formation::Supervisor;
use crate::ledger::Ledger;
use crate::logplex::Logplex;
use crate::name::AppName;
use crate::slug::SlugStore;
use std::{fmt, path::PathBuf, sync::Arc, time::Duration};

/// How releases are made.
#[derive(Clone, documented::DocumentedFields, serde::Deserialize, serde::Serialize)]
#[serde(default, deny_unknown_fields, rename_all = "kebab-case")]
pub struct ReleaseConfig {
    /// For how many of an app's last releases slugs are kept. Default: 50.
    pub keep: usize,
    /// Where uploaded sources lie, and builds' and release phases' output is kept.
    #[serde(skip)]
    pub dir: PathBuf,
    /// How long a release phase may take, and how long another change waits for it. Default: 1 h.
    #[serde(with = "crate::clock::duration_text")]
    pub phase_limit: Duration,
    /// How long a deploy waits for its dynos to be up before it says that it goes on without. Default: 75 s.
    #[serde(with = "crate::clock::duration_text")]
    pub settle_limit: Duration,
    /// The most bytes of an uploaded source archive, and of what is in it. Default: 1 GB.
    pub source_limit: u64,
    /// Where an app answers: `http://shop.localhost:8080/`.
    #[serde(skip)]
    pub web_url: Arc<dyn Fn(&AppName) -> String + Send + Sync>,
}

impl Default for ReleaseConfig {
    fn default() -> Self {
        Self::new("", |app| format!("http://{app}.localhost:8080/"))
    }
}

impl ReleaseConfig {
    /// The defaults, with `dir` and `web_url`.
    #[must_use]
    pub fn new(
        dir: impl Into<PathBuf>,
        web_url: impl Fn(&AppName) -> String + Send + Sync + 'static,
    ) -> Self {
        Self {
            keep: 50,
            dir: dir.into(),
            phase_limit: Duration::from_hours(1),
            settle_limit: Duration::from_secs(75),
            source_limit: 1_000_000_000,
            web_url: Arc::new(web_url),
        }
    }
}

impl fmt::Debug for ReleaseConfig {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("ReleaseConfig")
            .field("keep", &self.keep)
            .field("dir", &self.dir)
            .field("phase_limit", &self.phase_limit)
            .field("settle_limit", &self.settle_limit)
            .field("source_limit", &self.source_limit)
            .finish_non_exhaustive()
    }
}

/// What the room works with.
#[derive(Clone)]
pub struct Rooms {
    /// The record.
    pub ledger: Ledger,
    /// Builds.
    pub builder: Builder,
    /// Runs release phases, compiles ahead of time.
    pub engine: Engine,
    /// Where slugs are.
    pub store: SlugStore,
    /// What runs.
    pub supervisor: Supervisor,
    /// Where everything is told.
    pub logplex: Logplex,
    /// What time it is.
    pub clock: Clock,
}
