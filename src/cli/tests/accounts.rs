//! Logins, tokens, accounts and who works on an app.

use super::stage::Stage;
use crate::cli::client::canned::Canned;
use serde_json::{Value, json};

const ID: &str = "01234567-89ab-cdef-0123-456789abcdef";

fn token(description: &str, scope: &[&str], expires_in: Option<u64>, secret: Option<&str>) -> Value {
    json!({
        "access_token": { "expires_in": expires_in, "id": ID, "token": secret }, "client": null,
        "created_at": "2026-11-22T22:00:00Z", "description": description, "grant": null, "id": ID,
        "refresh_token": null, "scope": scope, "session": null, "updated_at": "2026-11-22T22:00:00Z",
        "user": { "email": "ada@example.com", "full_name": null, "id": ID },
    })
}

fn account(email: &str) -> Value {
    json!({ "email": email, "id": ID, "created_at": "2026-11-22T21:00:00Z", "verified": true })
}

/// The login of ada, whose token will be the one given.
fn login(secret: &str) -> Canned {
    let made = token("hokku login", &["global"], Some(2_592_000), Some(secret));
    Canned::json("POST /oauth/authorizations", &made).with_status(201)
}

/// The tokens of ada, with what the platform tells of the one in use.
fn tokens(hint: &str) -> Canned {
    let (mut own, other) =
        (token("hokku login", &["global"], None, Some(hint)), token("", &["read"], None, Some("")));
    own["id"] = "own".into();
    Canned::json("GET /oauth/authorizations", &json!([other, own]))
}

fn revoked() -> Canned {
    Canned::json("DELETE /oauth/authorizations/own", &json!({}))
}

async fn at_the_door(answers: impl IntoIterator<Item = Canned>) -> Stage {
    let mut stage = Stage::with(answers).await;
    stage.input = "hunter2\n";
    stage
}

const LOGIN: &str = "login --email ada@example.com --password-stdin";

