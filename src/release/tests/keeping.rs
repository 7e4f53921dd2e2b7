use super::fixture::{Fixture, config};
use crate::ledger::BuildStatus;
use crate::release::{OutputId, ReleaseError, Releases};
use crate::slug::Slug;

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
