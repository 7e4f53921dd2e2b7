use super::{objects::app, stage::Stage};
use crate::cli::{
    Cli, Command,
    client::{Access, Answer, App, canned::Canned},
    console::{Console, Terminals},
    marked,
    session::Session,
};
use crate::clock::Clock;
use clap::Parser as _;
use serde_json::json;

#[tokio::test]
async fn an_app_that_is_not_there_suggests_one_that_is() {
    let unknown = || Canned::refusal("GET /apps/shpo", 404, "not_found", "Couldn't find that app.");
    let apps = Canned::json("GET /apps", &json!([app("blog"), app("shop")]));
    insta::assert_snapshot!(Stage::with([unknown(), apps]).await.typed("info -a shpo").await, @r"
    exit 1
    --- out
    --- err
     !     Couldn't find that app. Did you mean `shop`?
    ");
    let others = Canned::json("GET /apps", &json!([app("weather")]));
    insta::assert_snapshot!(Stage::with([unknown(), others]).await.typed("info -a shpo").await, @r"
    exit 1
    --- out
    --- err
     !     Couldn't find that app.
    ");
}

#[tokio::test]
async fn without_a_right_token_it_is_said_where_one_is() {
    let refused = Canned::refusal("GET /apps", 401, "unauthorized", "Invalid credentials provided.");
    let stage = Stage::with([refused]).await;
    insta::assert_snapshot!(stage.typed("apps").await, @r"
    exit 1
    --- out
    --- err
     !     http://ADDRESS does not accept the token in HOKKU_API_KEY: log in with `hokku login`, or set HOKKU_API_KEY to a token; the owner's is in the file `owner-token` in the platform's data directory
    ");
    assert!(!stage.typed("apps").await.contains("t0ken"));
}

#[tokio::test]
async fn the_app_must_be_named() {
    insta::assert_snapshot!(Stage::with([]).await.typed("ps").await, @r"
    exit 1
    --- out
    --- err
     !     which app? Name it with -a APP, or set HOKKU_APP
    ");
    insta::assert_snapshot!(Stage::with([]).await.words(&["ps", "-a", " "]).await, @r"
    exit 1
    --- out
    --- err
     !     which app? Name it with -a APP, or set HOKKU_APP
    ");
}

#[tokio::test]
async fn what_is_no_platform_is_told() {
    let page = Canned::text("GET /apps", "<h1>Welcome to nginx</h1>");
    insta::assert_snapshot!(Stage::with([page]).await.typed("apps").await, @r"
    exit 1
    --- out
    --- err
     !     http://ADDRESS does not answer as a platform does (HTTP status 200 OK): is HOKKU_HOST right?
    ");
    let page = Canned::text("GET /apps", "<h1>Bad gateway</h1>").with_status(502);
    insta::assert_snapshot!(Stage::with([page]).await.typed("apps").await, @r"
    exit 1
    --- out
    --- err
     !     http://ADDRESS does not answer as a platform does (HTTP status 502 Bad Gateway): is HOKKU_HOST right?
    ");
}

#[tokio::test]
async fn words_of_a_platform_move_no_cursor() {
    let evil = Canned::refusal("GET /apps", 503, "maintenance", "back\u{1b}[2J \u{9b}31msoon\u{7}");
    insta::assert_snapshot!(Stage::with([evil]).await.typed("apps").await, @r"
    exit 1
    --- out
    --- err
     !     back 31msoon
    ");
}

#[tokio::test]
async fn where_nobody_listens_it_is_said_what_to_do() {
    let listener = std::net::TcpListener::bind("127.0.0.1:0").expect("a port");
    let address = listener.local_addr().expect("an address").to_string();
    drop(listener);
    let client = Access::of_test(&format!("http://{address}")).client().expect("a client");
    let console = Console::new(Box::new(Vec::new()), Box::new(Vec::new()), Terminals::default());
    let mut session = Session::new(client, console, Clock::system());
    let Command::Platform(command) = Cli::try_parse_from(["hokku", "apps"]).expect("legal").command else {
        panic!()
    };
    let error = command.run_in(&mut session).await.expect_err("nobody");
    insta::assert_snapshot!(marked(&error).replace(&address, "ADDRESS"), @" !     cannot reach a platform at http://ADDRESS: start one with `hokku up`, or set HOKKU_HOST");
}

#[tokio::test]
async fn every_request_carries_the_token_and_the_version() {
    let stage = Stage::with([Canned::json("GET /apps", &json!([]))]).await;
    stage.typed("apps").await;
    assert_eq!(stage.asked(), "GET /apps [authorization: Bearer t0ken]");
    assert_eq!(stage.platform.accepts(), ["application/vnd.heroku+json; version=3"]);
}

#[tokio::test]
async fn names_below_localhost_are_this_machine() {
    let stage = Stage::with([Canned::json("GET /apps/shop", &app("shop"))]).await;
    let client = stage.platform.client_by_name("api.shop.localhost");
    let known: Answer<App> = client.get(&["apps", "shop"]).await.expect("answered");
    assert_eq!(known.name, "shop");
}
