//! The archive of an app's tree: tar in zstd, in one canonical form.
//!
//! # Owns
//! Which files, directories and links may be in a tree, the order and form of their entries, and the limits.
//!
//! # Invariants
//! 1. The same tree gives the same bytes: entries are sorted by component, a directory before what is in it;
//!    no times, no owners, modes 0644 or 0755.
//! 2. What reading accepts is what packing writes: an entry that repeats, comes out of order or lies below
//!    a link or a file cannot be hidden, because the order is checked against the entry before.
//! 3. A link has `..` only at the start of its target and never more of them than its depth. Every directory
//!    in a tree is a real one, so by induction no chain of links leaves the tree.
//! 4. No size in a header is trusted, nothing is read whole into memory, and memory does not grow with the
//!    number of entries.
//!
//! # Not here
//! Programs that are kept apart from the tree: see [`super::Program`].

mod entry_path;
mod limits;
mod order;
mod pack;
mod refusal;
mod scan;
mod unpack;

pub(super) use entry_path::{EntryPath, is_compiled, is_wat};
pub use limits::{UnpackLimits, UnpackSummary};
pub(super) use pack::{PackedTree, pack};
pub use refusal::Refusal;
pub(super) use scan::{biggest_directories, scan};
pub(super) use unpack::{CheckOnly, IntoDir, Sink, read};

#[cfg(test)]
mod tests;
