use super::{
    agenda::Agenda,
    app_dynos::{AppDynos, Now},
    attendance::{Attendance, Report},
    config::FormationConfig,
    launcher::Launcher,
    one_off::{Ending, OneOff, OneOffError},
    one_offs_of_app::Taken,
    plan::Moment,
    roster::{Roster, Selection, Settled},
    start_queue::StartQueue,
};
use crate::clock::Clock;
use crate::ledger::State;
use crate::logplex::Logplex;
use crate::name::{AppId, DynoId, ReleaseVersion};
use std::{
    collections::{HashMap, HashSet},
    sync::Arc,
};
use tokio::{
    sync::{mpsc, oneshot, watch},
    time::{Instant, sleep_until},
};
use tokio_util::{sync::CancellationToken, task::TaskTracker};

/// What the supervisor's handle asks of its loop.
pub(super) enum Command {
    /// Replace dynos; tell how many.
    Restart(AppId, Selection, oneshot::Sender<usize>),
    /// Tell whether what runs is what is wanted; `None`: not yet.
    Verdict(AppId, ReleaseVersion, oneshot::Sender<Option<Settled>>),
    /// Take a one-off dyno on.
    Run(AppId, Box<OneOff>, oneshot::Sender<Result<Taken, OneOffError>>),
    /// Start a one-off dyno: its client is there.
    Begin(AppId, DynoId),
    /// End a one-off dyno.
    EndOneOff(AppId, DynoId, Ending),
    /// Stop one-off dynos; tell how many.
    StopOneOffs(AppId, Selection, oneshot::Sender<usize>),
    /// Stop everything, then end.
    Close,
}

/// What the loop hears.
pub(super) struct Ears {
    pub(super) states: watch::Receiver<Arc<State>>,
    pub(super) commands: mpsc::UnboundedReceiver<Command>,
    pub(super) reports: mpsc::UnboundedReceiver<Report>,
}

/// Who does the work, and where it is told.
pub(super) struct Hands {
    pub(super) config: FormationConfig,
    pub(super) launcher: Arc<dyn Launcher>,
    pub(super) logplex: Logplex,
    pub(super) clock: Clock,
    pub(super) reports: mpsc::UnboundedSender<Report>,
    pub(super) tasks: TaskTracker,
    /// Ends every task at once.
    pub(super) abort: CancellationToken,
}

/// The one place where dynos are started, stopped and counted: for every app, whatever happened, it plans, does and
/// publishes. It holds nothing that is not found again after a restart, and waits for nothing but news.
pub(super) struct ControlLoop {
    hands: Hands,
    origin: Instant,
    /// What the ledger said last.
    state: Arc<State>,
    apps: HashMap<AppId, AppDynos>,
    /// Apps for which there may be something to do.
    stirred: HashSet<AppId>,
    agenda: Agenda,
    starts: StartQueue,
    roster: watch::Sender<Arc<Roster>>,
    closing: bool,
}

impl ControlLoop {
    /// Takes up every app of `state` and publishes the first roster.
    pub(super) fn new(hands: Hands, state: Arc<State>, roster: watch::Sender<Arc<Roster>>) -> Self {
        let apps = state.apps.iter().map(|(id, app)| (*id, AppDynos::new(app, false)));
        let apps = apps.collect::<HashMap<_, _>>();
        let mut control = Self {
            stirred: apps.keys().copied().collect(),
            apps,
            starts: StartQueue::new(hands.config.starts_at_once),
            hands,
            origin: Instant::now(),
            state,
            agenda: Agenda::default(),
            roster,
            closing: false,
        };
        control.round();
        control
    }

    /// Works until it is closed, or every handle is gone, and all dynos have ended.
    pub(super) async fn run(mut self, mut ears: Ears) {
        let mut ledger_speaks = true;
        while !self.is_over() {
            let due = self.agenda.first().map(|due| self.origin + due.0);
            let mut command = None;
            tokio::select! {
                changed = ears.states.changed(), if ledger_speaks => ledger_speaks = changed.is_ok(),
                said = ears.commands.recv(), if !self.closing => command = Some(said.unwrap_or(Command::Close)),
                Some(report) = ears.reports.recv() => self.note(report),
                () = sleep_until(due.unwrap_or(self.origin)), if due.is_some() => {}
            }
            // A command is for the state that its sender saw; what else has come is one round and one roster.
            let state = Arc::clone(&ears.states.borrow_and_update());
            self.follow(state);
            while let Ok(report) = ears.reports.try_recv() {
                self.note(report);
            }
            self.round();
            if let Some(command) = command {
                self.obey(command);
                self.round();
            }
        }
    }

    fn is_over(&self) -> bool {
        self.closing && self.apps.is_empty()
    }

    fn now(&self) -> Now {
        Now { moment: Moment(self.origin.elapsed()), at: self.hands.clock.now() }
    }

    fn follow(&mut self, state: Arc<State>) {
        if self.closing || Arc::ptr_eq(&state, &self.state) {
            return;
        }
        for (id, app) in state.apps.iter() {
            match self.apps.get_mut(id) {
                Some(dynos) if dynos.knows(app) => continue,
                Some(dynos) => dynos.follow(Some(app)),
                None => drop(self.apps.insert(*id, AppDynos::new(app, true))),
            }
            self.stirred.insert(*id);
        }
        for (id, dynos) in &mut self.apps {
            if dynos.app.is_some() && !state.apps.contains_key(id) {
                dynos.follow(None);
                self.stirred.insert(*id);
            }
        }
        self.state = state;
    }

