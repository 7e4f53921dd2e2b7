use std::{
    cell::Cell,
    sync::{
        Mutex, MutexGuard, PoisonError,
        atomic::{AtomicUsize, Ordering::SeqCst},
    },
    time::{Duration, Instant},
};
use tokio::sync::Notify;

/// At most `max` things, made as they are needed and kept in free lists, one per core.
///
/// Taking and giving back touch only the list of the calling thread as long as something lies there; the counts are
/// atomics. Who finds nothing free and nothing to make waits, and at most `queue` wait.
pub(super) struct Slots<T> {
    max: usize,
    queue: usize,
    live: AtomicUsize,
    waiting: AtomicUsize,
    freed: Notify,
    shelves: Box<[Shelf<T>]>,
}

/// Aligned so that two cores' lists do not share a cache line.
#[repr(align(128))]
struct Shelf<T>(Mutex<Vec<(T, Instant)>>);

impl<T> Shelf<T> {
    fn lock(&self) -> MutexGuard<'_, Vec<(T, Instant)>> {
        self.0.lock().unwrap_or_else(PoisonError::into_inner)
    }
}

/// What [`Slots::take`] gives.
#[derive(Debug, Eq, PartialEq)]
pub(super) enum Taken<T> {
    /// One that was used before. Give it back with [`Slots::give`], or say [`Slots::lost`].
    Kept(T),
    /// The right to make one; then as above.
    Make,
    /// All are in use and the queue is full.
    Full,
}

/// A number for this thread, so that threads spread over the shelves.
fn thread_number() -> usize {
    static NEXT: AtomicUsize = AtomicUsize::new(0);
    thread_local!(static NUMBER: Cell<Option<usize>> = const { Cell::new(None) });
    NUMBER.with(|number| {
        number.get().unwrap_or_else(|| {
            let next = NEXT.fetch_add(1, SeqCst);
            number.set(Some(next));
            next
        })
    })
}

impl<T> Slots<T> {
    pub(super) fn new(max: usize, queue: usize) -> Self {
        let cores = std::thread::available_parallelism().map_or(1, std::num::NonZero::get);
        Self {
            max,
            queue,
            live: AtomicUsize::new(0),
            waiting: AtomicUsize::new(0),
            freed: Notify::new(),
            shelves: (0..cores).map(|_| Shelf(Mutex::default())).collect(),
        }
    }

    pub(super) fn max(&self) -> usize {
        self.max
    }

    /// How many exist now, busy or free.
    pub(super) fn live(&self) -> usize {
        self.live.load(SeqCst)
    }

    /// One that lies free, the right to make one, or the word that the queue is full.
    ///
    /// Cancel safe: a caller that stops waiting leaves nothing behind.
    pub(super) async fn take(&self) -> Taken<T> {
        if let Some(taken) = self.take_now() {
            return taken;
        }
        let Some(_place) = self.queue_up() else { return Taken::Full };
        loop {
            let mut freed = std::pin::pin!(self.freed.notified());
            freed.as_mut().enable();
            if let Some(taken) = self.take_now() {
                return taken;
            }
            freed.await;
        }
    }

    fn take_now(&self) -> Option<Taken<T>> {
        let own = thread_number() % self.shelves.len();
        for step in 0..self.shelves.len() {
            let list = &self.shelves[(own + step) % self.shelves.len()];
            if let Some((kept, _)) = list.lock().pop() {
                return Some(Taken::Kept(kept));
            }
        }
        let grown = self.live.fetch_update(SeqCst, SeqCst, |live| (live < self.max).then_some(live + 1));
        grown.is_ok().then_some(Taken::Make)
    }

