//! git on the user's machine: its remotes, its settings, and the protocol in which it asks for a password.
//!
//! # Owns
//! How git is called: always with a fixed list of arguments, never through a shell, and names after `--` or checked.
//!
//! # Invariants
//! 1. No token is in an argument, an address or a setting. git asks `hokku git:credentials`, which answers for the
//!    host that the token is for.
//! 2. Settings are written for exactly one host, and the same ones again change nothing.
//!
//! # Not here
//! What is printed, and the platform's side of git.

mod credentials;
mod error;
mod program;
mod remotes;
mod settings;

pub(super) use credentials::Asked;
pub(super) use error::GitError;
pub(super) use program::Git;
pub(super) use remotes::RemoteName;
