//! The build: from an app's source to its slug, through buildpacks.
//!
//! # Owns
//! Heroku's Buildpack API (`bin/detect BUILD`, `bin/compile BUILD CACHE ENV`, `bin/release BUILD`), the
//! buildpacks embedded in this binary and the order in which they are asked, what of a source directory is
//! built, and the running of buildpacks: their environment, output, time and end.
//!
//! One extension: `bin/toolchain DIR`, which a buildpack may have to prepare what all apps share (a compiler,
//! an interpreter), without seeing any app. It runs once for each version of a buildpack; `bin/compile` finds
//! the directory in `TOOLCHAIN_DIR`.
//!
//! # Invariants
//! 1. A build ends within its time limit, and no process of it is left, however it ends.
//! 2. A build sees the operator's `PATH` and the variables of [`BuilderConfig::passthrough`], nothing else of
//!    the environment. `.git` and `.env` are never part of a build.
//! 3. A failed build leaves the app's cache directory and nothing else; no slug of it can be found by a digest
//!    that was ever given out.
//! 4. One cache has one build at a time, over all processes that share a cache directory.
//!
//! # Not here
//! How a slug is laid out: see [`crate::slug`]. What becomes of a slug: the `release` room. Buildpacks run
//! as the user who runs this program: a jail of their own comes with untrusted tenants.

mod archive;
mod assemble;
mod builder;
mod buildpack;
mod cache_key;
mod catalog;
mod course;
mod declared;
mod environment;
mod error;
mod locks;
mod log;
mod script;
mod source;
mod stragglers;
#[cfg(test)]
mod tests;
mod workspace;

pub use archive::{ArchiveError, ArchiveLimits, unpack_archive};
pub use builder::{BuildJail, BuildRequest, Builder, BuilderConfig, PASSTHROUGH};
pub use cache_key::CacheKey;
pub use error::BuildError;
pub(crate) use source::walk_source;
