use super::{
    Ending, Outcome, Terms,
    ending::{status, status_unborn},
};
use crate::app::DynoSize;
use crate::clock::Timestamp;
use crate::dyno::{Dyno, DynoSpec, Exit};
use crate::formation::{
    app_dynos::Now,
    attendance::DynoEvent,
    log_lines::{DynoLog, words_for_owner},
    plan::Moment,
    roster::{DynoState, DynoStatus, Selection},
};
use crate::name::{DynoId, DynoName, ReleaseVersion};
use crate::slug::SlugDigest;
use std::time::Duration;
use tokio::sync::watch;
use tokio_util::sync::CancellationToken;

/// Writes lines about the dyno of that name.
pub(in crate::formation) type Say<'a> = dyn FnMut(&DynoName, &dyn Fn(&DynoLog)) + 'a;

/// The one-off dynos of one app. Lines for its log go to `say`, which takes the name of the dyno that they are about.
#[derive(Default)]
pub(in crate::formation) struct OneOffs {
    dynos: Vec<OneOffDyno>,
}

/// One of them.
struct OneOffDyno {
    id: DynoId,
    name: DynoName,
    command: String,
    size: DynoSize,
    release: ReleaseVersion,
    slug: SlugDigest,
    stage: Stage,
    /// Since when it does what it does.
    since: Timestamp,
    lasts: Duration,
    /// Stops its task.
    stop: CancellationToken,
    outcome: watch::Sender<Option<Outcome>>,
}

/// How far a one-off dyno is.
enum Stage {
    /// It waits for its client.
    Awaited { until: Moment, within: Duration, spec: Box<DynoSpec> },
    /// It may start.
    Ready(Box<DynoSpec>),
    /// It waits for its turn to start.
    Queued(Box<DynoSpec>),
    /// It is being started.
    Starting,
    /// It runs.
    Up { until: Moment },
    /// It was told to end, before or after it was up.
    Stopping(Ending),
}

impl OneOffDyno {
    fn state(&self) -> DynoState {
        match self.stage {
            Stage::Awaited { .. } | Stage::Ready(_) | Stage::Queued(_) | Stage::Starting => {
                DynoState::Starting
            }
            Stage::Up { .. } => DynoState::Up,
            Stage::Stopping(_) => DynoState::Down,
        }
    }

    fn status(&self) -> DynoStatus {
        DynoStatus {
            id: self.id,
            name: self.name.clone(),
            command: self.command.clone(),
            size: self.size,
            release: self.release,
            state: self.state(),
            since: self.since,
        }
    }

    /// When there is something to do though nothing happens.
    fn due(&self) -> Option<Moment> {
        match self.stage {
            Stage::Awaited { until, .. } | Stage::Up { until } => Some(until),
            _ => None,
        }
    }

    fn ending(&self) -> Option<Ending> {
        if let Stage::Stopping(ending) = self.stage { Some(ending) } else { None }
    }

    /// Starts from now on, if it waits for its client.
    fn begin(&mut self) {
        let stage = std::mem::replace(&mut self.stage, Stage::Starting);
        self.stage = match stage {
            Stage::Awaited { spec, .. } => Stage::Ready(spec),
            other => other,
        };
    }

    /// Puts it into the line of those that start; `false` when it is not for it.
    fn queue(&mut self) -> bool {
        let stage = std::mem::replace(&mut self.stage, Stage::Starting);
        let ready = matches!(stage, Stage::Ready(_));
        self.stage = match stage {
            Stage::Ready(spec) => Stage::Queued(spec),
            other => other,
        };
        ready
    }
}

/// What starts a dyno whose turn has come.
pub(in crate::formation) struct Start {
    pub(in crate::formation) slug: SlugDigest,
    pub(in crate::formation) spec: DynoSpec,
    pub(in crate::formation) stop: CancellationToken,
}

impl OneOffs {
    pub(in crate::formation) fn is_empty(&self) -> bool {
        self.dynos.is_empty()
    }

