use crate::router::BindError;
use std::{io, path::PathBuf};

/// Why a platform does not start. All of it is the operator's to mend.
#[derive(Debug, thiserror::Error)]
#[non_exhaustive]
pub enum PlatformError {
    /// Another platform has the data directory.
    #[error(
        "the data directory {} is in use by another hokku{}; stop that one, or choose another with --data-dir",
        path.display(),
        process.map(|process| format!(" (process {process})")).unwrap_or_default()
    )]
    InUse {
        /// The data directory.
        path: PathBuf,
        /// Who has it, if it said so.
        process: Option<u32>,
    },
    /// A newer version wrote it.
    #[error(
        "the data directory {} was written by a newer hokku (format {found}); upgrade this one, which was not allowed to touch it",
        path.display()
    )]
    NewerData {
        /// The data directory.
        path: PathBuf,
        /// Its format.
        found: u32,
    },
    /// Other files are there.
    #[error("{} is not a data directory of hokku, and not empty; choose another with --data-dir", path.display())]
    NotADataDir {
        /// The directory.
        path: PathBuf,
    },
    /// Slugs or a token are there, and no ledger: making a new one would end in the removal of all slugs.
    #[error(
        "the data directory {} has slugs or a token, but no ledger/ledger.db: mount or restore it; to begin anew, remove what is left",
        path.display()
    )]
    NoLedger {
        /// The data directory.
        path: PathBuf,
    },
    /// The data directory cannot be used.
    #[error("cannot {action} the data directory {}: {cause}; choose another with --data-dir, or mend it", path.display())]
    Data {
        /// What failed.
        action: &'static str,
        /// The data directory.
        path: PathBuf,
        /// The system's words.
        #[source]
        cause: io::Error,
    },
    /// The cache directory cannot be used.
    #[error("cannot use the cache directory {}: {cause}; choose another with cache-dir in hokku.toml", path.display())]
    Cache {
        /// The cache directory.
        path: PathBuf,
        /// The system's words.
        #[source]
        cause: io::Error,
    },
    /// The port is taken or not allowed.
    #[error("cannot listen on {0}; choose another with --listen")]
    Listen(#[from] BindError),
    /// The sockets that were handed over cannot be used.
    #[error(
        "cannot use the sockets that were handed over (LISTEN_FDS): {0}; start without them, or mend the socket unit"
    )]
    Inherited(#[source] io::Error),
    /// There is no certificate to serve with.
    #[error(transparent)]
    Tls(#[from] super::TlsError),
    /// There is no randomness for keys.
    #[error(transparent)]
    Random(#[from] crate::access::NoRandomness),
    /// The ledger cannot be opened.
    #[error(transparent)]
    Ledger(#[from] crate::ledger::LedgerError),
    /// The ledger cannot be written.
    #[error(transparent)]
    Append(#[from] crate::ledger::AppendError),
    /// The slug store cannot be used.
    #[error(transparent)]
    Slug(#[from] crate::slug::SlugError),
    /// The engine does not start.
    #[error(transparent)]
    Engine(#[from] crate::dyno::EngineError),
    /// Builds cannot be made.
    #[error(transparent)]
    Build(#[from] crate::build::BuildError),
    /// Repositories cannot be used.
    #[error(transparent)]
    Git(#[from] crate::git::GitError),
    /// What was left half done cannot be settled.
    #[error(transparent)]
    Release(#[from] crate::release::ReleaseError),
}