    fn note(&mut self, Report { app, dyno, event }: Report) {
        self.starts.done(dyno);
        let now = self.now();
        if let Some(dynos) = self.apps.get_mut(&app) {
            dynos.note(dyno, event, now, &self.hands.config, &self.hands.logplex);
            self.stirred.insert(app);
        }
    }

    fn obey(&mut self, command: Command) {
        match command {
            // Whoever asked may have gone: then nobody hears the answer.
            Command::Restart(app, selection, reply) => {
                let restarted = self.at(app, |dynos, _, hands| dynos.restart(&selection, &hands.logplex));
                let _ = reply.send(restarted.unwrap_or(0));
            }
            Command::Verdict(app, release, reply) => {
                let verdict = self.apps.get(&app).map_or(Some(Settled::Up), |dynos| dynos.verdict(release));
                let _ = reply.send(verdict);
            }
            Command::Run(app, order, reply) => self.take_on(app, *order, reply),
            Command::Begin(app, dyno) => drop(self.at(app, |dynos, _, _| dynos.begin(dyno))),
            Command::EndOneOff(app, dyno, ending) => {
                self.at(app, |dynos, now, hands| dynos.end_one_off(dyno, ending, now, &hands.logplex));
            }
            Command::StopOneOffs(app, selection, reply) => {
                let stop = |dynos: &mut AppDynos, now, hands: &Hands| {
                    dynos.stop_one_offs(&selection, now, &hands.logplex)
                };
                let _ = reply.send(self.at(app, stop).unwrap_or(0));
            }
            Command::Close => {
                self.closing = true;
                self.apps.values_mut().for_each(|dynos| dynos.follow(None));
                self.stirred.extend(self.apps.keys());
            }
        }
    }

    /// Takes a one-off dyno on. One that nobody waits for any more is ended: its client would never come.
    fn take_on(&mut self, app: AppId, order: OneOff, reply: oneshot::Sender<Result<Taken, OneOffError>>) {
        let take =
            |dynos: &mut AppDynos, now, hands: &Hands| dynos.order(order, now, &hands.config, &hands.logplex);
        let taken = self.at(app, take).unwrap_or(Err(OneOffError::NoApp));
        if let Err(Ok((status, ..))) = reply.send(taken) {
            let ending = Ending::HungUp;
            self.at(app, |dynos, now, hands| dynos.end_one_off(status.id, ending, now, &hands.logplex));
        }
    }

    /// Works on the dynos of an app, for which there may be something to do then; `None` when there is no such app.
    fn at<T>(&mut self, app: AppId, work: impl FnOnce(&mut AppDynos, Now, &Hands) -> T) -> Option<T> {
        let now = self.now();
        let dynos = self.apps.get_mut(&app)?;
        self.stirred.insert(app);
        Some(work(dynos, now, &self.hands))
    }

    /// Does for every app that was stirred what is to be done, starts whose turn it is, and publishes what changed.
    fn round(&mut self) {
        let now = self.now();
        while let Some(app) = self.agenda.take(now.moment) {
            self.stirred.insert(app);
        }
        let stirred = std::mem::take(&mut self.stirred);
        for id in &stirred {
            let Some(dynos) = self.apps.get_mut(id) else { continue };
            for (urgency, dyno) in dynos.act(now, &self.hands.logplex) {
                self.starts.push(urgency, *id, dyno);
            }
            self.agenda.set(*id, dynos.next_due(now.moment));
        }
        while let Some((app, dyno)) = self.starts.next() {
            if self.launch(app, dyno, now).is_none() {
                self.starts.done(dyno);
            }
        }
        self.publish(&stirred);
    }

    /// Starts a dyno whose turn has come; `None` when it is no longer wanted.
    fn launch(&mut self, app: AppId, dyno: DynoId, now: Now) -> Option<()> {
        let dynos = self.apps.get_mut(&app)?;
        let start = if dynos.one_offs.has(dyno) {
            dynos.in_log(&self.hands.logplex, |one_offs, say| one_offs.start(dyno, now, say))?
        } else {
            dynos.start(dyno, now, &self.hands.logplex)?
        };
        let attendance = Attendance {
            app,
            dyno,
            slug: start.slug,
            spec: start.spec,
            boot_limit: self.hands.config.boot_limit,
            grace: self.hands.config.grace,
            stop: start.stop,
            reports: self.hands.reports.clone(),
        };
        let attend = attendance.attend(Arc::clone(&self.hands.launcher));
        self.hands.tasks.spawn(self.hands.abort.clone().run_until_cancelled_owned(attend));
        Some(())
    }

    fn publish(&mut self, stirred: &HashSet<AppId>) {
        let touched = |id: &&AppId| self.apps.get(id).is_some_and(|dynos| dynos.touched);
        let touched = stirred.iter().filter(touched).copied().collect::<Vec<_>>();
        if touched.is_empty() {
            return;
        }
        let mut roster = Roster::clone(&self.roster.borrow());
        for id in touched {
            let Some(dynos) = self.apps.get_mut(&id) else { continue };
            dynos.touched = false;
            if dynos.is_over() {
                self.apps.remove(&id);
                self.agenda.set(id, None);
                roster.apps.remove(&id);
            } else {
                roster.apps.insert(id, Arc::new(dynos.roster()));
            }
        }
        self.roster.send_replace(Arc::new(roster));
    }
}
