use crate::access::Doorkeeper;
use crate::api::{Api, ApiConfig, ApiSecret, Rooms};
use crate::build::{Builder, BuilderConfig};
use crate::clock::{Clock, Timestamp};
use crate::dyno::{Engine, EngineConfig};
use crate::formation::{FormationConfig, LocalLauncher, Settled, Supervisor};
use crate::ledger::{Actor, Event, Ledger, Stream};
use crate::logplex::{Logplex, LogplexConfig};
use crate::name::{AccountId, AuthorizationId, PlatformId, ReleaseVersion};
use crate::release::{ReleaseConfig, Releases};
use crate::slug::{Digest, PackPlan, ProcessPlan, Slug, SlugStore};
use axum::{
    Router,
    body::{Body, to_bytes},
    http::{HeaderMap, Request, StatusCode, request},
    response::Response,
};
use serde_json::Value;
use std::{collections::BTreeSet, convert::Infallible, path::PathBuf, sync::Arc, time::Duration};
use tempfile::TempDir;
use tokio_util::sync::CancellationToken;
use tower_service::Service as _;

/// 2026-11-22T22:00:00Z.
const START: i64 = 1_795_384_800_000_000;

pub(super) const OWNER: &str = "owner-token";
pub(super) const FRIEND: &str = "friend-token";
/// The friend's, for one hour.
pub(super) const GUEST: &str = "guest-token";

/// A platform without sockets: the owner's door to it.
pub(super) struct Door {
    pub(super) api: Api,
    pub(super) router: Router,
    pub(super) rooms: Rooms,
    pub(super) clock: Clock,
    pub(super) dir: TempDir,
}

/// What was answered.
#[derive(Debug)]
pub(super) struct Answer {
    pub(super) status: StatusCode,
    pub(super) headers: HeaderMap,
    pub(super) body: Value,
}

impl Door {
    pub(super) async fn open() -> Self {
        Self::open_with(|_| {}).await
    }

    pub(super) async fn open_with(configure: impl FnOnce(&mut ApiConfig)) -> Self {
        let mut config = ApiConfig::new(ApiSecret::from_bytes([7; 32]));
        configure(&mut config);
        let dir = tempfile::tempdir().expect("a directory");
        let clock = Clock::standing_at(Timestamp::from_unix_micros(START));
        let ledger = Ledger::in_memory(clock.clone());
        people(&ledger).await;
        let logplex = Logplex::new(clock.clone(), LogplexConfig::default());
        let engine = Engine::new(EngineConfig::default()).expect("an engine");
        let store = SlugStore::in_memory();
        let launcher = Arc::new(LocalLauncher { engine: engine.clone(), store: store.clone() });
        let formation = FormationConfig::default();
        let supervisor = Supervisor::start(formation, launcher, &ledger, logplex.clone(), clock.clone());
        let builder =
            Builder::new(BuilderConfig::new(dir.path().join("cache")), store.clone()).expect("a builder");
        let below = crate::release::Rooms {
            ledger: ledger.clone(),
            builder,
            engine,
            store: store.clone(),
            supervisor: supervisor.clone(),
            logplex: logplex.clone(),
            clock: clock.clone(),
        };
        let releases =
            ReleaseConfig::new(dir.path().join("releases"), |app| format!("http://{app}.localhost/"));
        let releases = Releases::open(releases, below).await.expect("opens");
        let stop = CancellationToken::new();
        let doorkeeper = Doorkeeper::new(ledger.clone(), clock.clone());
        let rooms =
            Rooms { ledger, doorkeeper, releases, supervisor, store, logplex, clock: clock.clone(), stop };
        let api = Api::new(config, rooms.clone());
        Self { router: api.router(), api, rooms, clock, dir }
    }

    /// The same platform after a restart of the API.
    pub(super) fn reopened(&self) -> Router {
        Api::new(ApiConfig::new(ApiSecret::from_bytes([7; 32])), self.rooms.clone()).router()
    }

    pub(super) async fn send(&self, request: Request<Body>) -> Response {
        let answer: Result<_, Infallible> = self.router.clone().call(request).await;
        answer.expect("an answer")
    }

    /// What the owner is answered.
    pub(super) async fn ask(&self, request: request::Builder, body: impl Into<Body>) -> Answer {
        let owned = request.header("authorization", format!("Bearer {OWNER}"));
        Answer::of(self.send(owned.body(body.into()).expect("a request")).await).await
    }

    pub(super) async fn get(&self, path: &str) -> Answer {
        self.ask(Request::get(path), "").await
    }

    pub(super) async fn post(&self, path: &str, body: Value) -> Answer {
        self.ask(Request::post(path), body.to_string()).await
    }

    pub(super) async fn patch(&self, path: &str, body: Value) -> Answer {
        self.ask(Request::patch(path), body.to_string()).await
    }

    pub(super) async fn delete(&self, path: &str) -> Answer {
        self.ask(Request::delete(path), "").await
    }

    /// An app called `shop`, without code.
    pub(super) async fn create_shop(&self) {
        let answer = self.post("/apps", serde_json::json!({ "name": "shop" })).await;
        assert_eq!(answer.status, 201, "{}", answer.body);
    }

