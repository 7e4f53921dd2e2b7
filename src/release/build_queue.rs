use super::{ReleaseError, waiting_line::WaitingLine};
use crate::name::{AppId, AppName};
use std::{
    fmt,
    sync::{Arc, Mutex, MutexGuard, PoisonError},
};
use tokio::sync::watch;

pub(super) use super::waiting_line::QueueLimits;

/// Which builds run, and which wait for them in the order of asking. A build that ends, is cancelled or belongs to a
/// platform that stops drops its [`Ticket`], and with it leaves the queue.
pub(super) struct BuildQueue {
    line: Mutex<WaitingLine>,
    /// Counts the changes of the line, for those who wait in it.
    changes: watch::Sender<u64>,
}

/// A build's place in the queue, until it is dropped.
pub(super) struct Ticket {
    queue: Arc<BuildQueue>,
    number: u64,
}

/// How a build waits; written as it is told: `2nd in line; at most 2 run at one time`.
#[derive(Clone, Copy, Debug, Eq, PartialEq)]
pub(super) struct Waiting {
    /// From 1 on.
    place: usize,
    at_once: usize,
}

impl BuildQueue {
    pub(super) fn new(limits: QueueLimits) -> Arc<Self> {
        Arc::new(Self { line: Mutex::new(WaitingLine::new(limits)), changes: watch::Sender::new(0) })
    }

    /// A place behind everybody who asked before; one among those that run, where there is room.
    ///
    /// # Errors
    /// [`ReleaseError::TooManyBuilds`] when as many wait as may.
    pub(super) fn ask(self: &Arc<Self>, app: AppId, name: &AppName) -> Result<Ticket, ReleaseError> {
        let asked = self.line().ask(app);
        let number = asked.map_err(|full| ReleaseError::TooManyBuilds { app: name.clone(), full })?;
        Ok(Ticket { queue: Arc::clone(self), number })
    }

    fn line(&self) -> MutexGuard<'_, WaitingLine> {
        self.line.lock().unwrap_or_else(PoisonError::into_inner)
    }
}

impl Ticket {
    /// Ends when the build may run, and tells every place that it has in the line until then. Cancel safe.
    pub(super) async fn called(&self, tell: &mut (dyn FnMut(Waiting) + Send)) {
        let mut changes = self.queue.changes.subscribe();
        let mut told = None;
        while let Some(waiting) = self.waiting() {
            if told.replace(waiting) != Some(waiting) {
                tell(waiting);
            }
            // The sender is in the queue: it cannot be gone.
            changes.changed().await.ok();
        }
    }

    fn waiting(&self) -> Option<Waiting> {
        let line = self.queue.line();
        let place = line.place(self.number)?;
        Some(Waiting { place, at_once: line.limits().at_once })
    }
}

impl Drop for Ticket {
    fn drop(&mut self) {
        self.queue.line().leave(self.number);
        self.queue.changes.send_modify(|count| *count += 1);
    }
}

impl fmt::Display for Waiting {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let ending = match (self.place % 10, self.place % 100) {
            (_, 11..=13) => "th",
            (1, _) => "st",
            (2, _) => "nd",
            (3, _) => "rd",
            _ => "th",
        };
        let run = if self.at_once == 1 { "runs" } else { "run" };
        write!(f, "{}{ending} in line; at most {} {run} at one time", self.place, self.at_once)
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use futures_util::FutureExt as _;

    fn queue(at_once: usize) -> Arc<BuildQueue> {
        BuildQueue::new(QueueLimits { at_once, waiting: 10, waiting_per_app: 10 })
    }

    fn ask(queue: &Arc<BuildQueue>) -> Ticket {
        queue.ask(AppId::random(), &AppName::like("shop")).expect("room")
    }

    #[tokio::test]
    async fn each_waits_for_its_place_and_is_told_when_it_changes() {
        let queue = queue(1);
        let [running, second, third] = [ask(&queue), ask(&queue), ask(&queue)];
        running.called(&mut |_| panic!("it runs")).await;
        let mut told = Vec::new();
        {
            let mut tell = |waiting: Waiting| told.push(waiting.to_string());
            let mut called = Box::pin(third.called(&mut tell));
            assert!(called.as_mut().now_or_never().is_none());
            // Somebody who comes later changes nothing for who waits.
            drop(ask(&queue));
            assert!(called.as_mut().now_or_never().is_none());
            drop(running);
            assert!(called.as_mut().now_or_never().is_none());
            drop(second);
            called.await;
        }
        assert_eq!(
            told,
            ["2nd in line; at most 1 runs at one time", "1st in line; at most 1 runs at one time"]
        );
    }

    #[tokio::test]
    async fn who_is_cancelled_lets_the_others_move_up() {
        let queue = queue(1);
        let [running, second, third] = [ask(&queue), ask(&queue), ask(&queue)];
        assert!(second.called(&mut |_| {}).now_or_never().is_none());
        drop(second);
        assert!(third.called(&mut |_| {}).now_or_never().is_none());
        drop(running);
        assert!(third.called(&mut |_| {}).now_or_never().is_some());
    }

    #[test]
    fn a_line_that_is_full_is_refused_with_the_limit() {
        let queue = BuildQueue::new(QueueLimits { at_once: 1, waiting: 2, waiting_per_app: 1 });
        let (shop, name) = (AppId::random(), AppName::like("shop"));
        let running = queue.ask(shop, &name).expect("it runs");
        let waiting = queue.ask(shop, &name).expect("it waits");
        let refused = |app| queue.ask(app, &name).err().expect("refused").to_string();
        insta::assert_snapshot!(refused(shop), @"1 build of shop is in line already, the most for one app: wait for one to end, or cancel one with `hokku builds cancel -a shop`");
        let other = ask(&queue);
        insta::assert_snapshot!(refused(AppId::random()), @"2 builds are in line already, the most for this platform: try again when some have ended");
        drop((running, waiting, other));
        queue.ask(shop, &name).expect("all have left");
    }

    #[test]
    fn places_are_ordinals() {
        let written = [1, 2, 3, 4, 11, 12, 13, 21, 22, 103, 111];
        let written = written.map(|place| {
            Waiting { place, at_once: 2 }.to_string().replace(" in line; at most 2 run at one time", "")
        });
        assert_eq!(
            written,
            ["1st", "2nd", "3rd", "4th", "11th", "12th", "13th", "21st", "22nd", "103rd", "111th"]
        );
    }
}
