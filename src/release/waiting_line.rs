//! The line of builds as values: who runs, who waits, and where.

use crate::name::AppId;
use std::collections::{BTreeSet, VecDeque};

/// How many builds there may be.
#[derive(Clone, Copy, Debug, Eq, PartialEq)]
pub(super) struct QueueLimits {
    /// How many run at one time, at least one.
    pub(super) at_once: usize,
    /// How many wait for them.
    pub(super) waiting: usize,
    /// How many of those are of one app.
    pub(super) waiting_per_app: usize,
}

/// There is no room for one more to wait.
#[derive(Clone, Copy, Debug, Eq, PartialEq)]
pub enum LineFull {
    /// As many of the app's builds wait as may.
    OfApp(usize),
    /// As many builds wait as may.
    OfAll(usize),
}

/// Numbers are given in the order of asking, and whoever has a lower one runs no later.
pub(super) struct WaitingLine {
    limits: QueueLimits,
    next: u64,
    running: BTreeSet<u64>,
    waiting: VecDeque<(u64, AppId)>,
}

impl WaitingLine {
    pub(super) fn new(limits: QueueLimits) -> Self {
        let limits = QueueLimits { at_once: limits.at_once.max(1), ..limits };
        Self { limits, next: 0, running: BTreeSet::new(), waiting: VecDeque::new() }
    }

    pub(super) fn limits(&self) -> QueueLimits {
        self.limits
    }

    /// The number of a build that runs from now on or waits behind all others.
    pub(super) fn ask(&mut self, app: AppId) -> Result<u64, LineFull> {
        let number = self.next;
        if self.running.len() < self.limits.at_once {
            self.running.insert(number);
        } else {
            self.check_room(app)?;
            self.waiting.push_back((number, app));
        }
        self.next += 1;
        Ok(number)
    }

    fn check_room(&self, app: AppId) -> Result<(), LineFull> {
        let QueueLimits { waiting, waiting_per_app, .. } = self.limits;
        let of_app = self.waiting.iter().filter(|(_, waits)| *waits == app).count();
        if of_app >= waiting_per_app {
            return Err(LineFull::OfApp(waiting_per_app));
        }
        if self.waiting.len() >= waiting { Err(LineFull::OfAll(waiting)) } else { Ok(()) }
    }

    /// A build ran to its end, or waits no longer; the next ones run.
    pub(super) fn leave(&mut self, number: u64) {
        self.running.remove(&number);
        self.waiting.retain(|(waits, _)| *waits != number);
        while self.running.len() < self.limits.at_once
            && let Some((next, _)) = self.waiting.pop_front()
        {
            self.running.insert(next);
        }
    }

    /// Where a build waits, from 1 on; `None` when it does not.
    pub(super) fn place(&self, number: u64) -> Option<usize> {
        self.waiting.iter().position(|(waits, _)| *waits == number).map(|before| before + 1)
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use proptest::prelude::*;

    #[derive(Clone, Debug)]
    enum Step {
        Ask(usize),
        Leave(usize),
    }

    fn steps() -> impl Strategy<Value = Vec<Step>> {
        let step = prop_oneof![(0..3_usize).prop_map(Step::Ask), (0..20_usize).prop_map(Step::Leave)];
        prop::collection::vec(step, 0..80)
    }

    proptest! {
        #[test]
        fn whoever_asked_first_runs_first(at_once in 0..4_usize, waiting in 0..6_usize, per_app in 0..4_usize, steps in steps()) {
            let apps = [AppId::random(), AppId::random(), AppId::random()];
            let mut line = WaitingLine::new(QueueLimits { at_once, waiting, waiting_per_app: per_app });
            // Everybody who is there, in the order of asking.
            let mut there: Vec<(u64, AppId)> = Vec::new();
            for step in steps {
                match step {
                    Step::Ask(app) => match line.ask(apps[app]) {
                        Ok(number) => there.push((number, apps[app])),
                        Err(LineFull::OfApp(limit)) => {
                            let of_app = there.iter().filter(|(number, of)| *of == apps[app] && line.place(*number).is_some());
                            prop_assert_eq!(of_app.count(), limit);
                        }
                        Err(LineFull::OfAll(limit)) => {
                            prop_assert_eq!(there.iter().filter(|(number, _)| line.place(*number).is_some()).count(), limit);
                        }
                    },
                    Step::Leave(_) if there.is_empty() => {}
                    Step::Leave(which) => {
                        let (number, _) = there.remove(which % there.len());
                        line.leave(number);
                        prop_assert_eq!(line.place(number), None);
                    }
                }
                let most = at_once.max(1);
                let places: Vec<_> = there.iter().map(|(number, _)| line.place(*number)).collect();
                let wanted: Vec<_> = (0..there.len()).map(|before| before.checked_sub(most).map(|before| before + 1)).collect();
                prop_assert_eq!(places, wanted);
                prop_assert!(line.running.len() <= most && line.running.len() + line.waiting.len() == there.len());
            }
        }

        #[test]
        fn who_left_leaves_nothing(count in 0..30_usize) {
            let mut line = WaitingLine::new(QueueLimits { at_once: 2, waiting: 100, waiting_per_app: 100 });
            let numbers: Vec<_> = (0..count).map(|_| line.ask(AppId::random()).expect("room")).collect();
            for number in numbers {
                line.leave(number);
                // Twice is once.
                line.leave(number);
            }
            prop_assert!(line.running.is_empty() && line.waiting.is_empty());
        }
    }
}
