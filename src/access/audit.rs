use super::{
    ClientAddress,
    audit_budget::{Budget, Refusal, Told},
    email::shown,
};
use crate::clock::Clock;
use crate::ledger::{Actor, Event, Ledger, Stream};
use std::{
    convert::Infallible,
    fmt,
    net::IpAddr,
    sync::{Arc, Mutex, MutexGuard, PoisonError},
    time::Duration,
};
use tokio::sync::mpsc;
use tokio_util::{sync::CancellationToken, task::TaskTracker};

/// How often it is looked for refusals that were counted and not told.
const LOOKS: Duration = Duration::from_mins(1);

/// How many refusals may wait for the ledger: more than are told at once.
const WAITING: usize = 256;

/// The most characters of a name and of an action.
const LONGEST: usize = 254;

/// Writes refusals into the ledger, in the background and not too many. Clones are one.
#[derive(Clone)]
pub(super) struct Audit(Arc<Inner>);

struct Inner {
    budget: Arc<Mutex<Budget>>,
    clock: Clock,
    told: mpsc::Sender<Told>,
    tasks: TaskTracker,
    stop: CancellationToken,
}

impl Audit {
    /// Begins to write.
    pub(super) fn new(ledger: Ledger, clock: Clock) -> Self {
        let (told, received) = mpsc::channel(WAITING);
        let (tasks, stop) = (TaskTracker::new(), CancellationToken::new());
        let budget = Arc::new(Mutex::new(Budget::new()));
        let scribe = Scribe { ledger, clock: clock.clone(), budget: Arc::clone(&budget), received };
        tasks.spawn(scribe.run(stop.clone()));
        tasks.close();
        Self(Arc::new(Inner { budget, clock, told, tasks, stop }))
    }

    /// Notes that `who` was refused `action`.
    pub(super) fn note(&self, who: Option<&str>, from: Option<ClientAddress>, action: &str) {
        let refusal = Refusal {
            who: who.map(|who| shown(who, LONGEST)),
            address: from.map(|ClientAddress(address)| IpAddr::to_canonical(&address)),
            action: shown(action, LONGEST),
        };
        let told = budget(&self.0.budget).take(refusal, self.0.clock.now());
        if told.is_some_and(|told| self.0.told.try_send(told).is_err()) {
            tracing::warn!("a refusal is not in the ledger: the ledger is slower than they come, or closed");
        }
    }

    /// Writes what was counted and not told, and ends.
    pub(super) async fn close(&self) {
        self.0.stop.cancel();
        self.0.tasks.wait().await;
    }
}

fn budget(budget: &Mutex<Budget>) -> MutexGuard<'_, Budget> {
    // A panic elsewhere leaves the table whole, so poison is not passed on.
    budget.lock().unwrap_or_else(PoisonError::into_inner)
}

/// The task that writes.
struct Scribe {
    ledger: Ledger,
    clock: Clock,
    budget: Arc<Mutex<Budget>>,
    received: mpsc::Receiver<Told>,
}

impl Scribe {
    async fn run(mut self, stop: CancellationToken) {
        loop {
            tokio::select! {
                () = stop.cancelled() => break,
                told = self.received.recv() => match told {
                    Some(told) => self.write([told]).await,
                    None => break,
                },
                () = tokio::time::sleep(LOOKS) => {
                    let due = budget(&self.budget).due(self.clock.now());
                    self.write(due).await;
                }
            }
        }
        self.received.close();
        while let Some(told) = self.received.recv().await {
            self.write([told]).await;
        }
        let rest = budget(&self.budget).rest();
        self.write(rest).await;
    }

    /// Each refusal is an own entry; those that come together are written together.
    async fn write(&self, told: impl IntoIterator<Item = Told>) {
        let event = |Told { refusal: Refusal { who, address, action }, more }| {
            (Stream::Platform, Event::AccessRefused { who, address, action, more })
        };
        let events: Vec<_> = told.into_iter().map(event).collect();
        let decide = |_: &_| Ok::<_, Infallible>(events.clone());
        if let Err(error) = self.ledger.change(&Actor::Platform, decide).await {
            tracing::warn!(%error, refusals = events.len(), "refusals are not in the ledger");
        }
    }
}

/// Who asks and from where, for when it is refused.
#[derive(Clone)]
pub(super) struct Witness {
    pub(super) audit: Audit,
    pub(super) from: Option<ClientAddress>,
}

impl Witness {
    pub(super) fn note(&self, who: Option<&str>, action: &str) {
        self.audit.note(who, self.from, action);
    }
}

impl fmt::Debug for Witness {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("Witness").field("from", &self.from).finish_non_exhaustive()
    }
}
