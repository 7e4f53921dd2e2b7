//! One-off dynos: ordering, finding and stopping them. What is said over an attachment is a story.

use super::door::{Door, path_of};
use serde_json::{Value, json};

async fn shop() -> Door {
    let door = Door::open().await;
    door.create_shop().await;
    door.release_page().await;
    door
}

fn named(answer: &Value) -> String {
    answer["name"].as_str().expect("a name").to_owned()
}

#[tokio::test]
async fn a_dyno_waits_at_a_secret_address_for_the_client_that_ordered_it() {
    let door = shop().await;
    let order =
        json!({ "attach": true, "command": "python", "env": { "COLUMNS": 80 }, "size": "standard-2x" });
    let ordered = door.post("/apps/shop/dynos", order).await;
    let name = named(&ordered.body);
    let shown = ordered.shown().replace(&name, "run.4821");
    insta::assert_snapshot!(shown, @"");
    let path = format!("/apps/shop/dynos/{name}");
    let found = door.get(&path).await.body;
    assert_eq!((&found["attach_url"], &found["state"]), (&Value::Null, &json!("starting")), "it is secret");
    assert_eq!(door.post(&format!("{path}/actions/stop"), json!({})).await.status, 202);
    assert_eq!(door.get(&path).await.status, 404);
    assert_eq!(door.get("/apps/shop/dynos/web.1").await.body["state"], "up", "others stay");
}

#[tokio::test]
async fn our_client_attaches_over_http() {
    let door = shop().await;
    let order = json!({ "attach": true, "command": "python", "attach_protocol": "hokku-attach/1" });
    let ordered = door.post("/apps/shop/dynos", order).await;
    let path = path_of(&ordered.body["attach_url"]);
    assert!(path.starts_with("/attach/") && path.len() == 72, "{path}");
    let answer = door.get(&path).await;
    assert_eq!((answer.status.as_u16(), answer.header("upgrade")), (426, "hokku-attach/1"));
    insta::assert_snapshot!(answer.refusal(), @"");
    assert_eq!(door.delete(&format!("/apps/shop/dynos/{}", named(&ordered.body))).await.status, 202);
}

#[tokio::test]
async fn all_of_one_type_are_stopped_at_once() {
    let door = shop().await;
    for _ in 0..2 {
        assert_eq!(
            door.post("/apps/shop/dynos", json!({ "attach": true, "command": "x" })).await.status,
            201
        );
    }
    assert_eq!(door.post("/apps/shop/formations/run/actions/stop", json!({})).await.status, 202);
    let dynos = door.get("/apps/shop/dynos").await.body;
    assert_eq!(dynos.as_array().map(Vec::len), Some(1), "{dynos}");
    insta::assert_snapshot!(door.post("/apps/shop/formations/run/actions/stop", json!({})).await.refusal(), @"");
}

#[tokio::test]
async fn what_is_no_order_is_refused() {
    let door = Door::open().await;
    door.create_shop().await;
    let mut table = Vec::new();
    for order in [
        json!({ "command": "python" }),
        json!({}),
        json!({ "command": "a && b" }),
        json!({ "command": "a; echo \"done: $?\"" }),
        json!({ "command": "a", "size": "huge" }),
        json!({ "command": "a", "type": "not a type" }),
        json!({ "command": "a", "type": "web" }),
        json!({ "command": "a", "env": ["A"] }),
        json!({ "command": "a", "env": { "A-B": "hunter2" } }),
        json!({ "command": "a", "env": { "A": ["hunter2"] } }),
        json!({ "command": "a", "attach": true, "attach_protocol": "ssh" }),
        json!({ "command": "a", "time_to_live": "long" }),
    ] {
        let refusal = door.post("/apps/shop/dynos", order.clone()).await.refusal();
        table.push(format!("{order}: {refusal}"));
    }
    insta::assert_snapshot!(table.join("\n"), @"");
}
