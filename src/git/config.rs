use crate::access::Doorkeeper;
use crate::ledger::Ledger;
use crate::release::Releases;
use std::{path::PathBuf, time::Duration};
use tokio_util::sync::CancellationToken;

/// What pushes and fetches may take.
#[derive(Clone, Debug, Eq, PartialEq, documented::DocumentedFields, serde::Deserialize, serde::Serialize)]
#[serde(default, deny_unknown_fields, rename_all = "kebab-case")]
pub struct GitConfig {
    /// The most bytes of what one push sends, packed. Default: 1 GB.
    pub max_pack: u64,
    /// How long one push, with its build, or one fetch may take. Default: 1 h, as on Heroku.
    #[serde(with = "crate::clock::duration_text")]
    pub time_limit: Duration,
    /// How many pushes run at one time, and how many fetches; others wait a little. Default: 16.
    pub at_once: usize,
    /// Where the repositories are kept.
    #[serde(skip)]
    pub dir: PathBuf,
    /// The most bytes of a commit's files together.
    #[serde(skip)]
    pub source_limit: u64,
}

impl Default for GitConfig {
    fn default() -> Self {
        Self {
            max_pack: 1_000_000_000,
            time_limit: Duration::from_hours(1),
            at_once: 16,
            dir: PathBuf::new(),
            source_limit: 1_000_000_000,
        }
    }
}

/// What the door works with.
#[derive(Clone)]
pub struct Rooms {
    /// The record: which apps there are, and how builds ended.
    pub ledger: Ledger,
    /// Knows who may do what.
    pub doorkeeper: Doorkeeper,
    /// Makes releases.
    pub releases: Releases,
    /// Uploads end when this is cancelled, and nothing more is begun.
    pub stop: CancellationToken,
}
