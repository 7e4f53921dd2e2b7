use super::fixture::{Launch, Platform, config};
use crate::formation::{FormationConfig, Selection, Settled, WebTarget};
use crate::ledger::{Event, Stream};
use std::{sync::Arc, time::Duration};

#[tokio::test]
async fn a_first_deploy_starts_web_and_no_other() {
    let mut platform = Platform::start().await;
    platform.is_told("; blank").await;
    let release = platform.deploy(&["web", "worker"]).await;
    let web = platform.launch("web.1").await;
    platform.is_told("web.1 v3 starting; booting").await;
    assert_eq!((web.spec.port, web.spec.limits.memory), (Some(5001), 512 << 20));
    web.serves();
    assert_eq!(platform.settled(release).await, Settled::Up);
    platform.is_told("web.1 v3 up; to web.1").await;
    let roster = platform.supervisor.roster();
    assert_eq!(roster.apps[&platform.app].dynos[0].command, "bin/web --v3");
}

#[tokio::test]
async fn a_new_release_comes_in_as_the_old_one_goes_out() {
    let mut platform = Platform::start().await;
    platform.deploy(&["web"]).await;
    platform.launch("web.1").await.serves();
    platform.is_told("web.1 v3 up; to web.1").await;
    let old = platform.supervisor.roster().apps[&platform.app].dynos[0].id;
    let mut rosters = platform.supervisor.subscribe();
    let app = platform.app;
    let watching = tokio::task::LocalSet::new();
    let always_up = watching.spawn_local(async move {
        while rosters.changed().await.is_ok() {
            let roster = Arc::clone(&rosters.borrow_and_update());
            let Some(shop) = roster.apps.get(&app) else { break };
            assert!(matches!(&shop.web, WebTarget::Up(dynos) if !dynos.is_empty()), "{shop:?}");
        }
    });
    watching
        .run_until(async {
            for _ in 0..5 {
                let release = platform.deploy(&["web"]).await;
                platform.launch("web.1").await.serves();
                assert_eq!(platform.settled(release).await, Settled::Up);
            }
            platform.is_told("web.1 v8 up; to web.1").await;
            assert_ne!(platform.supervisor.roster().apps[&app].dynos[0].id, old);
            append_destroyed(&platform).await;
            always_up.await.expect("always up");
        })
        .await;
}

async fn append_destroyed(platform: &Platform) {
    let destroyed = vec![Event::AppDestroyed { app: platform.app }];
    super::fixture::append(&platform.ledger, Stream::Platform, destroyed).await;
}

#[tokio::test]
async fn a_newer_release_takes_the_place_of_one_that_is_still_starting() {
    let mut platform = Platform::start().await;
    platform.deploy(&["web"]).await;
    let overtaken = platform.launch("web.1").await;
    let release = platform.deploy(&["web"]).await;
    overtaken.cancelled().await;
    platform.launch("web.1").await.serves();
    assert_eq!(platform.settled(release).await, Settled::Up);
    platform.is_told("web.1 v4 up; to web.1").await;
}

#[tokio::test]
async fn scaling_starts_and_stops_the_highest_numbers() {
    let mut platform = Platform::start().await;
    platform.deploy(&["web", "worker"]).await;
    platform.launch("web.1").await.serves();
    platform.scale("web", 3).await;
    platform.launch("web.2").await.serves();
    platform.launch("web.3").await.serves();
    platform.scale("worker", 1).await;
    let _runs = platform.launch("worker.1").await.runs();
    platform.is_told("web.1 v3 up, web.2 v3 up, web.3 v3 up, worker.1 v3 up; to web.1 web.2 web.3").await;
    platform.scale("web", 1).await;
    platform.scale("worker", 0).await;
    platform.is_told("web.1 v3 up; to web.1").await;
    platform.scale("web", 0).await;
    platform.is_told("; noweb").await;
}

#[tokio::test]
async fn a_restart_replaces_what_is_selected() {
    let mut platform = Platform::start().await;
    platform.deploy(&["web", "worker"]).await;
    platform.launch("web.1").await.serves();
    platform.scale("worker", 2).await;
    let ends = [platform.launch("worker.1").await.runs(), platform.launch("worker.2").await.runs()];
    let all = "web.1 v3 up, worker.1 v3 up, worker.2 v3 up; to web.1";
    platform.is_told(all).await;
    let restart = |selection| platform.supervisor.restart(platform.app, selection);
    assert_eq!(restart(Selection::Type("clock".parse().expect("a type"))).await, 0);
    assert_eq!(restart(Selection::Dyno("worker.2".parse().expect("a name"))).await, 1);
    let _again = platform.launch("worker.2").await.runs();
    platform.is_told(all).await;
    assert_eq!(platform.supervisor.restart(platform.app, Selection::All).await, 3);
    platform.launch("web.1").await.serves();
    let _more =
        [platform.launches.recv().await.map(Launch::runs), platform.launches.recv().await.map(Launch::runs)];
    platform.is_told(all).await;
    assert!(ends.iter().all(tokio::sync::oneshot::Sender::is_closed));
}

