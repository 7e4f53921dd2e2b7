use super::hub::{Channel, lock};
use std::{
    collections::BTreeMap,
    sync::{
        Arc, Mutex, Weak,
        atomic::{AtomicUsize, Ordering::Relaxed},
    },
};

/// What the lines of all apps together may take. A line on its way costs one addition; only when the limit is passed
/// are the apps looked at.
#[derive(Debug)]
pub(super) struct Budget {
    limit: usize,
    /// What all buffers hold. Changed only under the mutex of the buffer that changes, so it is never less than nothing.
    held: AtomicUsize,
    register: Mutex<Register>,
    /// Held by who makes room: one at a time is enough.
    sweeping: Mutex<()>,
}

/// Every channel that lives, whatever it is called and whether it is called at all.
#[derive(Debug, Default)]
struct Register {
    next: u64,
    channels: BTreeMap<u64, Weak<Channel>>,
}

impl Budget {
    pub(super) fn new(limit: usize) -> Self {
        Self { limit, held: AtomicUsize::new(0), register: Mutex::default(), sweeping: Mutex::default() }
    }

    /// Makes a channel, which [`leave`](Self::leave)s when it is dropped.
    pub(super) fn enter(&self, make: impl FnOnce(u64) -> Channel) -> Arc<Channel> {
        let mut register = lock(&self.register);
        let number = register.next;
        register.next += 1;
        let channel = Arc::new(make(number));
        register.channels.insert(number, Arc::downgrade(&channel));
        channel
    }

    pub(super) fn leave(&self, number: u64, bytes: usize) {
        lock(&self.register).channels.remove(&number);
        self.held.fetch_sub(bytes, Relaxed);
    }

    /// A buffer that held `before` holds `after` now; called under its mutex.
    pub(super) fn note(&self, before: usize, after: usize) {
        if after >= before {
            self.held.fetch_add(after - before, Relaxed);
        } else {
            self.held.fetch_sub(before - after, Relaxed);
        }
    }

    /// If too much is held, lets the oldest lines of the largest buffers go, and some more, so that the next lines
    /// find room without a look at all of them.
    pub(super) fn keep(&self) {
        if self.held.load(Relaxed) <= self.limit {
            return;
        }
        let Ok(_sweeping) = self.sweeping.try_lock() else { return };
        // The lock is free again before one of these can be the last to hold its channel.
        let channels: Vec<_> = lock(&self.register).channels.values().filter_map(Weak::upgrade).collect();
        let sizes = channels.iter().map(|channel| channel.bytes()).collect();
        let level = level(sizes, self.limit - self.limit / 64);
        for channel in channels {
            channel.cut_to(level);
        }
    }

    #[cfg(test)]
    pub(super) fn held(&self) -> usize {
        self.held.load(Relaxed)
    }
}

/// How large each may be so that together they are at most `limit`: who is smaller gives nothing.
fn level(mut sizes: Vec<usize>, limit: usize) -> usize {
    sizes.sort_unstable();
    let mut rest = limit;
    for (index, size) in sizes.iter().enumerate() {
        let share = rest / (sizes.len() - index);
        if *size > share {
            return share;
        }
        rest -= size;
    }
    usize::MAX
}

#[cfg(test)]
mod tests {
    use super::*;
    use proptest::prelude::*;

    #[test]
    fn the_largest_give() {
        assert_eq!(level(vec![10, 500, 20, 400], 230), 100);
        assert_eq!(level(vec![10, 500, 20, 400], 930), usize::MAX);
        assert_eq!(level(vec![], 0), usize::MAX);
    }

    proptest! {
        #[test]
        fn together_they_fit_and_little_is_wasted(sizes in proptest::collection::vec(0_usize..1000, 0..20), limit in 0_usize..10_000) {
            let level = level(sizes.clone(), limit);
            let kept: usize = sizes.iter().map(|size| *size.min(&level)).sum();
            prop_assert!(kept <= limit);
            let whole: usize = sizes.iter().sum();
            prop_assert!(kept + sizes.len() > limit.min(whole) || kept == whole);
        }
    }
}
