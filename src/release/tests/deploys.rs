use super::fixture::{Fixture, descriptions};
use crate::build::BuildJail;
use crate::ledger::{Actor, BuildStatus, ReleaseStatus};
use crate::name::{AccountId, AppName};
use crate::release::{OutputId, ReleaseError};
use crate::slug::Digest;
use futures_util::FutureExt as _;

/// The output without what differs from run to run.
fn steady(output: &str) -> String {
    let varies = |line: &&str| !line.contains("       Done") && !line.contains("Compiling");
    output.lines().filter(varies).collect::<Vec<_>>().join("\n")
}

#[tokio::test]
async fn a_deploy_goes_from_an_archive_to_dynos_that_are_up() {
    let fixture = Fixture::new().await;
    let app = fixture.create("shop").await;
    let (build, output) = fixture.deployed(app.id, fixture.deploy(&Fixture::site("one", None))).await;
    insta::assert_snapshot!(steady(&output), @r"
    -----> Building on the Hokku-1 stack
    -----> WebAssembly app detected
           Found bin/job.wat (2220 bytes)
           Found bin/spin.wat (80 bytes)
    -----> Discovering process types
           Procfile declares types -> web
    -----> Compressing...
    -----> Launching...
           Released v3
           http://shop.localhost:8080/ deployed to Hokku
    Verifying deploy... done.
    ");
    let app = fixture.app(app.id);
    assert_eq!(
        descriptions(&app),
        ["v1 Initial release Succeeded", "v2 Enable Logplex Succeeded", "v3 Deploy 1a2b3c4d Succeeded"]
    );
    let BuildStatus::Succeeded(slug) = build.status else { panic!("{:?}", build.status) };
    assert_eq!((app.releases[2].slug, build.release), (Some(slug), Some(app.releases[2].id)));
    assert_eq!(app.slugs[&slug].commit.as_deref(), Some("1a2b3c4d5e6f"));
    let log = fixture.log("shop").await;
    for line in [
        "app[api]: Initial release by user ada@example.com",
        "app[api]: Release v2 created by user ada@example.com",
        "app[api]: Build started by user ada@example.com",
        "app[api]: Build succeeded",
        "app[api]: Deploy 1a2b3c4d by user ada@example.com",
        "app[api]: Release v3 created by user ada@example.com",
        "heroku[build]: -----> Launching...",
    ] {
        assert!(log.iter().any(|there| there == line), "{line} in {log:#?}");
    }
    // Closing waits for what is removed in the background.
    fixture.releases.close().await;
    assert_eq!(fixture.left_in("uploads"), 0);
}

#[tokio::test]
async fn a_failed_build_says_why_and_leaves_the_release_as_it_is() {
    let fixture = Fixture::new().await;
    let app = fixture.create("shop").await;
    let nothing = [("./README".to_owned(), "hello".to_owned())];
    let (build, output) = fixture.deployed(app.id, fixture.deploy(&nothing)).await;
    let BuildStatus::Failed(reason) = &build.status else { panic!("{:?}", build.status) };
    assert!(reason.starts_with("no buildpack recognizes this app"), "{reason}");
    assert!(
        output.starts_with("-----> Building on the Hokku-1 stack\n !     no buildpack recognizes this app; looked for:\n !       "),
        "{output}"
    );
    assert_eq!(fixture.app(app.id).releases.len(), 2);
    let mut wrong = fixture.deploy(&Fixture::site("one", None));
    wrong.checksum = Some(format!("SHA256:{}", Digest::of(b"another").hex()));
    let (build, _) = fixture.deployed(app.id, wrong).await;
    assert!(
        matches!(&build.status, BuildStatus::Failed(why) if why.contains("checksum")),
        "{:?}",
        build.status
    );
    let outside = [("./a".to_owned(), String::new())];
    let mut archive = fixture.deploy(&outside);
    std::fs::write(archive.source.file.path(), "no archive").expect("written");
    archive.version = None;
    let (build, output) = fixture.deployed(app.id, archive).await;
    assert!(matches!(build.status, BuildStatus::Failed(_)));
    assert!(output.starts_with(" !     the source "), "{output}");
}

#[tokio::test]
async fn a_program_that_cannot_be_compiled_fails_the_build_and_leaves_no_slug() {
    let fixture = Fixture::new().await;
    let app = fixture.create("shop").await.id;
    let mut site = Fixture::site("one", None);
    // It is a program by its first bytes.
    site.push(("./bin/torn.wasm".to_owned(), "\0asm\u{1}\0\0\0torn".to_owned()));
    let (build, output) = fixture.deployed(app, fixture.deploy(&site)).await;
    let BuildStatus::Failed(reason) = &build.status else { panic!("{output}") };
    assert!(reason.contains("torn.wasm"), "{reason}");
    // The slug was stored by then; the collection that follows removes it.
    fixture.releases.0.tasks.close();
    fixture.releases.0.tasks.wait().await;
    assert!(fixture.rooms.store.slugs().await.expect("listed").is_empty());
    assert_eq!((fixture.left_in("uploads"), fixture.left_in("outputs")), (0, 1));
}

#[tokio::test]
async fn a_release_phase_decides_whether_a_release_becomes_current() {
    let fixture = Fixture::new().await;
    let app = fixture.create("shop").await.id;
    let (build, output) = fixture.deployed(app, fixture.deploy(&Fixture::site("one", Some("job")))).await;
    assert!(matches!(build.status, BuildStatus::Succeeded(_)));
    let phase = "-----> Running release command...\nerr\n       Released v3\n";
    assert!(output.contains(phase), "{output}");
    let log = fixture.log("shop").await.join("\n");
    let words = [
        "State changed from down to starting",
        "Starting process with command `job`",
        "Process exited with status 0",
        "State changed from up to complete",
    ];
    for words in words {
        assert!(log.contains(&format!("]: {words}")), "{words} in {log}");
    }

    let (build, output) =
        fixture.deployed(app, fixture.deploy(&Fixture::site("two", Some("job migrating")))).await;
    assert!(matches!(build.status, BuildStatus::Succeeded(_)), "the build itself succeeded, as on Heroku");
    let (_, phase) = output.split_once("-----> Running release command...\n").expect("a release phase");
    let mut lines: Vec<_> = phase.lines().collect();
    lines[..2].sort_unstable(); // two streams of one program
    insta::assert_snapshot!(lines.join("\n"), @r"
    err
    migrating
     !     Release command failed: the release command `job migrating` exited with status 1
     !     v4 is not released; what ran before goes on running.
    ");
    let now = fixture.app(app);
    assert_eq!(now.current().expect("one").version.to_string(), "v3");
    assert_eq!(now.releases[3].status, ReleaseStatus::Failed);
    let own = fixture.output(OutputId::Release(now.releases[3].id)).await;
    assert!(own.contains("migrating") && own.ends_with("exited with status 1\n"), "{own}");
}

#[tokio::test]
async fn a_build_that_waits_can_be_cancelled_and_others_go_on() {
    let fixture = Fixture::building(|builds| builds.at_once = 1).await;
    let app = fixture.create("shop").await.id;
    // Somebody else's build has the only slot.
    let queue = &fixture.releases.0.builds;
    let slot = queue.ask(app, &AppName::like("other")).expect("room");
    let deploy = || fixture.deploy(&Fixture::site("one", None));
    let first = fixture.releases.deploy(&fixture.owner, app, deploy()).await.expect("begun");
    let second = fixture.releases.deploy(&fixture.owner, app, deploy()).await.expect("begun");
    assert!(fixture.releases.cancel_build(first.id));
    let output = fixture.output(OutputId::Build(first.id)).await;
    insta::assert_snapshot!(output, @r"
    -----> Waiting for other builds to end: 1st in line; at most 1 runs at one time
     !     The build was cancelled.
    ");
    assert_eq!(fixture.build(app, first.id).status, BuildStatus::Failed("cancelled".to_owned()));
    assert!(!fixture.releases.cancel_build(first.id), "it has ended");
    drop(slot);
    fixture.output(OutputId::Build(second.id)).await;
    assert!(matches!(fixture.build(app, second.id).status, BuildStatus::Succeeded(_)));
    assert!(!fixture.releases.cancel_build(second.id));
}

#[tokio::test]
async fn closing_ends_what_is_under_way_and_refuses_what_comes() {
    let fixture = Fixture::new().await;
    let app = fixture.create("shop").await.id;
    let spin = fixture.deploy(&Fixture::site("one", Some("spin")));
    let build = fixture.releases.deploy(&fixture.owner, app, spin).await.expect("begun");
    fixture.until(app, |app| app.releases.len() == 3).await;
    fixture.releases.close().await;
    let now = fixture.app(app);
    assert_eq!(now.releases[2].status, ReleaseStatus::Failed);
    let output = fixture.output(OutputId::Build(build.id)).await;
    assert!(
        output.contains("Release command failed: the platform was stopped while the release command ran"),
        "{output}"
    );
    let refused = fixture.set(app, &[("A", Some("1"))]).await;
    assert!(matches!(refused, Err(ReleaseError::Stopping)));
    let refused = fixture.releases.deploy(&fixture.owner, app, fixture.deploy(&[])).await;
    assert!(matches!(refused, Err(ReleaseError::Stopping)));
}

#[tokio::test]
async fn only_the_owner_builds_unless_everybody_may() {
    let somebody = Actor::Account { id: AccountId::random(), email: "bob@example.com".to_owned() };
    let fixture = Fixture::new().await;
    let app = fixture.create("shop").await.id;
    let refused = fixture.releases.deploy(&somebody, app, fixture.deploy(&[])).await;
    assert!(matches!(refused, Err(ReleaseError::BuildNotAllowed)));
    let fixture = Fixture::building(|builds| builds.jail = BuildJail::None).await;
    let app = fixture.create("shop").await.id;
    fixture.releases.deploy(&somebody, app, fixture.deploy(&[])).await.expect("begun");
    fixture.releases.close().await;
}

#[tokio::test]
async fn a_client_that_goes_away_stops_nothing() {
    let fixture = Fixture::new().await;
    let app = fixture.create("shop").await.id;
    // Asked once and dropped: whatever had begun goes on.
    let asked = fixture.releases.deploy(&fixture.owner, app, fixture.deploy(&Fixture::site("one", None)));
    drop(asked.now_or_never());
    let now = fixture.until(app, |app| app.releases.len() == 3).await;
    assert_eq!(now.builds.len(), 1);
}

#[tokio::test]
async fn a_dyno_that_crashes_is_told_to_who_watches() {
    let fixture = Fixture::new().await;
    let app = fixture.create("shop").await.id;
    let mut site = Fixture::site("one", None);
    "web: static nowhere\n".clone_into(&mut site[0].1);
    let (build, output) = fixture.deployed(app, fixture.deploy(&site)).await;
    assert!(matches!(build.status, BuildStatus::Succeeded(_)), "{output}");
    assert!(
        output.ends_with("Verifying deploy... failed.\n !     web.1 crashed; see `hokku logs -a shop`\n"),
        "{output}"
    );
}

#[tokio::test]
async fn a_fault_of_the_host_is_the_operators_to_read() {
    let fixture = Fixture::new().await;
    let app = fixture.create("shop").await.id;
    fixture.deployed(app, fixture.deploy(&Fixture::site("one", Some("job")))).await;
    let slug = fixture.app(app).current_slug().expect("a slug").digest;
    // What is stored is damaged: the release command does not start.
    let manifest = fixture.dir.path().join(format!("slugs/slugs/{}.toml", slug.hex()));
    std::fs::write(&manifest, "damaged").expect("written");
    fixture.set(app, &[("A", Some("1"))]).await.expect("recorded");
    let failed = fixture.until_not_pending(app, "v4").await;
    let output = fixture.output(OutputId::Release(failed.id)).await;
    insta::assert_snapshot!(output, @" !     the release command `job` did not start: The platform could not run this. Its operator finds the reason in the platform's log.");
    // Sources have no directory any more: nothing is built.
    std::fs::remove_dir(fixture.dir.path().join("releases/sources")).expect("removed");
    let (build, output) = fixture.deployed(app, fixture.deploy(&Fixture::site("two", None))).await;
    insta::assert_snapshot!(output, @" !     The platform could not build this. Its operator finds the reason in the platform's log.");
    let hidden = "The platform could not build this. Its operator finds the reason in the platform's log.";
    assert_eq!(build.status, BuildStatus::Failed(hidden.to_owned()));
    let log = fixture.log("shop").await.join("\n");
    assert!(log.contains("Error: The platform could not run this."), "{log}");
    assert!(!log.contains(&fixture.dir.path().display().to_string()), "{log}");
}
