use super::{
    Actor, AppendError, Batch, ChangeError, Event, LedgerError, PlatformKey, State, Stream, database,
    entry_table::EntryTable,
    keyring::Keyring,
    replay::replay,
    secret::KeyOwner,
    writer::{Order, Published, Writer},
};
use crate::clock::Clock;
use std::{
    fmt,
    path::PathBuf,
    sync::{Arc, Mutex, PoisonError, mpsc},
    thread::{self, JoinHandle},
};
use tokio::sync::{oneshot, watch};

/// Where a ledger is kept.
#[derive(Clone, Debug)]
pub struct LedgerConfig {
    /// The directory of `ledger.db` and `keys.db`.
    pub dir: PathBuf,
    /// What wraps the apps' keys.
    pub key: PlatformKey,
}

/// The ledger. Clones are one; the last one waits for what is being appended.
#[derive(Clone)]
pub struct Ledger(Arc<Handle>);

struct Handle {
    published: Arc<Published>,
    writing: Mutex<Option<Writing>>,
}

/// The running writer.
struct Writing {
    orders: mpsc::Sender<Order>,
    thread: JoinHandle<()>,
}

impl Ledger {
    /// Opens or makes the ledger below `config.dir` and folds every entry. Blocks on the disk.
    ///
    /// Only one process may have it open; others read it through [`Archive`](super::Archive).
    ///
    /// # Errors
    /// [`LedgerError`].
    pub fn open(config: LedgerConfig, clock: Clock) -> Result<Self, LedgerError> {
        database::private_dir(&config.dir)?;
        let keyring = Keyring::open(&config.dir, config.key)?;
        Self::start(EntryTable::open(&config.dir)?, keyring, clock)
    }

    /// A ledger that is gone with the process, for tests and embedders.
    ///
    /// # Panics
    /// When the process can get neither memory nor random bytes nor a thread.
    #[must_use]
    pub fn in_memory(clock: Clock) -> Self {
        let opened = PlatformKey::random()
            .and_then(Keyring::in_memory)
            .and_then(|keyring| Self::start(EntryTable::in_memory()?, keyring, clock));
        opened.expect("memory, random bytes and a thread")
    }

    pub(super) fn start(
        entries: EntryTable,
        mut keyring: Keyring,
        clock: Clock,
    ) -> Result<Self, LedgerError> {
        let (state, chains) = replay(&entries, &keyring)?;
        let gone = state.destroyed.iter().copied().map(KeyOwner::App);
        let gone = gone.chain(state.removed.iter().copied().map(KeyOwner::Account)).collect();
        keyring.settle(state.apps.keys().copied(), &gone)?;
        let published = Arc::new(Published::new(state));
        let writer = Writer { clock, entries, keyring, chains, published: Arc::clone(&published) };
        let (orders, received) = mpsc::channel();
        let thread = thread::Builder::new().name("ledger".to_owned()).spawn(move || writer.run(&received));
        let writing =
            Writing { orders, thread: thread.map_err(|cause| LedgerError::Thread(Arc::new(cause)))? };
        Ok(Self(Arc::new(Handle { published, writing: Mutex::new(Some(writing)) })))
    }

    /// Everything as it is now.
    #[must_use]
    pub fn state(&self) -> Arc<State> {
        self.0.published.state.load_full()
    }

    /// Every later state; some may be skipped, the last never.
    #[must_use]
    pub fn subscribe(&self) -> watch::Receiver<Arc<State>> {
        self.0.published.changes.subscribe()
    }

    /// Appends a batch. When this returns, its entries are on the disk and in the returned state (and in
    /// [`state`](Self::state)). A batch without events appends nothing.
    ///
    /// When the future is dropped the batch may or may not be appended.
    ///
    /// # Errors
    /// [`AppendError`]; nothing is appended.
    pub async fn append(&self, batch: Batch) -> Result<Arc<State>, AppendError> {
        let (answer, answered) = oneshot::channel();
        {
            let writing = self.0.writing.lock().unwrap_or_else(PoisonError::into_inner);
            let writing = writing.as_ref().ok_or(AppendError::Closed)?;
            writing.orders.send(Order { batch, answer }).map_err(|_| AppendError::Closed)?;
        }
        answered.await.map_err(|_| AppendError::Closed)?
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
        loop {
            let state = self.state();
            let events = decide(&state).map_err(ChangeError::Refused)?;
            if events.is_empty() {
                return Ok(state);
            }
            let mut heads: Vec<_> = events.iter().map(|&(stream, _)| (stream, state.head(stream))).collect();
            heads.dedup();
            match self.append(Batch { actor: actor.clone(), heads, events }).await {
                Err(AppendError::Conflict { .. }) => {}
                // What it was decided on may have changed in a stream that it does not touch: a name taken, say.
                Err(AppendError::Misfit(_)) if !Arc::ptr_eq(&state, &self.state()) => {}
                appended => return appended.map_err(ChangeError::Append),
            }
        }
    }

    /// Waits for what is being appended; later appends are [`AppendError::Closed`].
    pub async fn close(&self) {
        let Some(writing) = self.0.take() else { return };
        // It panicked: then there is nothing left to wait for.
        let _ = tokio::task::spawn_blocking(move || writing.finish()).await;
    }
}

impl Handle {
    fn take(&self) -> Option<Writing> {
        self.writing.lock().unwrap_or_else(PoisonError::into_inner).take()
    }
}

impl Writing {
    /// Lets the writer come to the end of its orders.
    fn finish(self) {
        drop(self.orders);
        // A panic was reported by the thread itself; every order after it was answered with `Closed`.
        let _ = self.thread.join();
    }
}

impl Drop for Handle {
    fn drop(&mut self) {
        if let Some(writing) = self.take() {
            writing.finish();
        }
    }
}

impl fmt::Debug for Ledger {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("Ledger").field("apps", &self.state().apps.len()).finish_non_exhaustive()
    }
}
