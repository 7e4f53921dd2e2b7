//! The plan: what to do next, so that what runs becomes what is wanted. Values in, steps out.
//!
//! # Owns
//! Which dyno starts, serves, stops or is forgotten, and when a crashed one is tried again. Nothing here waits, starts
//! or knows a dyno: all of it is tested by playing.
//!
//! # Rules
//! * A step is right for the moment it is planned in; who carries it out plans again until nothing is left to do.
//! * `web` overlaps. The dynos of a new release take requests when all that are wanted of them are up, in the same
//!   round in which those before them stop: no two releases answer side by side. Within one release (restart, cycling,
//!   another size) each dyno gives way as soon as its own successor is up. The last one that takes requests never
//!   stops before another takes them, unless none is wanted.
//! * Every other type stops before its successor starts: never two of one name.
//! * At most twice the wanted number of web dynos live, of other types the wanted number.
//! * A crashed dyno is tried again after [`pause`](backoff::pause); a new release, another size and a restart forget
//!   its crashes.

mod backoff;
mod others;
mod record;
mod view;
mod web;

#[cfg(test)]
mod tests;

pub(super) use record::{DynoRecord, Moment, Phase};

use crate::app::DynoSize;
use crate::ledger::WantedDynos;
use crate::name::{DynoId, DynoName, ProcessType, ReleaseVersion};
use std::collections::{BTreeMap, BTreeSet};
use view::View;

/// What an app is to run.
#[derive(Clone, Debug, Eq, PartialEq)]
pub(super) struct Wanted {
    /// The release that is current.
    pub(super) release: ReleaseVersion,
    /// Its process types, without the release phase.
    pub(super) types: BTreeMap<ProcessType, WantedDynos>,
}

/// One thing to do.
#[derive(Clone, Debug, Eq, PartialEq)]
pub(super) enum Step {
    /// Have the dyno replaced: its day is over.
    Cycle(DynoId),
    /// Let the web dyno, which is up, take requests.
    Serve(DynoId),
    /// Stop the dyno.
    Stop(DynoId),
    /// Leave the crashed dyno: it is not wanted, or another has its place.
    Forget(DynoId),
    /// Start a dyno.
    Start {
        /// Its name.
        name: DynoName,
        /// Its size.
        size: DynoSize,
        /// The release that it runs.
        release: ReleaseVersion,
        /// How often it crashed in a row before.
        crashes: u32,
        /// The crashed dyno whose place it takes.
        instead_of: Option<DynoId>,
    },
}

/// What is to be done now for one app; nothing when what runs is what is wanted, as far as it can be now.
///
/// `wanted` is `None` for an app that is to run nothing: it is blank or destroyed.
pub(super) fn plan(wanted: Option<&Wanted>, actual: &[DynoRecord], now: Moment) -> Vec<Step> {
    let mut steps = Vec::new();
    steps.extend(actual.iter().filter(|dyno| dyno.is_over(now)).map(|dyno| Step::Cycle(dyno.id)));
    for view in views(wanted, actual) {
        if view.process_type.is_web() {
            web::serve_and_stop(&view, &mut steps);
        } else {
            others::stop(&view, &mut steps);
        }
        view.forget_and_start(now, &mut steps);
    }
    steps
}

/// The next moment after `now` at which there may be something to do though nothing happened.
pub(super) fn next_due(wanted: Option<&Wanted>, actual: &[DynoRecord], now: Moment) -> Option<Moment> {
    let cycles =
        actual.iter().filter(|dyno| dyno.phase == Phase::Up && !dyno.replace).map(|dyno| dyno.over_at);
    let views = views(wanted, actual);
    let retries = views.iter().flat_map(View::retries);
    cycles.chain(retries).filter(|due| *due > now).min()
}

/// How near what runs is to what is wanted.
#[derive(Clone, Debug, Eq, PartialEq)]
pub(super) enum Outlook {
    /// It is what is wanted.
    Settled,
    /// It will be, if nothing crashes.
    OnTheWay,
    /// These wanted dynos crashed, and wait to be tried again.
    Crashed(Vec<DynoName>),
}

/// Whether every wanted dyno is up and no other takes requests.
pub(super) fn outlook(wanted: Option<&Wanted>, actual: &[DynoRecord]) -> Outlook {
    let views = views(wanted, actual);
    let crashed = views.iter().flat_map(View::crashed).collect::<Vec<_>>();
    if !crashed.is_empty() {
        return Outlook::Crashed(crashed);
    }
    if views.iter().all(View::is_settled) { Outlook::Settled } else { Outlook::OnTheWay }
}

/// Each process type that is wanted or still there.
fn views<'a>(wanted: Option<&'a Wanted>, actual: &'a [DynoRecord]) -> Vec<View<'a>> {
    let there = actual.iter().map(|dyno| dyno.name.process_type());
    let types = wanted.iter().flat_map(|wanted| wanted.types.keys()).chain(there).collect::<BTreeSet<_>>();
    types.into_iter().map(|process_type| View::new(process_type, wanted, actual)).collect()
}
