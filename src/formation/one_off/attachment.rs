use super::Ending;
use crate::dyno::PipeEnds;
use crate::formation::control_loop::Command;
use crate::name::{AppId, DynoId};
use std::fmt;
use tokio::sync::{mpsc::WeakUnboundedSender, watch};

/// The client's side of a one-off dyno. Dropping it ends the dyno, as a terminal that is closed does.
#[derive(Debug)]
pub struct Attachment {
    /// The dyno's standard streams.
    pub streams: PipeEnds,
    /// Holds the dyno.
    pub leash: Leash,
}

/// How a one-off dyno came to its end.
#[derive(Clone, Debug, Eq, PartialEq)]
pub enum Outcome {
    /// With this exit status.
    Exited(i32),
    /// It never ran, for a reason that is for the app's owner.
    NotStarted(String),
}

/// What a client holds its dyno by. When it is dropped before the dyno's end, the dyno is ended.
pub struct Leash {
    pub(in crate::formation) app: AppId,
    pub(in crate::formation) dyno: DynoId,
    pub(in crate::formation) commands: WeakUnboundedSender<Command>,
    pub(in crate::formation) outcome: watch::Receiver<Option<Outcome>>,
}

impl fmt::Debug for Leash {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("Leash").field("dyno", &self.dyno).finish_non_exhaustive()
    }
}

impl Leash {
    /// The client is there: the dyno starts.
    pub fn begin(&self) {
        self.ask(Command::Begin(self.app, self.dyno));
    }

    /// Ends the dyno as Ctrl-C does.
    pub fn interrupt(&self) {
        self.ask(Command::EndOneOff(self.app, self.dyno, Ending::Interrupted));
    }

    /// Ends the dyno because the platform stops.
    pub fn stop(&self) {
        self.ask(Command::EndOneOff(self.app, self.dyno, Ending::Stopped));
    }

    /// Ends the dyno as a terminal that is closed does, and waits for its end. Whoever lets go of its streams before may
    /// have it end by itself at the end of its input.
    pub async fn hang_up(&self) {
        if !self.is_over() {
            self.ask(Command::EndOneOff(self.app, self.dyno, Ending::HungUp));
        }
        self.outcome().await;
    }

    /// Waits for the dyno's end. Its output has come to its end before.
    ///
    /// Cancel safe.
    pub async fn outcome(&self) -> Outcome {
        let mut outcome = self.outcome.clone();
        let told = outcome.wait_for(Option::is_some).await.ok().and_then(|outcome| outcome.clone());
        told.unwrap_or_else(|| Outcome::NotStarted("the platform stopped".to_owned()))
    }

    /// Whether the dyno has come to its end.
    #[must_use]
    pub fn is_over(&self) -> bool {
        self.outcome.borrow().is_some() || self.outcome.has_changed().is_err()
    }

    fn ask(&self, command: Command) {
        // A dyno manager that is gone runs nothing that could be ended.
        if let Some(commands) = self.commands.upgrade() {
            let _ = commands.send(command);
        }
    }
}

impl Drop for Leash {
    fn drop(&mut self) {
        if !self.is_over() {
            self.ask(Command::EndOneOff(self.app, self.dyno, Ending::HungUp));
        }
    }
}
