use super::fixture::{Fixture, descriptions};
use crate::ledger::ReleaseStatus;
use crate::name::AppName;
use crate::release::{OutputId, ReleaseError};
use futures_util::future::join_all;
use std::{sync::Arc, time::Duration};

#[tokio::test]
async fn apps_have_names_that_nobody_else_has() {
    let fixture = Fixture::new().await;
    let shop = fixture.create("shop").await;
    assert_eq!(descriptions(&shop), ["v1 Initial release Succeeded", "v2 Enable Logplex Succeeded"]);
    for name in ["shop", "api", "www"] {
        let name: AppName = name.parse().expect("a name");
        let refused = fixture.releases.create_app(&fixture.owner, Some(name.clone())).await;
        assert!(matches!(refused, Err(ReleaseError::NameTaken(_) | ReleaseError::NameReserved(_))));
    }
    let own = fixture.releases.create_app(&fixture.owner, None).await.expect("created");
    let taken = fixture.releases.rename_app(&fixture.owner, own.id, AppName::like("shop")).await;
    assert!(matches!(taken, Err(ReleaseError::NameTaken(_))));
    let renamed =
        fixture.releases.rename_app(&fixture.owner, own.id, AppName::like("store")).await.expect("renamed");
    assert_eq!(renamed.name.as_ref(), "store");
    let log = fixture.log("store").await;
    assert!(log.iter().any(|line| line.contains("Initial release")), "the log went with it: {log:?}");
    assert!(fixture.log(own.name.as_ref()).await.is_empty());
    fixture.create(own.name.as_ref()).await;
}

#[tokio::test]
async fn config_changes_are_releases_when_they_change_something() {
    let fixture = Fixture::new().await;
    let app = fixture.create("shop").await.id;
    fixture.set(app, &[("B", Some("2")), ("A", Some("1"))]).await.expect("set");
    let same = fixture.set(app, &[("A", Some("1")), ("X", None)]).await.expect("nothing to do");
    assert_eq!(same.releases.len(), 3);
    let now = fixture.set(app, &[("A", None)]).await.expect("removed");
    assert_eq!(
        descriptions(&now)[2..],
        ["v3 Set A, B config vars Succeeded", "v4 Remove A config vars Succeeded"]
    );
    assert_eq!(now.config.iter().collect::<Vec<_>>(), [("B", "2")]);
    let refused = fixture.set(app, &[("A", Some("\0"))]).await.expect_err("refused");
    assert!(matches!(refused, ReleaseError::InvalidConfig(_)));
    assert_eq!(fixture.app(app).releases.len(), 4);
}

#[tokio::test]
async fn a_failing_release_phase_leaves_the_old_config() {
    let fixture = Fixture::new().await;
    let app = fixture.create("shop").await.id;
    // Without arguments it succeeds: the deploy. With one it fails: the config change.
    let site = Fixture::site("one", Some("job $FAIL"));
    let (_, output) = fixture.deployed(app, fixture.deploy(&site)).await;
    assert!(output.contains("Released v3"), "{output}");
    let set = fixture.set(app, &[("FAIL", Some("please"))]).await.expect("recorded");
    assert_eq!(set.releases[3].status, ReleaseStatus::Pending, "it comes back before the release phase ends");
    let failed = fixture.until_not_pending(app, "v4").await;
    assert_eq!((failed.status, failed.config.get("FAIL")), (ReleaseStatus::Failed, Some("please")));
    let now = fixture.app(app);
    assert_eq!(
        (now.current().expect("one").version.to_string().as_str(), now.config.get("FAIL")),
        ("v3", None)
    );
    let output = fixture.output(OutputId::Release(failed.id)).await;
    assert!(output.lines().any(|line| line == "please"), "{output}");
    fixture.set(app, &[("OTHER", Some("1"))]).await.expect("recorded");
    assert_eq!(fixture.until_not_pending(app, "v5").await.status, ReleaseStatus::Succeeded);
}

