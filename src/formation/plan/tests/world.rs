use crate::app::DynoSize;
use crate::formation::plan::{DynoRecord, Moment, Outlook, Phase, Step, Wanted, next_due, outlook, plan};
use crate::ledger::WantedDynos;
use crate::name::{DynoId, DynoName, ProcessType, ReleaseVersion};
use std::time::Duration;

pub(super) const STANDARD: DynoSize = DynoSize::Standard1X;
pub(super) const DAY: Duration = Duration::from_hours(24);
/// More rounds than any state needs.
const ROUNDS: usize = 400;

pub(super) fn version(number: u64) -> ReleaseVersion {
    format!("v{number}").parse().expect("a version")
}

pub(super) fn wanted(release: u64, types: &[(&str, u32, DynoSize)]) -> Wanted {
    let types = types.iter().map(|&(name, quantity, size)| {
        (name.parse().expect("a process type"), WantedDynos { quantity, size })
    });
    Wanted { release: version(release), types: types.collect() }
}

/// One app: what is wanted, what is there, and how late it is.
#[derive(Clone, Debug, Default)]
pub(super) struct World {
    pub(super) wanted: Option<Wanted>,
    pub(super) dynos: Vec<DynoRecord>,
    pub(super) now: Moment,
    pub(super) started: u128,
}

/// What may happen without the platform's doing.
#[derive(Clone, Copy, Debug)]
pub(super) enum Chance {
    /// The `n`th dyno, if it is starting, comes up; if it is stopping, is gone.
    Goes(usize),
    /// The `n`th dyno, if it lives, crashes.
    Crashes(usize),
    /// A restart of the `n`th.
    Restart(usize),
    /// Time passes, to the next moment that matters.
    Waits,
}

impl World {
    pub(super) fn of(wanted: Wanted) -> Self {
        let mut world = Self { wanted: Some(wanted), ..Self::default() };
        world.settle();
        world
    }

    pub(super) fn wants(&mut self, wanted: Wanted) {
        self.wanted = Some(wanted);
        self.settle();
    }

    pub(super) fn quantity(&self, process_type: &ProcessType) -> usize {
        let wanted = self.wanted.as_ref().and_then(|wanted| wanted.types.get(process_type));
        wanted.map_or(0, |wanted| usize::try_from(wanted.quantity).expect("small"))
    }

    fn serving(&self) -> usize {
        self.dynos.iter().filter(|dyno| dyno.serving).count()
    }

    /// Plans and carries out until there is nothing to do.
    pub(super) fn settle(&mut self) {
        for _ in 0..ROUNDS {
            let steps = plan(self.wanted.as_ref(), &self.dynos, self.now);
            if steps.is_empty() {
                return;
            }
            let served = self.serving() > 0;
            for step in steps {
                self.carry_out(step);
            }
            let web_wanted = self.quantity(&ProcessType::web()) > 0;
            assert!(
                !served || !web_wanted || self.serving() > 0,
                "the last good web dyno was stopped: {self:#?}"
            );
        }
        panic!("the plan never ends: {self:#?}");
    }

    fn carry_out(&mut self, step: Step) {
        match step {
            Step::Cycle(id) => self.dyno(id).replace = true,
            Step::Serve(id) => {
                assert_eq!(self.dyno(id).phase, Phase::Up);
                self.dyno(id).serving = true;
            }
            Step::Stop(id) => {
                let dyno = self.dyno(id);
                let gone = dyno.name.process_type().is_web() && dyno.phase == Phase::Up;
                (dyno.phase, dyno.serving) = (Phase::Stopping, false);
                if gone {
                    self.remove(id);
                }
            }
            Step::Forget(id) => {
                assert_eq!(self.dyno(id).phase, Phase::Crashed);
                self.remove(id);
            }
            Step::Start { name, size, release, crashes, instead_of } => {
                if let Some(id) = instead_of {
                    assert_eq!(self.dyno(id).phase, Phase::Crashed);
                    self.remove(id);
                }
                self.start(name, size, release, crashes);
            }
        }
    }

    fn start(&mut self, name: DynoName, size: DynoSize, release: ReleaseVersion, crashes: u32) {
        let web = name.process_type().is_web();
        let alive = self.dynos.iter().filter(|dyno| dyno.phase != Phase::Crashed);
        let same_type = alive.filter(|dyno| dyno.name.process_type() == name.process_type());
        let same_type = same_type.collect::<Vec<_>>();
        let most = self.quantity(name.process_type()) * if web { 2 } else { 1 };
        assert!(same_type.len() < most, "{name} is one too many: {self:#?}");
        assert!(web || same_type.iter().all(|dyno| dyno.name != name), "two of {name}: {self:#?}");
        self.started += 1;
        self.dynos.push(DynoRecord {
            id: DynoId::derived(self.started.to_be_bytes()),
            name,
            release,
            size,
            phase: Phase::Starting,
            since: self.now,
            over_at: self.now.after(DAY),
            crashes,
            replace: false,
            serving: false,
        });
    }

    fn dyno(&mut self, id: DynoId) -> &mut DynoRecord {
        self.dynos.iter_mut().find(|dyno| dyno.id == id).expect("a dyno that is there")
    }

    fn remove(&mut self, id: DynoId) {
        self.dynos.retain(|dyno| dyno.id != id);
    }

    pub(super) fn happens(&mut self, chance: Chance) {
        let now = self.now;
        match chance {
            Chance::Waits => {
                let due = next_due(self.wanted.as_ref(), &self.dynos, now);
                self.now = due.unwrap_or(now.after(Duration::from_secs(1)));
            }
            Chance::Goes(n) | Chance::Crashes(n) | Chance::Restart(n) => {
                let many = self.dynos.len().max(1);
                let Some(dyno) = self.dynos.get_mut(n % many) else { return };
                match (chance, dyno.phase) {
                    (Chance::Goes(_), Phase::Starting) => {
                        (dyno.phase, dyno.since, dyno.over_at) = (Phase::Up, now, now.after(DAY));
                    }
                    (Chance::Goes(_) | Chance::Crashes(_), Phase::Stopping) => {
                        let id = dyno.id;
                        self.remove(id);
                    }
                    (Chance::Crashes(_), Phase::Starting | Phase::Up) => dyno.crash(now),
                    (Chance::Restart(_), phase) if phase != Phase::Stopping => dyno.replace = true,
                    _ => {}
                }
            }
        }
        self.settle();
    }

    /// Everything goes well until what is wanted runs.
    pub(super) fn converge(&mut self) {
        self.settle();
        for _ in 0..ROUNDS {
            if outlook(self.wanted.as_ref(), &self.dynos) == Outlook::Settled
                && self.dynos.iter().all(|dyno| dyno.phase == Phase::Up)
            {
                return;
            }
            let moving = |dyno: &DynoRecord| matches!(dyno.phase, Phase::Starting | Phase::Stopping);
            match self.dynos.iter().position(moving) {
                Some(n) => self.happens(Chance::Goes(n)),
                None => self.happens(Chance::Waits),
            }
        }
        panic!("it never becomes what is wanted: {self:#?}");
    }

    /// `web.1 v3 serving`, a line for each.
    pub(super) fn told(&self) -> String {
        let line = |dyno: &DynoRecord| {
            let serving = if dyno.serving { " serving" } else { "" };
            format!("{} {} {:?}{serving}", dyno.name, dyno.release, dyno.phase)
        };
        self.dynos.iter().map(line).collect::<Vec<_>>().join(", ")
    }
}
