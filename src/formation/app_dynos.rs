use super::{
    log_lines::DynoLog,
    one_off::OneOffs,
    plan::{DynoRecord, Moment, Phase, Step, Wanted, next_due, plan},
    roster::Selection,
    start_queue::Urgency,
};
use crate::clock::Timestamp;
use crate::dyno::Dyno;
use crate::ledger::App;
use crate::logplex::{AppLog, Logplex};
use crate::name::{AppName, DynoId, DynoName};
use std::{
    collections::{BTreeSet, HashMap},
    sync::Arc,
};
use tokio_util::sync::CancellationToken;

/// A plan that is not done after so many rounds is wrong.
const MOST_ROUNDS: usize = 1000;

/// The dynos of one app, and what is wanted of them.
pub(super) struct AppDynos {
    /// As the ledger has it; `None` when it was destroyed or everything stops.
    pub(super) app: Option<Arc<App>>,
    pub(super) wanted: Option<Wanted>,
    pub(super) records: Vec<DynoRecord>,
    pub(super) holds: HashMap<DynoId, Hold>,
    /// What runs beside the formation.
    pub(super) one_offs: OneOffs,
    /// Whether the roster must be made anew.
    pub(super) touched: bool,
    /// Whether somebody waits for what starts now.
    prompt: bool,
    name: AppName,
    log: Option<AppLog>,
}

/// What the platform holds of one dyno.
pub(super) struct Hold {
    /// The dyno, once it is up.
    pub(super) dyno: Option<Arc<Dyno>>,
    /// Stops its task.
    pub(super) stop: CancellationToken,
    /// Since when it does what it does.
    pub(super) since: Timestamp,
    pub(super) command: String,
    /// What its name did before, in the words of the log.
    pub(super) before: &'static str,
    /// Whether its turn to start has come.
    pub(super) launched: bool,
}

/// The present, by both clocks.
#[derive(Clone, Copy, Debug)]
pub(super) struct Now {
    pub(super) moment: Moment,
    pub(super) at: Timestamp,
}

impl AppDynos {
    /// An app of the state that the platform starts with, or a new one if `prompt`.
    pub(super) fn new(app: &Arc<App>, prompt: bool) -> Self {
        Self {
            app: Some(Arc::clone(app)),
            wanted: Some(wanted_of(app)),
            records: Vec::new(),
            holds: HashMap::new(),
            one_offs: OneOffs::default(),
            touched: true,
            prompt,
            name: app.name.clone(),
            log: None,
        }
    }

    /// The app is now as `app` says; `None`: it is gone.
    pub(super) fn follow(&mut self, app: Option<&Arc<App>>) {
        let wanted = app.map(|app| wanted_of(app));
        self.touched |= wanted != self.wanted || app.is_none();
        self.prompt = true;
        if let Some(app) = app.filter(|app| app.name != self.name) {
            self.name = app.name.clone();
            self.log = None;
        }
        (self.app, self.wanted) = (app.cloned(), wanted);
    }

    /// Whether `app` is the very one that is known.
    pub(super) fn knows(&self, app: &Arc<App>) -> bool {
        self.app.as_ref().is_some_and(|known| Arc::ptr_eq(known, app))
    }

    /// Has the selected dynos replaced. Gives how many are.
    pub(super) fn restart(&mut self, selection: &Selection, logplex: &Logplex) -> usize {
        self.prompt = true;
        let mut names = BTreeSet::new();
        for index in 0..self.records.len() {
            let dyno = &mut self.records[index];
            if !selection.includes(&dyno.name) || dyno.phase == Phase::Stopping || dyno.replace {
                continue;
            }
            dyno.replace = true;
            let name = dyno.name.clone();
            if names.insert(name.clone()) {
                self.say(logplex, &name, |log| log.say("Restarting"));
            }
        }
        names.len()
    }

    /// Plans and does what is to be done now. Gives the dynos that wait for a start from now on.
    pub(super) fn act(&mut self, now: Now, logplex: &Logplex) -> Vec<(Urgency, DynoId)> {
        let mut starts = self.act_on_one_offs(now, logplex);
        for _ in 0..MOST_ROUNDS {
            let steps = plan(self.wanted.as_ref(), &self.records, now.moment);
            if steps.is_empty() {
                return starts;
            }
            self.touched = true;
            for step in steps {
                starts.extend(self.carry_out(step, now, logplex));
            }
        }
        tracing::error!(app = %self.name, "the plan for the app's dynos does not end");
        starts
    }

