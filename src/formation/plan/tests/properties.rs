use super::world::{Chance, STANDARD, World, version, wanted};
use crate::app::DynoSize;
use crate::formation::plan::{DynoRecord, Moment, Phase, Wanted, plan};
use crate::name::{DynoId, DynoName, ProcessType};
use proptest::prelude::*;
use std::{collections::BTreeSet, time::Duration};

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
