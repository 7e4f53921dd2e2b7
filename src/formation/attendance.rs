use super::launcher::Launcher;
use crate::dyno::{Dyno, DynoError, DynoSpec, Exit};
use crate::name::{AppId, DynoId};
use crate::slug::SlugDigest;
use futures_util::FutureExt as _;
use std::{any::Any, panic::AssertUnwindSafe, sync::Arc, time::Duration};
use tokio::sync::mpsc::UnboundedSender;
use tokio_util::sync::CancellationToken;

/// What became of a dyno.
#[derive(Debug)]
pub(super) struct Report {
    pub(super) app: AppId,
    pub(super) dyno: DynoId,
    pub(super) event: DynoEvent,
}

/// What a dyno's own task sees of it.
#[derive(Debug)]
pub(super) enum DynoEvent {
    /// It is up.
    Up(Arc<Dyno>),
    /// It did not start.
    NotStarted(StartError),
    /// It was stopped before it was up.
    Cancelled,
    /// Its process ended.
    Ended(Exit),
    /// Its process did not end in time after it was told to.
    Killed,
}

/// Why a dyno did not start.
#[derive(Debug, thiserror::Error)]
pub(super) enum StartError {
    /// The app's or the operator's fault.
    #[error(transparent)]
    Dyno(#[from] DynoError),
    /// The app's fault: it took too long.
    #[error("the process did not start within {} seconds", .0.as_secs())]
    BootTimeout(Duration),
    /// The platform's own fault.
    #[error("starting it panicked: {0}")]
    Panicked(String),
}

/// One start of a dyno, for its own task.
pub(super) struct Attendance {
    pub(super) app: AppId,
    pub(super) dyno: DynoId,
    pub(super) slug: SlugDigest,
    pub(super) spec: DynoSpec,
    pub(super) boot_limit: Duration,
    pub(super) grace: Duration,
    /// Stops it, whether it is up or not.
    pub(super) stop: CancellationToken,
    pub(super) reports: UnboundedSender<Report>,
}

impl Attendance {
    /// Starts the dyno and, unless it answers requests and so never ends by itself, waits for its end.
    pub(super) async fn attend(mut self, launcher: Arc<dyn Launcher>) {
        let spec = std::mem::replace(&mut self.spec, DynoSpec::web());
        let launch = launch(&*launcher, self.slug, spec, self.boot_limit);
        let launch = AssertUnwindSafe(launch).catch_unwind();
        let dyno = match self.stop.run_until_cancelled(launch).await {
            None => return self.report(DynoEvent::Cancelled),
            Some(Err(panic)) => {
                return self.report(DynoEvent::NotStarted(StartError::Panicked(words_of(&*panic))));
            }
            Some(Ok(Err(error))) => return self.report(DynoEvent::NotStarted(error)),
            Some(Ok(Ok(dyno))) => dyno,
        };
        self.report(DynoEvent::Up(Arc::clone(&dyno)));
        if !dyno.serves_http() {
            self.report(self.end_of(&dyno).await);
        }
    }

    async fn end_of(&self, dyno: &Dyno) -> DynoEvent {
        if let Some(exit) = self.stop.run_until_cancelled(dyno.exited()).await {
            return DynoEvent::Ended(exit);
        }
        dyno.stop();
        let ended = tokio::time::timeout(self.grace, dyno.exited()).await;
        ended.map_or(DynoEvent::Killed, DynoEvent::Ended)
    }

    fn report(&self, event: DynoEvent) {
        // Nobody listens after the supervisor's end, and nobody has to.
        let _ = self.reports.send(Report { app: self.app, dyno: self.dyno, event });
    }
}

async fn launch(
    launcher: &dyn Launcher,
    slug: SlugDigest,
    spec: DynoSpec,
    limit: Duration,
) -> Result<Arc<Dyno>, StartError> {
    launcher.prepare(slug).await?;
    let dyno = tokio::time::timeout(limit, launcher.launch(slug, spec)).await;
    Ok(dyno.map_err(|_| StartError::BootTimeout(limit))??)
}

fn words_of(panic: &(dyn Any + Send)) -> String {
    let text = panic.downcast_ref::<&str>().map(ToString::to_string);
    text.or_else(|| panic.downcast_ref::<String>().cloned()).unwrap_or_else(|| "no words".to_owned())
}
