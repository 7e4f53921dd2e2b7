//! Releases: the one way in which anything becomes a version of an app.
//!
//! # Owns
//! Apps' coming, naming and going; the course of a deploy from an uploaded archive to dynos that are up; config
//! changes, rollbacks and releases of slugs; the release phase; what builds and release phases say, for those who
//! watch; which slugs are kept.
//!
//! # Invariants
//! 1. One app has one change of releases at a time: what comes while a release phase runs waits for it.
//! 2. A release is recorded in one batch with all that makes it; nobody sees half of one. What was recorded as pending
//!    ends, also when whoever asked has gone away, and after a kill at the next start.
//! 3. A release whose release phase failed changes nothing: the one before it stays current.
//! 4. Slugs of the last [`ReleaseConfig::keep`] releases, of current ones and of pending work are never collected.
//! 5. Builds run in the order of asking, so many at one time as the operator says; each that waits is told its place.
//! 6. After a build nothing is left of it but its slug, its output and its app's build cache.
//!
//! # Not here
//! Making a slug from source: [`crate::build`]. Starting what was released: [`crate::formation`]. Who may ask: the
//! `api` room, but for builds, which run as the operator's user until they have a jail.

mod app_names;
mod apps;
mod build_queue;
mod buildpacks;
mod collection;
mod config;
mod config_change;
mod deploy;
mod deployment;
mod error;
mod fault;
mod import;
mod journal;
mod output;
mod phase;
mod pins;
mod recovery;
mod reissue;
mod releases;
mod slug_gate;
#[cfg(test)]
mod tests;
mod turns;
mod unpacked;
mod waiting_line;
mod words;
mod works;

pub use config::{ReleaseConfig, Rooms};
pub use deploy::{Deploy, SourceArchive};
pub use error::ReleaseError;
pub use output::{Output, OutputId};
pub use releases::Releases;
pub use waiting_line::LineFull;
