use std::{sync::Arc, time::Duration};
use tokio::sync::{Notify, OwnedRwLockReadGuard, OwnedRwLockWriteGuard, RwLock};

/// For how long a collection lets others go first. A build ends long before.
const PATIENCE: Duration = Duration::from_mins(30);

/// Between those who store slugs or rely on stored ones, and the collection that removes them: many of the former at
/// a time, or the latter alone.
#[derive(Default)]
pub(super) struct SlugGate {
    lock: Arc<RwLock<()>>,
    left: Arc<Notify>,
}

/// As long as this lives nothing is collected.
pub(super) struct Inside {
    guard: Option<OwnedRwLockReadGuard<()>>,
    left: Arc<Notify>,
}

impl Drop for Inside {
    fn drop(&mut self) {
        drop(self.guard.take());
        self.left.notify_one();
    }
}

impl SlugGate {
    /// Goes in; waits only for a collection that runs. Cancel safe.
    pub(super) async fn enter(&self) -> Inside {
        let guard = Arc::clone(&self.lock).read_owned().await;
        Inside { guard: Some(guard), left: Arc::clone(&self.left) }
    }

    /// Goes in alone when nobody is inside. Newcomers are let in before, so that a collection never holds up builds
    /// behind one that runs; but not for ever. For one caller at a time; cancel safe.
    pub(super) async fn alone(&self) -> OwnedRwLockWriteGuard<()> {
        let polite = async {
            loop {
                if let Ok(guard) = Arc::clone(&self.lock).try_write_owned() {
                    return guard;
                }
                self.left.notified().await;
            }
        };
        match tokio::time::timeout(PATIENCE, polite).await {
            Ok(guard) => guard,
            Err(_) => Arc::clone(&self.lock).write_owned().await,
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use futures_util::FutureExt as _;

    #[tokio::test]
    async fn a_collection_waits_for_builds_and_holds_up_none_behind_one() {
        let gate = SlugGate::default();
        let build = gate.enter().await;
        let mut collection = Box::pin(gate.alone());
        assert!(collection.as_mut().now_or_never().is_none());
        let second = gate.enter().now_or_never().expect("builds do not wait for a collection that waits");
        drop(build);
        assert!(collection.as_mut().now_or_never().is_none());
        drop(second);
        let alone = collection.await;
        assert!(gate.enter().now_or_never().is_none(), "builds wait for a collection that runs");
        drop(alone);
        gate.enter().await;
    }

    #[tokio::test(start_paused = true)]
    async fn a_collection_is_not_put_off_for_ever() {
        let gate = SlugGate::default();
        let build = gate.enter().await;
        let mut collection = Box::pin(gate.alone());
        assert!(collection.as_mut().now_or_never().is_none());
        tokio::time::advance(PATIENCE * 2).await;
        assert!(collection.as_mut().now_or_never().is_none());
        assert!(gate.enter().now_or_never().is_none(), "now builds queue behind it");
        drop(build);
        drop(collection.await);
    }
}
