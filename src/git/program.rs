use std::{
    env,
    ffi::OsString,
    os::unix::fs::PermissionsExt as _,
    path::{Path, PathBuf},
    process::Stdio,
};
use tokio::process::Command;

/// The oldest version that takes its settings from the environment alone.
const OLDEST: (u32, u32) = (2, 32);

/// What holds in every repository, whatever its own configuration says.
const SETTINGS: [(&str, &str); 20] = [
    ("core.hooksPath", "../hooks"),
    ("core.fsmonitor", "false"),
    ("core.fsync", "objects,derived-metadata,reference"),
    // Larger files are neither held in memory nor compared with others.
    ("core.bigFileThreshold", "16m"),
    ("core.packedGitWindowSize", "32m"),
    ("core.packedGitLimit", "256m"),
    ("pack.threads", "1"),
    ("pack.windowMemory", "64m"),
    ("safe.directory", "*"),
    ("gc.auto", "0"),
    ("receive.autogc", "false"),
    ("receive.unpackLimit", "1"),
    ("receive.shallowUpdate", "true"),
    ("receive.keepAlive", "5"),
    // Which branch may not be deleted is decided over the whole push.
    ("receive.denyDeleteCurrent", "ignore"),
    ("transfer.fsckObjects", "true"),
    // Harmless, and in the history of many.
    ("receive.fsck.zeroPaddedFilemode", "warn"),
    ("receive.fsck.missingSpaceBeforeDate", "warn"),
    ("receive.fsck.badTimezone", "warn"),
    ("uploadpack.allowFilter", "true"),
];

/// The system's git, as the platform runs it: without a shell, with an environment and settings of its own.
#[derive(Clone, Debug)]
pub(super) struct Git {
    program: PathBuf,
    path: OsString,
    max_pack: u64,
}

/// Why there is no git: the operator's to mend.
#[derive(Debug, thiserror::Error)]
pub(super) enum NoGit {
    #[error("git is not installed: install it (apt-get install git) and start the platform again")]
    Missing,
    #[error("git {0} is too old: install 2.32 or newer and start the platform again")]
    TooOld(String),
    #[error("{} does not run ({reason}): install git anew and start the platform again", program.display())]
    Broken { program: PathBuf, reason: String },
}

impl Git {
    /// The first git on PATH.
    ///
    /// # Errors
    /// [`NoGit`].
    pub(super) async fn find(max_pack: u64) -> Result<Self, NoGit> {
        let path = env::var_os("PATH").unwrap_or_default();
        let mut candidates =
            env::split_paths(&path).filter(|dir| dir.is_absolute()).map(|dir| dir.join("git"));
        let program = candidates.find(|file| is_program(file)).ok_or(NoGit::Missing)?;
        let git = Self { program, path, max_pack };
        git.check_version().await?;
        Ok(git)
    }

    async fn check_version(&self) -> Result<(), NoGit> {
        let broken = |reason: String| NoGit::Broken { program: self.program.clone(), reason };
        let mut command = self.bare();
        let output = command.arg("version").kill_on_drop(true).output().await;
        let output = output.map_err(|error| broken(error.to_string()))?;
        let said = String::from_utf8_lossy(&output.stdout).trim().to_owned();
        let version = said.strip_prefix("git version ").ok_or_else(|| broken(format!("it said `{said}`")))?;
        if is_new_enough(version) { Ok(()) } else { Err(NoGit::TooOld(version.to_owned())) }
    }

    /// A git in the repository at `dir`.
    pub(super) fn command(&self, dir: &Path) -> Command {
        self.with(dir, &[("receive.maxInputSize", &self.max_pack.to_string())])
    }

    /// A git that tidies the repository at `dir`.
    pub(super) fn upkeep(&self, dir: &Path) -> Command {
        self.with(dir, &[("gc.auto", "6700"), ("gc.autoPackLimit", "50"), ("gc.autoDetach", "false")])
    }

    /// The last setting of a name counts.
    fn with(&self, dir: &Path, settings: &[(&str, &str)]) -> Command {
        let mut command = self.bare();
        command.current_dir(dir).env("GIT_DIR", ".");
        let all = SETTINGS.iter().chain(settings);
        command.env("GIT_CONFIG_COUNT", (SETTINGS.len() + settings.len()).to_string());
        for (index, (key, value)) in all.enumerate() {
            command
                .env(format!("GIT_CONFIG_KEY_{index}"), key)
                .env(format!("GIT_CONFIG_VALUE_{index}"), value);
        }
        command
    }

    fn bare(&self) -> Command {
        let mut command = Command::new(&self.program);
        command.env_clear().env("PATH", &self.path);
        let fixed = [
            ("HOME", "/nonexistent"),
            ("LC_ALL", "C"),
            ("GIT_CONFIG_NOSYSTEM", "1"),
            ("GIT_CONFIG_GLOBAL", "/dev/null"),
            ("GIT_ATTR_NOSYSTEM", "1"),
            ("GIT_TERMINAL_PROMPT", "0"),
            // What a pack says of itself is not believed.
            ("GIT_ALLOC_LIMIT", "512m"),
        ];
        command.envs(fixed).stdin(Stdio::null()).stdout(Stdio::piped()).stderr(Stdio::piped());
        command
    }
}

fn is_program(file: &Path) -> bool {
    file.metadata().is_ok_and(|meta| meta.is_file() && meta.permissions().mode() & 0o111 != 0)
}

fn is_new_enough(version: &str) -> bool {
    let mut numbers = version.split('.').map(|number| number.parse::<u32>().unwrap_or_default());
    (numbers.next().unwrap_or_default(), numbers.next().unwrap_or_default()) >= OLDEST
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn versions_are_compared_as_numbers() {
        for new in ["2.32.0", "2.39.5 (Apple Git-154)", "2.100.1", "3.0"] {
            assert!(is_new_enough(new), "{new}");
        }
        for old in ["2.31.9", "1.8.3.1", "2.4.0", "x"] {
            assert!(!is_new_enough(old), "{old}");
        }
    }

    #[test]
    fn the_environment_is_the_platforms_own() {
        let git = Git { program: "/usr/bin/git".into(), path: "/usr/bin".into(), max_pack: 7 };
        let command = git.command(Path::new("/data/git/x.git"));
        let envs: Vec<_> = command
            .as_std()
            .get_envs()
            .filter_map(|(key, value)| Some((key.to_str()?, value?.to_str()?)))
            .collect();
        assert!(envs.contains(&("GIT_CONFIG_VALUE_20", "7")) && envs.contains(&("HOME", "/nonexistent")));
        assert!(
            envs.iter().all(|(key, _)| key.starts_with("GIT_") || ["PATH", "HOME", "LC_ALL"].contains(key)),
            "{envs:?}"
        );
    }
}
