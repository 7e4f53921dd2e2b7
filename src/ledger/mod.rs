//! The ledger: an append-only record of everything that changed on the platform, and the only truth about it.
//!
//! # Owns
//! What an entry is and how it is stored, one hash chain for each stream (one stream for the platform, one for each
//! app), the fold from entries to [`State`], the sealing of secrets in entries, and the proof that nothing was changed
//! afterwards.
//!
//! # Invariants
//! 1. An entry that was acknowledged survives a crash of the host; a batch is there as a whole or not at all.
//! 2. The bytes that are hashed are the bytes that are stored; no entry is ever changed or removed.
//! 3. Two writers that saw the same head cannot both win: every batch names the heads that it was made for.
//! 4. [`State`] is a pure fold over the entries: nothing else is remembered.
//! 5. A config value is readable only with its app's key, which is in no entry and no export.
//!
//! # Not here
//! What may be changed by whom ([`crate::api`]), and what follows from a change ([`crate::release`],
//! [`crate::formation`]).

mod archive;
mod batch;
mod body;
mod chain;
mod cipher;
mod database;
mod draft;
mod entry;
mod entry_table;
mod error;
mod event;
mod fold;
mod head;
mod keyring;
#[expect(clippy::module_inception, reason = "the room is named for its central type")]
mod ledger;
mod misfit;
mod platform_key;
mod replay;
mod secret;
mod snapshot;
mod state;
mod summary;
#[cfg(test)]
mod tests;
mod verify;
mod writer;

pub use archive::{Archive, Chain, ExportError, Record};
pub use batch::{Actor, Batch, Stream};
pub use chain::Flaw;
pub use entry::{Entry, EntryHash, InvalidEntryHash};
pub use error::{AppendError, ChangeError, LedgerError};
pub use event::{DrainUrl, Event, PasswordHash, SlugRecord, SourceRecord, TokenScope};
pub use head::{Head, InvalidHead};
pub use ledger::{Ledger, LedgerConfig};
pub use misfit::{Misfit, Unfit};
pub use platform_key::PlatformKey;
pub use state::{
    Account, Addon, App, Attachment, Authorization, Build, BuildStatus, Domain, Drain, Release,
    ReleaseStatus, State, WantedDynos,
};
pub use verify::{Breach, Report, VerifyError};
