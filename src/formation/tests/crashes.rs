use super::fixture::Platform;
use crate::dyno::{DynoError, Exit};
use crate::formation::{Selection, Settled};
use crate::slug::{Digest, SlugError};
use std::time::Duration;
use tokio::time::Instant;

#[tokio::test]
async fn a_dyno_that_crashes_is_tried_again_at_once_and_then_after_growing_pauses() {
    let mut platform = Platform::start().await;
    platform.deploy(&["web"]).await;
    tokio::time::pause();
    let mut pauses = Vec::new();
    for _ in 0..12 {
        let before = Instant::now();
        platform.launch("web.1").await.fails();
        pauses.push(before.elapsed().as_secs());
    }
    assert_eq!(pauses, [0, 0, 1, 2, 4, 8, 16, 32, 64, 128, 256, 300]);
}

#[tokio::test]
async fn a_release_that_crashes_leaves_the_one_before_it_serving() {
    let mut platform = Platform::start().await;
    platform.deploy(&["web"]).await;
    platform.launch("web.1").await.serves();
    platform.is_told("web.1 v3 up; to web.1").await;
    let release = platform.deploy(&["web"]).await;
    platform.launch("web.1").await.fails();
    platform.launch("web.1").await.fails();
    let crashed = Settled::Crashed(vec!["web.1".parse().expect("a name")]);
    assert_eq!(platform.settled(release).await, crashed);
    platform.is_told("web.1 v3 up, web.1 v4 crashed; to web.1").await;
    let release = platform.deploy(&["web"]).await;
    platform.launch("web.1").await.serves();
    assert_eq!(platform.settled(release).await, Settled::Up);
    platform.is_told("web.1 v5 up; to web.1").await;
}

#[tokio::test]
async fn requests_wait_for_a_first_start_and_not_for_a_crash_loop() {
    let mut platform = Platform::start().await;
    platform.deploy(&["web"]).await;
    platform.launch("web.1").await.fails();
    let second = platform.launch("web.1").await;
    platform.is_told("web.1 v3 starting; booting").await;
    second.fails();
    platform.is_told("web.1 v3 crashed; crashed").await;
    let third = platform.launch("web.1").await;
    platform.is_told("web.1 v3 starting; crashed").await;
    third.serves();
    platform.is_told("web.1 v3 up; to web.1").await;
}

#[tokio::test]
async fn a_restart_tries_a_crashed_dyno_at_once() {
    let mut platform = Platform::start().await;
    platform.deploy(&["worker"]).await;
    platform.scale("worker", 1).await;
    for _ in 0..5 {
        platform.launch("worker.1").await.fails();
        platform.supervisor.restart(platform.app, Selection::All).await;
    }
    let _runs = platform.launch("worker.1").await.runs();
    platform.is_told("worker.1 v3 up; noweb").await;
}

#[tokio::test]
async fn a_process_that_ends_by_itself_has_crashed_whatever_its_status() {
    let mut platform = Platform::start().await;
    platform.deploy(&["worker"]).await;
    platform.scale("worker", 1).await;
    for exit in [Exit::Status(0), Exit::Status(3)] {
        platform.launch("worker.1").await.runs().send(exit).expect("it runs");
    }
    platform.is_told("worker.1 v3 crashed; noweb").await;
}

#[tokio::test]
async fn a_start_that_takes_too_long_has_crashed() {
    let mut platform = Platform::start().await;
    platform.deploy(&["web"]).await;
    let first = platform.launch("web.1").await;
    tokio::time::pause();
    let began = Instant::now();
    first.cancelled().await;
    // A little of the minute had passed before the clock was paused.
    assert!((Duration::from_secs(30)..Duration::from_secs(61)).contains(&began.elapsed()));
    platform.launch("web.1").await.serves();
}

#[tokio::test]
async fn a_panic_in_a_start_stops_nobody_else() {
    let mut platform = Platform::start().await;
    let release = platform.deploy(&["web"]).await;
    drop(platform.launch("web.1").await);
    platform.launch("web.1").await.serves();
    assert_eq!(platform.settled(release).await, Settled::Up);
}

#[tokio::test]
async fn after_a_day_a_dyno_is_replaced_by_a_fresh_one() {
    let mut platform = Platform::start().await;
    platform.deploy(&["web"]).await;
    platform.launch("web.1").await.serves();
    platform.is_told("web.1 v3 up; to web.1").await;
    tokio::time::pause();
    let began = Instant::now();
    let fresh = platform.launch("web.1").await;
    let (day, most) = (Duration::from_hours(24), Duration::from_mins(24 * 60 + 216 + 1));
    assert!((day..most).contains(&began.elapsed()), "{:?}", began.elapsed());
    platform.is_told("web.1 v3 up, web.1 v3 starting; to web.1").await;
    fresh.serves();
    platform.is_told("web.1 v3 up; to web.1").await;
}

#[tokio::test]
async fn whose_fault_it_is_decides_what_the_log_says() {
    let mut platform = Platform::start().await;
    platform.deploy(&["web"]).await;
    let blob = Digest::of(b"");
    platform.launch("web.1").await.fails_with(DynoError::Slug(SlugError::Corrupt { blob }));
    let cause = std::io::Error::other("no space left");
    let disk = DynoError::Disk { directory: "/srv/secret".to_owned(), cause };
    platform.launch("web.1").await.fails_with(disk);
    platform.is_told("web.1 v3 crashed; crashed").await;
    platform.supervisor.restart(platform.app, Selection::All).await;
    platform.launch("web.1").await.fails();
    platform.launch("web.1").await.serves();
    platform.is_told("web.1 v3 up; to web.1").await;
    insta::assert_snapshot!(platform.log().await, @r"
    heroku[web.1]: State changed from down to starting
    heroku[web.1]: Starting process with command `bin/web --v3`
    heroku[web.1]: Error R17 (Checksum error) -> The stored slug is not what was released. Deploy the app again to replace it
    heroku[web.1]: State changed from starting to crashed
    heroku[web.1]: State changed from crashed to starting
    heroku[web.1]: Starting process with command `bin/web --v3`
    heroku[web.1]: Error R99 (Platform error) -> The platform could not start this process. Its operator finds the reason in the platform's own log
    heroku[web.1]: State changed from starting to crashed
    heroku[web.1]: Restarting
    heroku[web.1]: State changed from crashed to starting
    heroku[web.1]: Starting process with command `bin/web --v3`
    heroku[web.1]: Error: cannot read the command ``: the command is empty: write a program and its arguments, as `gunicorn app:app`
    heroku[web.1]: State changed from starting to crashed
    heroku[web.1]: State changed from crashed to starting
    heroku[web.1]: Starting process with command `bin/web --v3`
    heroku[web.1]: State changed from starting to up
    ");
}
