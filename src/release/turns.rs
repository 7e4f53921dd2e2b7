use std::{
    collections::HashMap,
    hash::Hash,
    sync::{Arc, Mutex, PoisonError, Weak},
};
use tokio::sync::OwnedMutexGuard;

/// One turn at a time for each key, in the order of asking. A key that nobody wants takes no memory.
pub(super) struct Turns<K>(Mutex<HashMap<K, Weak<tokio::sync::Mutex<()>>>>);

/// A turn, until it is dropped.
pub(super) type Turn = OwnedMutexGuard<()>;

impl<K> Default for Turns<K> {
    fn default() -> Self {
        Self(Mutex::default())
    }
}

impl<K: Clone + Eq + Hash> Turns<K> {
    /// Waits until it is the caller's turn. Cancel safe.
    pub(super) async fn take(&self, key: &K) -> Turn {
        self.mutex(key).lock_owned().await
    }

    fn mutex(&self, key: &K) -> Arc<tokio::sync::Mutex<()>> {
        let mut map = self.0.lock().unwrap_or_else(PoisonError::into_inner);
        map.retain(|_, weak| weak.strong_count() > 0);
        map.get(key).and_then(Weak::upgrade).unwrap_or_else(|| {
            let mutex = Arc::default();
            map.insert(key.clone(), Arc::downgrade(&mutex));
            mutex
        })
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use futures_util::FutureExt as _;

    #[tokio::test]
    async fn turns_of_one_key_come_one_after_the_other_and_leave_nothing() {
        let turns = Turns::default();
        let first = turns.take(&"shop").await;
        assert!(turns.take(&"other").now_or_never().is_some(), "another key does not wait");
        let mut second = Box::pin(turns.take(&"shop"));
        assert!(second.as_mut().now_or_never().is_none(), "the same key does");
        drop(turns.take(&"shop").now_or_never());
        drop(first);
        drop(second.await);
        drop(turns.take(&"last").await);
        assert_eq!(turns.0.lock().expect("whole").len(), 1, "only the key that was asked for last");
    }
}
