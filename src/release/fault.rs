//! Whose fault it was: a tenant reads what the tenant can mend, the operator the rest.

use super::ReleaseError;
use crate::build::{ArchiveError, BuildError};
use crate::dyno::{CompileError, DynoError};
use crate::ledger::{AppendError, LedgerError};
use crate::name::{AppName, BuildId, ReleaseVersion};
use crate::slug::SlugError;
use std::{error::Error, io};

/// An error that knows whose fault it is.
pub(super) trait Fault: Error + Send {
    /// Whether the operator must act. Its words name the host's files then, which are no tenant's.
    fn is_the_hosts(&self) -> bool;

    /// Whether the host's disk is full, which a tenant may know.
    fn is_full_disk(&self) -> bool;
}

impl Fault for BuildError {
    fn is_the_hosts(&self) -> bool {
        match self {
            Self::Cancelled => false,
            // The source was unpacked by the platform itself: below its root paths are relative.
            Self::Source { path, .. } => path.is_absolute(),
            _ => !self.is_app_fault(),
        }
    }

    fn is_full_disk(&self) -> bool {
        match self {
            Self::DiskFull { .. } => true,
            Self::Slug(cause) => cause.is_full_disk(),
            _ => false,
        }
    }
}

impl Fault for ArchiveError {
    fn is_the_hosts(&self) -> bool {
        matches!(self, Self::Io { .. })
    }

    fn is_full_disk(&self) -> bool {
        matches!(self, Self::Io { cause, .. } if is_full(cause))
    }
}

impl Fault for SlugError {
    fn is_the_hosts(&self) -> bool {
        self.is_host_fault()
    }

    fn is_full_disk(&self) -> bool {
        matches!(self, Self::Io { cause, .. } if is_full(cause))
    }
}

impl Fault for DynoError {
    fn is_the_hosts(&self) -> bool {
        !self.is_the_apps_fault()
    }

    fn is_full_disk(&self) -> bool {
        match self {
            Self::Disk { cause, .. } | Self::Compile(CompileError::Cache { cause, .. }) => is_full(cause),
            Self::Slug(cause) => cause.is_full_disk(),
            _ => false,
        }
    }
}

impl Fault for ReleaseError {
    fn is_the_hosts(&self) -> bool {
        self.is_host_fault()
    }

    fn is_full_disk(&self) -> bool {
        match self {
            Self::Io { cause, .. } => is_full(cause),
            Self::Slug(cause) => cause.is_full_disk(),
            Self::Compile(cause) => cause.is_full_disk(),
            Self::Append(AppendError::Ledger(LedgerError::Full { .. })) => true,
            _ => false,
        }
    }
}

/// Whether no space is left, for anybody or for this user.
fn is_full(cause: &io::Error) -> bool {
    matches!(cause.kind(), io::ErrorKind::StorageFull | io::ErrorKind::QuotaExceeded)
}

/// What of an app's could not be done.
pub(super) enum Undone<'a> {
    Build(&'a AppName, BuildId),
    ReleaseCommand(&'a AppName, ReleaseVersion),
}

impl Undone<'_> {
    /// The reason as a tenant reads it. The operator finds the host's faults in the platform's log.
    pub(super) fn because(&self, error: &dyn Fault) -> String {
        if !error.is_the_hosts() {
            return error.to_string();
        }
        let action = match self {
            Self::Build(app, build) => {
                tracing::error!(%app, %build, %error, "an app could not be built");
                "build this"
            }
            Self::ReleaseCommand(app, version) => {
                tracing::error!(%app, %version, %error, "a release command could not be run");
                "run this"
            }
        };
        let reason = if error.is_full_disk() { ": its disk is full" } else { "" };
        format!(
            "The platform could not {action}{reason}. Its operator finds the reason in the platform's log."
        )
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::slug::Digest;
    use std::path::PathBuf;

    const HIDDEN: &str =
        "The platform could not build this. Its operator finds the reason in the platform's log.";

    fn told(error: &impl Fault) -> String {
        Undone::Build(&AppName::like("shop"), BuildId::random()).because(error)
    }

    fn disk(kind: io::ErrorKind) -> BuildError {
        let (what, path) = ("create", PathBuf::from("/var/lib/hokku/x"));
        if kind == io::ErrorKind::StorageFull {
            return BuildError::DiskFull { dir: path };
        }
        BuildError::Host { what, path, cause: kind.into() }
    }

    #[test]
    fn tenants_read_nothing_of_the_host() {
        let cause = || io::Error::from(io::ErrorKind::PermissionDenied);
        let path = || PathBuf::from("/var/lib/hokku/x");
        let what = || "read /var/lib/hokku/x".to_owned();
        let hidden = [
            told(&disk(io::ErrorKind::PermissionDenied)),
            told(&BuildError::Source { path: path(), cause: cause() }),
            told(&BuildError::Slug(SlugError::Io { what: what(), cause: cause() })),
            told(&ArchiveError::Io { entry: "a".to_owned(), cause: cause() }),
            told(&SlugError::Corrupt { blob: Digest::of(b"") }),
            told(&DynoError::Disk { directory: what(), cause: cause() }),
            told(&DynoError::Compile(CompileError::Cache { action: "read", path: what(), cause: cause() })),
            told(&ReleaseError::Io { what: "write to", path: path(), cause: cause() }),
            told(&ReleaseError::Append(LedgerError::ReadOnly { file: path() }.into())),
        ];
        assert_eq!(hidden, [HIDDEN; 9]);
        let undone = Undone::ReleaseCommand(&AppName::like("shop"), ReleaseVersion::FIRST);
        insta::assert_snapshot!(undone.because(&disk(io::ErrorKind::Other)), @"The platform could not run this. Its operator finds the reason in the platform's log.");
    }

    #[test]
    fn tenants_learn_of_a_full_disk() {
        let full = || io::Error::from(io::ErrorKind::StorageFull);
        let words = told(&disk(io::ErrorKind::StorageFull));
        insta::assert_snapshot!(words, @"The platform could not build this: its disk is full. Its operator finds the reason in the platform's log.");
        for same in [
            told(&ArchiveError::Io { entry: "a".to_owned(), cause: full() }),
            told(&DynoError::Disk { directory: "/x".to_owned(), cause: full() }),
            told(&DynoError::Slug(SlugError::Io { what: "read /x".to_owned(), cause: full() })),
            told(&ReleaseError::Append(LedgerError::Full { file: "/x".into() }.into())),
        ] {
            assert_eq!(same, words);
        }
    }

    #[test]
    fn tenants_read_what_they_can_mend() {
        insta::assert_snapshot!(told(&BuildError::Cancelled), @"the build was cancelled");
        insta::assert_snapshot!(told(&ArchiveError::Empty), @"the source archive is empty: upload the app's directory");
        insta::assert_snapshot!(told(&ReleaseError::NoApp), @"Couldn't find that app.");
        let cause = io::Error::other("it is not a plain file");
        insta::assert_snapshot!(told(&BuildError::Source { path: "Procfile".into(), cause }), @"cannot read the app's source at Procfile: it is not a plain file");
    }
}
