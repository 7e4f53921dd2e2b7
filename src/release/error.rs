use super::waiting_line::LineFull;
use crate::app::InvalidConfigVars;
use crate::build::BuildError;
use crate::dyno::DynoError;
use crate::ledger::{AppendError, ChangeError};
use crate::name::{AppName, ReleaseVersion};
use crate::slug::SlugError;
use std::{io, path::PathBuf, time::Duration};

/// Why something did not become a release, or an app was not made, named or removed.
#[derive(Debug, thiserror::Error)]
#[non_exhaustive]
pub enum ReleaseError {
    /// The caller's fault: there is no such app (any more).
    #[error("Couldn't find that app.")]
    NoApp,
    /// The caller's fault: no app may have the name.
    #[error("Name {0} is reserved for the platform")]
    NameReserved(AppName),
    /// The caller's fault: another app has the name.
    #[error("Name {0} is already taken")]
    NameTaken(AppName),
    /// The caller's fault: there is no such release.
    #[error("{app} has no release {version}; see `hokku releases -a {app}`")]
    NoRelease {
        /// The app.
        app: AppName,
        /// The version asked for.
        version: ReleaseVersion,
    },
    /// The caller's fault: the app has no such slug.
    #[error("Couldn't find that slug.")]
    NoSlug,
    /// The caller's fault: the slug is no longer kept.
    #[error(
        "the slug of {what} is gone: slugs are kept for the last {kept} releases of an app; deploy it again"
    )]
    SlugCollected {
        /// Whose slug it was: a release or a slug.
        what: String,
        /// For how many releases slugs are kept.
        kept: usize,
    },
    /// The caller's fault: the release runs already.
    #[error("{0} is the current release already")]
    AlreadyCurrent(ReleaseVersion),
    /// The caller's fault: that release holds no code.
    #[error("{0} holds no code: nothing was deployed then; choose a later release")]
    NothingToRollBackTo(ReleaseVersion),
    /// The caller's fault: that release never was current.
    #[error("{0} failed and never was current; choose a release that succeeded")]
    RollbackToFailed(ReleaseVersion),
    /// The caller's fault: these config vars may not be.
    #[error(transparent)]
    InvalidConfig(#[from] InvalidConfigVars),
    /// The caller's fault: the checksum is none.
    #[error("`{0}` is not a checksum: write SHA256: and 64 hexadecimal digits")]
    InvalidChecksum(String),
    /// The caller's fault: builds are the owner's.
    #[error(
        "only the owner of this platform may build, because builds run as its own user; to let everybody who may deploy build, set builds.jail = \"none\""
    )]
    BuildNotAllowed,
    /// The caller's fault, or everybody's: as many builds wait as may.
    #[error("{}", in_line(app, *full))]
    TooManyBuilds {
        /// The app.
        app: AppName,
        /// Which limit was reached.
        full: LineFull,
    },
    /// The caller's fault: these buildpacks cannot be used.
    #[error(transparent)]
    Buildpacks(BuildError),
    /// The caller's fault: a buildpack is named twice.
    #[error("buildpack {0} is named twice: each is used once")]
    BuildpackTwice(String),
    /// The release before takes too long.
    #[error("another change of {app} has been under way for {} s; try again when it has ended", waited.as_secs())]
    Busy {
        /// The app.
        app: AppName,
        /// How long was waited.
        waited: Duration,
    },
    /// The caller's or the operator's fault, as [`SlugError::is_host_fault`] says: the slug cannot be used.
    #[error(transparent)]
    Slug(#[from] SlugError),
    /// The app's or the operator's fault, as [`DynoError::is_the_apps_fault`] says: the slug's programs cannot be
    /// compiled.
    #[error(transparent)]
    Compile(DynoError),
    /// The operator's fault: the platform has no account yet.
    #[error("the platform has no owner yet: start it with `hokku up`")]
    NoOwner,
    /// The operator's fault: a file of the room failed.
    #[error("cannot {what} {}: {cause}", path.display())]
    Io {
        /// What was tried.
        what: &'static str,
        /// With which file.
        path: PathBuf,
        /// What the system said.
        cause: io::Error,
    },
    /// The operator's fault, or the platform stops: the change could not be recorded.
    #[error(transparent)]
    Append(#[from] AppendError),
    /// The platform is stopping.
    #[error("the platform is stopping; try again when it is back")]
    Stopping,
}

impl ReleaseError {
    /// Whether the operator must act, rather than who asked.
    #[must_use]
    pub fn is_host_fault(&self) -> bool {
        match self {
            Self::Slug(cause) => cause.is_host_fault(),
            Self::Compile(cause) => !cause.is_the_apps_fault(),
            Self::Buildpacks(cause) => !cause.is_app_fault(),
            Self::NoOwner | Self::Io { .. } | Self::Append(_) => true,
            _ => false,
        }
    }
}

impl From<ChangeError<ReleaseError>> for ReleaseError {
    fn from(error: ChangeError<ReleaseError>) -> Self {
        match error {
            ChangeError::Refused(error) => error,
            ChangeError::Append(error) => Self::Append(error),
        }
    }
}

fn in_line(app: &AppName, full: LineFull) -> String {
    let are = |limit: usize, of: &str| match limit {
        1 => format!("1 build{of} is in line already"),
        limit => format!("{limit} builds{of} are in line already"),
    };
    match full {
        LineFull::OfApp(limit) => format!(
            "{}, the most for one app: wait for one to end, or cancel one with `hokku builds cancel -a {app}`",
            are(limit, &format!(" of {app}"))
        ),
        LineFull::OfAll(limit) => {
            format!("{}, the most for this platform: try again when some have ended", are(limit, ""))
        }
    }
}

/// A failed file operation of the room.
pub(super) fn io_error(
    what: &'static str,
    path: &std::path::Path,
) -> impl FnOnce(io::Error) -> ReleaseError + use<> {
    let path = path.to_owned();
    move |cause| ReleaseError::Io { what, path, cause }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn messages_are_for_who_asked() {
        let version: ReleaseVersion = "v7".parse().expect("legal");
        let app = AppName::like("shop");
        insta::assert_snapshot!(ReleaseError::NoApp, @"Couldn't find that app.");
        insta::assert_snapshot!(ReleaseError::NameTaken(app.clone()), @"Name shop is already taken");
        insta::assert_snapshot!(ReleaseError::NoRelease { app: app.clone(), version }, @"shop has no release v7; see `hokku releases -a shop`");
        insta::assert_snapshot!(ReleaseError::SlugCollected { what: version.to_string(), kept: 50 }, @"the slug of v7 is gone: slugs are kept for the last 50 releases of an app; deploy it again");
        insta::assert_snapshot!(ReleaseError::AlreadyCurrent(version), @"v7 is the current release already");
        insta::assert_snapshot!(ReleaseError::NothingToRollBackTo(version), @"v7 holds no code: nothing was deployed then; choose a later release");
        insta::assert_snapshot!(ReleaseError::RollbackToFailed(version), @"v7 failed and never was current; choose a release that succeeded");
        insta::assert_snapshot!(ReleaseError::InvalidChecksum("MD5:1".to_owned()), @"`MD5:1` is not a checksum: write SHA256: and 64 hexadecimal digits");
        insta::assert_snapshot!(ReleaseError::BuildNotAllowed, @r#"only the owner of this platform may build, because builds run as its own user; to let everybody who may deploy build, set builds.jail = "none""#);
        insta::assert_snapshot!(ReleaseError::Busy { app, waited: Duration::from_hours(1) }, @"another change of shop has been under way for 3600 s; try again when it has ended");
        insta::assert_snapshot!(ReleaseError::Stopping, @"the platform is stopping; try again when it is back");
    }
}