#[tokio::test]
async fn a_destroyed_app_stops_and_leaves_the_roster() {
    let mut platform = Platform::start().await;
    platform.deploy(&["web", "worker"]).await;
    platform.launch("web.1").await.serves();
    platform.scale("worker", 1).await;
    let end = platform.launch("worker.1").await.runs();
    append_destroyed(&platform).await;
    let app = platform.app;
    let mut rosters = platform.supervisor.subscribe();
    rosters.wait_for(|roster| !roster.apps.contains_key(&app)).await.expect("it goes");
    assert!(end.is_closed());
}

#[tokio::test]
async fn when_it_is_closed_everything_stops() {
    let mut platform = Platform::start().await;
    let release = platform.deploy(&["web", "worker"]).await;
    platform.launch("web.1").await.serves();
    platform.scale("worker", 2).await;
    let end = platform.launch("worker.1").await.runs();
    let starting = platform.launch("worker.2").await;
    platform.supervisor.close().await;
    starting.cancelled().await;
    assert!(end.is_closed());
    assert!(platform.supervisor.roster().apps.is_empty());
    assert_eq!(platform.supervisor.restart(platform.app, Selection::All).await, 0);
    assert_eq!(platform.settled(release).await, Settled::Late);
}

#[tokio::test]
async fn what_does_not_start_within_the_wait_is_late() {
    let mut platform =
        Platform::start_with(FormationConfig { boot_limit: Duration::from_hours(1), ..config() }).await;
    let release = platform.deploy(&["web"]).await;
    let _starting = platform.launch("web.1").await;
    tokio::time::pause();
    assert_eq!(platform.settled(release).await, Settled::Late);
    assert_eq!(platform.settled(release.next()).await, Settled::Late);
}

#[tokio::test]
async fn with_the_last_handle_every_dyno_stops() {
    let mut platform = Platform::start().await;
    platform.deploy(&["worker"]).await;
    platform.scale("worker", 1).await;
    let mut end = platform.launch("worker.1").await.runs();
    platform.is_told("worker.1 v3 up; noweb").await;
    drop(platform.supervisor);
    end.closed().await;
}

#[tokio::test]
async fn a_deploy_goes_before_the_apps_that_start_with_the_platform() {
    let config = FormationConfig { starts_at_once: 2, ..config() };
    let mut platform = Platform::start_among(&["blog", "wiki", "chat"], config).await;
    let _first_of_many = platform.launch("web.1").await;
    platform
        .append(vec![Event::FeatureSet { feature: "runtime-dyno-metadata".to_owned(), enabled: true }])
        .await;
    let release = platform.deploy(&["web"]).await;
    let deployed = platform.launch("web.1").await;
    assert_eq!(deployed.spec.config.get("HEROKU_APP_NAME"), Some("shop"));
    deployed.serves();
    assert_eq!(platform.settled(release).await, Settled::Up);
}

#[tokio::test]
async fn an_app_is_told_about_itself_when_it_asks_for_it() {
    let mut platform = Platform::start().await;
    platform
        .append(vec![Event::FeatureSet { feature: "runtime-dyno-metadata".to_owned(), enabled: true }])
        .await;
    platform.deploy(&["web"]).await;
    let web = platform.launch("web.1").await;
    let vars = web.spec.config.iter().filter(|(key, _)| !key.ends_with("_ID"));
    let vars = vars.map(|(key, value)| format!("{key}={value}")).collect::<Vec<_>>().join("\n");
    insta::assert_snapshot!(vars, @r"
    HEROKU_APP_NAME=shop
    HEROKU_BUILD_COMMIT=1a2b3c4d
    HEROKU_RELEASE_CREATED_AT=2026-11-22T22:00:00Z
    HEROKU_RELEASE_VERSION=v3
    HEROKU_SLUG_COMMIT=1a2b3c4d
    ");
    assert_eq!(web.spec.config.get("HEROKU_APP_ID"), Some(platform.app.to_string().as_str()));
}
