use super::backoff;
use crate::app::DynoSize;
use crate::name::{DynoId, DynoName, ReleaseVersion};
use std::time::Duration;

/// A moment since the dyno manager's start. It only goes forward, whatever is done to the wall clock.
#[derive(Clone, Copy, Debug, Default, Eq, Ord, PartialEq, PartialOrd)]
pub(in crate::formation) struct Moment(pub(in crate::formation) Duration);

impl Moment {
    /// The moment `later` after this one.
    pub(in crate::formation) fn after(self, later: Duration) -> Self {
        Self(self.0.saturating_add(later))
    }

    /// The time since `earlier`.
    pub(in crate::formation) fn since(self, earlier: Self) -> Duration {
        self.0.saturating_sub(earlier.0)
    }
}

/// What a dyno does, as the plan sees it.
#[derive(Clone, Copy, Debug, Eq, PartialEq)]
pub(in crate::formation) enum Phase {
    /// It is being started, or waits for its turn.
    Starting,
    /// It runs.
    Up,
    /// It was told to stop and is not gone.
    Stopping,
    /// It ended by itself, or did not start.
    Crashed,
}

/// One start of a dyno.
#[derive(Clone, Debug, Eq, PartialEq)]
pub(in crate::formation) struct DynoRecord {
    pub(in crate::formation) id: DynoId,
    pub(in crate::formation) name: DynoName,
    pub(in crate::formation) release: ReleaseVersion,
    pub(in crate::formation) size: DynoSize,
    pub(in crate::formation) phase: Phase,
    /// When the phase began.
    pub(in crate::formation) since: Moment,
    /// When its day is over. Means something while it is up.
    pub(in crate::formation) over_at: Moment,
    /// How often it crashed in a row, this start included.
    pub(in crate::formation) crashes: u32,
    /// Whether a fresh one is to take its place.
    pub(in crate::formation) replace: bool,
    /// Whether it takes requests. Only a web dyno that is up does.
    pub(in crate::formation) serving: bool,
}

impl DynoRecord {
    /// It ended by itself, or did not start.
    pub(in crate::formation) fn crash(&mut self, now: Moment) {
        let steady = self.phase == Phase::Up && now.since(self.since) >= backoff::STEADY;
        self.crashes = if steady { 1 } else { self.crashes.saturating_add(1) };
        self.phase = Phase::Crashed;
        self.since = now;
        self.serving = false;
    }

    /// Whether it is being started or runs.
    pub(super) fn is_live(&self) -> bool {
        matches!(self.phase, Phase::Starting | Phase::Up)
    }

    /// Whether its day is over and nobody has noticed.
    pub(super) fn is_over(&self, now: Moment) -> bool {
        self.phase == Phase::Up && !self.replace && self.over_at <= now
    }

    /// When it is tried again, having crashed.
    pub(super) fn retry_at(&self) -> Moment {
        self.since.after(backoff::pause(self.crashes))
    }
}
