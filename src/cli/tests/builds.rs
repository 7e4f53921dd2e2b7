use super::{
    objects::{build, release},
    stage::Stage,
};
use crate::cli::client::canned::Canned;
use serde_json::{Value, json};

const FIRST: &str = "3f2a91c0-0000-4000-8000-000000000001";
const SECOND: &str = "3f2a0000-0000-4000-8000-000000000002";

fn named(id: &str, status: &str, version: &str) -> Value {
    let mut build = build(status);
    build["id"] = id.into();
    build["source_blob"]["version"] = version.into();
    build
}

fn newest() -> Canned {
    let builds = [
        named(SECOND, "pending", "1a2b3c4d5e6f708090a0b0c0d0e0f00112233445"),
        named(FIRST, "succeeded", "v1\nforged"),
        named("00000000-0000-4000-8000-000000000003", "failed", ""),
    ];
    Canned::json("GET /apps/shop/builds", &json!(builds))
}

#[tokio::test]
async fn builds_are_listed() {
    let stage = Stage::with([newest()]).await;
    insta::assert_snapshot!(stage.typed("builds -a shop").await, @r"
    exit 0
    --- out
    === shop Builds

    3f2a0000  pending    1a2b3c4d5e6f708090a…  owner@localhost  2026/11/22 22:00:00 +0000 (~ 3m ago)
    3f2a91c0  succeeded  v1 forged             owner@localhost  2026/11/22 22:00:00 +0000 (~ 3m ago)
    00000000  failed                           owner@localhost  2026/11/22 22:00:00 +0000 (~ 3m ago)
    --- err
    ");
    insta::assert_snapshot!(stage.asked(), @"GET /apps/shop/builds [authorization: Bearer t0ken] [range: started_at ..; max=15, order=desc]");
    let none = Canned::json("GET /apps/shop/builds", &json!([]));
    insta::assert_snapshot!(Stage::with([none]).await.typed("builds -a shop").await, @r"
    exit 0
    --- out
    --- err
    ⬢ shop was never built; `hokku deploy -a shop` does it
    ");
    let told = Stage::with([newest()]).await.typed("builds -n 2 --json -a shop").await;
    assert_eq!(told.matches("\"output_stream_url\"").count(), 2, "{told}");
}

#[tokio::test]
async fn a_build_is_shown_by_the_beginning_of_its_id() {
    let stage = Stage::with([
        newest(),
        Canned::json("GET /apps/shop/releases/release-3", &release(3, "Deploy", "succeeded")),
    ])
    .await;
    insta::assert_snapshot!(stage.typed("builds:info 3f2a9 -a shop").await, @r"
    exit 0
    --- out
    === Build 3f2a91c0-0000-4000-8000-000000000001

    Status:     succeeded
    By:         owner@localhost
    When:       2026/11/22 22:00:00 +0000 (~ 3m ago)
    Buildpacks: detected
    Stack:      hokku-1
    Version:    v1 forged
    Release:    v3
    --- err
    ");
    insta::assert_snapshot!(Stage::with([newest()]).await.typed("builds info 3f2a -a shop").await, @r"
    exit 1
    --- out
    --- err
     !     the ids of several builds of shop begin with `3f2a`: give more of it
    ");
    insta::assert_snapshot!(Stage::with([newest()]).await.typed("builds info cafe -a shop").await, @r"
    exit 1
    --- out
    --- err
     !     shop has no build cafe; `hokku builds -a shop` lists them
    ");
    let mut chosen = named(FIRST, "failed", "x");
    chosen["buildpacks"] = json!([{ "name": "python", "url": "python" }]);
    let stage =
        Stage::with([Canned::json("GET /apps/shop/builds/3f2a91c0-0000-4000-8000-000000000001", &chosen)])
            .await;
    insta::assert_snapshot!(stage.words(&["builds", "info", FIRST, "-a", "shop"]).await, @r"
    exit 0
    --- out
    === Build 3f2a91c0-0000-4000-8000-000000000001

    Status:     failed
    By:         owner@localhost
    When:       2026/11/22 22:00:00 +0000 (~ 3m ago)
    Buildpacks: python
    Stack:      hokku-1
    Version:    x
    --- err
    ");
}

#[tokio::test]
async fn what_a_build_said_is_printed() {
    let stage = Stage::with([
        newest(),
        Canned::text("GET /outputs/build-1?secret=hush", "-----> Python app\u{1b}[2J\n"),
    ])
    .await;
    insta::assert_snapshot!(stage.typed("builds:output -a shop").await, @r"
    exit 0
    --- out
    -----> Python app
    --- err
    ");
    let gone =
        Canned::refusal("GET /outputs/build-1?secret=hush", 404, "not_found", "There is no output here.");
    insta::assert_snapshot!(Stage::with([newest(), gone]).await.typed("builds output 3f2a9 -a shop").await, @r"
    exit 1
    --- out
    --- err
     !     what build 3f2a91c0-0000-4000-8000-000000000001 said is gone: the output of an app's last 20 builds and release commands is kept
    ");
}

#[tokio::test]
async fn a_build_that_has_not_ended_is_cancelled() {
    let path = "GET /apps/shop/builds/3f2a0000-0000-4000-8000-000000000002";
    let stage = Stage::with([
        newest(),
        Canned::json(
            "DELETE /apps/shop/builds/3f2a0000-0000-4000-8000-000000000002",
            &named(SECOND, "pending", ""),
        ),
        Canned::json(path, &named(SECOND, "pending", "")),
        Canned::json(path, &named(SECOND, "failed", "")),
    ])
    .await;
    insta::assert_snapshot!(stage.typed("builds:cancel -a shop").await, @r"
    exit 0
    --- out
    --- err
    Cancelling build 3f2a0000-0000-4000-8000-000000000002 of ⬢ shop... done
    ");
    insta::assert_snapshot!(stage.asked(), @r"
    GET /apps/shop/builds [authorization: Bearer t0ken] [range: started_at ..; max=100, order=desc]
    DELETE /apps/shop/builds/3f2a0000-0000-4000-8000-000000000002 [authorization: Bearer t0ken]
    GET /apps/shop/builds/3f2a0000-0000-4000-8000-000000000002 [authorization: Bearer t0ken]
    GET /apps/shop/builds/3f2a0000-0000-4000-8000-000000000002 [authorization: Bearer t0ken]
    ");
    let ended = Canned::json("GET /apps/shop/builds", &json!([named(FIRST, "succeeded", "")]));
    insta::assert_snapshot!(Stage::with([ended]).await.typed("builds cancel -a shop").await, @r"
    exit 1
    --- out
    --- err
     !     no build of shop waits or runs: there is nothing to cancel
    ");
}
