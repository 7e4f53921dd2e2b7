use super::{
    AppendError, Batch, LedgerError, State, Stream,
    chain::{Chains, Link},
    draft::Draft,
    entry_table::{EntryTable, StoredEntry},
    keyring::Keyring,
    secret::KeyOwner,
};
use crate::clock::Clock;
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
    pub(super) chains: Chains,
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
        // Refusals wait for the commit as well: what refused them is then to be seen, and they can be decided again.
        let admit = |Order { batch, answer }| (draft.admit(batch, self.clock.now()), answer);
        let waiting: Vec<_> = group.into_iter().map(admit).collect();
        let Draft { state, entries, links, keys, gone, .. } = draft;
        if entries.is_empty() {
            return tell(waiting, &before);
        }
        if let Err(failed) = self.keyring.keep(&keys).and_then(|()| self.commit(&entries, links)) {
            // Also to those that were refused: what refused them may not be there after all.
            let failure = || Err(AppendError::from(failed.clone()));
            return tell(waiting.into_iter().map(|(_, answer)| (failure(), answer)), &before);
        }
        self.forget(gone);
        let state = Arc::new(state);
        self.published.publish(&state);
        tell(waiting, &state);
    }

    fn commit(&mut self, entries: &[StoredEntry], links: HashMap<Stream, Link>) -> Result<(), LedgerError> {
        self.entries.append(self.chains.position, entries).map_err(|cause| self.entries.error(&cause))?;
        // A vector is never longer than this.
        self.chains.position += i64::try_from(entries.len()).unwrap_or(i64::MAX);
        self.chains.links.extend(links);
        Ok(())
    }

    fn forget(&mut self, gone: Vec<KeyOwner>) {
        for owner in &gone {
            if let KeyOwner::App(app) = owner {
                self.chains.links.remove(&Stream::App(*app));
            }
        }
        // The entry stands: whose it was is gone. The key is removed with the next commit, or at the next start.
        if let Err(failed) = self.keyring.forget(gone) {
            tracing::error!(%failed, "the key of a destroyed app or a removed account is still on the disk");
        }
    }
}

/// Tells everyone what became of their batches. A caller may have stopped waiting; its batch stands all the same.
fn tell(
    waiting: impl IntoIterator<Item = (Result<(), AppendError>, oneshot::Sender<Answer>)>,
    state: &Arc<State>,
) {
    for (admitted, answer) in waiting {
        drop(answer.send(admitted.map(|()| Arc::clone(state))));
    }
}
