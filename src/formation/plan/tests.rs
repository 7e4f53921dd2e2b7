//! Plays the plan: steps are carried out at once, events happen as a script or as chance has it.

use super::*;
use proptest::prelude::*;
use std::time::Duration;

const DAY: Duration = Duration::from_hours(24);
/// More rounds than any state needs.
const ROUNDS: usize = 400;

fn version(number: u64) -> ReleaseVersion {
    format!("v{number}").parse().expect("a version")
}

fn wanted(release: u64, types: &[(&str, u32, DynoSize)]) -> Wanted {
    let types = types.iter().map(|&(name, quantity, size)| {
        (name.parse().expect("a process type"), WantedDynos { quantity, size })
    });
    Wanted { release: version(release), types: types.collect() }
}

/// One app: what is wanted, what is there, and how late it is.
#[derive(Clone, Debug, Default)]
struct World {
    wanted: Option<Wanted>,
    dynos: Vec<DynoRecord>,
    now: Moment,
    started: u128,
}

/// What may happen without the platform's doing.
#[derive(Clone, Copy, Debug)]
enum Chance {
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
    fn of(wanted: Wanted) -> Self {
        let mut world = Self { wanted: Some(wanted), ..Self::default() };
        world.settle();
        world
    }

    fn wants(&mut self, wanted: Wanted) {
        self.wanted = Some(wanted);
        self.settle();
    }

    fn quantity(&self, process_type: &ProcessType) -> usize {
        let wanted = self.wanted.as_ref().and_then(|wanted| wanted.types.get(process_type));
        wanted.map_or(0, |wanted| usize::try_from(wanted.quantity).expect("small"))
    }

    fn serving(&self) -> usize {
        self.dynos.iter().filter(|dyno| dyno.serving).count()
    }