#[tokio::test]
async fn changes_wait_for_a_release_phase_but_not_for_ever() {
    let fixture = Fixture::with(|config| config.phase_limit = Duration::from_millis(300)).await;
    let app = fixture.create("shop").await.id;
    fixture.site_deployed(app, "one").await;
    let spin = fixture.deploy(&Fixture::site("two", Some("spin")));
    let build = fixture.releases.deploy(&fixture.owner, app, spin).await.expect("begun");
    fixture.until(app, |app| app.releases.len() == 4).await;
    // A change that comes now sees the release phase ended, by its limit at the latest.
    let set = fixture.set(app, &[("A", Some("1"))]).await;
    let failed = fixture.until_not_pending(app, "v4").await;
    assert_eq!(failed.status, ReleaseStatus::Failed);
    match set {
        Ok(app) => assert_eq!(app.releases[3].status, ReleaseStatus::Failed),
        Err(error) => assert!(matches!(error, ReleaseError::Busy { .. }), "{error}"),
    }
    let output = fixture.output(OutputId::Build(build.id)).await;
    assert!(output.contains("ran longer than 0 s and was stopped"), "{output}");
}

#[tokio::test]
async fn a_rollback_is_the_old_slug_and_the_old_config() {
    let fixture = Fixture::new().await;
    let app = fixture.create("shop").await.id;
    fixture.set(app, &[("GREETING", Some("hi"))]).await.expect("set");
    let old = fixture.site_deployed(app, "one").await;
    fixture.set(app, &[("GREETING", Some("ho"))]).await.expect("set");
    fixture.site_deployed(app, "two").await;
    let back = fixture.releases.rollback(&fixture.owner, app, old.version).await.expect("rolled back");
    assert_eq!((back.version.to_string().as_str(), back.description.as_str()), ("v7", "Rollback to v4"));
    assert!(Arc::ptr_eq(&back.config, &old.config) && back.slug == old.slug);
    let now = fixture.app(app);
    assert_eq!((now.current().expect("one").id, now.config.get("GREETING")), (back.id, Some("hi")));
    let refused = async |version: &str| {
        let version = version.parse().expect("a version");
        fixture.releases.rollback(&fixture.owner, app, version).await.expect_err("refused").to_string()
    };
    insta::assert_snapshot!(refused("v7").await, @"v7 is the current release already");
    insta::assert_snapshot!(refused("v2").await, @"v2 holds no code: nothing was deployed then; choose a later release");
    insta::assert_snapshot!(refused("v99").await, @"shop has no release v99; see `hokku releases -a shop`");
}

#[tokio::test]
async fn a_packed_slug_is_stored_and_released() {
    let fixture = Fixture::new().await;
    let (shop, other) = (fixture.create("shop").await.id, fixture.create("other").await.id);
    let release = fixture.site_deployed(shop, "one").await;
    let record = Arc::clone(&fixture.app(shop).slugs[&release.slug.expect("a slug")]);
    let slug = crate::slug::Slug::open(&fixture.rooms.store, &record.digest).await.expect("there");
    let file = fixture.dir.path().join("shop.slug");
    slug.export(&file).await.expect("exported");
    let import =
        |app| fixture.releases.import_slug(&fixture.owner, app, &file, Some("abcdef0123".to_owned()));
    let id = import(other).await.expect("imported");
    assert_ne!(id, record.id, "ids belong to one app");
    assert_eq!(import(other).await.expect("imported again"), id);
    assert_eq!(import(shop).await.expect("imported"), record.id, "the same slug is the same");
    let made = fixture.releases.release_slug(&fixture.owner, other, id, None).await.expect("released");
    assert_eq!((made.description.as_str(), made.slug), ("Deploy abcdef01", Some(id)));
    let unknown = fixture.releases.release_slug(&fixture.owner, shop, id, None).await;
    assert!(matches!(unknown, Err(ReleaseError::NoSlug)));
    std::fs::write(&file, "no slug").expect("written");
    assert!(matches!(import(shop).await, Err(ReleaseError::Slug(_))));
}

