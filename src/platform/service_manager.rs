use sd_notify::NotifyState;
use std::{future::pending, time::Duration};

/// Who started this process and wants to hear how it fares: systemd, with `Type=notify`. Without one (no
/// `NOTIFY_SOCKET`) nothing is said.
#[derive(Clone, Copy, Debug)]
pub(super) struct ServiceManager {
    /// Whether there is one.
    listens: bool,
    /// How long it waits for a sign of life.
    watchdog: Option<Duration>,
}

impl ServiceManager {
    /// The one that the environment names.
    pub(super) fn of_process() -> Self {
        let listens = std::env::var_os("NOTIFY_SOCKET").is_some();
        Self { listens, watchdog: sd_notify::watchdog_enabled().filter(|limit| !limit.is_zero()) }
    }

    /// The platform listens.
    pub(super) fn ready(&self, address: &str) {
        self.tell(&[NotifyState::Ready, NotifyState::Status(&format!("Listening on {address}"))]);
    }

    /// The platform stops, and waits at most `grace` for requests that run.
    pub(super) fn stopping(&self, grace: Duration) {
        let status = format!("Stopping: running requests have {} s to end", grace.as_secs());
        self.tell(&[NotifyState::Stopping, NotifyState::Status(&status)]);
    }

    /// Gives signs of life for as long as this is polled, twice as often as they are asked for. They come from a task
    /// among all others: a runtime whose threads are all blocked gives none, and is started anew.
    pub(super) async fn give_signs_of_life(self) {
        let Some(limit) = self.watchdog else { return pending().await };
        let mut beat = tokio::time::interval(limit / 2);
        loop {
            beat.tick().await;
            self.tell(&[NotifyState::Watchdog]);
        }
    }

    fn tell(&self, state: &[NotifyState<'_>]) {
        if self.listens
            && let Err(error) = sd_notify::notify(state)
        {
            tracing::warn!(%error, "cannot tell the service manager (NOTIFY_SOCKET) how the platform fares");
        }
    }
}
