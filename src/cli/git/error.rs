use super::RemoteName;
use std::io;

/// Why git did not do what was wanted.
#[derive(Debug, thiserror::Error)]
pub(in crate::cli) enum GitError {
    /// The system's: there is no git, or it cannot run.
    #[error("cannot run git ({0}): install it, or use `hokku deploy`, which needs none")]
    Missing(io::Error),
    /// git's own words.
    #[error("`git {command}` failed: {told}")]
    Failed {
        /// The first of its arguments.
        command: String,
        /// What it said.
        told: String,
    },
    /// The caller's: the remote is not there.
    #[error("this directory has no git remote `{0}`: `git remote -v` lists those it has")]
    NoRemote(RemoteName),
    /// What git asks has no end, or is no text.
    #[error("git asks for a password in a form that is none of its own")]
    BadQuestion,
}
