use super::{
    app_dynos::{AppDynos, Now},
    attendance::DynoEvent,
    config::FormationConfig,
    log_lines::{DynoLog, tell_operator},
    one_off::{Ending, OneOff, OneOffError, OneOffs, Outcome, Say, Streams, Terms},
    roster::{DynoStatus, Selection},
    spec::{Newborn, spec},
    start_queue::Urgency,
};
use crate::app::ConfigVars;
use crate::dyno::{DynoSpec, PipeEnds, Stdio};
use crate::ledger::App;
use crate::logplex::Logplex;
use crate::name::{DynoId, DynoName};
use std::sync::Arc;
use tokio::sync::watch;

/// A dyno that was taken on: its status, where its outcome will be told, and the client's ends of its streams.
pub(super) type Taken = (DynoStatus, watch::Receiver<Option<Outcome>>, Option<PipeEnds>);

/// The one-off dynos among an app's.
impl AppDynos {
    /// Takes a one-off dyno on, which starts at the next round or when its client is there.
    pub(super) fn order(
        &mut self,
        order: OneOff,
        now: Now,
        config: &FormationConfig,
        logplex: &Logplex,
    ) -> Result<Taken, OneOffError> {
        let app = Arc::clone(self.app.as_ref().ok_or(OneOffError::NoApp)?);
        let limit = config.most_one_offs();
        if order.process_type.is_web() {
            return Err(OneOffError::Web);
        }
        if self.one_offs.len() >= limit {
            return Err(OneOffError::TooMany { limit });
        }
        let name = std::iter::repeat_with(|| DynoName::one_off(order.process_type.clone()))
            .find(|name| !self.one_offs.has_name(name))
            .ok_or(OneOffError::TooMany { limit })?;
        let (stdio, ends) = match order.streams {
            Streams::Log => (self.log(logplex).map_or(Stdio::Null, Stdio::Log), None),
            Streams::Client(look) => {
                let (stdio, ends) = Stdio::piped(look);
                (stdio, Some(ends))
            }
        };
        let awaited = ends.is_some();
        let terms = terms(&app, order, name.clone(), stdio, config, awaited)?;
        let (status, outcome) = self.one_offs.admit(terms, now);
        self.touched = true;
        if awaited {
            self.say(logplex, &name, |log| log.say("Awaiting client"));
        }
        Ok((status, outcome, ends))
    }

    /// The client of a one-off dyno is there.
    pub(super) fn begin(&mut self, dyno: DynoId) {
        self.one_offs.begin(dyno);
    }

    /// Ends one-off dynos. Gives how many are.
    pub(super) fn stop_one_offs(&mut self, selection: &Selection, now: Now, logplex: &Logplex) -> usize {
        self.in_log(logplex, |one_offs, say| one_offs.stop(selection, now, say))
    }

    /// Ends a one-off dyno.
    pub(super) fn end_one_off(&mut self, dyno: DynoId, ending: Ending, now: Now, logplex: &Logplex) {
        self.in_log(logplex, |one_offs, say| one_offs.end(dyno, ending, now, say));
    }

    /// What is due among the one-off dynos. Gives those that wait for a start from now on.
    pub(super) fn act_on_one_offs(&mut self, now: Now, logplex: &Logplex) -> Vec<(Urgency, DynoId)> {
        if self.one_offs.is_empty() {
            return Vec::new();
        }
        if self.app.is_none() {
            self.stop_one_offs(&Selection::All, now, logplex);
        }
        let touched = self.touched;
        let expired = self.in_log(logplex, |one_offs, say| one_offs.expire(now, say));
        self.touched = touched || expired;
        self.one_offs.ready().into_iter().map(|dyno| (Urgency::Prompt, dyno)).collect()
    }

    /// Takes down what the task of a one-off dyno saw.
    pub(super) fn note_one_off(
        &mut self,
        dyno: DynoId,
        event: &DynoEvent,
        now: Now,
        config: &FormationConfig,
        logplex: &Logplex,
    ) {
        let name = self.one_offs.statuses().find(|one_off| one_off.id == dyno).map(|one_off| one_off.name);
        if let (DynoEvent::NotStarted(error), Some(name)) = (event, name) {
            tell_operator(self.name(), &name, error);
        }
        self.in_log(logplex, |one_offs, say| one_offs.note(dyno, event, (now, config.grace), say));
    }

    /// Works on the one-off dynos, with the app's log for what is to be said.
    pub(super) fn in_log<T>(
        &mut self,
        logplex: &Logplex,
        work: impl FnOnce(&mut OneOffs, &mut Say<'_>) -> T,
    ) -> T {
        let log = self.log(logplex);
        let mut say = |name: &DynoName, lines: &dyn Fn(&DynoLog)| {
            if let Some(log) = &log {
                lines(&DynoLog::new(log.clone(), name));
            }
        };
        self.touched = true;
        work(&mut self.one_offs, &mut say)
    }
}

/// What `order` comes to with the app's current release.
fn terms(
    app: &App,
    order: OneOff,
    name: DynoName,
    stdio: Stdio,
    config: &FormationConfig,
    awaited: bool,
) -> Result<Terms, OneOffError> {
    let (release, slug) = app.current().zip(app.current_slug()).ok_or(OneOffError::NoCode)?;
    let of_type = slug.process_types.iter().find(|(name, _)| name.as_ref() == order.command.trim());
    let command = of_type.map_or(order.command, |(_, command)| command.clone());
    let id = DynoId::random();
    let newborn = Newborn { id, name: &name, size: order.size };
    let born = spec(app, release, slug, newborn, stdio);
    let own = born.config.iter().filter_map(|(key, value)| Some((key.parse().ok()?, value.to_owned())));
    let config_vars = ConfigVars::new(own.chain(order.environment))?;
    let lasts = order.time_to_live.map_or(config.one_off_limit, |asked| asked.min(config.one_off_limit));
    Ok(Terms {
        id,
        size: order.size,
        release: release.version,
        slug: slug.digest,
        spec: DynoSpec { command: Some(command.clone()), config: config_vars, ..born },
        name,
        command,
        lasts,
        waits: awaited.then_some(config.attach_limit),
    })
}
