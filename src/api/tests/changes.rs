//! What changes what.

use super::door::{Door, OWNER};
use axum::{body::Body, http::Request};
use futures_util::FutureExt as _;
use serde_json::{Value, json};

fn of(list: &Value, name: &str) -> Vec<Value> {
    list.as_array().expect("a list").iter().map(|row| row[name].clone()).collect()
}

#[tokio::test]
async fn config_vars_are_set_and_unset_with_a_release_each() {
    let door = Door::open().await;
    door.create_shop().await;
    let set = door.patch("/apps/shop/config-vars", json!({ "A": "1", "B": "two" })).await;
    assert_eq!((set.status.as_u16(), set.body), (200, json!({ "A": "1", "B": "two" })));
    let unset = door.patch("/apps/shop/config-vars", json!({ "A": null })).await;
    assert_eq!(unset.body, json!({ "B": "two" }));
    assert_eq!(door.get("/apps/shop/config-vars").await.body, json!({ "B": "two" }));
    assert_eq!(door.get("/apps/shop/releases/v3/config-vars").await.body, json!({ "A": "1", "B": "two" }));
    let releases = door.get("/apps/shop/releases").await.body;
    let said = ["Initial release", "Enable Logplex", "Set A, B config vars", "Remove A config vars"];
    assert_eq!(of(&releases, "description"), said);
    assert_eq!(of(&releases, "current"), [false, false, false, true]);
}

#[tokio::test]
async fn an_earlier_release_is_released_again() {
    let door = Door::open().await;
    door.create_shop().await;
    door.release_page().await;
    door.patch("/apps/shop/config-vars", json!({ "A": "1" })).await;
    let third = door.get("/apps/shop/releases/3").await.body;
    let back = door.post("/apps/shop/releases", json!({ "release": third["id"] })).await;
    assert_eq!((back.status.as_u16(), &back.body["version"]), (201, &json!(5)));
    assert_eq!((&back.body["description"], &back.body["slug"]), (&json!("Rollback to v3"), &third["slug"]));
    assert_eq!(door.get("/apps/shop/config-vars").await.body, json!({}));
}

#[tokio::test]
async fn dynos_are_scaled_by_every_way_of_saying_it() {
    let door = Door::open().await;
    door.create_shop().await;
    door.release_page().await;
    let scale = async |update: Value| {
        let updates = json!({ "updates": [update] });
        let answer = door.patch("/apps/shop/formation", updates).await;
        (answer.body[0]["quantity"].clone(), answer.body[0]["size"].clone())
    };
    assert_eq!(scale(json!({ "type": "web", "quantity": "2" })).await, (json!(2), json!("Standard-1X")));
    assert_eq!(
        scale(json!({ "type": "web", "quantity": "+1", "size": "standard-2x" })).await,
        (json!(3), json!("Standard-2X"))
    );
    assert_eq!(scale(json!({ "type": "web", "quantity": "-1" })).await, (json!(2), json!("Standard-2X")));
    let one = json!({ "quantity": 1, "dyno_size": { "name": "Basic" } });
    let one = door.patch("/apps/shop/formation/web", one).await.body;
    assert_eq!((&one["quantity"], &one["size"]), (&json!(1), &json!("Basic")));
    let before = door.get("/apps/shop").await.body;
    let updates =
        json!({ "updates": [{ "type": "web", "quantity": 5 }, { "type": "nosuch", "quantity": 1 }] });
    assert_eq!(door.patch("/apps/shop/formation", updates).await.status, 404);
    assert_eq!(door.get("/apps/shop/formation").await.body[0]["quantity"], 1, "all or nothing");
    assert_eq!(door.get("/apps/shop").await.body, before);
}

#[tokio::test]
async fn dynos_are_restarted() {
    let door = Door::open().await;
    door.create_shop().await;
    door.release_page().await;
    for path in ["/apps/shop/dynos", "/apps/shop/dynos/web.1", "/apps/shop/formations/web"] {
        let answer = door.delete(path).await;
        assert_eq!((answer.status.as_u16(), answer.body), (202, json!({})), "{path}");
        door.settle(3).await;
    }
    for path in ["/apps/shop/dynos/web.1/actions/stop", "/apps/shop/formations/web/actions/stop"] {
        assert_eq!(door.post(path, json!({})).await.status, 202, "{path}");
        door.settle(3).await;
    }
    assert_eq!(door.delete("/apps/shop/formations/nosuch").await.status, 404);
}

#[tokio::test]
async fn an_app_is_renamed_put_into_maintenance_and_destroyed() {
    let door = Door::open().await;
    door.create_shop().await;
    let changed = door.patch("/apps/shop", json!({ "name": "store", "maintenance": true })).await.body;
    assert_eq!((&changed["name"], &changed["maintenance"]), (&json!("store"), &json!(true)));
    assert_eq!(changed["web_url"], "http://store.localhost:8080/");
    assert_eq!(door.get("/apps/shop").await.status, 404);
    let destroyed = door.delete("/apps/store").await;
    assert_eq!((destroyed.status.as_u16(), &destroyed.body["name"]), (200, &json!("store")));
    assert_eq!(door.get("/apps").await.body, json!([]));
}

#[tokio::test]
async fn a_domain_belongs_to_one_app() {
    let door = Door::open().await;
    door.create_shop().await;
    door.post("/apps", json!({ "name": "other" })).await;
    let www = json!({ "hostname": "www.example.com", "sni_endpoint": null });
    assert_eq!(door.post("/apps/shop/domains", www.clone()).await.status, 201);
    insta::assert_snapshot!(door.post("/apps/shop/domains", www.clone()).await.refusal(), @"422 invalid_params: Domain already added to this app.");
    insta::assert_snapshot!(door.post("/apps/other/domains", www.clone()).await.refusal(), @"422 invalid_params: www.example.com is currently in use by another app.");
    assert_eq!(door.delete("/apps/shop/domains/www.example.com").await.status, 200);
    assert_eq!(door.post("/apps/other/domains", www).await.status, 201);
}

#[tokio::test]
async fn a_change_goes_on_when_its_client_goes_away() {
    let door = Door::open().await;
    let create = Request::post("/apps").header("authorization", format!("Bearer {OWNER}"));
    let create = create.body(Body::from(r#"{"name":"shop"}"#)).expect("a request");
    // One poll: the change has begun when its client goes away.
    assert!(door.send(create).now_or_never().is_none());
    door.api.close().await;
    assert_eq!(door.get("/apps/shop").await.status, 200);
    let later = door.post("/apps", json!({ "name": "later" })).await;
    insta::assert_snapshot!(later.refusal(), @"503 service_unavailable: The platform is stopping; try again when it is back.");
}
