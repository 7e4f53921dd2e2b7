use crate::dyno::Look;
use crate::formation::Attachment;
use crate::slug::Digest;
use std::{
    collections::HashMap,
    sync::{Mutex, MutexGuard, PoisonError},
};
use tokio_util::task::TaskTracker;

/// The one-off dynos that wait for their clients, each below the digest of its secret; and the clients that are there.
#[derive(Default)]
pub(in crate::api) struct Attachments {
    waiting: Mutex<HashMap<String, Waiting>>,
    present: TaskTracker,
}

/// A dyno that waits for its client.
pub(in crate::api) struct Waiting {
    pub(in crate::api) attachment: Attachment,
    pub(in crate::api) manner: Manner,
}

/// How a client of the official command line speaks.
#[derive(Clone, Copy, Debug, Eq, PartialEq)]
pub(in crate::api) struct Manner {
    /// Whether it speaks as a terminal does.
    pub(in crate::api) look: Look,
    /// Whether it wants the exit status written into the output.
    pub(in crate::api) told_status: bool,
}

impl Attachments {
    fn table(&self) -> MutexGuard<'_, HashMap<String, Waiting>> {
        // A panic elsewhere leaves the table whole, so poison is not passed on.
        self.waiting.lock().unwrap_or_else(PoisonError::into_inner)
    }

    /// Waits for whoever comes with `secret`. Dynos that were given up are forgotten: an app has so many at most.
    pub(in crate::api) fn offer(&self, secret: &str, waiting: Waiting) {
        let mut table = self.table();
        table.retain(|_, waiting| !waiting.attachment.leash.is_over());
        table.insert(key(secret), waiting);
    }

    /// The dyno of `secret`, for one use.
    pub(in crate::api) fn take(&self, secret: &str) -> Option<Waiting> {
        self.table().remove(&key(secret)).filter(|waiting| !waiting.attachment.leash.is_over())
    }

    /// Has a client's conversation end in its own time.
    pub(in crate::api) fn spawn(&self, conversation: impl Future<Output = ()> + Send + 'static) {
        self.present.spawn(conversation);
    }

    /// Gives up what waits, and waits for the conversations to end.
    pub(in crate::api) async fn close(&self) {
        let given_up = std::mem::take(&mut *self.table());
        drop(given_up);
        self.present.close();
        self.present.wait().await;
    }
}

fn key(secret: &str) -> String {
    Digest::of(secret.as_bytes()).hex()
}
