//! For every route of the API: what the platform's owner, an app's owner, a collaborator, a stranger, and those with a
//! token that is worth less or nothing are answered.

use super::{
    door::{Answer, Door},
    routes,
};
use crate::access::{Caller, Credentials, TokenWish};
use crate::ledger::{Account, TokenScope};
use axum::{
    body::Body,
    http::{HeaderMap, HeaderValue, Request, header},
};
use std::{collections::BTreeSet, sync::Arc, time::Duration};

/// Who asks, in the order of the columns below.
const WHO: [&str; 8] = [
    "operator",
    "owner",
    "collaborator",
    "stranger",
    "revoked token",
    "expired token",
    "read scope of the owner",
    "nobody",
];

/// Who is answered what.
#[derive(Clone, Copy, Debug)]
enum To {
    /// Whoever works on the app, with any token that reads.
    See,
    /// Whoever works on the app, with a token that allows more than to read.
    Change,
    /// The app's owner.
    Own,
    /// Every account, with any token that reads.
    Anyone,
    /// Every account, with a token that allows more than to read.
    Account,
    /// The platform's owner.
    Operator,
    /// The caller himself, or the platform's owner.
    Oneself,
    /// Whoever has the secret address.
    Everybody,
}

impl To {
    /// What each is answered; `ok` is what those are answered who may.
    fn answers(self, ok: &str) -> [&str; 8] {
        let (none, hidden, owner, scope) = ("401", "404 app", "403 owner", "403 scope");
        match self {
            Self::See => [ok, ok, ok, hidden, none, none, ok, none],
            Self::Change => [ok, ok, ok, hidden, none, none, scope, none],
            Self::Own => [ok, ok, owner, hidden, none, none, scope, none],
            Self::Anyone => [ok, ok, ok, ok, none, none, ok, none],
            Self::Account => [ok, ok, ok, ok, none, none, scope, none],
            Self::Operator => {
                let no = "403 operator";
                [ok, no, no, no, none, none, no, none]
            }
            Self::Oneself => {
                let no = "404 account";
                [ok, no, no, no, none, none, no, none]
            }
            Self::Everybody => [ok; 8],
        }
    }
}

