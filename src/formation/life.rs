use super::{
    app_dynos::{AppDynos, Now},
    attendance::DynoEvent,
    config::FormationConfig,
    log_lines::tell_operator,
    one_off::Start,
    plan::Phase,
    spec::{Newborn, spec},
};
use crate::dyno::{Dyno, Stdio};
use crate::logplex::Logplex;
use crate::name::{DynoId, DynoName};
use std::sync::Arc;

/// What happens to a dyno, from its start to its end.
impl AppDynos {
    /// What a dyno of the formation is started with, its turn having come; `None` when it is no longer wanted.
    pub(super) fn start(&mut self, dyno: DynoId, now: Now, logplex: &Logplex) -> Option<Start> {
        let log = self.log(logplex)?;
        let wanted_by = Arc::clone(self.app.as_ref()?);
        let record = self.record(dyno)?.clone();
        let release = wanted_by.release(record.release)?;
        let slug = wanted_by.slugs.get(&release.slug?)?;
        let hold = self.holds.get_mut(&dyno)?;
        (hold.launched, hold.since) = (true, now.at);
        let (stop, before, command) = (hold.stop.clone(), hold.before, hold.command.clone());
        self.say(logplex, &record.name, |lines| lines.starting(before, &command));
        let newborn = Newborn { id: dyno, name: &record.name, size: record.size };
        let spec = spec(&wanted_by, release, slug, newborn, Stdio::Log(log));
        Some(Start { slug: slug.digest, spec, stop })
    }

    /// Takes down what the dyno's task saw. The dyno may be forgotten already.
    pub(super) fn note(
        &mut self,
        id: DynoId,
        event: DynoEvent,
        now: Now,
        config: &FormationConfig,
        logplex: &Logplex,
    ) {
        if self.one_offs.has(id) {
            return self.note_one_off(id, &event, now, config, logplex);
        }
        let Some(record) = self.record(id) else { return };
        let (name, stopping) = (record.name.clone(), record.phase == Phase::Stopping);
        self.touched = true;
        match event {
            DynoEvent::Up(dyno) if stopping => self.too_late(id, &name, &dyno, logplex),
            DynoEvent::Up(dyno) => {
                self.is_up(id, dyno, now, config);
                self.say(logplex, &name, |log| log.changed("starting", "up"));
            }
            DynoEvent::Cancelled => self.is_gone(id, &name, "starting", logplex),
            DynoEvent::NotStarted(_) if stopping => self.is_gone(id, &name, "starting", logplex),
            DynoEvent::NotStarted(error) => {
                tell_operator(self.name(), &name, &error);
                self.say(logplex, &name, |log| log.not_started(&error));
                self.is_crashed(id, &name, "starting", now, logplex);
            }
            DynoEvent::Ended(exit) => {
                self.say(logplex, &name, |log| log.say(exit.to_string()));
                if stopping {
                    self.is_gone(id, &name, "up", logplex);
                } else {
                    self.is_crashed(id, &name, "up", now, logplex);
                }
            }
            DynoEvent::Killed => {
                self.say(logplex, &name, |log| log.killed(config.grace));
                self.is_gone(id, &name, "up", logplex);
            }
        }
    }

    fn is_up(&mut self, id: DynoId, dyno: Arc<Dyno>, now: Now, config: &FormationConfig) {
        if let Some(record) = self.record(id) {
            (record.phase, record.since) = (Phase::Up, now.moment);
            record.over_at = now.moment.after(config.one_cycle());
        }
        if let Some(hold) = self.holds.get_mut(&id) {
            (hold.dyno, hold.since) = (Some(dyno), now.at);
        }
    }

    /// It came up after it was told to stop. The end of a process is still to be told.
    fn too_late(&mut self, id: DynoId, name: &DynoName, dyno: &Dyno, logplex: &Logplex) {
        if dyno.serves_http() {
            self.is_gone(id, name, "starting", logplex);
        } else {
            self.say(logplex, name, |log| log.changed("starting", "up"));
        }
    }

    fn is_gone(&mut self, id: DynoId, name: &DynoName, from: &str, logplex: &Logplex) {
        self.say(logplex, name, |log| log.changed(from, "down"));
        self.remove(id);
    }

    fn is_crashed(&mut self, id: DynoId, name: &DynoName, from: &str, now: Now, logplex: &Logplex) {
        self.say(logplex, name, |log| log.changed(from, "crashed"));
        if let Some(record) = self.record(id) {
            record.crash(now.moment);
        }
        if let Some(hold) = self.holds.get_mut(&id) {
            (hold.dyno, hold.since) = (None, now.at);
        }
    }
}