    /// When to plan again though nothing happens.
    pub(super) fn next_due(&self, now: Moment) -> Option<Moment> {
        let of_formation = next_due(self.wanted.as_ref(), &self.records, now);
        of_formation.into_iter().chain(self.one_offs.next_due(now)).min()
    }

    pub(super) fn record(&mut self, dyno: DynoId) -> Option<&mut DynoRecord> {
        self.records.iter_mut().find(|record| record.id == dyno)
    }

    /// Drops a dyno; a web dyno ends with its last answer.
    pub(super) fn remove(&mut self, dyno: DynoId) -> Option<Hold> {
        self.records.retain(|record| record.id != dyno);
        self.touched = true;
        self.holds.remove(&dyno)
    }

    /// Lines about `name` in the app's log. An app that is gone gets no log again.
    pub(super) fn say(&mut self, logplex: &Logplex, name: &DynoName, lines: impl FnOnce(&DynoLog)) {
        if let Some(log) = self.log(logplex) {
            lines(&DynoLog::new(log, name));
        }
    }

    pub(super) fn log(&mut self, logplex: &Logplex) -> Option<AppLog> {
        if self.log.is_none() && self.app.is_some() {
            self.log = Some(logplex.channel(&self.name));
        }
        self.log.clone()
    }

    /// Whether it is gone, and its last dyno with it.
    pub(super) fn is_over(&self) -> bool {
        self.app.is_none() && self.records.is_empty() && self.one_offs.is_empty()
    }

    pub(super) fn name(&self) -> &AppName {
        &self.name
    }

    fn carry_out(&mut self, step: Step, now: Now, logplex: &Logplex) -> Option<(Urgency, DynoId)> {
        match step {
            Step::Cycle(id) => {
                let record = self.record(id)?;
                record.replace = true;
                let name = record.name.clone();
                // Nobody waits for a dyno whose day is over.
                self.prompt = false;
                self.say(logplex, &name, |log| log.say("Cycling"));
            }
            Step::Serve(id) => self.record(id)?.serving = true,
            Step::Forget(id) => drop(self.remove(id)),
            Step::Stop(id) => self.stop(id, now, logplex),
            Step::Start { name, size, release, crashes, instead_of } => {
                let before = instead_of.and_then(|id| self.remove(id)).map_or("down", |_| "crashed");
                let record = DynoRecord {
                    id: DynoId::random(),
                    name,
                    release,
                    size,
                    phase: Phase::Starting,
                    since: now.moment,
                    over_at: now.moment,
                    crashes,
                    replace: false,
                    serving: false,
                };
                return Some(self.admit(record, before, now.at));
            }
        }
        None
    }

    /// A new dyno: it waits for its turn to start.
    fn admit(&mut self, record: DynoRecord, before: &'static str, at: Timestamp) -> (Urgency, DynoId) {
        let slug = self.app.as_ref().and_then(|app| app.current_slug());
        let command = slug.and_then(|slug| slug.process_types.get(record.name.process_type()));
        let hold = Hold {
            dyno: None,
            stop: CancellationToken::new(),
            since: at,
            command: command.cloned().unwrap_or_default(),
            before,
            launched: false,
        };
        let urgency = if self.prompt && record.crashes == 0 { Urgency::Prompt } else { Urgency::Background };
        let id = record.id;
        self.holds.insert(id, hold);
        self.records.push(record);
        (urgency, id)
    }

    fn stop(&mut self, id: DynoId, now: Now, logplex: &Logplex) {
        let (Some(record), Some(hold)) =
            (self.records.iter_mut().find(|record| record.id == id), self.holds.get_mut(&id))
        else {
            return;
        };
        let name = record.name.clone();
        hold.stop.cancel();
        if !hold.launched {
            self.remove(id);
            return;
        }
        let retires = name.process_type().is_web() && record.phase == Phase::Up;
        (record.phase, record.since, record.serving) = (Phase::Stopping, now.moment, false);
        hold.since = now.at;
        self.say(logplex, &name, DynoLog::stopping);
        if retires {
            self.say(logplex, &name, |log| log.changed("up", "down"));
            self.remove(id);
        }
    }
}

/// What the ledger wants of an app. Maintenance mode stops no dyno.
fn wanted_of(app: &App) -> Wanted {
    let release = app.current().map_or(crate::name::ReleaseVersion::FIRST, |release| release.version);
    Wanted { release, types: app.wanted() }
}
