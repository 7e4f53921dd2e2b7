//! `serve`: one app from a directory on this machine, built, run and kept up to date.
//!
//! # Owns
//! The composition root of the desk: builder, store, engine, logplex and router of one app; its `.env`; the file
//! watch; the order in which a new version takes the old one's place.
//!
//! # Invariants
//! 1. The old version serves until the new one is up; a failed build, release phase or start leaves it running.
//! 2. Every line of it all, the build's too, goes through the app's log.
//! 3. When [`Serve::run`] returns, no process and no task of it is left.
//!
//! # Not here
//! Printing: the `cli` room tails the log. Releases that are kept: they belong to the platform.

mod config;
mod error;
mod process;
mod release_phase;
mod session;
mod version;
mod watch;

pub use config::ServeConfig;
pub use error::ServeError;
pub use session::Serve;
