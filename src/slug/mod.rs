//! The slug: everything a dyno needs, named by its digest.
//!
//! # Owns
//! The manifest and its format, the archive of an app's tree, programs as blobs of their own, the
//! content-addressed store, slugs packed into one file, the Procfile, and how a command becomes a program
//! and words.
//!
//! # Invariants
//! 1. A slug never changes: its name is the SHA-256 of its manifest, which names every blob by SHA-256.
//! 2. A slug that can be opened is complete: its manifest was written last.
//! 3. Bytes that leave the store were compared with their digest, and a blob that failed is replaced by the
//!    next put of it.
//! 4. Nothing from a slug is written outside of the directory it is unpacked into, and no name in a slug
//!    becomes a host path.
//! 5. Compiled code is in no slug: a `.cwasm` is refused wherever it comes up.
//!
//! # Not here
//! Compiling programs ahead of time and running them: see `dyno`. Making the tree from source: see `build`.

mod archive;
mod artifact;
mod blob;
mod collecting;
mod command_line;
mod digest;
mod error;
mod lookup;
mod manifest;
mod packed;
mod plan;
mod procfile;
mod programs;
mod size;
mod store;
#[cfg(test)]
mod tests;

pub use archive::{Refusal, UnpackLimits, UnpackSummary};
pub use artifact::Slug;
pub use command_line::{CommandError, CommandLine, Expanded};
pub use digest::{Digest, Hashing, HashingWriter, InvalidDigest, SlugDigest};
pub use error::SlugError;
pub use lookup::{Executable, LookupError};
pub use manifest::{BuildpackStamp, Manifest, ManifestError, Process, Program, STACK, Serves, Tree};
pub use packed::PackedSlug;
pub use plan::{Inspect, PackPlan, ProcessPlan};
pub use procfile::{Procfile, ProcfileError};
pub use size::Size;
pub use store::SlugStore;