    pub(in crate::formation) fn len(&self) -> usize {
        self.dynos.len()
    }

    pub(in crate::formation) fn has(&self, id: DynoId) -> bool {
        self.dynos.iter().any(|dyno| dyno.id == id)
    }

    pub(in crate::formation) fn has_name(&self, name: &DynoName) -> bool {
        self.dynos.iter().any(|dyno| dyno.name == *name)
    }

    pub(in crate::formation) fn statuses(&self) -> impl Iterator<Item = DynoStatus> {
        self.dynos.iter().map(OneOffDyno::status)
    }

    /// The next moment at which there is something to do though nothing happens.
    pub(in crate::formation) fn next_due(&self, now: Moment) -> Option<Moment> {
        self.dynos.iter().filter_map(OneOffDyno::due).filter(|due| *due > now).min()
    }

    /// Takes a dyno on. Gives its status, and where its outcome will be told.
    pub(in crate::formation) fn admit(
        &mut self,
        terms: Terms,
        now: Now,
    ) -> (DynoStatus, watch::Receiver<Option<Outcome>>) {
        let Terms { id, name, command, size, release, slug, spec, lasts, waits } = terms;
        let (outcome, told) = watch::channel(None);
        let spec = Box::new(spec);
        let stage = match waits {
            Some(within) => Stage::Awaited { until: now.moment.after(within), within, spec },
            None => Stage::Ready(spec),
        };
        let stop = CancellationToken::new();
        let dyno =
            OneOffDyno { id, name, command, size, release, slug, stage, since: now.at, lasts, stop, outcome };
        let status = dyno.status();
        self.dynos.push(dyno);
        (status, told)
    }

    /// The client of a dyno is there.
    pub(in crate::formation) fn begin(&mut self, id: DynoId) {
        if let Some(dyno) = self.find(id) {
            dyno.begin();
        }
    }

    /// The dynos that wait for their turn to start from now on.
    pub(in crate::formation) fn ready(&mut self) -> Vec<DynoId> {
        self.dynos.iter_mut().filter_map(|dyno| dyno.queue().then_some(dyno.id)).collect()
    }

    /// Ends what waited for its client or ran for too long. Gives whether there was any.
    pub(in crate::formation) fn expire(&mut self, now: Now, say: &mut Say<'_>) -> bool {
        let is_due = |dyno: &&OneOffDyno| dyno.due().is_some_and(|due| due <= now.moment);
        let due = self.dynos.iter().filter(is_due).map(|dyno| dyno.id).collect::<Vec<_>>();
        for id in &due {
            match self.find(*id).map(|dyno| (&dyno.stage, &dyno.name)) {
                Some((Stage::Awaited { within, .. }, name)) => {
                    let seconds = within.as_secs();
                    say(name, &|log| log.not_attached(seconds));
                    say(name, &|log| log.changed("starting", "crashed"));
                    let why = format!("nobody attached to it within {seconds} seconds");
                    self.finish(*id, Outcome::NotStarted(why));
                }
                Some(_) => self.end(*id, Ending::OutOfTime, now, say),
                None => {}
            }
        }
        !due.is_empty()
    }

    /// Ends the selected dynos. Gives how many are.
    pub(in crate::formation) fn stop(&mut self, selection: &Selection, now: Now, say: &mut Say<'_>) -> usize {
        let selected = |dyno: &&OneOffDyno| selection.includes(&dyno.name) && dyno.ending().is_none();
        let selected = self.dynos.iter().filter(selected).map(|dyno| dyno.id).collect::<Vec<_>>();
        for id in &selected {
            self.end(*id, Ending::Stopped, now, say);
        }
        selected.len()
    }

