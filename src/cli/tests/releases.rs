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
