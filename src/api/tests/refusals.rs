//! What is refused, with which words; and the headers that every answer has.

use super::door::Door;
use axum::http::Request;
use serde_json::json;

#[tokio::test]
async fn every_refusal_has_its_status_id_and_message() {
    let door = Door::open().await;
    door.create_shop().await;
    door.release_page().await;
    let mut table = Vec::new();
    for path in [
        "/nosuch",
        "/apps/nosuch",
        "/apps/shop/releases/9",
        "/apps/shop/builds/9",
        "/apps/shop/slugs/9",
        "/apps/shop/dynos/web.9",
        "/apps/shop/domains/nosuch",
        "/apps/shop/formation/nosuch",
        "/apps/shop/features/preboot",
        "/apps/shop/pipeline-couplings",
        "/apps/shop/collaborators/nobody",
        "/users/nobody",
        "/logplex/0000",
        "/streams/builds/0000/0000",
    ] {
        table.push(format!("GET {path}: {}", door.get(path).await.refusal()));
    }
    for (path, body) in [
        ("/apps", json!({ "name": "Shop!" })),
        ("/apps", json!({ "name": "shop" })),
        ("/apps", json!({ "name": "api" })),
        ("/apps", json!({ "name": 5 })),
        ("/apps", json!({ "region": "mars" })),
        ("/apps", json!({ "stack": { "name": "heroku-24" } })),
        ("/apps/shop/releases", json!({})),
        ("/apps/shop/releases", json!({ "slug": "9" })),
        ("/apps/shop/releases", json!({ "release": "v1" })),
        ("/apps/shop/releases", json!({ "release": "v9" })),
        ("/apps/shop/builds", json!({})),
        ("/apps/shop/builds", json!({ "source_blob": { "url": "https://example.com/a.tgz" } })),
        ("/apps/shop/slugs", json!({})),
        ("/apps/shop/domains", json!({ "sni_endpoint": null })),
        ("/apps/shop/domains", json!({ "hostname": "x.localhost" })),
        ("/apps/shop/log-sessions", json!({ "source": "mars" })),
        ("/apps/shop/log-sessions", json!({ "lines": -1 })),
    ] {
        table.push(format!("POST {path} {body}: {}", door.post(path, body.clone()).await.refusal()));
    }
    for (path, body) in [
        ("/apps/shop", json!({ "maintenance": "yes" })),
        ("/apps/shop/config-vars", json!({ "A-B": "hunter2" })),
        ("/apps/shop/config-vars", json!({ "A": 5 })),
        ("/apps/shop/formation", json!({})),
        ("/apps/shop/formation", json!({ "updates": [{ "quantity": 1 }] })),
        ("/apps/shop/formation", json!({ "updates": [{ "type": "nosuch", "quantity": 1 }] })),
        ("/apps/shop/formation/web", json!({ "quantity": "101" })),
        ("/apps/shop/formation/web", json!({ "quantity": "many" })),
        ("/apps/shop/formation/web", json!({ "size": "huge" })),
    ] {
        table.push(format!("PATCH {path} {body}: {}", door.patch(path, body.clone()).await.refusal()));
    }
    let path = "/apps/shop/buildpack-installations";
    for body in [
        json!({}),
        json!({ "updates": [{}] }),
        json!({ "updates": [{ "buildpack": "cobol" }] }),
        json!({ "updates": [{ "buildpack": "https://example.com/a.git" }] }),
        json!({ "updates": [{ "buildpack": "./wasm" }] }),
        json!({ "updates": [{ "buildpack": "wasm" }, { "buildpack": "heroku/wasm" }] }),
    ] {
        let answer = door.ask(Request::put(path), body.to_string()).await;
        table.push(format!("PUT {path} {body}: {}", answer.refusal()));
    }
    table.push(format!("PUT /apps: {}", door.ask(Request::put("/apps"), "").await.refusal()));
    table.push(format!(
        "DELETE heroku domain: {}",
        door.delete("/apps/shop/domains/shop.localhost").await.refusal()
    ));
    table.push(format!("POST not JSON: {}", door.ask(Request::post("/apps"), "{\"name\":").await.refusal()));
    table.push(format!("POST an array: {}", door.ask(Request::post("/apps"), "[]").await.refusal()));
    let long = format!("{{\"name\": \"{}\"}}", "x".repeat(1 << 20));
    table.push(format!("POST too much: {}", door.ask(Request::post("/apps"), long).await.refusal()));
    insta::assert_snapshot!("table", table.join("\n"));
}