#[tokio::test]
async fn a_login_keeps_a_token_and_tells_git() {
    let stage = at_the_door([login("HOKKU-new")]).await;
    insta::assert_snapshot!(stage.typed_with_netrc(LOGIN).await, @r"
    exit 0
    --- out
    --- err
    Logging in to http://ADDRESS... done, ada@example.com
    ");
    let asked = stage.asked();
    assert!(asked.contains("[authorization: Basic YWRhQGV4YW1wbGUuY29tOmh1bnRlcjI=]"), "{asked}");
    assert!(asked.contains(r#""expires_in":2592000,"scope":["global"]}"#), "{asked}");
    let kept = std::fs::read_to_string(stage.netrc().path()).expect("kept");
    insta::assert_snapshot!(stage.platform.redacted(&kept), @r"
    machine ADDRESS
      login ada@example.com
      password HOKKU-new
    ");
    insta::assert_snapshot!(stage.git(&["config", "--global", "--list"]), @r"
    credential.http://ADDRESS.helper=
    credential.http://ADDRESS.helper=!hokku git:credentials
    ");
}

#[tokio::test]
async fn the_login_before_ends_with_a_new_one() {
    let stage = at_the_door([login("HOKKU-old"), login("HOKKU-new"), tokens("HOKK****ld"), revoked()]).await;
    stage.typed_with_netrc(LOGIN).await;
    let mut stage = stage;
    stage.input = "hunter2\n";
    insta::assert_snapshot!(stage.typed_with_netrc(&format!("auth:{LOGIN} -e 12h")).await, @r"
    exit 0
    --- out
    --- err
    Logging in to http://ADDRESS... done, ada@example.com
    ");
    let asked = stage.asked();
    assert!(asked.ends_with("DELETE /oauth/authorizations/own [authorization: Bearer HOKKU-old]"), "{asked}");
    assert!(asked.contains(r#""expires_in":43200"#), "{asked}");
    let kept = std::fs::read_to_string(stage.netrc().path()).expect("kept");
    assert!(kept.contains("HOKKU-new") && !kept.contains("HOKKU-old"), "{kept}");
}

#[tokio::test]
async fn a_login_that_fails_keeps_nothing() {
    let refused = |status, id, message| [Canned::refusal("POST /oauth/authorizations", status, id, message)];
    let stage = at_the_door(refused(401, "unauthorized", "Invalid credentials provided.")).await;
    insta::assert_snapshot!(stage.typed_with_netrc(LOGIN).await, @r"
    exit 1
    --- out
    --- err
    Logging in to http://ADDRESS... failed
     !     http://ADDRESS does not accept that e-mail address and password
    ");
    assert!(!stage.netrc().path().exists());
    let stage = at_the_door(refused(429, "rate_limit", "Too many failed attempts: wait 30s.")).await;
    insta::assert_snapshot!(stage.typed_with_netrc(LOGIN).await, @r"
    exit 1
    --- out
    --- err
    Logging in to http://ADDRESS... failed
     !     Too many failed attempts: wait 30s.
    ");
    let stage = at_the_door(refused(403, "suspended", "Your account is suspended.")).await;
    insta::assert_snapshot!(stage.typed_with_netrc(LOGIN).await, @r"
    exit 1
    --- out
    --- err
    Logging in to http://ADDRESS... failed
     !     Your account is suspended.
    ");
}

#[tokio::test]
async fn a_login_needs_somebody_to_ask_or_all_words() {
    let stage = Stage::with([]).await;
    insta::assert_snapshot!(stage.typed_with_netrc("login").await, @r"
    exit 1
    --- out
    --- err
     !     say who you are with --email, and give the password with --password-stdin
    ");
    insta::assert_snapshot!(stage.typed_with_netrc("login --email ada@example.com").await, @r"
    exit 1
    --- out
    --- err
     !     there is nobody to ask for the password: give it with --password-stdin
    ");
    insta::assert_snapshot!(stage.typed_with_netrc(LOGIN).await, @r"
    exit 1
    --- out
    --- err
     !     standard input holds no password
    ");
    insta::assert_snapshot!(stage.typed(LOGIN).await, @r"
    exit 1
    --- out
    --- err
     !     HOKKU_API_KEY is set, and comes before any login: unset it first
    ");
    assert_eq!(stage.asked(), "");
}

#[tokio::test]
async fn a_logout_revokes_the_token_and_forgets_it() {
    let stage = at_the_door([login("HOKKU-new"), tokens("HOKK****ew"), revoked()]).await;
    stage.typed_with_netrc(LOGIN).await;
    insta::assert_snapshot!(stage.typed_with_netrc("logout").await, @r"
    exit 0
    --- out
    --- err
    Logging out of http://ADDRESS... done
    ");
    assert!(stage.asked().ends_with("DELETE /oauth/authorizations/own [authorization: Bearer HOKKU-new]"));
    assert_eq!(std::fs::read_to_string(stage.netrc().path()).expect("there"), "");
    insta::assert_snapshot!(stage.typed_with_netrc("auth:logout").await, @r"
    exit 0
    --- out
    --- err
    You are not logged in to http://ADDRESS.
    ");
}

#[tokio::test]
async fn a_token_that_cannot_be_revoked_is_still_forgotten() {
    let refused = Canned::refusal("GET /oauth/authorizations", 503, "maintenance", "Back soon.");
    let stage = at_the_door([login("HOKKU-new"), refused]).await;
    stage.typed_with_netrc(LOGIN).await;
    insta::assert_snapshot!(stage.typed_with_netrc("logout").await, @r"
    exit 1
    --- out
    --- err
    Logging out of http://ADDRESS... failed
     !     the token is forgotten here, but may still be valid: see `hokku authorizations`: Back soon.
    ");
    assert_eq!(std::fs::read_to_string(stage.netrc().path()).expect("there"), "");
}

#[tokio::test]
async fn who_am_i_and_with_which_token() {
    let stage = Stage::with([Canned::json("GET /account", &account("ada@example.com"))]).await;
    insta::assert_snapshot!(stage.typed("whoami").await, @r"
    exit 0
    --- out
    ada@example.com
    --- err
    ");
    insta::assert_snapshot!(stage.typed("auth:token").await, @r"
    exit 0
    --- out
    t0ken
    --- err
    ");
    insta::assert_snapshot!(stage.typed_with_netrc("auth:token").await, @r"
    exit 1
    --- out
    --- err
     !     there is no token for http://ADDRESS: log in with `hokku login`
    ");
}

#[tokio::test]
async fn tokens_are_made_listed_and_revoked() {
    let made = token("CI", &["write"], Some(7_776_000), Some("HOKKU-ci"));
    let tokens = json!([token("CI", &["write"], Some(7_700_000), None), token("", &["global"], None, None)]);
    let stage = Stage::with([
        Canned::json("POST /oauth/authorizations", &made).with_status(201),
        Canned::json("POST /oauth/authorizations", &made).with_status(201),
        Canned::json("GET /oauth/authorizations", &tokens),
        Canned::json("GET /oauth/authorizations/x", &tokens[1]),
        Canned::json("DELETE /oauth/authorizations/x", &json!({})),
    ])
    .await;
    insta::assert_snapshot!(stage.typed("authorizations:create -d CI -s read,write -e 90d").await, @r"
    exit 0
    --- out
    Description: CI
    ID:          01234567-89ab-cdef-0123-456789abcdef
    Scope:       write
    Created At:  2026/11/22 22:00:00 +0000 (~ 3m ago)
    Expires In:  90d
    Token:       HOKKU-ci
    --- err
    Making a token... done
    Keep the token now: it is not shown again.
    ");
    insta::assert_snapshot!(stage.typed("authorizations:create --short").await, @r"
    exit 0
    --- out
    HOKKU-ci
    --- err
    Making a token... done
    ");
    insta::assert_snapshot!(stage.typed("authorizations").await, @r"
    exit 0
    --- out
    CI                01234567-89ab-cdef-0123-456789abcdef  write   expires in 89d
    (no description)  01234567-89ab-cdef-0123-456789abcdef  global
    --- err
    ");
    insta::assert_snapshot!(stage.typed("authorizations:info x").await, @r"
    exit 0
    --- out
    Description: (no description)
    ID:          01234567-89ab-cdef-0123-456789abcdef
    Scope:       global
    Created At:  2026/11/22 22:00:00 +0000 (~ 3m ago)
    --- err
    ");
    insta::assert_snapshot!(stage.typed("authorizations:revoke x").await, @r"
    exit 0
    --- out
    --- err
    Revoking x... done
    ");
    insta::assert_snapshot!(stage.asked(), @r#"
    POST /oauth/authorizations [authorization: Bearer t0ken] <- {"description":"CI","expires_in":7776000,"scope":["read","write"]}
    POST /oauth/authorizations [authorization: Bearer t0ken] <- {}
    GET /oauth/authorizations [authorization: Bearer t0ken]
    GET /oauth/authorizations/x [authorization: Bearer t0ken]
    DELETE /oauth/authorizations/x [authorization: Bearer t0ken]
    "#);
}

#[tokio::test]
async fn accounts_are_added_listed_and_removed() {
    let mut stage = Stage::with([
        Canned::json("POST /accounts", &account("ada@example.com")).with_status(201),
        Canned::json("GET /accounts", &json!([account("owner@localhost"), account("ada@example.com")])),
        Canned::json("PATCH /accounts/ada@example.com", &account("ada@example.com")),
        Canned::json("DELETE /accounts/ada@example.com", &account("ada@example.com")),
    ])
    .await;
    stage.input = "hunter2\n";
    insta::assert_snapshot!(stage.typed("users:add ada@example.com --password-stdin").await, @r"
    exit 0
    --- out
    --- err
    Adding ada@example.com... done
    ");
    insta::assert_snapshot!(stage.typed("users").await, @r"
    exit 0
    --- out
    ada@example.com  since 2026/11/22 21:00:00 +0000 (~ 1h ago)
    owner@localhost  since 2026/11/22 21:00:00 +0000 (~ 1h ago)
    --- err
    ");
    let told = stage.typed("users:password ada@example.com --generate").await;
    let generated = told.lines().nth(2).expect("a password").to_owned();
    assert_eq!(generated.len(), 24, "{told}");
    insta::assert_snapshot!(stage.typed("users:remove ada@example.com").await, @r"
    exit 0
    --- out
    --- err
    Removing ada@example.com... done
    ");
    insta::assert_snapshot!(stage.asked().replace(&generated, "GENERATED"), @r#"
    POST /accounts [authorization: Bearer t0ken] <- {"email":"ada@example.com","password":"hunter2"}
    GET /accounts [authorization: Bearer t0ken]
    PATCH /accounts/ada@example.com [authorization: Bearer t0ken] <- {"password":"GENERATED"}
    DELETE /accounts/ada@example.com [authorization: Bearer t0ken]
    "#);
    insta::assert_snapshot!(stage.typed("users:add grace@example.com").await, @r"
    exit 1
    --- out
    --- err
     !     there is nobody to ask for a password: use --password-stdin or --generate
    ");
}

#[tokio::test]
async fn everybody_changes_their_own_password() {
    let mut stage = Stage::with([Canned::json("PATCH /account", &account("ada@example.com"))]).await;
    stage.input = "hunter2\nhunter3\n";
    insta::assert_snapshot!(stage.typed("users:password --password-stdin").await, @r"
    exit 0
    --- out
    --- err
    Setting your password... done
    ");
    insta::assert_snapshot!(stage.asked(), @r#"PATCH /account [authorization: Bearer t0ken] <- {"new_password":"hunter3","password":"hunter2"}"#);
    stage.input = "hunter2\n";
    insta::assert_snapshot!(stage.typed("users:password --password-stdin").await, @r"
    exit 1
    --- out
    --- err
     !     standard input holds fewer than 2 lines with a password each
    ");
}

#[tokio::test]
async fn collaborators_come_and_go() {
    let collaborator =
        |email: &str, role: &str| json!({ "user": { "email": email }, "role": role, "id": ID });
    let all =
        json!([collaborator("owner@localhost", "owner"), collaborator("ada@example.com", "collaborator")]);
    let stage = Stage::with([
        Canned::json("GET /apps/shop/collaborators", &all),
        Canned::json("POST /apps/shop/collaborators", &all[1]).with_status(201),
        Canned::json("DELETE /apps/shop/collaborators/ada@example.com", &all[1]),
        Canned::json("POST /account/app-transfers", &json!({ "id": ID, "state": "accepted" }))
            .with_status(201),
    ])
    .await;
    insta::assert_snapshot!(stage.typed("access -a shop").await, @r"
    exit 0
    --- out
    ada@example.com  collaborator
    owner@localhost  owner
    --- err
    ");
    insta::assert_snapshot!(stage.typed("access:add ada@example.com -a shop").await, @r"
    exit 0
    --- out
    --- err
    Adding ada@example.com to ⬢ shop... done
    ");
    insta::assert_snapshot!(stage.typed("access:remove ada@example.com -a shop").await, @r"
    exit 0
    --- out
    --- err
    Removing ada@example.com from ⬢ shop... done
    ");
    insta::assert_snapshot!(stage.typed("apps:transfer ada@example.com -a shop").await, @r"
    exit 0
    --- out
    --- err
    Transferring ⬢ shop to ada@example.com... done
    ");
    insta::assert_snapshot!(stage.asked(), @r#"
    GET /apps/shop/collaborators [authorization: Bearer t0ken]
    POST /apps/shop/collaborators [authorization: Bearer t0ken] <- {"silent":true,"user":"ada@example.com"}
    DELETE /apps/shop/collaborators/ada@example.com [authorization: Bearer t0ken]
    POST /account/app-transfers [authorization: Bearer t0ken] <- {"app":"shop","recipient":"ada@example.com"}
    "#);
}