/// A request, who is answered what, and what those are answered who may. In body and path stand for names of things made
/// for each request: `{app}`, `{account}` (nobody's that asks), `{authorization}` (the caller's).
type Row = (&'static str, &'static str, To, &'static str);

const ROWS: &[Row] = &[
    ("GET /account", "", To::Anyone, "200"),
    ("PATCH /account", r#"{"new_password":"short"}"#, To::Account, "422"),
    ("GET /account/app-transfers", "", To::Anyone, "200"),
    ("POST /account/app-transfers", r#"{"app":"{app}","recipient":"{account}"}"#, To::Own, "201"),
    ("GET /account/app-transfers/{transfer}", "", To::Anyone, "404 app_transfer"),
    ("GET /account/features", "", To::Anyone, "200"),
    ("GET /account/features/{feature}", "", To::Anyone, "404 account_feature"),
    ("GET /account/keys", "", To::Anyone, "200"),
    ("GET /account/rate-limits", "", To::Anyone, "200"),
    ("GET /accounts", "", To::Operator, "200"),
    ("POST /accounts", r#"{"email":"new-{account}"}"#, To::Operator, "201"),
    ("GET /accounts/{account}", "", To::Operator, "200"),
    ("PATCH /accounts/{account}", r#"{"password":"correct horse"}"#, To::Operator, "200"),
    ("DELETE /accounts/{account}", "", To::Operator, "200"),
    ("GET /addon-attachments", "", To::Anyone, "200"),
    ("GET /addons", "", To::Anyone, "200"),
    ("GET /apps", "", To::Anyone, "200"),
    ("POST /apps", "{}", To::Account, "201"),
    ("GET /apps/{app}", "", To::See, "200"),
    ("PATCH /apps/{app}", r#"{"maintenance":true}"#, To::Change, "200"),
    ("PATCH /apps/{app}", r#"{"build_stack":"hokku-1"}"#, To::Change, "200"),
    ("PATCH /apps/{app}", r#"{"name":"new-{app}"}"#, To::Own, "200"),
    ("DELETE /apps/{app}", "", To::Own, "200"),
    ("GET /apps/{app}/addon-attachments", "", To::See, "200"),
    ("GET /apps/{app}/addons", "", To::See, "200"),
    ("GET /apps/{app}/addons/{addon}", "", To::See, "404 add_on"),
    ("GET /apps/{app}/available-dyno-sizes", "", To::See, "200"),
    ("GET /apps/{app}/available-stacks", "", To::See, "200"),
    ("GET /apps/{app}/buildpack-installations", "", To::See, "200"),
    ("PUT /apps/{app}/buildpack-installations", r#"{"updates":[]}"#, To::Change, "200"),
    ("GET /apps/{app}/builds", "", To::See, "200"),
    ("POST /apps/{app}/builds", "{}", To::Change, "422"),
    ("GET /apps/{app}/builds/{build}", "", To::See, "404 build"),
    ("DELETE /apps/{app}/builds/{build}", "", To::Change, "404 build"),
    ("GET /apps/{app}/collaborators", "", To::See, "200"),
    ("POST /apps/{app}/collaborators", r#"{"user":"{account}"}"#, To::Own, "201"),
    ("GET /apps/{app}/collaborators/{collaborator}", "", To::See, "404 collaborator"),
    ("DELETE /apps/{app}/collaborators/{collaborator}", "", To::Own, "404 collaborator"),
    ("GET /apps/{app}/config-vars", "", To::Change, "200"),
    ("PATCH /apps/{app}/config-vars", r#"{"A":"1"}"#, To::Change, "200"),
    ("GET /apps/{app}/domains", "", To::See, "200"),
    ("POST /apps/{app}/domains", r#"{"hostname":"{app}.example.com"}"#, To::Change, "201"),
    ("GET /apps/{app}/domains/{domain}", "", To::See, "404 domain"),
    ("DELETE /apps/{app}/domains/{domain}", "", To::Change, "404 domain"),
    ("GET /apps/{app}/dynos", "", To::See, "200"),
    ("POST /apps/{app}/dynos", "{}", To::Change, "422"),
    ("DELETE /apps/{app}/dynos", "", To::Change, "202"),
    ("GET /apps/{app}/dynos/{dyno}", "", To::See, "404 dyno"),
    ("DELETE /apps/{app}/dynos/{dyno}", "", To::Change, "404 dyno"),
    ("POST /apps/{app}/dynos/{dyno}/actions/stop", "", To::Change, "404 dyno"),
    ("GET /apps/{app}/features", "", To::See, "200"),
    ("GET /apps/{app}/features/{feature}", "", To::See, "404 app_feature"),
    ("GET /apps/{app}/formation", "", To::See, "200"),
    ("PATCH /apps/{app}/formation", "{}", To::Change, "422"),
    ("GET /apps/{app}/formation/{formation}", "", To::See, "404 formation"),
    ("PATCH /apps/{app}/formation/{formation}", r#"{"quantity":1}"#, To::Change, "404 formation"),
    ("DELETE /apps/{app}/formations/{formation}", "", To::Change, "404 formation"),
    ("POST /apps/{app}/formations/{formation}/actions/stop", "", To::Change, "404 formation"),
    ("GET /apps/{app}/log-drains", "", To::See, "200"),
    ("POST /apps/{app}/log-sessions", "{}", To::See, "201"),
    ("GET /apps/{app}/pipeline-couplings", "", To::See, "404 pipeline_coupling"),
    ("GET /apps/{app}/releases", "", To::See, "200"),
    ("POST /apps/{app}/releases", "{}", To::Change, "422"),
    ("GET /apps/{app}/releases/{release}", "", To::See, "200"),
    ("GET /apps/{app}/releases/{release}/config-vars", "", To::Change, "200"),
    ("POST /apps/{app}/slugs", r#"{"process_types":{}}"#, To::Change, "201"),
    ("GET /apps/{app}/slugs/{slug}", "", To::See, "404 slug"),
    ("GET /apps/{app}/sni-endpoints", "", To::See, "200"),
    ("POST /apps/{app}/sources", "", To::Change, "201"),
    ("GET /apps/{app}/webhooks", "", To::See, "200"),
    ("GET /attach/{secret}", "", To::Everybody, "426"),
    ("GET /blobs/{app}/{slug}/{secret}", "", To::Everybody, "404 slug"),
    ("GET /dyno-sizes", "", To::Anyone, "200"),
    ("GET /dyno-sizes/{dyno_size}", "", To::Anyone, "200"),
    ("GET /logplex/{secret}", "", To::Everybody, "404"),
    ("GET /oauth/authorizations", "", To::Account, "200"),
    ("POST /oauth/authorizations", r#"{"scope":["read"]}"#, To::Account, "201"),
    ("GET /oauth/authorizations/{authorization}", "", To::Account, "200"),
    ("DELETE /oauth/authorizations/{authorization}", "", To::Account, "200"),
    ("POST /oauth/authorizations/{authorization}/actions/regenerate-tokens", "", To::Account, "200"),
    ("GET /oauth/sessions", "", To::Anyone, "200"),
    ("GET /oauth/sessions/{session}", "", To::Anyone, "404 session"),
    ("DELETE /oauth/sessions/{session}", "", To::Anyone, "404 session"),
    ("GET /pipelines", "", To::Anyone, "200"),
    ("GET /regions", "", To::Anyone, "200"),
    ("GET /regions/{region}", "", To::Anyone, "200"),
    ("PUT /slugs/{secret}", "", To::Everybody, "404"),
    ("POST /sources", "", To::Account, "201"),
    ("PUT /sources/{secret}", "", To::Everybody, "404"),
    ("GET /stacks", "", To::Anyone, "200"),
    ("GET /stacks/{stack}", "", To::Anyone, "200"),
    ("GET /streams/{kind}/{id}/{secret}", "", To::Everybody, "404"),
    ("GET /teams", "", To::Anyone, "200"),
    ("GET /users/{account}", "", To::Oneself, "200"),
    ("GET /users/{account}/apps", "", To::Oneself, "200"),
];

/// What stands for the other words of paths.
const WORDS: [(&str, &str); 16] = [
    ("{addon}", "x"),
    ("{build}", "01010101-0101-8101-8101-010101010101"),
    ("{collaborator}", "nobody@example.com"),
    ("{domain}", "www.example.com"),
    ("{dyno}", "web.1"),
    ("{dyno_size}", "Basic"),
    ("{feature}", "preboot"),
    ("{formation}", "web"),
    ("{id}", "x"),
    ("{kind}", "builds"),
    ("{region}", "us"),
    ("{release}", "1"),
    ("{secret}", "x"),
    ("{session}", "~"),
    ("{slug}", "01010101-0101-8101-8101-010101010101"),
    ("{stack}", "hokku-1"),
];

/// The platform with one of each of them.
struct Cast {
    door: Door,
    operator: Caller,
    owner: Caller,
    /// Account and token of each, in the order of [`WHO`].
    players: [(Arc<Account>, Option<String>); 8],
    made: usize,
}

impl Cast {
    async fn new() -> Self {
        let door = Door::open().await;
        let account = async |email: &str| {
            let found = door.rooms.ledger.state().account(email).cloned();
            match found {
                Some(account) => account,
                None => door
                    .rooms
                    .doorkeeper
                    .create_account(&crate::ledger::Actor::Platform, email, None)
                    .await
                    .expect(email),
            }
        };
        let operator = account("owner@example.com").await;
        let [owner, collaborator, stranger] = [
            account("ada@example.com").await,
            account("bob@example.com").await,
            account("eve@example.com").await,
        ];
        let issue = async |account: &Account, wish: TokenWish| {
            let (token, made) = door.rooms.doorkeeper.issue_token(account, &wish).await.expect("issued");
            (token.reveal().to_owned(), made)
        };
        let global = async |account: &Account| issue(account, TokenWish::default()).await.0;
        let hour = TokenWish { life: Some(Duration::from_hours(1)), ..TokenWish::default() };
        let reads = TokenWish { scopes: BTreeSet::from([TokenScope::Read]), ..TokenWish::default() };
        let (revoked, made) = issue(&owner, TokenWish::default()).await;
        door.rooms.doorkeeper.revoke_token(&owner, made.id).await.expect("revoked");
        let tokens = [
            global(&operator).await,
            global(&owner).await,
            global(&collaborator).await,
            global(&stranger).await,
            revoked,
            issue(&owner, hour).await.0,
            issue(&owner, reads).await.0,
        ];
        let [operators, owners, collaborators, strangers, revoked, expired, reader] = tokens.map(Some);
        let players = [
            (operator, operators),
            (Arc::clone(&owner), owners),
            (collaborator, collaborators),
            (stranger, strangers),
            (Arc::clone(&owner), revoked),
            (Arc::clone(&owner), expired),
            (Arc::clone(&owner), reader),
            (owner, None),
        ];
        let caller = |number: usize| {
            let token = players[number].1.as_deref().expect("a token");
            let mut headers = HeaderMap::new();
            let value = HeaderValue::from_str(&format!("Bearer {token}")).expect("text");
            headers.insert(header::AUTHORIZATION, value);
            door.rooms.doorkeeper.by_token(Credentials::of(&headers).as_ref()).expect("valid")
        };
        let (operator, owner) = (caller(0), caller(1));
        door.clock.advance(Duration::from_hours(1));
        Self { door, operator, owner, players, made: 0 }
    }

    /// An app of the owner's with its collaborator, an account, and a token of the player's if `request` names one:
    /// each made now.
    async fn things(&mut self, player: &Account, request: &str) -> [(&'static str, String); 3] {
        self.made += 1;
        let (name, email) = (format!("app-{}", self.made), format!("spare{}@example.com", self.made));
        let rooms = &self.door.rooms;
        let parsed = name.parse().expect("legal");
        let app = rooms.releases.create_app(&self.owner.actor(), Some(parsed)).await.expect("an app");
        let keeper = &rooms.doorkeeper;
        keeper.add_collaborator(&self.owner, app.id, "bob@example.com").await.expect("added");
        keeper.create_account(&self.operator.actor(), &email, None).await.expect("made");
        let mut token = String::new();
        if request.contains("{authorization}") {
            let issued = keeper.issue_token(player, &TokenWish::default()).await;
            token = issued.expect("issued").1.id.to_string();
        }
        [("{app}", name), ("{account}", email), ("{authorization}", token)]
    }

    async fn ask(&mut self, route: &str, body: &str, player: usize) -> String {
        let (account, token) = self.players[player].clone();
        let things = self.things(&account, route).await;
        let fill = |text: &str| {
            let words = things.iter().map(|(word, thing)| (*word, thing.as_str())).chain(WORDS);
            words.fold(text.to_owned(), |text, (word, thing)| text.replace(word, thing))
        };
        let route = fill(route).replace("{transfer}", "x");
        let (method, path) = route.split_once(' ').expect("a route");
        let mut request = Request::builder().method(method).uri(path);
        if let Some(token) = token {
            request = request.header("authorization", format!("Bearer {token}"));
        }
        let request = request.body(Body::from(fill(body))).expect(path);
        told(&Answer::of(self.door.send(request).await).await)
    }
}

/// The status of an answer, and what of a refusal tells it from others.
fn told(answer: &Answer) -> String {
    let status = answer.status.as_u16();
    let message = answer.body["message"].as_str().unwrap_or_default();
    let what = match status {
        404 => answer.body["resource"].as_str().unwrap_or_default(),
        403 if message == "Only the app's owner may do this." => "owner",
        403 if message == "Only the owner of the platform may do this." => "operator",
        403 if message.starts_with("This token's scopes do not allow it.") => "scope",
        403 => message,
        _ => "",
    };
    format!("{status} {what}").trim_end().to_owned()
}

#[test]
fn every_route_has_a_row() {
    let rows: BTreeSet<_> = ROWS.iter().map(|(route, ..)| (*route).to_owned()).collect();
    assert_eq!(routes::all().symmetric_difference(&rows).collect::<Vec<_>>(), Vec::<&String>::new());
}

#[tokio::test]
async fn everybody_is_answered_what_is_theirs() {
    let mut cast = Cast::new().await;
    let mut wrong = Vec::new();
    for (route, body, to, ok) in ROWS {
        for (player, expected) in to.answers(ok).into_iter().enumerate() {
            let answer = cast.ask(route, body, player).await;
            if answer != expected {
                wrong.push(format!("{route} {body} by {}: {answer}, not {expected}", WHO[player]));
            }
        }
    }
    assert!(wrong.is_empty(), "{}", wrong.join("\n"));
}

#[tokio::test]
async fn a_collaborator_may_leave_and_a_token_may_end_itself() {
    let mut cast = Cast::new().await;
    for (player, expected) in [(3, "404 app"), (2, "200"), (1, "422"), (0, "404 collaborator")] {
        let route = format!("DELETE /apps/{{app}}/collaborators/{}", cast.players[player].0.email);
        assert_eq!(cast.ask(&route, "", player).await, expected, "{}", WHO[player]);
    }
    let reader = cast.players[6].1.clone().expect("a token");
    let digest = crate::access::Token::given(&reader).digest();
    let id = cast.door.rooms.ledger.state().authorizations[&digest].id;
    for (method, expected) in [("GET", "200"), ("DELETE", "200"), ("GET", "401")] {
        assert_eq!(cast.ask(&format!("{method} /oauth/authorizations/{id}"), "", 6).await, expected);
    }
}
