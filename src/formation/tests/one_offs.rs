//! One-off dynos beside a formation.

use super::fixture::{Platform, config};
use crate::app::DynoSize;
use crate::dyno::{Exit, Look};
use crate::formation::{FormationConfig, OneOff, OneOffError, Ordered, Outcome, Selection, Settled, Streams};
use crate::ledger::{Event, Stream};
use std::time::Duration;
use tokio::io::{AsyncReadExt as _, AsyncWriteExt as _};

fn order(streams: Streams) -> OneOff {
    OneOff {
        process_type: "run".parse().expect("a type"),
        command: "python work.py".to_owned(),
        environment: vec![("BATCH".parse().expect("a key"), "7".to_owned())],
        size: DynoSize::Standard2X,
        time_to_live: None,
        streams,
    }
}

impl Platform {
    async fn order(&self, streams: Streams) -> Ordered {
        self.supervisor.run(self.app, order(streams)).await.expect("taken on")
    }

    /// The manager's lines about one-off dynos, which get one name.
    async fn one_off_log(&self) -> String {
        let log = self.log().await;
        let lines = log.lines().filter_map(|line| line.split_once("heroku[run.").map(|(_, line)| line));
        lines
            .map(|line| format!("heroku[run{}", &line[line.find(']').unwrap_or(0)..]))
            .collect::<Vec<_>>()
            .join("\n")
    }

    /// Waits until no one-off dyno is in the roster.
    async fn is_at_rest(&self) {
        let app = self.app;
        let mut rosters = self.supervisor.subscribe();
        let at_rest = rosters.wait_for(|roster| {
            let mut dynos = roster.apps.get(&app).into_iter().flat_map(|app| &app.dynos);
            dynos.all(|dyno| dyno.name.process_type().as_ref() != "run")
        });
        tokio::time::timeout(Duration::from_secs(20), at_rest).await.expect("in time").expect("a roster");
    }
}

