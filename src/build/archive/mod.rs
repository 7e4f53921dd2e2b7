//! Archives of source, as clients upload them: tar, plain or gzip, from anybody.
//!
//! # Owns
//! What such an archive may hold, how much of it, and the way of its entries into a directory.
//!
//! # Invariants
//! 1. Nothing is written outside of the directory given, which is a `cap-std` handle: paths are checked as text first,
//!    and what a check missed still cannot leave.
//! 2. Headers are not believed: bytes are counted as they come, packed and unpacked, so a bomb ends at the limit, and
//!    no header is held in memory beyond [`HEADER_LIMIT`](reader::HEADER_LIMIT).
//!
//! # Not here
//! Which of the files are built: see `source`.

mod error;
mod extended;
mod metered;
mod path;
mod reader;
#[cfg(test)]
mod tests;

pub use error::ArchiveError;
pub use reader::{ArchiveLimits, unpack_archive};
