//! Accounts, tokens, collaborators and transfers, as a client reads and changes them.

use super::door::{Answer, Door, FRIEND, OWNER};
use crate::access::ClientAddress;
use axum::{body::Body, http::Request};
use base64::{Engine as _, engine::general_purpose::STANDARD};
use serde_json::{Value, json};
use std::time::Duration;

async fn send(door: &Door, method: &str, path: &str, authorization: &str, body: &Value) -> Answer {
    let request = Request::builder().method(method).uri(path).header("authorization", authorization);
    let body = if body.is_null() { String::new() } else { body.to_string() };
    let mut request = request.body(Body::from(body)).expect("a request");
    request.extensions_mut().insert(ClientAddress([10, 0, 0, 1].into()));
    Answer::of(door.send(request).await).await
}

/// What `heroku login -i` sends.
async fn log_in(door: &Door, email: &str, password: &str) -> Answer {
    let basic = format!("Basic {}", STANDARD.encode(format!("{email}:{password}")));
    let body =
        json!({ "description": "Heroku CLI login from box", "expires_in": 2_592_000, "scope": ["global"] });
    send(door, "POST", "/oauth/authorizations", &basic, &body).await
}

/// The answer with the token's text left out.
fn without_token(mut answer: Answer) -> String {
    if let Some(token) = answer.body.pointer_mut("/access_token/token") {
        let text = token.as_str().unwrap_or_default();
        *token = format!("{} of {} characters", &text[..6.min(text.len())], text.len()).into();
    }
    answer.shown()
}

async fn with_ada() -> Door {
    let door = Door::open().await;
    let body = json!({ "email": "ada@example.com", "password": "correct horse" });
    let made = door.post("/accounts", body).await;
    insta::assert_snapshot!("created_account", made.shown());
    door
}

