use super::fixture::{Fixture, config};
use crate::ledger::{BuildStatus, Event, ReleaseStatus, State, Stream};
use crate::name::ReleaseId;
use crate::release::{OutputId, ReleaseError, Releases};
use crate::slug::{PackPlan, Slug};
use futures_util::FutureExt as _;

#[tokio::test]
async fn only_slugs_of_the_last_releases_are_kept() {
    let fixture = Fixture::with(|config| config.keep = 2).await;
    let app = fixture.create("shop").await.id;
    let mut digests = Vec::new();
    for page in ["one", "two", "three"] {
        let release = fixture.site_deployed(app, page).await;
        digests.push(fixture.app(app).slugs[&release.slug.expect("a slug")].digest);
    }
    fixture.releases.collect().await;
    let mut kept = fixture.rooms.store.slugs().await.expect("listed");
    kept.sort();
    let mut expected = digests[1..].to_vec();
    expected.sort();
    assert_eq!(kept, expected);
    let refused = fixture.releases.rollback(&fixture.owner, app, "v3".parse().expect("legal")).await;
    insta::assert_snapshot!(refused.expect_err("collected"), @"the slug of v3 is gone: slugs are kept for the last 2 releases of an app; deploy it again");
    // What is kept is whole, programs that it shares with what is gone included.
    let slug = Slug::open(&fixture.rooms.store, &digests[1]).await.expect("there");
    for program in &slug.manifest().programs {
        slug.program_bytes(program).await.expect("whole");
    }
    // The current slug stays however many config changes come after it.
    fixture.releases.rollback(&fixture.owner, app, "v4".parse().expect("legal")).await.expect("rolled back");
    for value in ["1", "2", "3"] {
        fixture.set(app, &[("A", Some(value))]).await.expect("set");
    }
    fixture.releases.collect().await;
    assert_eq!(fixture.rooms.store.slugs().await.expect("listed"), [digests[1]]);
    // The same source makes the collected slug again.
    let again = fixture.site_deployed(app, "one").await;
    assert_eq!(fixture.app(app).slugs[&again.slug.expect("a slug")].digest, digests[0]);
}

#[tokio::test]
async fn what_runs_is_kept_however_many_releases_fail_after_it() {
    let fixture = Fixture::with(|config| config.keep = 1).await;
    let app = fixture.create("shop").await.id;
    let good = fixture.site_deployed(app, "one").await;
    for page in ["two", "three"] {
        let site = fixture.deploy(&Fixture::site(page, Some("job fails")));
        fixture.deployed(app, site).await;
    }
    fixture.releases.collect().await;
    let now = fixture.app(app);
    assert_eq!((now.releases.len(), now.current().map(|current| current.id)), (5, Some(good.id)));
    let digest = now.current_slug().expect("a slug").digest;
    assert!(fixture.rooms.store.contains(&digest).await.expect("asked"));
    assert_eq!(fixture.rooms.store.slugs().await.expect("listed").len(), 2, "and that of the last release");
}

#[tokio::test]
async fn a_slug_that_waits_for_its_release_is_kept() {
    let fixture = Fixture::with(|config| config.keep = 2).await;
    let (shop, other) = (fixture.create("shop").await.id, fixture.create("other").await.id);
    let release = fixture.site_deployed(shop, "one").await;
    let digest = fixture.app(shop).slugs[&release.slug.expect("a slug")].digest;
    let file = fixture.dir.path().join("shop.slug");
    let slug = Slug::open(&fixture.rooms.store, &digest).await.expect("there");
    slug.export(&file).await.expect("exported");
    let imported = fixture.releases.import_slug(&fixture.owner, other, &file, None).await.expect("imported");
    fixture.releases.destroy_app(&fixture.owner, shop).await.expect("destroyed");
    fixture.releases.collect().await;
    fixture.releases.release_slug(&fixture.owner, other, imported, None).await.expect("it is still there");
    // Two more releases without it, and it could not be current any more.
    fixture.site_deployed(other, "two").await;
    fixture.set(other, &[("A", Some("1"))]).await.expect("set");
    fixture.releases.collect().await;
    let gone = fixture.releases.release_slug(&fixture.owner, other, imported, None).await;
    assert!(matches!(gone, Err(ReleaseError::SlugCollected { .. })));
}

#[tokio::test]
async fn a_slug_that_is_imported_again_waits_for_its_release_again() {
    let fixture = Fixture::with(|config| config.keep = 1).await;
    let app = fixture.create("shop").await.id;
    let release = fixture.site_deployed(app, "one").await;
    let old = std::sync::Arc::clone(&fixture.app(app).slugs[&release.slug.expect("a slug")]);
    let file = fixture.dir.path().join("shop.slug");
    let slug = Slug::open(&fixture.rooms.store, &old.digest).await.expect("there");
    slug.export(&file).await.expect("exported");
    fixture.site_deployed(app, "two").await;
    fixture.releases.collect().await;
    assert!(!fixture.rooms.store.contains(&old.digest).await.expect("asked"));
    let import = || fixture.releases.import_slug(&fixture.owner, app, &file, None);
    assert_eq!(import().await.expect("imported"), old.id);
    assert_eq!(fixture.app(app).slugs[&old.id], old, "its commit is still known");
    fixture.releases.collect().await;
    fixture.releases.release_slug(&fixture.owner, app, old.id, None).await.expect("it is still there");
    // Once released it goes with its release.
    fixture.site_deployed(app, "three").await;
    fixture.releases.collect().await;
    assert!(!fixture.rooms.store.contains(&old.digest).await.expect("asked"));
}