#[tokio::test]
async fn a_destroyed_app_leaves_nothing() {
    let fixture = Fixture::new().await;
    let app = fixture.create("shop").await.id;
    fixture.site_deployed(app, "one").await;
    assert_eq!((fixture.cached("trees").len(), fixture.cached("compiled").len()), (2, 2));
    let (queue, other) = (&fixture.releases.0.builds, AppName::like("other"));
    let waiting = [queue.ask(app, &other).expect("room"), queue.ask(app, &other).expect("room")];
    let deploy = fixture.deploy(&Fixture::site("two", None));
    let build = fixture.releases.deploy(&fixture.owner, app, deploy).await.expect("begun");
    let gone = fixture.releases.destroy_app(&fixture.owner, app).await.expect("destroyed");
    assert_eq!(gone.id, app);
    drop(waiting);
    let roster = fixture.rooms.supervisor.roster();
    assert!(roster.apps.get(&app).is_none_or(|app| app.dynos.is_empty()));
    assert!(fixture.releases.output(OutputId::Build(build.id)).await.is_none());
    assert!(matches!(fixture.set(app, &[("A", None)]).await, Err(ReleaseError::NoApp)));
    let again = fixture.create("shop").await;
    let log = fixture.log("shop").await;
    assert!(again.id != app && log.iter().all(|line| !line.contains("v3")), "{log:?}");
    fixture.releases.collect().await;
    assert!(fixture.rooms.store.slugs().await.expect("listed").is_empty());
    assert_eq!((fixture.left_in("outputs"), fixture.left_in("uploads")), (0, 0));
    // Nor is anything left of its slugs that was unpacked or compiled.
    assert_eq!((fixture.cached("trees").len(), fixture.cached("compiled").len()), (0, 0));
}

#[tokio::test]
async fn a_build_cache_is_its_apps_whatever_that_is_called() {
    let fixture = Fixture::new().await;
    let app = fixture.create("shop").await.id;
    fixture.site_deployed(app, "one").await;
    let cache = fixture.dir.path().join("cache/builds/apps");
    let kept = || {
        let dirs = std::fs::read_dir(&cache).expect("read");
        let mut names: Vec<_> = dirs.map(|dir| dir.expect("a cache").file_name()).collect();
        names.sort();
        names
    };
    assert_eq!(kept(), [app.to_string().as_str()]);
    fixture.releases.rename_app(&fixture.owner, app, AppName::like("store")).await.expect("renamed");
    let other = fixture.create("shop").await.id;
    assert_eq!(kept(), [app.to_string().as_str()]);
    fixture.site_deployed(other, "one").await;
    fixture.releases.destroy_app(&fixture.owner, app).await.expect("destroyed");
    fixture.releases.close().await;
    assert_eq!(kept(), [other.to_string().as_str()]);
}

#[tokio::test]
async fn two_apps_may_change_names_at_once_and_one_wins() {
    let fixture = Fixture::new().await;
    let (one, two) = (fixture.create("one").await.id, fixture.create("two").await.id);
    let rename = |app, name: &str| fixture.releases.rename_app(&fixture.owner, app, AppName::like(name));
    let (first, second, third) = tokio::join!(rename(one, "new"), rename(two, "new"), rename(one, "two"));
    let won = [&first, &second].iter().filter(|renamed| renamed.is_ok()).count();
    assert!(won == 1 && (third.is_err() || second.is_ok()), "{:?}", fixture.rooms.ledger.state().names);
}

#[tokio::test(flavor = "multi_thread", worker_threads = 4)]
async fn whatever_comes_at_once_is_one_release_after_the_other() {
    let fixture = Fixture::with(|config| config.keep = 3).await;
    let app = fixture.create("shop").await.id;
    let first = fixture.site_deployed(app, "one").await;
    let sets = (0..10).map(|number| {
        let value = number.to_string();
        let fixture = &fixture;
        async move { fixture.set(app, &[("A", Some(value.as_str()))]).await.expect("set") }
    });
    let deploys = ["two", "three"].map(|page| {
        let site = fixture.deploy(&Fixture::site(page, Some("job")));
        fixture.deployed(app, site)
    });
    let back = async {
        match fixture.releases.rollback(&fixture.owner, app, first.version).await {
            Ok(_) | Err(ReleaseError::AlreadyCurrent(_) | ReleaseError::SlugCollected { .. }) => {}
            Err(error) => panic!("{error}"),
        }
    };
    let collect = async {
        for _ in 0..5 {
            fixture.releases.collect().await;
        }
    };
    let all = (join_all(sets), join_all(deploys), back, collect);
    let (_, built, (), ()) = tokio::join!(all.0, all.1, all.2, all.3);
    assert!(built.iter().all(|(build, _)| build.release.is_some()), "{built:?}");
    let now =
        fixture.until(app, |app| app.releases.iter().all(|made| made.status != ReleaseStatus::Pending)).await;
    assert!((15..=16).contains(&now.releases.len()), "{:#?}", descriptions(&now));
    // The current slug is there, whatever was collected meanwhile.
    let current = now.current_slug().expect("a slug").digest;
    fixture.releases.collect().await;
    assert!(fixture.rooms.store.contains(&current).await.expect("asked"));
}
