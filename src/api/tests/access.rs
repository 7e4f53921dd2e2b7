//! Who may see what, and how often.

use super::door::{Answer, Door, FRIEND, GUEST, OWNER};
use crate::api::ApiLimits;
use axum::{body::Body, http::Request};
use base64::{Engine as _, engine::general_purpose::STANDARD};
use serde_json::json;
use std::time::Duration;

async fn as_of(door: &Door, authorization: &str, path: &str) -> Answer {
    let request = Request::get(path).header("authorization", authorization);
    Answer::of(door.send(request.body(Body::empty()).expect("a request")).await).await
}

#[tokio::test]
async fn a_token_is_taken_as_bearer_and_as_password_and_nothing_else_is() {
    let door = Door::open().await;
    let basic = |user: &str, token: &str| format!("Basic {}", STANDARD.encode(format!("{user}:{token}")));
    for good in [format!("Bearer {OWNER}"), basic("", OWNER), basic("someone@example.com", OWNER)] {
        assert_eq!(as_of(&door, &good, "/account").await.status, 200, "{good}");
    }
    for bad in ["Bearer undefined", "Bearer ", "", "Basic x", &basic(OWNER, ""), &format!("Token {OWNER}")] {
        let answer = as_of(&door, bad, "/account").await;
        assert_eq!(answer.refusal(), "401 unauthorized: Invalid credentials provided.", "{bad}");
        assert_eq!(answer.header("www-authenticate"), r#"Basic realm="Hokku""#);
    }
    let none =
        Answer::of(door.send(Request::get("/apps").body(Body::empty()).expect("a request")).await).await;
    assert_eq!(none.status, 401);
}

#[tokio::test]
async fn an_app_is_its_owners_and_the_platforms_owners() {
    let door = Door::open().await;
    door.create_shop().await;
    let friend = format!("Bearer {FRIEND}");
    for path in ["/apps/shop", "/apps/shop/config-vars", "/apps/shop/releases/1", "/apps/shop/dynos"] {
        let answer = as_of(&door, &friend, path).await;
        assert_eq!(answer.refusal(), "404 not_found: Couldn't find that app.", "{path}");
        assert_eq!(answer.body["resource"], "app");
    }
    assert_eq!(as_of(&door, &friend, "/apps").await.body, json!([]));
    assert_eq!(as_of(&door, &friend, "/users/owner@example.com").await.status, 404);
    let create = Request::post("/apps").header("authorization", &friend);
    let created = door.send(create.body(Body::from(r#"{"name":"friends"}"#)).expect("a request")).await;
    assert_eq!(created.status(), 201);
    let names = door.get("/apps").await.body;
    assert_eq!(names.as_array().map(Vec::len), Some(2), "the platform's owner sees both: {names}");
    let of_friend = door.get("/users/friend@example.com/apps").await.body;
    assert_eq!(of_friend[0]["name"], "friends");
}

#[tokio::test]
async fn who_asks_too_often_is_told_to_wait() {
    let door = Door::open_with(|config| {
        config.limits = ApiLimits { requests_at_once: 2, requests_per_minute: 60, ..ApiLimits::default() }
    })
    .await;
    assert_eq!(door.get("/account").await.header("ratelimit-remaining"), "1");
    assert_eq!(door.get("/account").await.header("ratelimit-remaining"), "0");
    let refused = door.get("/account").await;
    insta::assert_snapshot!(refused.refusal(), @"429 rate_limit: Your account reached the API rate limit. Please wait a few minutes before making new requests.");
    assert_eq!(refused.header("ratelimit-remaining"), "0");
    door.clock.advance(Duration::from_secs(1));
    assert_eq!(door.get("/account").await.status, 200);
}

#[tokio::test]
async fn a_token_ends_at_its_time() {
    let door = Door::open().await;
    let guest = format!("Bearer {GUEST}");
    door.clock.advance(Duration::from_mins(59));
    assert_eq!(as_of(&door, &guest, "/account").await.body["email"], "friend@example.com");
    door.clock.advance(Duration::from_mins(1));
    assert_eq!(as_of(&door, &guest, "/account").await.status, 401);
}