#[tokio::test]
async fn the_next_start_settles_what_a_kill_left() {
    let fixture = Fixture::new().await;
    let app = fixture.create("shop").await.id;
    let build = fixture.orphaned_build(app).await;
    let dir = fixture.dir.path().join("releases");
    // What a kill leaves on the disk.
    std::fs::write(dir.join("uploads/upload-x"), "half").expect("written");
    std::fs::create_dir_all(dir.join("sources/source-x/deep")).expect("made");
    let stray = crate::name::AppId::random();
    std::fs::create_dir_all(dir.join(format!("outputs/{stray}"))).expect("made");
    let next = Releases::open(config(dir), fixture.rooms.clone()).await.expect("opened");
    let status = fixture.build(app, build).status.clone();
    assert_eq!(status, BuildStatus::Failed("the platform was stopped while it ran".to_owned()));
    assert_eq!(
        (fixture.left_in("uploads"), fixture.left_in("sources"), fixture.left_in("outputs")),
        (0, 0, 0)
    );
    assert!(next.output(OutputId::Build(build)).await.is_none());
}

#[tokio::test]
async fn a_release_that_a_kill_left_pending_has_failed() {
    let fixture = Fixture::new().await;
    let app = fixture.create("shop").await.id;
    let deployed = fixture.site_deployed(app, "one").await;
    let pending = Event::ReleaseCreated {
        release: ReleaseId::random(),
        version: deployed.version.next(),
        description: "Deploy".to_owned(),
        slug: deployed.slug,
        build: None,
        rollback_to: None,
        pending: true,
    };
    let decide = |_: &State| Ok::<_, ReleaseError>(vec![(Stream::App(app), pending.clone())]);
    fixture.rooms.ledger.change(&fixture.owner, decide).await.expect("recorded");
    let dir = fixture.dir.path().join("releases");
    let next = Releases::open(config(dir), fixture.rooms.clone()).await.expect("opened");
    let now = fixture.app(app);
    assert_eq!(now.releases[3].status, ReleaseStatus::Failed);
    assert_eq!(now.current().expect("one").version, deployed.version);
    // And what comes next is the next version.
    let back = next.release_slug(&fixture.owner, app, deployed.slug.expect("a slug"), None).await;
    assert_eq!(back.expect("released").version.to_string(), "v5");
}

#[tokio::test]
async fn a_collection_waits_for_a_build_between_its_first_blob_and_its_release() {
    let fixture = Fixture::with(|config| config.keep = 1).await;
    let app = fixture.create("shop").await.id;
    // Somebody's build has stored what no release names yet.
    let inside = fixture.releases.0.gate.enter().await;
    let dir = tempfile::tempdir().expect("a directory");
    std::fs::write(dir.path().join("index.html"), "unreleased").expect("written");
    let tree = cap_std::fs::Dir::open_ambient_dir(dir.path(), cap_std::ambient_authority()).expect("opened");
    let slug = Slug::pack(&fixture.rooms.store, tree, PackPlan::default()).await.expect("packed");
    let collection = fixture.releases.clone();
    let mut collection = fixture.releases.0.tasks.spawn(async move { collection.collect().await });
    // A whole deploy passes by while the collection waits.
    fixture.site_deployed(app, "one").await;
    assert!((&mut collection).now_or_never().is_none());
    assert!(fixture.rooms.store.contains(slug.digest()).await.expect("asked"));
    drop(inside);
    collection.await.expect("collected");
    assert!(!fixture.rooms.store.contains(slug.digest()).await.expect("asked"));
}

#[tokio::test]
async fn nobody_who_waits_for_a_turn_holds_up_a_collection() {
    let fixture = Fixture::new().await;
    let app = fixture.create("shop").await.id;
    let first = fixture.site_deployed(app, "one").await;
    let slug = first.slug.expect("a slug");
    fixture.site_deployed(app, "two").await;
    fixture.releases.collect().await;
    // Somebody's release phase.
    let turn = fixture.releases.0.turns.take(&app).await;
    let releases = &fixture.releases;
    let mut rollback = Box::pin(releases.rollback(&fixture.owner, app, first.version));
    let mut release = Box::pin(releases.release_slug(&fixture.owner, app, slug, None));
    assert!(rollback.as_mut().now_or_never().is_none() && release.as_mut().now_or_never().is_none());
    assert_eq!(fixture.releases.0.pins.slugs(), [fixture.app(app).slugs[&slug].digest]);
    drop(fixture.releases.0.gate.alone().now_or_never().expect("nobody is inside"));
    drop((rollback, release, turn));
    assert!(fixture.releases.0.pins.slugs().is_empty());
}

#[tokio::test]
async fn what_a_build_made_is_kept_while_it_waits_for_its_turn() {
    let fixture = Fixture::with(|config| config.keep = 1).await;
    let app = fixture.create("shop").await.id;
    let turn = fixture.releases.0.turns.take(&app).await;
    let deploy = fixture.deploy(&Fixture::site("one", None));
    let build = fixture.releases.deploy(&fixture.owner, app, deploy).await.expect("begun");
    let mut output = fixture.releases.output(OutputId::Build(build.id)).await.expect("an output");
    output.next().await.expect("a first line: the build is inside");
    // It ends although the build's turn does not come.
    fixture.releases.collect().await;
    assert_eq!(fixture.rooms.store.slugs().await.expect("listed").len(), 1);
    drop(turn);
    while output.next().await.is_some() {}
    let now = fixture.app(app);
    let current = now.current_slug().expect("it was released").digest;
    Slug::open(&fixture.rooms.store, &current).await.expect("there");
    fixture.releases.collect().await;
    assert_eq!(fixture.rooms.store.slugs().await.expect("listed"), [current]);
}
