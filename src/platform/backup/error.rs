use crate::ledger::{LedgerError, VerifyError};
use crate::name::PlatformId;
use crate::platform::PlatformError;
use std::{
    io,
    path::{Path, PathBuf},
};

/// Why there is no backup, or nothing was restored. All of it is the operator's to mend.
#[derive(Debug, thiserror::Error)]
#[non_exhaustive]
pub enum BackupError {
    /// A file is in the way.
    #[error("{} is there already: name another file, or replace it with --force", file.display())]
    Exists {
        /// The file.
        file: PathBuf,
    },
    /// Backup and keys would be one file.
    #[error("backup and keys are both to be {}: name another file with --keys", file.display())]
    OneFile {
        /// The file.
        file: PathBuf,
    },
    /// There is nothing to back up.
    #[error("{} holds no platform: name its data directory with --data-dir", path.display())]
    NoPlatform {
        /// The directory.
        path: PathBuf,
    },
    /// A disk is full.
    #[error("no space left to {action} {}: free some, or choose another disk, and try again", path.display())]
    Full {
        /// What failed.
        action: &'static str,
        /// The file.
        path: PathBuf,
    },
    /// A file or directory cannot be used.
    #[error("cannot {action} {}: {cause}", path.display())]
    Io {
        /// What failed.
        action: &'static str,
        /// The file.
        path: PathBuf,
        /// The system's words.
        #[source]
        cause: io::Error,
    },
    /// The file is something else.
    #[error("{} is not {what} of hokku: {why}", file.display())]
    Foreign {
        /// The file.
        file: PathBuf,
        /// What it should be.
        what: &'static str,
        /// What it is instead.
        why: String,
    },
    /// The file is not what was written.
    #[error("{} is damaged: {why}; restore from another backup", file.display())]
    Damaged {
        /// The file.
        file: PathBuf,
        /// What is wrong with it.
        why: String,
    },
    /// The file is of a later version.
    #[error("{} was made by a newer hokku (format {found}): upgrade this one", file.display())]
    Newer {
        /// The file.
        file: PathBuf,
        /// Its format.
        found: u32,
    },
    /// The keys are somewhere else.
    #[error("the keys file {} is not there: name it with --keys; nothing can be restored without", file.display())]
    NoKeys {
        /// Where they should be.
        file: PathBuf,
    },
    /// The keys are another platform's.
    #[error(
        "{} holds the keys of platform {found}, and the backup is of platform {wanted}: name its own with --keys",
        file.display()
    )]
    OtherPlatform {
        /// The keys file.
        file: PathBuf,
        /// Whose they are.
        found: PlatformId,
        /// Whose the backup is.
        wanted: PlatformId,
    },
    /// The platform's key was in no file.
    #[error(
        "the platform's key is not in {}: it was kept outside of the data directory; set HOKKU_PLATFORM_KEY to it",
        file.display()
    )]
    KeyElsewhere {
        /// The keys file.
        file: PathBuf,
    },
    /// There is something already where the platform should be.
    #[error("{} is not empty: move away what is there, or name another directory with --data-dir", path.display())]
    NotEmpty {
        /// The directory.
        path: PathBuf,
    },
    /// A repository is never at rest.
    #[error("{} changed all the while that it was copied: try again when fewer pushes go on", path.display())]
    Restless {
        /// The repository.
        path: PathBuf,
    },
    /// The work was broken off.
    #[error("interrupted")]
    Interrupted,
    /// The data directory is in use, of a later format, or cannot be used.
    #[error(transparent)]
    Platform(#[from] PlatformError),
    /// The ledger or the keys cannot be read.
    #[error(transparent)]
    Ledger(#[from] LedgerError),
    /// The ledger is not what was written.
    #[error("the ledger is not what was written: {0}")]
    Verify(#[from] VerifyError),
}

impl BackupError {
    /// Turns the system's error into one that names what failed.
    pub(super) fn io(action: &'static str, path: &Path) -> impl FnOnce(io::Error) -> Self {
        let path = path.to_owned();
        move |cause| match cause.kind() {
            io::ErrorKind::StorageFull | io::ErrorKind::QuotaExceeded => Self::Full { action, path },
            // What was interrupted by a signal is tried again by the standard library.
            io::ErrorKind::Interrupted => Self::Interrupted,
            _ => Self::Io { action, path, cause },
        }
    }
}