#[tokio::test]
async fn every_answer_has_the_headers_of_the_platform_api() {
    let door = Door::open().await;
    let id = "67e55044-10b1-426f-9247-bb680e5fe0c8";
    let answer = door.ask(Request::get("/account").header("request-id", id), "").await;
    assert_eq!(answer.header("request-id"), id);
    assert_eq!(answer.header("cache-control"), "private, no-cache");
    assert_eq!(answer.header("content-type"), "application/json");
    assert_eq!(answer.header("ratelimit-remaining"), "4499");
    let other = door.get("/nosuch").await;
    assert_eq!(other.header("request-id").len(), 36);

    let tag = answer.header("etag").to_owned();
    let same = door.ask(Request::get("/account").header("if-none-match", format!("\"x\", {tag}")), "").await;
    assert_eq!((same.status.as_u16(), same.header("etag")), (304, tag.as_str()));
    let changed = door.ask(Request::get("/account").header("if-none-match", "\"x\""), "").await;
    assert_eq!(changed.status, 200);
}

#[tokio::test]
async fn accept_is_looked_at() {
    let door = Door::open().await;
    for accept in ["*/*", "application/json", "application/vnd.heroku+json; version=3.sdk"] {
        assert_eq!(
            door.ask(Request::get("/apps").header("accept", accept), "").await.status,
            200,
            "{accept}"
        );
    }
    let refused = door.ask(Request::get("/apps").header("accept", "text/html"), "").await;
    insta::assert_snapshot!(refused.refusal(), @"406 not_acceptable: Only `Accept: application/vnd.heroku+json; version=3` can be answered.");
}

#[tokio::test]
async fn lists_are_cut_into_pages() {
    let door = Door::open().await;
    for name in ["ant", "bee", "cat", "dog"] {
        assert_eq!(door.post("/apps", json!({ "name": name })).await.status, 201);
    }
    let page = |range: String| {
        let door = &door;
        async move { door.ask(Request::get("/apps").header("range", range), "").await }
    };
    let first = page("name ..; max=3, order=desc".to_owned()).await;
    assert_eq!(first.status, 206);
    assert_eq!(first.header("accept-ranges"), "id, name, updated_at");
    assert_eq!(first.header("content-range"), "name dog..bee");
    insta::assert_snapshot!(first.header("next-range"), @"name ]bee..; max=3, order=desc");
    let last = page(first.header("next-range").to_owned()).await;
    assert_eq!((last.status.as_u16(), last.header("next-range")), (200, ""));
    assert_eq!((last.body.as_array().map(Vec::len), &last.body[0]["name"]), (Some(1), &json!("ant")));
    assert_eq!(page("updated_at ..; max=2".to_owned()).await.body.as_array().map(Vec::len), Some(2));
    assert_eq!(page("size ..".to_owned()).await.status, 416);
    assert_eq!(page("name ..; max=0".to_owned()).await.status, 416);
    assert_eq!(page(String::new()).await.status, 200);

    let releases = door
        .ask(Request::get("/apps/ant/releases").header("range", "version ..; order=desc,max=1"), "")
        .await;
    assert_eq!((&releases.body[0]["version"], releases.header("content-range")), (&json!(2), "version 2..2"));
}

#[tokio::test]
async fn a_platform_that_stops_says_so() {
    let door = Door::open().await;
    door.create_shop().await;
    door.rooms.ledger.close().await;
    let refused = door.patch("/apps/shop", json!({ "maintenance": true })).await;
    insta::assert_snapshot!(refused.refusal(), @"503 service_unavailable: The platform is stopping; try again when it is back.");
    assert_eq!(door.get("/apps/shop").await.body["maintenance"], false);
}
