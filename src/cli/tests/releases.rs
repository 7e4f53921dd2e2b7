use super::{objects::release, stage::Stage};
use crate::cli::client::canned::Canned;
use serde_json::{Value, json};

fn newest() -> Value {
    json!([
        release(6, "Deploy 1a2b3c4d", "failed"),
        release(5, "Set GREETING config vars", "succeeded"),
        release(4, "Deploy 5e6f7a8b", "succeeded"),
        release(3, "Deploy 9c0d1e2f", "succeeded"),
        release(2, "Enable Logplex", "succeeded"),
    ])
}

#[tokio::test]
async fn releases_are_listed() {
    let stage = Stage::with([Canned::json("GET /apps/shop/releases", &newest())]).await;
    insta::assert_snapshot!(stage.typed("releases -a shop").await, @r"
    exit 0
    --- out
    === shop Releases - Current: v5

    v6  Deploy 1a2b3c4d (release command failed)  owner@localhost  2026/11/22 22:00:00 +0000 (~ 3m ago)
    v5  Set GREETING config vars                  owner@localhost  2026/11/22 22:00:00 +0000 (~ 3m ago)
    v4  Deploy 5e6f7a8b                           owner@localhost  2026/11/22 22:00:00 +0000 (~ 3m ago)
    v3  Deploy 9c0d1e2f                           owner@localhost  2026/11/22 22:00:00 +0000 (~ 3m ago)
    v2  Enable Logplex                            owner@localhost  2026/11/22 22:00:00 +0000 (~ 3m ago)
    --- err
    ");
    insta::assert_snapshot!(stage.asked(), @"GET /apps/shop/releases [authorization: Bearer t0ken] [range: version ..; max=15, order=desc]");
}

#[tokio::test]
async fn a_description_is_one_line_of_moderate_length() {
    let forged = release(6, "Deploy\nv9  Deploy  owner@localhost", "succeeded");
    let long = release(7, &"x".repeat(70_000), "failed");
    let stage = Stage::with([Canned::json("GET /apps/shop/releases", &json!([long, forged]))]).await;
    insta::assert_snapshot!(stage.typed("releases -a shop").await, @r"
    exit 0
    --- out
    === shop Releases

    v7  xxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxx… (release command failed)  owner@localhost  2026/11/22 22:00:00 +0000 (~ 3m ago)
    v6  Deploy v9  Deploy  owner@localhost                            owner@localhost  2026/11/22 22:00:00 +0000 (~ 3m ago)
    --- err
    ");
}

#[tokio::test]
async fn no_more_releases_are_taken_than_asked_for() {
    let page = Canned::json("GET /apps/shop/releases", &newest())
        .with_status(206)
        .with_header("next-range", "version ]2..; max=2");
    let stage = Stage::with([page]).await;
    let told = stage.typed("releases -n 2 --json -a shop").await;
    assert_eq!(told.matches("\"version\"").count(), 2, "{told}");
    insta::assert_snapshot!(stage.asked(), @"GET /apps/shop/releases [authorization: Bearer t0ken] [range: version ..; max=2, order=desc]");
}

#[tokio::test]
async fn a_rollback_goes_to_the_release_before() {
    let stage = Stage::with([
        Canned::json("GET /apps/shop/releases", &newest()),
        Canned::json("POST /apps/shop/releases", &release(7, "Rollback to v4", "succeeded")).with_status(201),
    ])
    .await;
    insta::assert_snapshot!(stage.typed("rollback -a shop").await, @r"
    exit 0
    --- out
    --- err
    Rolling back ⬢ shop to v4... done, v7
    ");
    insta::assert_snapshot!(stage.asked(), @r#"
    GET /apps/shop/releases [authorization: Bearer t0ken] [range: version ..; max=10, order=desc]
    POST /apps/shop/releases [authorization: Bearer t0ken] <- {"release":"release-4"}
    "#);
}

#[tokio::test]
async fn a_rollback_to_a_version_waits_for_its_release_command() {
    let stage = Stage::with([
        Canned::json("GET /apps/shop/releases/3", &release(3, "Deploy 9c0d1e2f", "succeeded")),
        Canned::json("POST /apps/shop/releases", &release(7, "Rollback to v3", "pending")).with_status(201),
        Canned::text("GET /outputs/release-7", "migrated\n"),
        Canned::json("GET /apps/shop/releases/release-7", &release(7, "Rollback to v3", "succeeded")),
    ])
    .await;
    insta::assert_snapshot!(stage.typed("releases:rollback v3 -a shop").await, @r"
    exit 0
    --- out
    --- err
    Rolling back ⬢ shop to v3... v7 pending
    Running the release command of v7
    migrated
    v7 is current
    ");
    insta::assert_snapshot!(stage.asked(), @r#"
    GET /apps/shop/releases/3 [authorization: Bearer t0ken]
    POST /apps/shop/releases [authorization: Bearer t0ken] <- {"release":"release-3"}
    GET /outputs/release-7
    GET /apps/shop/releases/release-7 [authorization: Bearer t0ken]
    "#);
}

#[tokio::test]
async fn without_an_earlier_release_there_is_no_way_back() {
    let stage =
        Stage::with([Canned::json("GET /apps/shop/releases", &json!([release(3, "Deploy", "succeeded")]))])
            .await;
    insta::assert_snapshot!(stage.typed("rollback -a shop").await, @r"
    exit 1
    --- out
    --- err
     !     shop has no earlier release to return to; `hokku releases -a shop` lists what there is
    ");
}

#[tokio::test]
async fn a_release_is_shown_with_its_config_vars() {
    let stage = Stage::with([
        Canned::json("GET /apps/shop/releases/5", &release(5, "Set GREETING config vars", "succeeded")),
        Canned::json("GET /apps/shop/releases/5/config-vars", &json!({ "GREETING": "hi", "B": "2" })),
    ])
    .await;
    insta::assert_snapshot!(stage.typed("releases:info v5 -a shop").await, @r"
    exit 0
    --- out
    === Release v5

    Change: Set GREETING config vars
    By:     owner@localhost
    When:   2026/11/22 22:00:00 +0000 (~ 3m ago)
    Status: current

    === v5 Config Vars

    B:        2
    GREETING: hi
    --- err
    ");
    let hidden = "You may not see config vars.";
    let stage = Stage::with([
        Canned::json("GET /apps/shop/releases", &json!([release(6, "Deploy", "failed")])),
        Canned::refusal("GET /apps/shop/releases/6/config-vars", 403, "forbidden", hidden),
    ])
    .await;
    insta::assert_snapshot!(stage.typed("releases info -a shop").await, @r"
    exit 0
    --- out
    === Release v6

    Change: Deploy
    By:     owner@localhost
    When:   2026/11/22 22:00:00 +0000 (~ 3m ago)
    Status: its release command failed
    --- err
    Its config vars are not shown: You may not see config vars.
    ");
    let one = Canned::json("GET /apps/shop/releases/6", &release(6, "Deploy", "failed"));
    let told = Stage::with([one]).await.typed("releases info 6 --json -a shop").await;
    assert!(told.contains("\"status\": \"failed\""), "{told}");
}

#[tokio::test]
async fn what_a_release_command_said_is_printed() {
    let pending = || Canned::json("GET /apps/shop/releases", &json!([release(7, "Deploy", "pending")]));
    let stage = Stage::with([pending(), Canned::text("GET /outputs/release-7", "migrating\n")]).await;
    insta::assert_snapshot!(stage.typed("releases:output -a shop").await, @r"
    exit 0
    --- out
    migrating
    --- err
    ");
    let gone = Canned::refusal("GET /outputs/release-7", 404, "not_found", "There is no output here.");
    insta::assert_snapshot!(Stage::with([pending(), gone]).await.typed("releases output -a shop").await, @r"
    exit 1
    --- out
    --- err
     !     what the release command of v7 said is gone: the output of an app's last 20 builds and release commands is kept
    ");
    let silent = Canned::json("GET /apps/shop/releases/4", &release(4, "Deploy", "succeeded"));
    insta::assert_snapshot!(Stage::with([silent]).await.typed("releases output v4 -a shop").await, @r"
    exit 0
    --- out
    --- err
    v4 has no release command, so nothing was said
    ");
}
