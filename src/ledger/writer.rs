use super::{
    AppendError, Batch, LedgerError, State, Stream,
    draft::Draft,
    entry_table::{EntryTable, StoredEntry},
    keyring::Keyring,
    replay::Link,
};
use crate::clock::Clock;
use crate::name::AppId;
use arc_swap::ArcSwap;
use std::{
    collections::HashMap,
    sync::{Arc, mpsc},
};
use tokio::sync::{oneshot, watch};

/// The most batches of one commit.
const GROUP_LIMIT: usize = 256;

/// A batch, and who waits for it.
pub(super) struct Order {
    pub(super) batch: Batch,
    pub(super) answer: oneshot::Sender<Answer>,
}

/// What became of a batch.
type Answer = Result<Arc<State>, AppendError>;

/// Where everyone sees the state.
pub(super) struct Published {
    pub(super) state: ArcSwap<State>,
    pub(super) changes: watch::Sender<Arc<State>>,
}

impl Published {
    pub(super) fn new(state: State) -> Self {
        let state = Arc::new(state);
        Self { state: ArcSwap::new(Arc::clone(&state)), changes: watch::Sender::new(state) }
    }

    fn publish(&self, state: &Arc<State>) {
        self.state.store(Arc::clone(state));
        self.changes.send_replace(Arc::clone(state));
    }
}

/// The one who writes: a thread of its own, because every commit waits for the disk.
pub(super) struct Writer {
    pub(super) clock: Clock,
    pub(super) entries: EntryTable,
    pub(super) keyring: Keyring,
    pub(super) chains: HashMap<Stream, Link>,
    pub(super) position: i64,
    pub(super) published: Arc<Published>,
}

impl Writer {
    /// Appends what comes until nobody can send any more. Whatever waits meanwhile shares the next commit.
    pub(super) fn run(mut self, orders: &mpsc::Receiver<Order>) {
        while let Ok(first) = orders.recv() {
            let group = std::iter::once(first).chain(orders.try_iter()).take(GROUP_LIMIT).collect();
            self.append(group);
        }
    }

    fn append(&mut self, group: Vec<Order>) {
        let before = self.published.state.load_full();
        let mut draft = Draft::new(&before, &self.chains, &self.keyring);
        let mut waiting = Vec::with_capacity(group.len());
        for Order { batch, answer } in group {
            match draft.admit(batch, self.clock.now()) {
                Ok(()) => waiting.push(answer),
                Err(refused) => tell(answer, Err(refused)),
            }
        }
        let Draft { state, entries, links, keys, destroyed, .. } = draft;
        if entries.is_empty() {
            waiting.into_iter().for_each(|answer| tell(answer, Ok(Arc::clone(&before))));
            return;
        }
        if let Err(failed) = self.keyring.keep(&keys).and_then(|()| self.commit(&entries, links)) {
            waiting.into_iter().for_each(|answer| tell(answer, Err(failed.clone().into())));
            return;
        }
        self.forget(destroyed);
        let state = Arc::new(state);
        self.published.publish(&state);
        waiting.into_iter().for_each(|answer| tell(answer, Ok(Arc::clone(&state))));
    }

    fn commit(&mut self, entries: &[StoredEntry], links: HashMap<Stream, Link>) -> Result<(), LedgerError> {
        self.entries.append(self.position, entries).map_err(|cause| self.entries.error(&cause))?;
        // A vector is never longer than this.
        self.position += i64::try_from(entries.len()).unwrap_or(i64::MAX);
        self.chains.extend(links);
        Ok(())
    }

    fn forget(&mut self, destroyed: Vec<AppId>) {
        for app in &destroyed {
            self.chains.remove(&Stream::App(*app));
        }
        // The entry stands: the app is destroyed. The key is removed with the next commit, or at the next start.
        if let Err(failed) = self.keyring.forget(destroyed) {
            tracing::error!(%failed, "the key of a destroyed app is still on the disk");
        }
    }
}

/// The caller may have stopped waiting; the batch stands all the same.
fn tell(waiting: oneshot::Sender<Answer>, answer: Answer) {
    drop(waiting.send(answer));
}