    fn queue_up(&self) -> Option<Place<'_>> {
        let place = self.waiting.fetch_update(SeqCst, SeqCst, |n| (n < self.queue).then_some(n + 1));
        place.is_ok().then(|| Place(&self.waiting))
    }

    /// Puts one back for the next taker.
    pub(super) fn give(&self, thing: T) {
        let own = thread_number() % self.shelves.len();
        self.shelves[own].lock().push((thing, Instant::now()));
        self.wake_one();
    }

    /// One that was taken or to be made is no more.
    pub(super) fn lost(&self) {
        self.live.fetch_sub(1, SeqCst);
        self.wake_one();
    }

    fn wake_one(&self) {
        if self.waiting.load(SeqCst) > 0 {
            self.freed.notify_one();
        }
    }

    /// Drops what has lain free for `idle`, but keeps one of all.
    pub(super) fn drop_idle(&self, idle: Duration) {
        for shelf in &self.shelves {
            let mut dropped = Vec::new();
            {
                let mut list = shelf.lock();
                while self.live() > 1 && list.first().is_some_and(|(_, since)| since.elapsed() >= idle) {
                    dropped.push(list.remove(0));
                    self.live.fetch_sub(1, SeqCst);
                }
            }
            for _ in dropped.drain(..) {
                self.wake_one();
            }
        }
    }
}

struct Place<'a>(&'a AtomicUsize);

impl Drop for Place<'_> {
    fn drop(&mut self) {
        self.0.fetch_sub(1, SeqCst);
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use std::sync::Arc;

    #[tokio::test]
    async fn what_is_given_back_is_taken_first() {
        let slots = Slots::new(2, 1);
        assert_eq!(slots.take().await, Taken::Make);
        slots.give('a');
        assert_eq!(slots.take().await, Taken::Kept('a'));
        assert_eq!(slots.take().await, Taken::Make);
        assert_eq!(slots.live(), 2);
    }

    #[tokio::test]
    async fn who_finds_nothing_waits_and_the_queue_has_an_end() {
        let slots = Arc::new(Slots::new(1, 1));
        assert_eq!(slots.take().await, Taken::Make);
        let (waiting, slots2) = (slots.clone(), slots.clone());
        let mut waiter = std::pin::pin!(async move { waiting.take().await });
        assert!(futures_util::poll!(waiter.as_mut()).is_pending());
        assert_eq!(slots2.take().await, Taken::Full);
        assert_eq!(slots2.take().await, Taken::Full);
        slots.give('b');
        assert_eq!(waiter.await, Taken::Kept('b'));
    }

    #[tokio::test]
    async fn who_stops_waiting_leaves_the_queue() {
        let slots = Slots::<char>::new(1, 1);
        assert_eq!(slots.take().await, Taken::Make);
        {
            let mut gone = std::pin::pin!(slots.take());
            assert!(futures_util::poll!(gone.as_mut()).is_pending());
        }
        let mut next = std::pin::pin!(slots.take());
        assert!(futures_util::poll!(next.as_mut()).is_pending());
        slots.lost();
        assert_eq!(next.await, Taken::Make);
    }

    #[tokio::test]
    async fn the_idle_go_but_one_stays() {
        let slots = Slots::new(3, 0);
        for _ in 0..3 {
            assert_eq!(slots.take().await, Taken::Make);
        }
        for thing in ['a', 'b', 'c'] {
            slots.give(thing);
        }
        slots.drop_idle(Duration::from_hours(1));
        assert_eq!(slots.live(), 3);
        slots.drop_idle(Duration::ZERO);
        assert_eq!(slots.live(), 1);
    }

    #[tokio::test(flavor = "multi_thread", worker_threads = 4)]
    async fn never_more_than_max_at_once_from_many_threads() {
        let slots = Arc::new(Slots::new(3, 100));
        let busy = Arc::new(AtomicUsize::new(0));
        let mut takers = tokio::task::JoinSet::new();
        for _ in 0..64 {
            let (slots, busy) = (slots.clone(), busy.clone());
            takers.spawn(async move {
                for turn in 0..50 {
                    assert_ne!(slots.take().await, Taken::Full);
                    assert!(busy.fetch_add(1, SeqCst) < 3);
                    tokio::task::yield_now().await;
                    busy.fetch_sub(1, SeqCst);
                    if turn % 7 == 0 { slots.lost() } else { slots.give(()) }
                }
            });
        }
        while let Some(done) = takers.join_next().await {
            done.expect("taker");
        }
        assert!(slots.live() <= 3);
    }
}
