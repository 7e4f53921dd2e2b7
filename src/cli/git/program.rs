use super::GitError;
use std::{
    ffi::OsString,
    path::PathBuf,
    process::{Command, Output, Stdio},
};

/// The most of git's own words that an error repeats.
const TOLD_LIMIT: usize = 2000;

/// The program git in one directory.
pub(in crate::cli) struct Git {
    dir: PathBuf,
    environment: Vec<(&'static str, OsString)>,
}

impl Git {
    /// In the current directory.
    pub(in crate::cli) fn here() -> Self {
        Self { dir: PathBuf::from("."), environment: Vec::new() }
    }

    /// In a directory of a test, which no settings of the user or the machine reach.
    #[cfg(test)]
    pub(in crate::cli) fn of_test(dir: PathBuf) -> Self {
        let settings = dir.join(".gitconfig").into_os_string();
        let above = dir.parent().expect("a parent").as_os_str().to_owned();
        let environment = vec![
            ("GIT_CONFIG_GLOBAL", settings),
            ("GIT_CONFIG_NOSYSTEM", "1".into()),
            ("GIT_CEILING_DIRECTORIES", above),
        ];
        Self { dir, environment }
    }

    /// Whether files of a repository are checked out here.
    pub(in crate::cli) fn is_work_tree(&self) -> bool {
        self.output(&["rev-parse", "--is-inside-work-tree"])
            .is_ok_and(|output| output.status.success() && output.stdout.starts_with(b"true"))
    }

    /// What git prints; `None` if it says by its status 1 alone that there is nothing.
    pub(in crate::cli) fn read(&self, words: &[&str]) -> Result<Option<String>, GitError> {
        let output = self.output(words)?;
        match output.status.code() {
            Some(0) => Ok(Some(String::from_utf8_lossy(&output.stdout).into_owned())),
            Some(1) if output.stderr.is_empty() => Ok(None),
            _ => Err(failed(words, &output)),
        }
    }

    /// Does something and prints nothing.
    pub(super) fn change(&self, words: &[&str]) -> Result<(), GitError> {
        let output = self.output(words)?;
        if output.status.success() { Ok(()) } else { Err(failed(words, &output)) }
    }

    /// A command of git with the terminal of this process.
    pub(in crate::cli) fn attached(&self, words: &[&str]) -> tokio::process::Command {
        let mut command = self.command(words);
        command.stdin(Stdio::inherit());
        command.into()
    }

    fn output(&self, words: &[&str]) -> Result<Output, GitError> {
        self.command(words).output().map_err(GitError::Missing)
    }

    fn command(&self, words: &[&str]) -> Command {
        let mut command = Command::new("git");
        command.args(words).current_dir(&self.dir).stdin(Stdio::null());
        command.envs(self.environment.iter().map(|(name, value)| (name, value)));
        command
    }
}

fn failed(words: &[&str], output: &Output) -> GitError {
    let told = String::from_utf8_lossy(&output.stderr);
    let told: String = told.trim().chars().take(TOLD_LIMIT).collect();
    let told = if told.is_empty() { output.status.to_string() } else { told };
    GitError::Failed { command: words.first().copied().unwrap_or_default().to_owned(), told }
}
