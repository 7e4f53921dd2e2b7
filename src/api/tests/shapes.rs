//! Each resource's shape, as a client reads it.

use super::door::Door;
use axum::http::Request;
use serde_json::json;

/// A door to a platform with an app that has run code, a config var, a domain and a failed lookup behind it.
async fn with_shop() -> Door {
    let door = Door::open().await;
    door.create_shop().await;
    door.release_page().await;
    door
}

#[tokio::test]
async fn account_and_limits() {
    let door = Door::open().await;
    insta::assert_snapshot!("account", door.get("/account").await.shown());
    insta::assert_snapshot!("rate_limits", door.get("/account/rate-limits").await.shown());
    assert_eq!(door.get("/users/~").await.body, door.get("/account").await.body);
    assert_eq!(door.get("/users/friend@example.com").await.body["email"], "friend@example.com");
}

#[tokio::test]
async fn an_app() {
    let door = Door::open().await;
    let created =
        door.post("/apps", json!({ "name": "shop", "region": "us", "stack": { "name": "hokku-1" } })).await;
    insta::assert_snapshot!("app", created.shown());
    assert_eq!(door.get("/apps/shop").await.body, created.body);
    let by_id = format!("/apps/{}", created.body["id"].as_str().expect("an id"));
    assert_eq!(door.get(&by_id).await.body, created.body);
    assert_eq!(door.get("/apps").await.body, json!([created.body]));
    assert_eq!(door.get("/users/~/apps").await.body, json!([created.body]));
}

#[tokio::test]
async fn releases_slugs_and_formation() {
    let door = with_shop().await;
    let releases = door.get("/apps/shop/releases").await;
    insta::assert_snapshot!("releases", releases.shown());
    let slug = releases.body[2]["slug"]["id"].as_str().expect("a slug").to_owned();
    insta::assert_snapshot!("slug", door.get(&format!("/apps/shop/slugs/{slug}")).await.shown());
    insta::assert_snapshot!("formation", door.get("/apps/shop/formation").await.shown());
    insta::assert_snapshot!("dynos", door.get("/apps/shop/dynos").await.shown());
    for release in ["3", "v3", releases.body[2]["id"].as_str().expect("an id")] {
        assert_eq!(
            door.get(&format!("/apps/shop/releases/{release}")).await.body,
            releases.body[2],
            "{release}"
        );
    }
    assert_eq!(door.get("/apps/shop/dynos/web.1").await.body, door.get("/apps/shop/dynos").await.body[0]);
    assert_eq!(
        door.get("/apps/shop/formation/web").await.body,
        door.get("/apps/shop/formation").await.body[0]
    );
}

#[tokio::test]
async fn domains_and_collaborators() {
    let door = Door::open().await;
    door.create_shop().await;
    let added =
        door.post("/apps/shop/domains", json!({ "hostname": "WWW.Example.com", "sni_endpoint": null })).await;
    insta::assert_snapshot!("domain", added.shown());
    insta::assert_snapshot!("own_domain", door.get("/apps/shop/domains/shop.localhost").await.shown());
    assert_eq!(door.get("/apps/shop/domains").await.body.as_array().map(Vec::len), Some(2));
    insta::assert_snapshot!("collaborators", door.get("/apps/shop/collaborators").await.shown());
}

#[tokio::test]
async fn buildpacks() {
    let door = Door::open().await;
    door.create_shop().await;
    let path = "/apps/shop/buildpack-installations";
    assert_eq!(door.get(path).await.body, json!([]));
    let updates =
        json!({ "updates": [{ "buildpack": "urn:buildpack:heroku/static" }, { "buildpack": "wasm" }] });
    let put = door.ask(Request::put(path).header("range", ""), updates.to_string()).await;
    insta::assert_snapshot!("buildpacks", put.shown());
    assert_eq!(door.get(path).await.body, put.body);
    let none = door.ask(Request::put(path), json!({ "updates": [] }).to_string()).await;
    assert_eq!((none.status.as_u16(), none.body), (200, json!([])));
}

#[tokio::test]
async fn sources_and_log_sessions() {
    let door = Door::open().await;
    door.create_shop().await;
    insta::assert_snapshot!("source", door.post("/sources", json!({})).await.shown());
    insta::assert_snapshot!(
        "log_session",
        door.post("/apps/shop/log-sessions", json!({ "lines": 5 })).await.shown()
    );
    insta::assert_snapshot!(
        "expected_slug",
        door.post("/apps/shop/slugs", json!({ "process_types": {}, "commit": "1a2b" })).await.shown()
    );
}

#[tokio::test]
async fn what_is_the_same_for_every_app() {
    let door = Door::open().await;
    for list in ["/regions", "/stacks", "/dyno-sizes"] {
        let answer = door.get(list).await;
        let one = &answer.body[0];
        for word in [&one["id"], &one["name"]] {
            let word = word.as_str().expect("a word");
            assert_eq!(door.get(&format!("{list}/{word}")).await.body, *one, "{list}/{word}");
        }
        assert_eq!(door.get(&format!("{list}/nosuch")).await.status, 404);
    }
    insta::assert_snapshot!("region", door.get("/regions/us").await.shown());
    insta::assert_snapshot!("stack", door.get("/stacks/hokku-1").await.shown());
    insta::assert_snapshot!("dyno_size", door.get("/dyno-sizes/Standard-2X").await.shown());
}

#[tokio::test]
async fn answers_are_the_same_after_a_restart() {
    let mut door = with_shop().await;
    door.patch("/apps/shop/config-vars", json!({ "A": "1" })).await;
    door.post("/apps/shop/domains", json!({ "hostname": "www.example.com" })).await;
    let paths = [
        "",
        "/config-vars",
        "/releases",
        "/formation",
        "/domains",
        "/collaborators",
        "/builds",
        "/releases/3",
    ];
    let mut before = Vec::new();
    for path in paths {
        before.push(door.get(&format!("/apps/shop{path}")).await.body);
    }
    door.router = door.reopened();
    door.clock.advance(std::time::Duration::from_hours(9));
    for (path, before) in paths.into_iter().zip(before) {
        assert_eq!(door.get(&format!("/apps/shop{path}")).await.body, before, "{path}");
    }
}
