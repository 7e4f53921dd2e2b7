// STUB: signatures for the other rooms.
use super::{Actor, Batch, Event, State, Stream};
use crate::clock::Clock;
use std::{path::PathBuf, sync::Arc};
use tokio::sync::watch;

/// Where a ledger is kept.
#[derive(Clone, Debug)]
pub struct LedgerConfig {
    /// The directory of `ledger.db` and `keys.db`.
    pub dir: PathBuf,
    /// What wraps the apps' keys.
    pub key: PlatformKey,
}

/// The platform's key: 256 bits. Never shown.
#[derive(Clone)]
pub struct PlatformKey([u8; 32]);

impl std::fmt::Debug for PlatformKey {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        f.write_str("PlatformKey(…)")
    }
}

impl PlatformKey {
    /// From `HOKKU_PLATFORM_KEY`'s text: 64 hexadecimal digits.
    ///
    /// # Errors
    /// [`LedgerError`] when it is something else.
    pub fn from_hex(text: &str) -> Result<Self, LedgerError> {
        let _ = text;
        todo!()
    }

    /// Reads `file`, or makes it (0600) with a new key when it is not there.
    ///
    /// # Errors
    /// [`LedgerError`] when others may read it, when it is damaged, or cannot be written.
    pub fn of_file(file: &std::path::Path) -> Result<Self, LedgerError> {
        let _ = file;
        todo!()
    }
}

/// Why the ledger cannot be used: the operator's fault.
#[derive(Debug, thiserror::Error)]
#[non_exhaustive]
pub enum LedgerError {
    /// Stub.
    #[error("stub")]
    Stub,
}

/// Why a batch was not appended. Nothing of it is there.
#[derive(Debug, thiserror::Error)]
#[non_exhaustive]
pub enum AppendError {
    /// Another writer was first: decide again.
    #[error("{stream} has {found} entries; the change was made for {expected}")]
    Conflict {
        /// The stream.
        stream: Stream,
        /// Its head when the change was decided.
        expected: u64,
        /// Its head now.
        found: u64,
    },
    /// The operator's fault.
    #[error(transparent)]
    Ledger(#[from] LedgerError),
    /// The ledger is closed: the platform stops.
    #[error("the platform is stopping; try again when it is back")]
    Closed,
}

/// Why a change was not made.
#[derive(Debug, thiserror::Error)]
pub enum ChangeError<E> {
    /// The change itself may not be.
    #[error(transparent)]
    Refused(E),
    /// It could not be recorded.
    #[error(transparent)]
    Append(AppendError),
}

/// The ledger. Clones are one.
#[derive(Clone, Debug)]
pub struct Ledger(Arc<()>);

impl Ledger {
    /// Opens or makes the ledger below `config.dir` and folds every entry. Blocks on the disk.
    ///
    /// # Errors
    /// [`LedgerError`].
    pub fn open(config: LedgerConfig, clock: Clock) -> Result<Self, LedgerError> {
        let _ = (config, clock);
        todo!()
    }

    /// A ledger that is gone with the process, for tests and embedders.
    #[must_use]
    pub fn in_memory(clock: Clock) -> Self {
        let _ = clock;
        todo!()
    }

    /// Everything as it is now.
    #[must_use]
    pub fn state(&self) -> Arc<State> {
        todo!()
    }

    /// Every later state; some may be skipped, the last never.
    #[must_use]
    pub fn subscribe(&self) -> watch::Receiver<Arc<State>> {
        todo!()
    }

    /// Appends a batch. When this returns, its entries are on the disk and in the returned state (and in
    /// [`state`](Self::state)).
    ///
    /// When the future is dropped the batch may or may not be appended.
    ///
    /// # Errors
    /// [`AppendError`]; nothing is appended.
    pub async fn append(&self, batch: Batch) -> Result<Arc<State>, AppendError> {
        let _ = batch;
        todo!()
    }

    /// Decides a change over the present state and appends it; decides again when another writer was first. No event:
    /// nothing is appended.
    ///
    /// `decide` may be called several times.
    ///
    /// # Errors
    /// [`ChangeError::Refused`] with what `decide` says.
    pub async fn change<E>(
        &self,
        actor: &Actor,
        mut decide: impl FnMut(&State) -> Result<Vec<(Stream, Event)>, E> + Send,
    ) -> Result<Arc<State>, ChangeError<E>> {
        let _ = (actor, &mut decide);
        todo!()
    }

    /// Waits for what is being appended; later appends are [`AppendError::Closed`].
    pub async fn close(&self) {
        todo!()
    }
}
