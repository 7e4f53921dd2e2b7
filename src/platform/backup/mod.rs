//! Backup and restore: a platform as two files, and back.
//!
//! # Owns
//! What of a data directory is taken, in which order, and how the two files look: `FILE` (ledger, slugs, git
//! repositories, outputs of builds, `hokku.toml`), and apart from it `FILE.keys` (the keys of apps and accounts, the
//! platform's key, the certificate authority), without which no config value in `FILE` can be read. Each is a tar archive
//! in zstd: first what it is ([`head`]), then the files as they lie in the data directory, and in `FILE` what became of
//! them last.
//!
//! # Invariants
//! 1. A platform may run, and deploys go on, while it is backed up; what is taken is the ledger of one moment, with
//!    everything that it names.
//! 2. `FILE` is whole or not there: its keys are in their place before it is. A restored directory is whole or no data
//!    directory at all.
//! 3. What is restored was proved first: every chain of the ledger, every key, every blob by its digest.
//! 4. Names in an archive are those that a backup has; nothing else is unpacked, and no link.
//!
//! # The order
//! First ledger and keys, which are copied together ([`Archive::snapshot`](crate::ledger::Archive::snapshot)). Then slugs
//! and repositories: both are stored before the ledger names them, so that all it names is there, unless it was removed
//! meanwhile because the app went on or was destroyed. Then the ledger is copied again: what was removed, the newer one
//! does not need.
//!
//! # Not here
//! Flags, progress bars and printing (the `cli` room). Not taken: caches (made anew), `owner-token` (made anew at the next
//! start), `url`, `lock`.

mod beside;
mod error;
mod head;
mod names;
mod reader;
mod repository;
mod restore;
mod slugs;
mod take;
#[cfg(test)]
mod tests;
mod verify;
mod writer;

pub use error::BackupError;
pub use head::KeyPlace;
pub use restore::{Restore, Restored};
pub use take::{Backup, Existing, Taken};

/// How much was copied so far, in bytes, and what is being copied.
#[derive(Clone, Copy, Debug, Eq, PartialEq)]
pub struct Progress {
    /// What: `slugs`.
    pub what: &'static str,
    /// Bytes of all files so far.
    pub bytes: u64,
}
