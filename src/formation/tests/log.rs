use super::fixture::Platform;
use crate::dyno::Exit;
use crate::formation::Selection;

#[tokio::test]
async fn the_life_of_dynos_reads_as_on_heroku() {
    let mut platform = Platform::start().await;
    platform.deploy(&["web", "worker"]).await;
    platform.launch("web.1").await.serves();
    platform.is_told("web.1 v3 up; to web.1").await;
    platform.scale("worker", 1).await;
    let end = platform.launch("worker.1").await.runs();
    platform.is_told("web.1 v3 up, worker.1 v3 up; to web.1").await;
    end.send(Exit::Status(3)).expect("it runs");
    let _runs = platform.launch("worker.1").await.runs();
    platform.is_told("web.1 v3 up, worker.1 v3 up; to web.1").await;
    platform.supervisor.restart(platform.app, Selection::Type("worker".parse().expect("a type"))).await;
    let _runs = platform.launch("worker.1").await.runs();
    platform.is_told("web.1 v3 up, worker.1 v3 up; to web.1").await;
    platform.supervisor.restart(platform.app, Selection::Dyno("web.1".parse().expect("a name"))).await;
    platform.launch("web.1").await.serves();
    platform.is_told("web.1 v3 up, worker.1 v3 up; to web.1").await;
    platform.supervisor.close().await;
    insta::assert_snapshot!(platform.log().await, @r"
    heroku[web.1]: State changed from down to starting
    heroku[web.1]: Starting process with command `bin/web --v3`
    heroku[web.1]: State changed from starting to up
    heroku[worker.1]: State changed from down to starting
    heroku[worker.1]: Starting process with command `bin/worker --v3`
    heroku[worker.1]: State changed from starting to up
    heroku[worker.1]: Process exited with status 3
    heroku[worker.1]: State changed from up to crashed
    heroku[worker.1]: State changed from crashed to starting
    heroku[worker.1]: Starting process with command `bin/worker --v3`
    heroku[worker.1]: State changed from starting to up
    heroku[worker.1]: Restarting
    heroku[worker.1]: Stopping all processes with SIGTERM
    heroku[worker.1]: Process exited with status 143
    heroku[worker.1]: State changed from up to down
    heroku[worker.1]: State changed from down to starting
    heroku[worker.1]: Starting process with command `bin/worker --v3`
    heroku[worker.1]: State changed from starting to up
    heroku[web.1]: Restarting
    heroku[web.1]: State changed from down to starting
    heroku[web.1]: Starting process with command `bin/web --v3`
    heroku[web.1]: State changed from starting to up
    heroku[web.1]: Stopping all processes with SIGTERM
    heroku[web.1]: State changed from up to down
    heroku[web.1]: Stopping all processes with SIGTERM
    heroku[web.1]: State changed from up to down
    heroku[worker.1]: Stopping all processes with SIGTERM
    heroku[worker.1]: Process exited with status 143
    heroku[worker.1]: State changed from up to down
    ");
}

#[tokio::test]
async fn a_boot_timeout_and_a_day_that_is_over_are_told() {
    let mut platform = Platform::start().await;
    platform.deploy(&["web"]).await;
    let first = platform.launch("web.1").await;
    tokio::time::pause();
    first.cancelled().await;
    platform.launch("web.1").await.serves();
    platform.is_told("web.1 v3 up; to web.1").await;
    let fresh = platform.launch("web.1").await;
    fresh.serves();
    platform.is_told("web.1 v3 up; to web.1").await;
    insta::assert_snapshot!(platform.log().await, @r"
    heroku[web.1]: State changed from down to starting
    heroku[web.1]: Starting process with command `bin/web --v3`
    heroku[web.1]: Error R10 (Boot timeout) -> Process failed to start within 60 seconds of launch
    heroku[web.1]: Stopping process with SIGKILL
    heroku[web.1]: Process exited with status 137
    heroku[web.1]: State changed from starting to crashed
    heroku[web.1]: State changed from crashed to starting
    heroku[web.1]: Starting process with command `bin/web --v3`
    heroku[web.1]: State changed from starting to up
    heroku[web.1]: Cycling
    heroku[web.1]: State changed from down to starting
    heroku[web.1]: Starting process with command `bin/web --v3`
    heroku[web.1]: State changed from starting to up
    heroku[web.1]: Stopping all processes with SIGTERM
    heroku[web.1]: State changed from up to down
    ");
}

#[tokio::test]
async fn a_process_that_does_not_stop_in_time_is_ended() {
    let mut platform = Platform::start().await;
    platform.deploy(&["worker"]).await;
    platform.scale("worker", 1).await;
    platform.launch("worker.1").await.runs_on();
    platform.is_told("worker.1 v3 up; noweb").await;
    platform.scale("worker", 0).await;
    platform.is_told("worker.1 v3 down; noweb").await;
    tokio::time::pause();
    // The grace is longer than what `is_told` waits.
    tokio::time::advance(std::time::Duration::from_secs(15)).await;
    platform.is_told("; noweb").await;
    insta::assert_snapshot!(platform.log().await, @r"
    heroku[worker.1]: State changed from down to starting
    heroku[worker.1]: Starting process with command `bin/worker --v3`
    heroku[worker.1]: State changed from starting to up
    heroku[worker.1]: Stopping all processes with SIGTERM
    heroku[worker.1]: Error R12 (Exit timeout) -> At least one process failed to exit within 30 seconds of SIGTERM
    heroku[worker.1]: Stopping remaining processes with SIGKILL
    heroku[worker.1]: Process exited with status 137
    heroku[worker.1]: State changed from up to down
    ");
}
