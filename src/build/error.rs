use crate::name::{InvalidProcessType, ProcessType};
use crate::slug::{ProcfileError, Size, SlugError};
use std::{
    error::Error,
    io,
    path::{Path, PathBuf},
    time::Duration,
};

/// Why a build gave no slug.
#[derive(Debug, thiserror::Error)]
#[non_exhaustive]
pub enum BuildError {
    /// The app's fault: its source cannot be read as a tree of files.
    #[error("cannot read the app's source at {}: {cause}", path.display())]
    Source {
        /// The file or directory.
        path: PathBuf,
        /// What the system said.
        cause: io::Error,
    },
    /// The app's fault: a symbolic link leads out of its directory.
    #[error("the link {} leads out of the app's directory (to {}): put the file itself there", path.display(), target.display())]
    LinkOutside {
        /// The link, relative to the app's directory.
        path: PathBuf,
        /// What it says.
        target: PathBuf,
    },
    /// The app's fault: neither file nor directory nor link.
    #[error("{} is a socket, pipe or device: remove it or name it in .slugignore", path.display())]
    SpecialFile {
        /// The file, relative to the app's directory.
        path: PathBuf,
    },
    /// The app's fault: natively compiled code is not accepted from outside.
    #[error("{} is compiled native code, which is never taken from an app: give the .wasm file it was made from", path.display())]
    CompiledCode {
        /// The file, relative to the app's directory.
        path: PathBuf,
    },
    /// The app's fault: there is more source than a slug may hold.
    #[error("the app's source is larger than {}: name what is not needed at run time in .slugignore", Size(*limit))]
    SourceTooLarge {
        /// Bytes.
        limit: u64,
    },
    /// The caller's fault: there is no such buildpack.
    #[error("there is no buildpack `{name}`: choose from {}", known.join(", "))]
    UnknownBuildpack {
        /// The name asked for.
        name: String,
        /// The names there are.
        known: Vec<String>,
    },
    /// The app's fault: no buildpack knows what this is.
    #[error(
        "no buildpack recognizes this app; looked for:\n{}\nname one to choose it yourself: `--buildpack python`, or on a platform `hokku buildpacks set python`",
        bullets(looked_for)
    )]
    NothingDetected {
        /// Each buildpack with what it looks for.
        looked_for: Vec<String>,
    },
    /// The app's fault: the buildpack chosen for it does not recognize it.
    #[error(
        "the app is not compatible with buildpack {buildpack}: its bin/detect says no; it looks for {looks_for}"
    )]
    NotCompatible {
        /// The buildpack's name.
        buildpack: String,
        /// What it looks for.
        looks_for: String,
    },
    /// The app's fault: a step of a buildpack failed and has said why in its output.
    #[error("{step} of the {buildpack} buildpack {status}")]
    Failed {
        /// What the buildpack calls itself, as `Python`.
        buildpack: String,
        /// The script, as `bin/compile`.
        step: &'static str,
        /// How it ended, as `exited with 1`.
        status: String,
        /// The last lines it printed.
        last_lines: Vec<String>,
    },
    /// The app's fault: the build did not end in time.
    #[error("the build ran longer than {} and was stopped", minutes(*limit))]
    TimedOut {
        /// The limit.
        limit: Duration,
    },
    /// The caller stopped the build.
    #[error("the build was cancelled")]
    Cancelled,
    /// The buildpack's fault: what it is or says is not what the Buildpack API asks for.
    #[error("buildpack {buildpack} is not usable: {reason}")]
    BadBuildpack {
        /// The buildpack's name.
        buildpack: String,
        /// What is wrong.
        reason: String,
    },
    /// The app's fault: the Procfile cannot be read.
    #[error(transparent)]
    Procfile(#[from] ProcfileError),
    /// The app's or buildpack's fault: a process type has an illegal name.
    #[error(transparent)]
    ProcessType(#[from] InvalidProcessType),
    /// The app's fault: a process type's command cannot be run.
    #[error("process type {process_type} cannot run `{command}`: {reason}")]
    Process {
        /// The type.
        process_type: ProcessType,
        /// Its command.
        command: String,
        /// What is wrong with it, and what to write instead.
        reason: String,
    },
    /// The app's or the host's fault, as [`SlugError::is_host_fault`] says: the tree could not be packed.
    #[error(transparent)]
    Slug(SlugError),
    /// The host's fault: no space is left.
    #[error("no space left on the disk of {}: free some space there, or choose another cache directory; the unfinished build is removed", dir.display())]
    DiskFull {
        /// Where the build was writing.
        dir: PathBuf,
    },
    /// The host's fault: a file or process of the build itself failed.
    #[error("cannot {what} {}: {cause}", path.display())]
    Host {
        /// What was tried, as `create`.
        what: &'static str,
        /// With which file.
        path: PathBuf,
        /// What the system said.
        cause: io::Error,
    },
}

impl BuildError {
    /// Whether the app's owner can put it right; otherwise the operator has to.
    #[must_use]
    pub fn is_app_fault(&self) -> bool {
        match self {
            Self::DiskFull { .. } | Self::Host { .. } | Self::BadBuildpack { .. } | Self::Cancelled => false,
            Self::Slug(cause) => !cause.is_host_fault(),
            _ => true,
        }
    }

    /// A failed file operation of the build itself; a full disk is told as such.
    pub(super) fn host(what: &'static str, path: &Path, cause: io::Error) -> Self {
        if is_full(&cause) {
            return Self::DiskFull { dir: path.to_owned() };
        }
        Self::Host { what, path: path.to_owned(), cause }
    }

    /// The same, but naming `cache` where the full disk was told by a directory below it, soon to be removed.
    pub(super) fn of_disk(self, cache: &Path) -> Self {
        match self {
            Self::DiskFull { dir } if dir.starts_with(cache) => Self::DiskFull { dir: cache.to_owned() },
            other => other,
        }
    }

    /// A failed packing; `dir` is where the store or the tree is.
    pub(super) fn packing(cause: SlugError, dir: &Path) -> Self {
        if let SlugError::Io { cause: io, .. } = &cause
            && is_full(io)
        {
            return Self::DiskFull { dir: dir.to_owned() };
        }
        let mut link: Option<&(dyn Error + 'static)> = Some(&cause);
        while let Some(error) = link {
            if error.downcast_ref::<io::Error>().is_some_and(is_full) {
                return Self::DiskFull { dir: dir.to_owned() };
            }
            link = error.source();
        }
        Self::Slug(cause)
    }
}

/// Whether `error` says that there is no more space, for anybody or for this user.
fn is_full(error: &io::Error) -> bool {
    matches!(error.kind(), io::ErrorKind::StorageFull | io::ErrorKind::QuotaExceeded)
}

fn bullets(items: &[String]) -> String {
    items.iter().map(|item| format!("  {item}")).collect::<Vec<_>>().join("\n")
}

fn minutes(limit: Duration) -> String {
    let seconds = limit.as_secs();
    if seconds >= 60 && seconds.is_multiple_of(60) {
        format!("{} min", seconds / 60)
    } else {
        format!("{limit:?}")
    }
}

/// `bytes` as Heroku writes sizes: `3.2M`, `812K`.
pub(super) fn size(bytes: u64) -> String {
    let units = ["B", "K", "M", "G", "T"];
    let (mut tenths, mut unit) = (bytes.saturating_mul(10), 0);
    while tenths >= 10_240 && unit < units.len() - 1 {
        tenths /= 1024;
        unit += 1;
    }
    let (whole, tenth) = (tenths / 10, tenths % 10);
    if tenth == 0 { format!("{whole}{}", units[unit]) } else { format!("{whole}.{tenth}{}", units[unit]) }
}

#[cfg(test)]
mod unit_tests {
    use super::*;

    #[test]
    fn sizes_are_written_as_on_heroku() {
        let written = [0, 812 << 10, 3_355_444, 1 << 30].map(size);
        assert_eq!(written, ["0B", "812K", "3.2M", "1G"]);
    }

    #[test]
    fn a_full_disk_names_the_directory_and_the_remedy() {
        let cause = io::Error::from(io::ErrorKind::StorageFull);
        let error = BuildError::host("write", Path::new("/var/cache/hokku/tmp/1/build"), cause);
        let error = error.of_disk(Path::new("/var/cache/hokku"));
        insta::assert_snapshot!(error, @"no space left on the disk of /var/cache/hokku: free some space there, or choose another cache directory; the unfinished build is removed");
        assert!(!error.is_app_fault());
    }

    #[test]
    fn messages_name_the_thing_and_the_remedy() {
        let looked_for = vec!["python: requirements.txt".to_owned(), "static: index.html".to_owned()];
        insta::assert_snapshot!(BuildError::NothingDetected { looked_for }, @r"
        no buildpack recognizes this app; looked for:
          python: requirements.txt
          static: index.html
        name one to choose it yourself: `--buildpack python`, or on a platform `hokku buildpacks set python`
        ");
        insta::assert_snapshot!(BuildError::TimedOut { limit: Duration::from_mins(15) }, @"the build ran longer than 15 min and was stopped");
    }
}