    /// Plans and carries out until there is nothing to do.
    fn settle(&mut self) {
        for _ in 0..ROUNDS {
            let steps = plan(self.wanted.as_ref(), &self.dynos, self.now);
            if steps.is_empty() {
                return;
            }
            let served = self.serving() > 0;
            steps.into_iter().for_each(|step| self.carry_out(step));
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

    fn happens(&mut self, chance: Chance) {
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
    fn converge(&mut self) {
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
    fn told(&self) -> String {
        let line = |dyno: &DynoRecord| {
            let serving = if dyno.serving { " serving" } else { "" };
            format!("{} {} {:?}{serving}", dyno.name, dyno.release, dyno.phase)
        };
        self.dynos.iter().map(line).collect::<Vec<_>>().join(", ")
    }
}

const STANDARD: DynoSize = DynoSize::Standard1X;

#[test]
fn a_release_hands_over_when_all_its_web_dynos_are_up() {
    let mut world = World::of(wanted(3, &[("web", 2, STANDARD)]));
    world.converge();
    insta::assert_snapshot!(world.told(), @"web.1 v3 Up serving, web.2 v3 Up serving");
    world.wants(wanted(4, &[("web", 2, STANDARD)]));
    world.happens(Chance::Goes(2));
    insta::assert_snapshot!(world.told(), @"web.1 v3 Up serving, web.2 v3 Up serving, web.1 v4 Up, web.2 v4 Starting");
    world.happens(Chance::Goes(3));
    insta::assert_snapshot!(world.told(), @"web.1 v4 Up serving, web.2 v4 Up serving");
}

#[test]
fn the_release_before_goes_on_serving_while_the_new_one_crashes() {
    let mut world = World::of(wanted(3, &[("web", 1, STANDARD)]));
    world.converge();
    world.wants(wanted(4, &[("web", 1, STANDARD)]));
    world.happens(Chance::Crashes(1));
    insta::assert_snapshot!(world.told(), @"web.1 v3 Up serving, web.1 v4 Starting");
    world.happens(Chance::Crashes(1));
    insta::assert_snapshot!(world.told(), @"web.1 v3 Up serving, web.1 v4 Crashed");
    let expected = Outlook::Crashed(vec!["web.1".parse().expect("a name")]);
    assert_eq!(outlook(world.wanted.as_ref(), &world.dynos), expected);
    // A still newer release is tried at once, with no crash to its name.
    world.wants(wanted(5, &[("web", 1, STANDARD)]));
    insta::assert_snapshot!(world.told(), @"web.1 v3 Up serving, web.1 v5 Starting");
    assert_eq!(world.dynos[1].crashes, 0);
    world.converge();
    insta::assert_snapshot!(world.told(), @"web.1 v5 Up serving");
}

#[test]
fn another_type_stops_before_its_successor_starts() {
    let mut world = World::of(wanted(3, &[("worker", 1, STANDARD)]));
    world.converge();
    world.wants(wanted(4, &[("worker", 1, STANDARD)]));
    insta::assert_snapshot!(world.told(), @"worker.1 v3 Stopping");
    world.happens(Chance::Goes(0));
    insta::assert_snapshot!(world.told(), @"worker.1 v4 Starting");
}

#[test]
fn scaling_down_stops_the_highest_numbers_and_a_type_that_vanished_goes() {
    let mut world = World::of(wanted(3, &[("web", 3, STANDARD), ("worker", 1, STANDARD)]));
    world.converge();
    let steps = plan(Some(&wanted(3, &[("web", 1, STANDARD)])), &world.dynos, world.now);
    let stopped = steps.iter().map(|step| match step {
        Step::Stop(id) => world.dynos.iter().find(|dyno| dyno.id == *id).expect("there").name.to_string(),
        other => panic!("{other:?}"),
    });
    assert_eq!(stopped.collect::<Vec<_>>(), ["web.3", "web.2", "worker.1"]);
}

#[test]
fn a_web_dyno_of_another_size_gives_way_when_its_successor_is_up() {
    let mut world = World::of(wanted(3, &[("web", 2, STANDARD)]));
    world.converge();
    world.wants(wanted(3, &[("web", 2, DynoSize::Standard2X)]));
    insta::assert_snapshot!(world.told(), @"web.1 v3 Up serving, web.2 v3 Up serving, web.1 v3 Starting, web.2 v3 Starting");
    world.happens(Chance::Goes(3));
    insta::assert_snapshot!(world.told(), @"web.1 v3 Up serving, web.1 v3 Starting, web.2 v3 Up serving");
}

#[test]
fn after_a_day_a_dyno_is_replaced() {
    let mut world = World::of(wanted(3, &[("web", 1, STANDARD)]));
    world.converge();
    world.happens(Chance::Waits);
    assert!(world.now.0 >= DAY);
    insta::assert_snapshot!(world.told(), @"web.1 v3 Up serving, web.1 v3 Starting");
}

#[test]
fn no_type_gets_more_than_a_hundred() {
    let world = World::of(wanted(3, &[("worker", 1_000_000, STANDARD)]));
    assert_eq!(world.dynos.len(), 100);
}

#[test]
fn an_app_that_is_gone_keeps_nothing() {
    let mut world = World::of(wanted(3, &[("web", 2, STANDARD), ("worker", 2, STANDARD)]));
    world.converge();
    world.wanted = None;
    world.converge();
    assert_eq!(world.told(), "");
}

fn sizes() -> impl Strategy<Value = DynoSize> {
    prop_oneof![Just(STANDARD), Just(DynoSize::Standard2X)]
}

fn any_wanted() -> impl Strategy<Value = Option<Wanted>> {
    let types = (proptest::option::of((0..4_u32, sizes())), proptest::option::of((0..4_u32, sizes())));
    proptest::option::weighted(0.9, (3..6_u64, types)).prop_map(|some| {
        let (release, (web, worker)) = some?;
        let types = [("web", web), ("worker", worker)];
        let types =
            types.into_iter().filter_map(|(name, of)| of.map(|(quantity, size)| (name, quantity, size)));
        Some(wanted(release, &types.collect::<Vec<_>>()))
    })
}

/// Any dyno that there could be, however it came to be.
fn any_dyno() -> impl Strategy<Value = DynoRecord> {
    let phases =
        prop_oneof![Just(Phase::Starting), Just(Phase::Up), Just(Phase::Stopping), Just(Phase::Crashed)];
    let kind = (0..3_usize, 1..5_u32, 3..6_u64, sizes(), phases);
    let rest = (0..5_u64, 0..200_000_u64, 0..6_u32, any::<bool>(), any::<bool>(), any::<[u8; 16]>());
    (kind, rest).prop_map(
        |((of, number, release, size, phase), (since, over, crashes, replace, serving, id))| {
            let process_type: ProcessType = ["web", "worker", "old"][of].parse().expect("a process type");
            let serving = serving && process_type.is_web() && phase == Phase::Up;
            DynoRecord {
                id: DynoId::derived(id),
                name: DynoName::new(process_type, number),
                release: version(release),
                size,
                phase,
                since: Moment(Duration::from_secs(since)),
                over_at: Moment(Duration::from_secs(over)),
                crashes,
                replace,
                serving,
            }
        },
    )
}

/// Any state, but for two living dynos of one name where that can never be.
fn any_world() -> impl Strategy<Value = World> {
    (any_wanted(), proptest::collection::vec(any_dyno(), 0..10), 0..100_u64).prop_map(
        |(wanted, drawn, now)| {
            let mut dynos = Vec::<DynoRecord>::new();
            for dyno in drawn {
                let alive = |other: &&DynoRecord| other.phase != Phase::Crashed && other.name == dyno.name;
                let twin = dyno.phase != Phase::Crashed && dynos.iter().any(|other| alive(&other));
                if dyno.name.process_type().is_web() || !twin {
                    dynos.push(dyno);
                }
            }
            World { wanted, dynos, now: Moment(Duration::from_secs(now)), started: 0 }
        },
    )
}

fn any_chance() -> impl Strategy<Value = Chance> {
    prop_oneof![
        4 => any::<usize>().prop_map(Chance::Goes),
        2 => any::<usize>().prop_map(Chance::Crashes),
        1 => any::<usize>().prop_map(Chance::Restart),
        1 => Just(Chance::Waits),
    ]
}

proptest! {
    #[test]
    fn from_any_state_what_runs_becomes_what_is_wanted(mut world in any_world()) {
        world.converge();
        prop_assert_eq!(plan(world.wanted.as_ref(), &world.dynos, world.now), []);
        let wanted = ["web", "worker"].map(|name| world.quantity(&name.parse().expect("a process type")));
        prop_assert_eq!(world.dynos.len(), wanted.iter().sum::<usize>());
    }

    /// The limits and the last good web dyno are watched in `World`, at every step.
    #[test]
    fn whatever_happens_the_limits_hold(
        mut world in any_world(),
        story in proptest::collection::vec((any_chance(), proptest::option::weighted(0.1, any_wanted())), 0..60),
    ) {
        for (chance, change) in story {
            if let Some(wanted) = change {
                world.wanted = wanted;
                world.settle();
            }
            world.happens(chance);
        }
        world.converge();
    }

    #[test]
    fn two_releases_never_answer_side_by_side(
        story in proptest::collection::vec((any_chance(), proptest::option::weighted(0.2, any_wanted())), 0..60),
    ) {
        let mut world = World::default();
        let mut release = 0;
        for (chance, change) in story {
            if let Some(wanted) = change {
                release += u64::from(wanted.is_some());
                world.wanted = wanted.map(|wanted| Wanted { release: version(release), ..wanted });
                world.settle();
            }
            world.happens(chance);
            let serving = world.dynos.iter().filter(|dyno| dyno.serving).map(|dyno| dyno.release);
            prop_assert!(serving.collect::<BTreeSet<_>>().len() <= 1, "{}", world.told());
        }
    }
}