    /// Uploads and releases a slug with one page, as v3 of `shop`; its dyno is up.
    pub(super) async fn release_page(&self) {
        let announced = self.post("/apps/shop/slugs", serde_json::json!({ "process_types": {} })).await;
        let (url, id) = (&announced.body["blob"]["url"], &announced.body["id"]);
        let file = page_slug(self.dir.path()).await;
        let answer = self.ask(Request::put(path_of(url)), std::fs::read(file).expect("reads")).await;
        assert_eq!(answer.status, 200, "{}", answer.body);
        let answer = self.post("/apps/shop/releases", serde_json::json!({ "slug": id })).await;
        assert_eq!(answer.status, 201, "{}", answer.body);
        self.settle(3).await;
    }

    /// Waits until the dynos of release `version` are up.
    pub(super) async fn settle(&self, version: u64) {
        let app = self.rooms.ledger.state().app("shop").expect("shop").id;
        let version: ReleaseVersion = version.to_string().parse().expect("a version");
        let settled = self.rooms.supervisor.settled(app, version, Duration::from_mins(1)).await;
        assert_eq!(settled, Settled::Up);
    }
}

/// An owner and a friend, with a token each.
async fn people(ledger: &Ledger) {
    let [owner, friend] = [AccountId::random(), AccountId::random()];
    let token = |account, token: &str, expires_at| Event::AuthorizationCreated {
        authorization: AuthorizationId::random(),
        account,
        description: "a test".to_owned(),
        token: Digest::of(token.as_bytes()),
        expires_at,
        scopes: BTreeSet::new(),
    };
    let in_an_hour = Timestamp::from_unix_micros(START + 3_600_000_000);
    let events = [
        Event::PlatformCreated { platform: PlatformId::random() },
        Event::AccountCreated { account: owner, email: "owner@example.com".to_owned() },
        Event::AccountCreated { account: friend, email: "friend@example.com".to_owned() },
        token(owner, OWNER, None),
        token(friend, FRIEND, None),
        token(friend, GUEST, Some(in_an_hour)),
    ];
    let events: Vec<_> = events.into_iter().map(|event| (Stream::Platform, event)).collect();
    let decide = |_: &_| Ok::<_, Infallible>(events.clone());
    ledger.change(&Actor::Platform, decide).await.expect("recorded");
}

/// A packed slug with a page, as a file below `dir`.
async fn page_slug(dir: &std::path::Path) -> PathBuf {
    let tree = dir.join("tree");
    std::fs::create_dir_all(&tree).expect("a directory");
    std::fs::write(tree.join("index.html"), "<h1>A page</h1>").expect("a page");
    let tree = cap_std::fs::Dir::open_ambient_dir(tree, cap_std::ambient_authority()).expect("opens");
    let page = || ProcessPlan { command: "static .".to_owned(), serves: None };
    let processes = [("web".parse().expect("legal"), page())].into();
    let plan = PackPlan { processes, ..PackPlan::default() };
    let slug = Slug::pack(&SlugStore::in_memory(), tree, plan).await.expect("packs");
    let file = dir.join("page.slug");
    slug.export(&file).await.expect("exports");
    file
}

/// The path of an address that the API gave out.
pub(super) fn path_of(url: &Value) -> String {
    let url = url.as_str().expect("an address");
    url.strip_prefix("http://localhost:8080").expect("the API's own").to_owned()
}

impl Answer {
    pub(super) async fn of(response: Response) -> Self {
        let (head, body) = response.into_parts();
        let bytes = to_bytes(body, 1 << 24).await.expect("a body");
        let body = serde_json::from_slice(&bytes).unwrap_or(Value::Null);
        Self { status: head.status, headers: head.headers, body }
    }

    pub(super) fn header(&self, name: &str) -> &str {
        self.headers.get(name).map_or("", |value| value.to_str().expect("text"))
    }

    /// Status and body, with what is random left out.
    pub(super) fn shown(&self) -> String {
        let body = serde_json::to_string_pretty(&self.body).expect("JSON");
        format!("{} {}", self.status.as_u16(), redacted(&body))
    }

    /// Status, id and message of a refusal.
    pub(super) fn refusal(&self) -> String {
        let text = |name: &str| self.body[name].as_str().unwrap_or_default().to_owned();
        format!("{} {}: {}", self.status.as_u16(), text("id"), text("message"))
    }
}

/// `text` without ids and secrets: long words of hexadecimal digits and hyphens.
fn redacted(text: &str) -> String {
    let is_part = |c: char| c.is_ascii_hexdigit() || c == '-';
    let mut shown = String::new();
    let mut rest = text;
    while let Some(start) = rest.find(is_part) {
        let (before, from) = rest.split_at(start);
        let (word, after) = from.split_at(from.find(|c| !is_part(c)).unwrap_or(from.len()));
        shown.push_str(before);
        shown.push_str(match word.len() {
            36 => "[id]",
            64 => "[digest]",
            _ => word,
        });
        rest = after;
    }
    shown + rest
}
