use std::{io, path::PathBuf};

/// Why a directory cannot be served, or one version of it did not come up.
#[derive(Debug, thiserror::Error)]
#[non_exhaustive]
pub enum ServeError {
    /// The caller's fault: there is no such directory.
    #[error("{} is not a directory that can be read: {cause}", dir.display())]
    Directory {
        /// As the caller wrote it.
        dir: PathBuf,
        /// The system's words.
        #[source]
        cause: io::Error,
    },
    /// The caller's fault: the port is taken or not allowed.
    #[error("cannot listen on port {port}: {cause}; choose another with --port")]
    Listen {
        /// The port asked for.
        port: u16,
        /// The system's words.
        #[source]
        cause: io::Error,
    },
    /// The operator's fault: the cache directory cannot be used.
    #[error("cannot use the cache directory {}: {cause}; choose another with --cache-dir", dir.display())]
    Cache {
        /// The cache directory.
        dir: PathBuf,
        /// The system's words.
        #[source]
        cause: io::Error,
    },
    /// The app's fault: its `.env` file cannot be read.
    #[error(".env: {0}")]
    Dotenv(String),
    /// The operator's fault: files cannot be watched.
    #[error("cannot watch {} for changes: {reason}; serve without watching: --once", dir.display())]
    Watch {
        /// The app's directory.
        dir: PathBuf,
        /// The system's words.
        reason: String,
    },
    /// The app's fault: its release phase failed.
    #[error("the release phase `{command}` failed with status {status}")]
    ReleasePhase {
        /// The release command.
        command: String,
        /// Its exit status.
        status: i32,
    },
    /// The operator's fault: the engine does not start.
    #[error(transparent)]
    Engine(#[from] crate::dyno::EngineError),
    /// A dyno did not start.
    #[error(transparent)]
    Dyno(#[from] crate::dyno::DynoError),
    /// The slug store cannot be used.
    #[error(transparent)]
    Slug(#[from] crate::slug::SlugError),
    /// The build failed.
    #[error(transparent)]
    Build(#[from] crate::build::BuildError),
}