    /// Ends a dyno; one that was not being started is gone at once.
    pub(in crate::formation) fn end(&mut self, id: DynoId, ending: Ending, now: Now, say: &mut Say<'_>) {
        let Some(dyno) = self.find(id).filter(|dyno| dyno.ending().is_none()) else { return };
        say(&dyno.name, &|log| ending.tell(log));
        if matches!(dyno.stage, Stage::Starting | Stage::Up { .. }) {
            dyno.stop.cancel();
            (dyno.stage, dyno.since) = (Stage::Stopping(ending), now.at);
            return;
        }
        say(&dyno.name, &|log| log.changed("starting", "complete"));
        self.finish(id, Outcome::Exited(status_unborn(Some(ending))));
    }

    /// What the dyno is started with, its turn having come; `None` when it is not to start any more.
    pub(in crate::formation) fn start(&mut self, id: DynoId, now: Now, say: &mut Say<'_>) -> Option<Start> {
        let dyno = self.find(id)?;
        let spec = match std::mem::replace(&mut dyno.stage, Stage::Starting) {
            Stage::Queued(spec) => *spec,
            other => {
                dyno.stage = other;
                return None;
            }
        };
        dyno.since = now.at;
        say(&dyno.name, &|log| log.say(format!("Starting process with command `{}`", dyno.command)));
        Some(Start { slug: dyno.slug, spec, stop: dyno.stop.clone() })
    }

    /// Takes down what the dyno's task saw.
    pub(in crate::formation) fn note(
        &mut self,
        id: DynoId,
        event: &DynoEvent,
        (now, grace): (Now, Duration),
        say: &mut Say<'_>,
    ) {
        let Some(dyno) = self.find(id) else { return };
        let (name, ending) = (dyno.name.clone(), dyno.ending());
        match event {
            DynoEvent::Up(up) => self.came_up(id, up, now, say),
            DynoEvent::Cancelled => {
                say(&name, &|log| log.changed("starting", "complete"));
                self.finish(id, Outcome::Exited(status_unborn(ending)));
            }
            DynoEvent::NotStarted(error) => {
                say(&name, &|log| log.not_started(error));
                say(&name, &|log| log.changed("starting", "crashed"));
                self.finish(id, Outcome::NotStarted(words_for_owner(error)));
            }
            DynoEvent::Ended(exit) => {
                let code = status(exit, ending);
                say(&name, &|log| log.say(format!("Process exited with status {code}")));
                let last = if matches!(exit, Exit::Trapped(_)) { "crashed" } else { "complete" };
                say(&name, &|log| log.changed("up", last));
                self.finish(id, Outcome::Exited(code));
            }
            DynoEvent::Killed => {
                say(&name, &|log| log.killed(grace));
                say(&name, &|log| log.changed("up", "complete"));
                self.finish(id, Outcome::Exited(137));
            }
        }
    }

    fn came_up(&mut self, id: DynoId, up: &Dyno, now: Now, say: &mut Say<'_>) {
        let Some(dyno) = self.find(id) else { return };
        if up.serves_http() {
            let why = format!("`{}` answers requests, so it runs only as a web process", dyno.command);
            dyno.stop.cancel();
            say(&dyno.name, &|log| log.say(format!("Error: {why}")));
            say(&dyno.name, &|log| log.changed("starting", "crashed"));
            return self.finish(id, Outcome::NotStarted(why));
        }
        if dyno.ending().is_none() {
            let until = now.moment.after(dyno.lasts);
            (dyno.stage, dyno.since) = (Stage::Up { until }, now.at);
        }
        say(&dyno.name, &|log| log.changed("starting", "up"));
    }

    fn find(&mut self, id: DynoId) -> Option<&mut OneOffDyno> {
        self.dynos.iter_mut().find(|dyno| dyno.id == id)
    }

    /// The dyno is gone, and whoever waits for it is told how.
    fn finish(&mut self, id: DynoId, outcome: Outcome) {
        if let Some(index) = self.dynos.iter().position(|dyno| dyno.id == id) {
            let dyno = self.dynos.remove(index);
            dyno.outcome.send_replace(Some(outcome));
        }
    }
}
