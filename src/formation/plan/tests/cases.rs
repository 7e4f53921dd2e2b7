use super::world::{Chance, DAY, STANDARD, World, wanted};
use crate::app::DynoSize;
use crate::formation::plan::{Outlook, Phase, Step, outlook, plan};

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
fn a_dyno_that_came_up_as_a_newer_release_was_made_serves_until_that_one_is_up() {
    let mut world = World::of(wanted(3, &[("web", 1, STANDARD)]));
    world.dynos[0].phase = Phase::Up;
    world.dynos[0].over_at = world.now.after(DAY);
    world.wants(wanted(4, &[("web", 1, STANDARD)]));
    insta::assert_snapshot!(world.told(), @"web.1 v3 Up serving, web.1 v4 Starting");
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
