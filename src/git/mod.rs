//! The git door: `git push hokku main` deploys, `git clone` gives back what was pushed.
//!
//! # Owns
//! Smart HTTP in front of the system's `git`; the bare repositories of apps and what `git` may do in them; the hook that
//! lets the platform decide over a push before anything moves; the source of a commit, as a build takes it; the words
//! that a push reads besides its build's.
//!
//! # Invariants
//! 1. No shell runs, and nothing that a client says is an argument, a path, a setting or a variable of `git` unless it
//!    is one word of a fixed set or hexadecimal digits. Hooks and configuration are the platform's alone.
//! 2. What is pushed lies in quarantine until the platform has decided; a refused push leaves nothing and moves nothing.
//! 3. A branch that deploys moves only after its release is current, so that the same commit can be pushed again.
//! 4. One push at a time builds an app, and each has an end: limits of bytes, of time, of standing still.
//! 5. Tokens and the secrets of pushes are in no error, no log line and no `Debug` text.
//!
//! # The way of a push
//! `admission` finds out who asks, and for which app · `exchange` runs `git receive-pack` between request and answer ·
//! git calls [`hook`], which asks the platform through `hook_socket` · `hearing` decides: `plan` says what deploys,
//! `source` packs it, [`Releases`](crate::release::Releases) builds and releases it · git moves the branch.
//!
//! # Not here
//! Which requests are meant for this door (`platform`), how a build becomes a release ([`crate::release`]), and the
//! credential helper of clients (`cli`).

mod admission;
mod advertisement;
mod app_language;
mod child;
mod config;
mod door;
mod error;
mod exchange;
mod hearing;
pub mod hook;
mod hook_request;
mod hook_socket;
mod inflow;
mod object_id;
mod objects;
mod outcome;
mod outflow;
mod permits;
mod plan;
mod program;
mod pushes;
mod ref_update;
mod refusal;
mod repositories;
mod service;
mod source;
mod talk;
mod tree;
mod upkeep;

pub use config::{GitConfig, Rooms};
pub use door::GitDoor;
pub use error::GitError;
