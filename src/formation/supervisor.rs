use super::{
    config::FormationConfig,
    control_loop::{Command, ControlLoop, Ears, Hands},
    launcher::Launcher,
    one_off::{Attachment, Leash, OneOff, OneOffError, Ordered},
    roster::{Roster, Selection, Settled},
};
use crate::clock::Clock;
use crate::ledger::Ledger;
use crate::logplex::Logplex;
use crate::name::{AppId, ReleaseVersion};
use std::{fmt, sync::Arc, time::Duration};
use tokio::sync::{mpsc, oneshot, watch};
use tokio_util::{sync::CancellationToken, task::TaskTracker};

/// The dyno manager. Clones are one; with the last of them every dyno stops, as by [`close`](Self::close).
#[derive(Clone)]
pub struct Supervisor(Arc<Inner>);

struct Inner {
    commands: mpsc::UnboundedSender<Command>,
    roster: watch::Receiver<Arc<Roster>>,
    tasks: TaskTracker,
    abort: CancellationToken,
    grace: Duration,
}

impl fmt::Debug for Supervisor {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("Supervisor").finish_non_exhaustive()
    }
}

impl Supervisor {
    /// Starts managing: every app of the ledger's state is brought to what is wanted, in the background. What is
    /// about to start is in the roster when this returns.
    ///
    /// Call it inside a tokio runtime.
    #[must_use]
    pub fn start(
        config: FormationConfig,
        launcher: Arc<dyn Launcher>,
        ledger: &Ledger,
        logplex: Logplex,
        clock: Clock,
    ) -> Self {
        let (tasks, abort, grace) = (TaskTracker::new(), CancellationToken::new(), config.grace);
        let (reports, heard) = mpsc::unbounded_channel();
        let (commands, obeyed) = mpsc::unbounded_channel();
        let (published, roster) = watch::channel(Arc::default());
        let (tasks_of, abort_of) = (tasks.clone(), abort.clone());
        let hands = Hands { config, launcher, logplex, clock, reports, tasks: tasks_of, abort: abort_of };
        let mut states = ledger.subscribe();
        let state = Arc::clone(&states.borrow_and_update());
        let control = ControlLoop::new(hands, state, published);
        let ears = Ears { states, commands: obeyed, reports: heard };
        tasks.spawn(abort.clone().run_until_cancelled_owned(control.run(ears)));
        Self(Arc::new(Inner { commands, roster, tasks, abort, grace }))
    }

    /// Every dyno as it is now.
    #[must_use]
    pub fn roster(&self) -> Arc<Roster> {
        Arc::clone(&self.0.roster.borrow())
    }

    /// Every later roster; some may be skipped, the last never.
    #[must_use]
    pub fn subscribe(&self) -> watch::Receiver<Arc<Roster>> {
        self.0.roster.clone()
    }

    /// Replaces the selected dynos with fresh ones: `web` before the old ones stop, others after. A crashed one is
    /// tried again at once. Gives how many; returns at once.
    pub async fn restart(&self, app: AppId, selection: Selection) -> usize {
        let (reply, restarted) = oneshot::channel();
        self.ask(Command::Restart(app, selection, reply), restarted).await.unwrap_or(0)
    }

    /// Takes a one-off dyno on with the app's current release. It starts at once, or, if its streams lead to a client, when
    /// [`Leash::begin`] is called; it is never started again.
    ///
    /// # Errors
    /// [`OneOffError`], which names the limit and the remedy.
    pub async fn run(&self, app: AppId, order: OneOff) -> Result<Ordered, OneOffError> {
        let (reply, taken) = oneshot::channel();
        let taken = self.ask(Command::Run(app, Box::new(order), reply), taken).await;
        let (status, outcome, streams) = taken.ok_or(OneOffError::Stopping)??;
        let attachment = streams.map(|streams| {
            let leash = Leash { app, dyno: status.id, commands: self.0.commands.downgrade(), outcome };
            Attachment { streams, leash }
        });
        Ok(Ordered { status, attachment })
    }

    /// Stops the selected one-off dynos; those of the formation stay. Gives how many; returns at once.
    pub async fn stop(&self, app: AppId, selection: Selection) -> usize {
        let (reply, stopped) = oneshot::channel();
        self.ask(Command::StopOneOffs(app, selection, reply), stopped).await.unwrap_or(0)
    }

    /// Waits until what runs is what is wanted since `release`, at most `limit`. An app that is gone is settled.
    ///
    /// Cancel safe.
    pub async fn settled(&self, app: AppId, release: ReleaseVersion, limit: Duration) -> Settled {
        let waited = tokio::time::timeout(limit, self.settles(app, release)).await;
        waited.ok().flatten().unwrap_or(Settled::Late)
    }

    async fn settles(&self, app: AppId, release: ReleaseVersion) -> Option<Settled> {
        let mut rosters = self.subscribe();
        loop {
            rosters.mark_unchanged();
            let (reply, verdict) = oneshot::channel();
            if let Some(settled) = self.ask(Command::Verdict(app, release, reply), verdict).await? {
                return Some(settled);
            }
            rosters.changed().await.ok()?;
        }
    }

    /// `None` when the supervisor is closed.
    async fn ask<T>(&self, command: Command, answer: oneshot::Receiver<T>) -> Option<T> {
        self.0.commands.send(command).ok()?;
        answer.await.ok()
    }

    /// Stops every dyno; no more is started. Web dynos leave the roster and end with their last answer: let the
    /// router finish first. Waits at most the grace for processes to end, then ends them.
    pub async fn close(&self) {
        // It fails when the loop has ended, which is what is asked for.
        let _ = self.0.commands.send(Command::Close);
        self.0.tasks.close();
        if tokio::time::timeout(self.0.grace, self.0.tasks.wait()).await.is_err() {
            self.0.abort.cancel();
            self.0.tasks.wait().await;
        }
    }
}