#[tokio::test]
async fn a_detached_dyno_starts_at_once_and_is_gone_at_its_end() {
    let mut platform = Platform::start().await;
    let release = platform.deploy(&["worker"]).await;
    assert_eq!(platform.settled(release).await, Settled::Up);
    let ordered = platform.order(Streams::Log).await;
    assert!(ordered.attachment.is_none());
    let name = ordered.status.name.to_string();
    platform.is_told(&format!("{name} v3 starting; noweb")).await;
    let launch = platform.launch(&name).await;
    assert_eq!(launch.spec.command.as_deref(), Some("python work.py"));
    assert_eq!(launch.spec.config.get("BATCH"), Some("7"));
    assert_eq!(launch.spec.limits.memory, 1 << 30);
    let end = launch.runs();
    platform.is_told(&format!("{name} v3 up; noweb")).await;
    end.send(Exit::Status(3)).expect("it runs");
    platform.is_at_rest().await;
    insta::assert_snapshot!(platform.one_off_log().await, @r"
    heroku[run]: Starting process with command `python work.py`
    heroku[run]: State changed from starting to up
    heroku[run]: Process exited with status 3
    heroku[run]: State changed from up to complete
    ");
}

#[tokio::test]
async fn an_attached_dyno_waits_for_its_client_and_speaks_with_it() {
    let mut platform = Platform::start().await;
    platform.deploy(&["worker"]).await;
    let ordered = platform.order(Streams::Client(Look::Terminal)).await;
    let mut attachment = ordered.attachment.expect("a client's side");
    tokio::task::yield_now().await;
    assert!(platform.launches.try_recv().is_err(), "it waits");
    attachment.leash.begin();
    let launch = platform.launch(&ordered.status.name.to_string()).await;
    attachment.streams.stdin.write_all(b"hello").await.expect("written");
    let end = launch.runs();
    end.send(Exit::Status(0)).expect("it runs");
    assert_eq!(attachment.leash.outcome().await, Outcome::Exited(0));
    assert_eq!(attachment.streams.stdout.read(&mut [0; 9]).await.expect("read"), 0, "its end");
    insta::assert_snapshot!(platform.one_off_log().await, @r"
    heroku[run]: Awaiting client
    heroku[run]: Starting process with command `python work.py`
    heroku[run]: State changed from starting to up
    heroku[run]: Process exited with status 0
    heroku[run]: State changed from up to complete
    ");
}

#[tokio::test(start_paused = true)]
async fn nobody_comes_and_it_never_starts() {
    let mut platform = Platform::start().await;
    platform.deploy(&["worker"]).await;
    let ordered = platform.order(Streams::Client(Look::Pipe)).await;
    let attachment = ordered.attachment.expect("a client's side");
    let outcome = attachment.leash.outcome().await;
    assert_eq!(outcome, Outcome::NotStarted("nobody attached to it within 60 seconds".to_owned()));
    attachment.leash.begin();
    platform.is_at_rest().await;
    assert!(platform.launches.try_recv().is_err());
    insta::assert_snapshot!(platform.one_off_log().await, @r"
    heroku[run]: Awaiting client
    heroku[run]: Error R13 (Attach error) -> Failed to attach to process: nobody came within 60 seconds
    heroku[run]: State changed from starting to crashed
    ");
}

#[tokio::test]
async fn it_ends_with_its_client_by_ctrl_c_and_by_command() {
    let mut platform = Platform::start().await;
    platform.deploy(&["worker"]).await;
    let mut started = Vec::new();
    for _ in 0..3 {
        let ordered = platform.order(Streams::Client(Look::Pipe)).await;
        let attachment = ordered.attachment.expect("a client's side");
        attachment.leash.begin();
        let end = platform.launch(&ordered.status.name.to_string()).await.runs();
        started.push((ordered.status.name, attachment, end));
    }
    let [(_, gone, _keep), (_, interrupted, _kept), (name, stopped, _held)] =
        started.try_into().expect("three");
    drop(gone);
    interrupted.leash.interrupt();
    assert_eq!(interrupted.leash.outcome().await, Outcome::Exited(130));
    assert_eq!(platform.supervisor.stop(platform.app, Selection::Dyno(name)).await, 1);
    assert_eq!(stopped.leash.outcome().await, Outcome::Exited(143));
    platform.is_at_rest().await;
    let mut lines = platform.one_off_log().await.lines().map(str::to_owned).collect::<Vec<_>>();
    lines.sort();
    insta::assert_snapshot!(lines.join("\n"), @r"
    heroku[run]: Awaiting client
    heroku[run]: Awaiting client
    heroku[run]: Awaiting client
    heroku[run]: Client connection closed. Sending SIGHUP to all processes
    heroku[run]: Process exited with status 129
    heroku[run]: Process exited with status 130
    heroku[run]: Process exited with status 143
    heroku[run]: Starting process with command `python work.py`
    heroku[run]: Starting process with command `python work.py`
    heroku[run]: Starting process with command `python work.py`
    heroku[run]: State changed from starting to up
    heroku[run]: State changed from starting to up
    heroku[run]: State changed from starting to up
    heroku[run]: State changed from up to complete
    heroku[run]: State changed from up to complete
    heroku[run]: State changed from up to complete
    heroku[run]: Stopping all processes with SIGINT
    heroku[run]: Stopping all processes with SIGTERM
    ");
}

#[tokio::test]
async fn what_does_not_start_says_why() {
    let mut platform = Platform::start().await;
    platform.deploy(&["worker"]).await;
    let ordered = platform.order(Streams::Client(Look::Pipe)).await;
    let attachment = ordered.attachment.expect("a client's side");
    attachment.leash.begin();
    platform.launch(&ordered.status.name.to_string()).await.fails();
    let Outcome::NotStarted(why) = attachment.leash.outcome().await else { panic!("it ran") };
    insta::assert_snapshot!(why, @"cannot read the command ``: the command is empty: write a program and its arguments, as `gunicorn app:app`");
    insta::assert_snapshot!(platform.one_off_log().await, @r"
    heroku[run]: Awaiting client
    heroku[run]: Starting process with command `python work.py`
    heroku[run]: Error: cannot read the command ``: the command is empty: write a program and its arguments, as `gunicorn app:app`
    heroku[run]: State changed from starting to crashed
    ");
}

#[tokio::test(start_paused = true)]
async fn it_may_run_for_so_long_and_stops_when_it_must() {
    let (grace, one_off_limit) = (Duration::from_secs(1), Duration::from_secs(10));
    let mut platform = Platform::start_with(FormationConfig { grace, one_off_limit, ..config() }).await;
    platform.deploy(&["worker"]).await;
    let long = platform.order(Streams::Log).await;
    platform.launch(&long.status.name.to_string()).await.runs_on();
    let short = OneOff { time_to_live: Some(Duration::from_secs(5)), ..order(Streams::Log) };
    let short = platform.supervisor.run(platform.app, short).await.expect("taken on");
    let _end = platform.launch(&short.status.name.to_string()).await.runs();
    platform.is_told(&format!("{} v3 up; noweb", long.status.name)).await;
    platform.is_at_rest().await;
    insta::assert_snapshot!(platform.one_off_log().await, @r"
    heroku[run]: Starting process with command `python work.py`
    heroku[run]: State changed from starting to up
    heroku[run]: Starting process with command `python work.py`
    heroku[run]: State changed from starting to up
    heroku[run]: The process ran for as long as a one-off dyno may
    heroku[run]: Stopping all processes with SIGTERM
    heroku[run]: Process exited with status 143
    heroku[run]: State changed from up to complete
    heroku[run]: The process ran for as long as a one-off dyno may
    heroku[run]: Stopping all processes with SIGTERM
    heroku[run]: Error R12 (Exit timeout) -> At least one process failed to exit within 1 seconds of SIGTERM
    heroku[run]: Stopping remaining processes with SIGKILL
    heroku[run]: Process exited with status 137
    heroku[run]: State changed from up to complete
    ");
}

#[tokio::test]
async fn there_are_limits_and_conditions() {
    let mut platform = Platform::start_with(FormationConfig { one_offs: 1, ..config() }).await;
    let refused =
        async |order| platform.supervisor.run(platform.app, order).await.expect_err("refused").to_string();
    insta::assert_snapshot!(refused(order(Streams::Log)).await, @"the app has no code yet, so there is nothing to run: deploy it first");
    platform.deploy(&["worker"]).await;
    let web = OneOff { process_type: "web".parse().expect("a type"), ..order(Streams::Log) };
    insta::assert_snapshot!(refused(web).await, @"a one-off dyno cannot be of the type web, whose dynos take requests: leave the type out");
    let large = vec![("A".parse().expect("a key"), "x".repeat(1 << 20))];
    insta::assert_snapshot!(refused(OneOff { environment: large, ..order(Streams::Log) }).await, @"config vars take 1048641 bytes, 64 for each var included; the limit is 65536: keep large values in the app's files");
    let ordered = platform.order(Streams::Log).await;
    insta::assert_snapshot!(refused(order(Streams::Log)).await, @"the app runs as many one-off dynos as it may, which is 1: stop one, or wait until one ends");
    let _end = platform.launch(&ordered.status.name.to_string()).await.runs();
    platform.supervisor.close().await;
    let error = platform.supervisor.run(platform.app, order(Streams::Log)).await.expect_err("refused");
    assert!(matches!(error, OneOffError::Stopping));
}

#[tokio::test]
async fn the_name_of_a_process_type_stands_for_its_command() {
    let mut platform = Platform::start().await;
    platform.deploy(&["worker"]).await;
    let worker = OneOff { command: "worker".to_owned(), ..order(Streams::Log) };
    let ordered = platform.supervisor.run(platform.app, worker).await.expect("taken on");
    assert_eq!(ordered.status.command, "bin/worker --v3");
    let launch = platform.launch(&ordered.status.name.to_string()).await;
    assert_eq!(launch.spec.command.as_deref(), Some("bin/worker --v3"));
}

#[tokio::test]
async fn an_app_that_goes_takes_its_one_off_dynos_along() {
    let mut platform = Platform::start().await;
    platform.deploy(&["worker"]).await;
    let running = platform.order(Streams::Client(Look::Pipe)).await.attachment.expect("a client's side");
    running.leash.begin();
    let _end = platform.launches.recv().await.expect("a launch").runs();
    let waiting = platform.order(Streams::Client(Look::Pipe)).await.attachment.expect("a client's side");
    super::fixture::append(
        &platform.ledger,
        Stream::Platform,
        vec![Event::AppDestroyed { app: platform.app }],
    )
    .await;
    assert_eq!(running.leash.outcome().await, Outcome::Exited(143));
    assert_eq!(waiting.leash.outcome().await, Outcome::Exited(143));
    let error = platform.supervisor.run(platform.app, order(Streams::Log)).await.expect_err("refused");
    assert!(matches!(error, OneOffError::NoApp));
}