#[tokio::test]
async fn a_password_gives_a_token_and_logging_out_takes_it_back() {
    let door = with_ada().await;
    let login = log_in(&door, "Ada@example.com", "correct horse").await;
    let token = login.body["access_token"]["token"].as_str().expect("a token").to_owned();
    assert_eq!(login.header("ratelimit-remaining"), "4499");
    insta::assert_snapshot!("login", without_token(login));
    let bearer = format!("Bearer {token}");
    let ask = async |method: &str, path: &str| send(&door, method, path, &bearer, &Value::Null).await;
    assert_eq!(ask("GET", "/account").await.body["email"], "ada@example.com");
    // What `heroku logout` asks, in its order.
    insta::assert_snapshot!(ask("DELETE", "/oauth/sessions/~").await.shown(), @r#"
    404 {
      "id": "not_found",
      "message": "Couldn't find that session.",
      "resource": "session"
    }
    "#);
    let list = ask("GET", "/oauth/authorizations").await;
    let hint = list.body[0]["access_token"]["token"].as_str().expect("a hint").to_owned();
    let (beginning, end) = hint.split_once("**********").expect("redacted");
    assert!(token.starts_with(beginning) && token.ends_with(end) && hint.len() < 25, "{hint}");
    insta::assert_snapshot!(ask("GET", "/oauth/authorizations/~").await.shown(), @r#"
    404 {
      "id": "not_found",
      "message": "Couldn't find that authorization.",
      "resource": "authorization"
    }
    "#);
    let own = format!("/oauth/authorizations/{}", list.body[0]["id"].as_str().expect("an id"));
    assert_eq!(ask("DELETE", &own).await.status, 200);
    assert_eq!(ask("GET", "/account").await.status, 401);
}

#[tokio::test]
async fn a_wrong_password_is_refused_and_slowed_down() {
    let door = with_ada().await;
    let known = log_in(&door, "ada@example.com", "guess").await;
    let unknown = log_in(&door, "eve@example.com", "guess").await;
    assert_eq!(known.refusal(), "401 unauthorized: Invalid credentials provided.");
    assert_eq!(known.shown(), unknown.shown());
    for _ in 0..5 {
        log_in(&door, "ada@example.com", "guess").await;
    }
    let slowed = log_in(&door, "ada@example.com", "correct horse").await;
    insta::assert_snapshot!(slowed.refusal(), @"429 rate_limit: Too many failed attempts. Try again in 1 s.");
    assert_eq!(slowed.header("retry-after"), "1");
    assert_eq!(door.get("/account").await.status, 200, "a token is not slowed");
    door.clock.advance(Duration::from_secs(1));
    assert_eq!(log_in(&door, "ada@example.com", "correct horse").await.status, 201);
    let nothing = Request::post("/oauth/authorizations").body(Body::empty()).expect("a request");
    let nothing = Answer::of(door.send(nothing).await).await;
    assert_eq!(nothing.header("www-authenticate"), r#"Basic realm="Hokku""#);
}

#[tokio::test]
async fn tokens_are_listed_without_their_text_and_can_be_made_anew() {
    let door = Door::open().await;
    let body = json!({ "description": "to look", "expires_in": 3600, "scope": ["read", "identity"] });
    let made = door.post("/oauth/authorizations", body).await;
    let (id, token) = (made.body["id"].clone(), made.body["access_token"]["token"].clone());
    let path = format!("/oauth/authorizations/{}", id.as_str().expect("an id"));
    insta::assert_snapshot!("authorization", door.get(&path).await.shown());
    let bearer = format!("Bearer {}", token.as_str().expect("a token"));
    assert_eq!(send(&door, "GET", "/apps", &bearer, &Value::Null).await.status, 200);
    let again = door.post(&format!("{path}/actions/regenerate-tokens"), json!({})).await;
    assert_eq!((again.status.as_u16(), &again.body["id"]), (200, &id));
    assert_ne!(again.body["access_token"]["token"], token);
    assert_eq!(send(&door, "GET", "/apps", &bearer, &Value::Null).await.status, 401);
    assert_eq!(door.get("/oauth/authorizations").await.body.as_array().map(Vec::len), Some(2));
    door.clock.advance(Duration::from_hours(1));
    assert_eq!(door.get("/oauth/authorizations").await.body.as_array().map(Vec::len), Some(1));
    let usual = door.post("/oauth/authorizations", json!({})).await.body;
    assert_eq!((&usual["scope"], &usual["access_token"]["expires_in"]), (&json!(["global"]), &Value::Null));
}

#[tokio::test]
async fn accounts_are_the_platforms_owners() {
    let door = with_ada().await;
    let list = door.get("/accounts").await;
    assert_eq!(list.header("accept-ranges"), "id, email");
    let emails = door.ask(Request::get("/accounts").header("range", "email .."), "").await.body;
    let emails: Vec<_> = emails.as_array().expect("a list").iter().map(|row| row["email"].clone()).collect();
    assert_eq!(emails, ["ada@example.com", "friend@example.com", "owner@example.com"]);
    let set = door.patch("/accounts/ada@example.com", json!({ "password": "battery staple" })).await;
    assert_eq!(set.status, 200, "{}", set.body);
    let login = log_in(&door, "ada@example.com", "battery staple").await;
    let bearer = format!("Bearer {}", login.body["access_token"]["token"].as_str().expect("a token"));
    let change = async |body: Value| send(&door, "PATCH", "/account", &bearer, &body).await;
    let wrong = change(json!({ "password": "guess", "new_password": "correct horse" })).await;
    insta::assert_snapshot!(wrong.refusal(), @"422 invalid_params: The old password is wrong.");
    let changed = change(json!({ "password": "battery staple", "new_password": "correct horse" })).await;
    assert_eq!((changed.status.as_u16(), &changed.body["email"]), (200, &json!("ada@example.com")));
    assert_eq!(log_in(&door, "ada@example.com", "correct horse").await.status, 201);

    let app = send(&door, "POST", "/apps", &bearer, &json!({ "name": "shop" })).await;
    assert_eq!(app.status, 201);
    let refused = door.delete("/accounts/ada@example.com").await;
    insta::assert_snapshot!(refused.refusal(), @"422 invalid_params: The account ada@example.com owns the app shop; transfer or destroy what it owns first.");
    let transfer = json!({ "app": "shop", "recipient": "friend@example.com" });
    let transfer = send(&door, "POST", "/account/app-transfers", &bearer, &transfer).await;
    insta::assert_snapshot!("app_transfer", transfer.shown());
    assert_eq!(door.get("/account/app-transfers").await.body, json!([]));
    assert_eq!(door.delete("/accounts/ada@example.com").await.body["email"], "ada@example.com");
    assert_eq!(send(&door, "GET", "/account", &bearer, &Value::Null).await.status, 401);
    // What they did stays theirs.
    let releases = door.get("/apps/shop/releases").await.body;
    assert_eq!(releases[0]["user"]["email"], "ada@example.com");
    assert_eq!(door.get("/apps/shop").await.body["owner"]["email"], "friend@example.com");
}

#[tokio::test]
async fn a_collaborator_works_on_an_app() {
    let door = Door::open().await;
    door.create_shop().await;
    let friend = format!("Bearer {FRIEND}");
    let see = async || send(&door, "GET", "/apps/shop", &friend, &Value::Null).await.status;
    assert_eq!(see().await, 404);
    let body = json!({ "user": "friend@example.com", "silent": true });
    let added = door.post("/apps/shop/collaborators", body.clone()).await;
    insta::assert_snapshot!("collaborator", added.shown());
    assert_eq!(see().await, 200);
    let names = send(&door, "GET", "/apps", &friend, &Value::Null).await.body;
    assert_eq!(names[0]["name"], "shop");
    let refusals = [
        door.post("/apps/shop/collaborators", body).await,
        door.post("/apps/shop/collaborators", json!({ "user": "nobody@example.com" })).await,
        door.post("/apps/shop/collaborators", json!({})).await,
        door.delete("/apps/shop/collaborators/owner@example.com").await,
        send(&door, "DELETE", "/apps/shop", &friend, &Value::Null).await,
        send(&door, "PATCH", "/apps/shop", &friend, &json!({ "name": "mine" })).await,
        door.post("/accounts", json!({ "email": "Friend@example.com" })).await,
        door.post("/accounts", json!({ "email": "friend" })).await,
        door.post("/accounts", json!({ "email": "new@example.com", "password": "short" })).await,
        door.delete("/accounts/owner@example.com").await,
        send(&door, "GET", "/accounts", &friend, &Value::Null).await,
        door.post("/oauth/authorizations", json!({ "scope": ["all"] })).await,
        door.post("/oauth/authorizations", json!({ "expires_in": 0 })).await,
    ];
    insta::assert_snapshot!("account_refusals", refusals.map(|answer| answer.refusal()).join("\n"));
    // As `heroku apps:leave` writes it.
    let left = send(&door, "DELETE", "/apps/shop/collaborators/friend%40example.com", &friend, &Value::Null);
    assert_eq!(left.await.body["user"]["email"], "friend@example.com");
    assert_eq!(see().await, 404);
    let owner = format!("Bearer {OWNER}");
    assert_eq!(send(&door, "GET", "/apps/shop/collaborators", &owner, &Value::Null).await.status, 200);
}

#[tokio::test]
async fn what_is_refused_is_in_the_ledger_and_a_missing_token_is_no_refusal() {
    let door = Door::open().await;
    door.create_shop().await;
    let before = door.rooms.ledger.state().head;
    let friend = format!("Bearer {FRIEND}");
    for (path, status) in [("/apps/shop", 404), ("/apps/nosuch", 404), ("/accounts", 403)] {
        assert_eq!(send(&door, "GET", path, &friend, &Value::Null).await.status.as_u16(), status);
    }
    for none in ["", "Bearer undefined"] {
        assert_eq!(send(&door, "GET", "/apps/shop", none, &Value::Null).await.status, 401);
    }
    assert_eq!(send(&door, "GET", "/apps/shop", "Bearer guess", &Value::Null).await.status, 401);
    door.rooms.doorkeeper.close().await;
    assert_eq!(door.rooms.ledger.state().head - before, 3, "an app that is there, accounts, a wrong token");
}
