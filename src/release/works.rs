use crate::name::{AppId, BuildId};
use std::{
    collections::HashMap,
    sync::{Arc, Mutex, MutexGuard, PoisonError},
};
use tokio::sync::watch;
use tokio_util::sync::CancellationToken;

/// The long work that is under way: builds and release phases, so that it can be cancelled and waited for.
pub(super) struct Works {
    stop: CancellationToken,
    list: Mutex<List>,
    count: watch::Sender<u64>,
}

#[derive(Default)]
struct List {
    next: u64,
    works: HashMap<u64, Entry>,
}

struct Entry {
    app: AppId,
    /// The build that is cancelled with it; none once it is being recorded.
    build: Option<BuildId>,
    cancel: CancellationToken,
}

/// One piece of work; it is over when this is dropped.
pub(super) struct Work {
    works: Arc<Works>,
    number: u64,
    cancel: CancellationToken,
}

impl Works {
    pub(super) fn new() -> Arc<Self> {
        Arc::new(Self {
            stop: CancellationToken::new(),
            list: Mutex::default(),
            count: watch::Sender::new(0),
        })
    }

    /// Notes work that begins.
    pub(super) fn begin(self: &Arc<Self>, app: AppId, build: Option<BuildId>) -> Work {
        let cancel = self.stop.child_token();
        let mut list = self.list();
        let number = list.next;
        list.next += 1;
        list.works.insert(number, Entry { app, build, cancel: cancel.clone() });
        Work { works: Arc::clone(self), number, cancel }
    }

    /// Cancels a build; `false` when there is none that can be.
    pub(super) fn cancel_build(&self, build: BuildId) -> bool {
        let list = self.list();
        let found = list.works.values().find(|entry| entry.build == Some(build));
        found.inspect(|entry| entry.cancel.cancel()).is_some()
    }

    /// Cancels all work for `app` and waits for its end.
    pub(super) async fn end_app(&self, app: AppId) {
        for entry in self.list().works.values().filter(|entry| entry.app == app) {
            entry.cancel.cancel();
        }
        let mut count = self.count.subscribe();
        while self.list().works.values().any(|entry| entry.app == app) {
            // The sender is in `self`: it cannot be gone.
            count.changed().await.ok();
        }
    }

    /// Cancels all work, and what begins later.
    pub(super) fn stop(&self) {
        self.stop.cancel();
    }

    /// Ends when all work is cancelled.
    pub(super) fn stopping(&self) -> &CancellationToken {
        &self.stop
    }

    pub(super) fn is_stopping(&self) -> bool {
        self.stop.is_cancelled()
    }

    fn list(&self) -> MutexGuard<'_, List> {
        self.list.lock().unwrap_or_else(PoisonError::into_inner)
    }
}

impl Work {
    /// Ends when the work is cancelled.
    pub(super) fn cancel(&self) -> &CancellationToken {
        &self.cancel
    }

    /// From now on its build cannot be cancelled, because it is being recorded; `false` when it was before.
    pub(super) fn begin_recording(&self) -> bool {
        let mut list = self.works.list();
        if self.cancel.is_cancelled() {
            return false;
        }
        if let Some(entry) = list.works.get_mut(&self.number) {
            entry.build = None;
        }
        true
    }
}

impl Drop for Work {
    fn drop(&mut self) {
        self.works.list().works.remove(&self.number);
        self.works.count.send_modify(|count| *count += 1);
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use futures_util::FutureExt as _;

    #[tokio::test]
    async fn a_build_can_be_cancelled_until_it_is_recorded() {
        let works = Works::new();
        let (app, build) = (AppId::random(), BuildId::random());
        let work = works.begin(app, Some(build));
        assert!(!works.cancel_build(BuildId::random()));
        assert!(works.cancel_build(build) && !work.begin_recording());
        let work = works.begin(app, Some(BuildId::random()));
        assert!(work.begin_recording());
        assert!(!works.cancel_build(build) || !work.cancel().is_cancelled());
    }

    #[tokio::test]
    async fn an_app_ends_when_its_last_work_does() {
        let works = Works::new();
        let (app, other) = (AppId::random(), AppId::random());
        let (work, neighbour) = (works.begin(app, None), works.begin(other, None));
        let mut end = Box::pin(works.end_app(app));
        assert!(end.as_mut().now_or_never().is_none());
        assert!(work.cancel().is_cancelled() && !neighbour.cancel().is_cancelled());
        drop(work);
        end.await;
        works.stop();
        assert!(neighbour.cancel().is_cancelled() && works.begin(app, None).cancel().is_cancelled());
    }
}
