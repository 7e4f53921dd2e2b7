use super::refusal::Refusal;
use crate::name::AccountId;
use std::{
    collections::HashMap,
    sync::{Arc, Mutex, PoisonError},
    time::Duration,
};
use tokio::{
    sync::{OwnedSemaphorePermit, Semaphore},
    time::timeout,
};

/// How long somebody waits for a place.
const WAIT: Duration = Duration::from_secs(30);

/// Places for exchanges with git: so many at one time, and no more than half of them for one account.
pub(super) struct Permits {
    all: Arc<Semaphore>,
    share: usize,
    shares: Mutex<HashMap<AccountId, Arc<Semaphore>>>,
}

/// A place, until it is dropped.
pub(super) struct Permit {
    _of_all: OwnedSemaphorePermit,
    _of_share: OwnedSemaphorePermit,
}

impl Permits {
    pub(super) fn new(at_once: usize) -> Self {
        let at_once = at_once.max(1);
        let all = Arc::new(Semaphore::new(at_once));
        Self { all, share: at_once.div_ceil(2), shares: Mutex::default() }
    }

    /// A place for `account`, which is waited for a little.
    ///
    /// # Errors
    /// [`Refusal::Busy`].
    pub(super) async fn take(&self, account: AccountId) -> Result<Permit, Refusal> {
        let share = self.share_of(account);
        let both = async {
            let of_share = share.acquire_owned().await.ok()?;
            let of_all = Arc::clone(&self.all).acquire_owned().await.ok()?;
            Some(Permit { _of_all: of_all, _of_share: of_share })
        };
        timeout(WAIT, both).await.ok().flatten().ok_or(Refusal::Busy)
    }

    fn share_of(&self, account: AccountId) -> Arc<Semaphore> {
        let mut shares = self.shares.lock().unwrap_or_else(PoisonError::into_inner);
        // Who holds or waits for a place has a clone.
        shares.retain(|_, share| Arc::strong_count(share) > 1);
        Arc::clone(shares.entry(account).or_insert_with(|| Arc::new(Semaphore::new(self.share))))
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[tokio::test(start_paused = true)]
    async fn one_account_cannot_have_all_places() {
        let permits = Permits::new(4);
        let (greedy, other) = (AccountId::random(), AccountId::random());
        let held = [permits.take(greedy).await.ok(), permits.take(greedy).await.ok()];
        assert!(held.iter().all(Option::is_some));
        assert!(matches!(permits.take(greedy).await, Err(Refusal::Busy)), "that is its half");
        let others = [permits.take(other).await.ok(), permits.take(other).await.ok()];
        assert!(others.iter().all(Option::is_some));
        drop(held);
        permits.take(greedy).await.expect("a place again");
        drop(others);
        assert!(permits.shares.lock().expect("whole").len() <= 2);
        permits.take(AccountId::random()).await.expect("a place");
        assert_eq!(permits.shares.lock().expect("whole").len(), 1, "who has gone is forgotten");
    }
}
