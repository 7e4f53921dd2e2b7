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
    let address = ordered.body["attach_url"].as_str().expect("an address");
    let secret = &address[address.len() - 64..];
    let shown = ordered.shown().replace(&name, "run.4821").replace(secret, "[secret]");
    insta::assert_snapshot!(shown, @r#"
    201 {
      "app": {
        "id": "[id]",
        "name": "shop"
      },
      "attach_url": "rendezvous://localhost:8080/rendezvous-[secret]",
      "command": "python",
      "created_at": "2026-11-22T22:00:00Z",
      "id": "[id]",
      "name": "run.4821",
      "release": {
        "id": "[id]",
        "version": 3
      },
      "size": "Standard-2X",
      "state": "starting",
      "type": "run",
      "updated_at": "2026-11-22T22:00:00Z"
    }
    "#);
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
    insta::assert_snapshot!(answer.refusal(), @"426 upgrade_required: Ask over HTTP/1.1 with `Connection: upgrade` and `Upgrade: hokku-attach/1`.");
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
    insta::assert_snapshot!(door.post("/apps/shop/formations/run/actions/stop", json!({})).await.refusal(), @"404 not_found: Couldn't find that process type (run).");
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
    insta::assert_snapshot!(table.join("\n"), @r#"
    {"command":"python"}: 422 invalid_params: The app has no code yet, so there is nothing to run: deploy it first.
    {}: 422 invalid_params: `command` is required.
    {"command":"a && b"}: 422 invalid_params: `&&` is shell syntax; there is no shell in a dyno: put the first command into the release process type, or write a script in your app's language.
    {"command":"a; echo \"done: $?\""}: 422 invalid_params: `;` is shell syntax; there is no shell in a dyno: give each command a process type of its own, or write a script in your app's language.
    {"command":"a","size":"huge"}: 422 invalid_params: `huge` is not a dyno size; there are eco, basic, standard-1x, standard-2x, performance-m, performance-l.
    {"command":"a","type":"not a type"}: 422 invalid_params: `not a type` is not a process type: use 1 to 63 letters, digits, - and _, starting with a letter or digit.
    {"command":"a","type":"web"}: 422 invalid_params: A one-off dyno cannot be of the type web, whose dynos take requests: leave the type out.
    {"command":"a","env":["A"]}: 422 invalid_params: `env` must be an object.
    {"command":"a","env":{"A-B":"hunter2"}}: 422 invalid_params: `A-B` is not a config var: use letters, digits and _, not starting with a digit, at most 256 bytes.
    {"command":"a","env":{"A":["hunter2"]}}: 422 invalid_params: `env.A` must be a string or a number.
    {"attach":true,"attach_protocol":"ssh","command":"a"}: 422 invalid_params: `attach_protocol` must be hokku-attach/1, or left out for Heroku's rendezvous.
    {"command":"a","time_to_live":"long"}: 422 invalid_params: `time_to_live` must be a whole number.
    "#);
}
