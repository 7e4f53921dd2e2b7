use crate::app::{ConfigChanges, DynoSize};
use crate::clock::{Clock, Timestamp};
use crate::ledger::{
    Actor, DrainUrl, Event, Ledger, LedgerConfig, LedgerError, PasswordHash, PlatformKey, SlugRecord,
    SourceRecord, State, Stream, TokenScope,
};
use crate::name::{
    AccountId, AddonId, AppId, AttachmentId, AuthorizationId, BuildId, CollaboratorId, DomainId, DrainId,
    PlatformId, ReleaseId, SlugId,
};
use crate::slug::{Digest, SlugDigest};
use std::{
    collections::{BTreeMap, BTreeSet},
    convert::Infallible,
    path::Path,
    sync::Arc,
};

pub(in crate::ledger) const OWNER: [u8; 16] = [1; 16];

/// A ledger in a temporary directory, with an owner.
pub(super) struct Disk {
    pub(super) dir: tempfile::TempDir,
    pub(super) key: PlatformKey,
}

impl Disk {
    pub(super) fn new() -> Self {
        let key = PlatformKey::random().expect("a key");
        Self { dir: tempfile::tempdir().expect("a directory"), key }
    }

    pub(super) fn path(&self) -> std::path::PathBuf {
        self.dir.path().join("ledger")
    }

    pub(super) fn try_open(&self) -> Result<Ledger, LedgerError> {
        Ledger::open(LedgerConfig { dir: self.path(), key: self.key.clone() }, standing())
    }

    pub(super) fn open(&self) -> Ledger {
        self.try_open().expect("opened")
    }

    /// A connection to `ledger.db` that does not know what it does.
    pub(super) fn raw(&self, file: &str) -> rusqlite::Connection {
        rusqlite::Connection::open(self.path().join(file)).expect("opened")
    }

    /// The message without the directory's name.
    pub(super) fn message(&self, error: &dyn std::fmt::Display) -> String {
        error.to_string().replace(&self.path().display().to_string(), "DATA")
    }
}

pub(super) fn standing() -> Clock {
    Clock::standing_at(Timestamp::from_unix_micros(1_795_384_800_000_042))
}

pub(in crate::ledger) fn app_id(number: u8) -> AppId {
    AppId::derived([number; 16])
}

/// Appends whatever the stream's head is.
pub(super) async fn append(ledger: &Ledger, stream: Stream, events: Vec<Event>) -> Arc<State> {
    let decide =
        |_: &State| Ok::<_, Infallible>(events.iter().map(|event| (stream, event.clone())).collect());
    ledger.change(&owner(), decide).await.expect("appended")
}

pub(in crate::ledger) fn owner() -> Actor {
    Actor::Account { id: AccountId::derived(OWNER), email: "owner@example.com".to_owned() }
}

pub(in crate::ledger) fn create_app(number: u8, name: &str) -> Event {
    Event::AppCreated {
        app: app_id(number),
        name: name.parse().expect("a name"),
        owner: AccountId::derived(OWNER),
        stack: "wasi-1".to_owned(),
    }
}

pub(in crate::ledger) fn set(pairs: &[(&str, Option<&str>)]) -> Event {
    let changes = pairs.iter().map(|(key, value)| (key.parse().expect("a key"), value.map(str::to_owned)));
    Event::ConfigSet { changes: ConfigChanges::new(changes.collect()) }
}

pub(in crate::ledger) fn release(version: u64, slug: Option<SlugId>, pending: bool) -> Event {
    Event::ReleaseCreated {
        release: ReleaseId::derived([version.to_le_bytes()[0]; 16]),
        version: version.to_string().parse().expect("a version"),
        description: format!("Deploy {version}"),
        slug,
        build: None,
        rollback_to: None,
        pending,
    }
}

pub(in crate::ledger) fn slug_id() -> SlugId {
    SlugId::derived([5; 16])
}

/// An owner; after it apps can be made.
pub(in crate::ledger) fn beginning() -> Vec<Event> {
    vec![
        Event::PlatformCreated { platform: PlatformId::derived([9; 16]) },
        Event::AccountCreated { account: AccountId::derived(OWNER), email: "owner@example.com".to_owned() },
    ]
}

/// One event of every kind, in an order in which they fit; the app is the first of [`app_id`].
pub(in crate::ledger) fn every_kind() -> Vec<(Stream, Event)> {
    let app = Stream::App(app_id(1));
    let mut events: Vec<_> = beginning().into_iter().map(|event| (Stream::Platform, event)).collect();
    events.extend(platform_kinds().into_iter().map(|event| (Stream::Platform, event)));
    events.extend(code_kinds().into_iter().map(|event| (app, event)));
    events.extend(setting_kinds().into_iter().map(|event| (app, event)));
    events.extend(connection_kinds().into_iter().map(|event| (app, event)));
    events.push((Stream::Platform, Event::AppDestroyed { app: app_id(2) }));
    events.extend(account_kinds().into_iter().map(|event| (Stream::Platform, event)));
    events
}

/// What came with accounts, after what was there before.
fn account_kinds() -> Vec<Event> {
    let account = AccountId::derived([9; 16]);
    vec![
        Event::AccountCreated { account, email: "friend@example.com".to_owned() },
        Event::PasswordSet { account, password: Some(PasswordHash::new("$argon2id$hunter2".to_owned())) },
        Event::AuthorizationCreated {
            authorization: AuthorizationId::derived([9; 16]),
            account,
            description: "for reading".to_owned(),
            token: Digest::of(b"another token"),
            expires_at: None,
            scopes: BTreeSet::from([TokenScope::Read]),
        },
        Event::AccessRefused {
            who: Some("mallory@example.com".to_owned()),
            address: Some([127, 0, 0, 1].into()),
            action: "log in".to_owned(),
            more: 3,
        },
        Event::AppTransferred { app: app_id(1), owner: account },
        Event::AppTransferred { app: app_id(1), owner: AccountId::derived(OWNER) },
        Event::AccountRemoved { account },
    ]
}

fn platform_kinds() -> Vec<Event> {
    let authorization = AuthorizationId::derived([2; 16]);
    vec![
        Event::AuthorizationCreated {
            authorization,
            account: AccountId::derived(OWNER),
            description: "laptop".to_owned(),
            token: Digest::of(b"token"),
            expires_at: Some(Timestamp::from_unix_micros(1_895_384_800_000_000)),
            scopes: BTreeSet::new(),
        },
        Event::AuthorizationRevoked { authorization },
        create_app(1, "shop"),
        create_app(2, "blog"),
        Event::AppRenamed { app: app_id(1), name: "store".parse().expect("a name") },
    ]
}

fn code_kinds() -> Vec<Event> {
    let build = |number| BuildId::derived([number; 16]);
    let created = |number| Event::BuildCreated {
        build: build(number),
        source: SourceRecord { version: Some("1a2b3c4d".to_owned()), checksum: None },
        buildpacks: vec!["heroku/python".to_owned()],
    };
    let slug = SlugRecord {
        id: slug_id(),
        digest: SlugDigest::of_manifest(b"manifest"),
        size: 4096,
        process_types: BTreeMap::from([("web".parse().expect("a type"), "gunicorn app:app".to_owned())]),
        commit: Some("1a2b3c4d".to_owned()),
        buildpack: Some("Python".to_owned()),
        stack: "wasi-1".to_owned(),
    };
    vec![
        created(1),
        Event::SlugCreated { slug },
        Event::BuildSucceeded { build: build(1), slug: slug_id() },
        created(2),
        Event::BuildFailed { build: build(2), reason: "no buildpack".to_owned() },
        set(&[("GREETING", Some("hunter2")), ("OLD", None)]),
        release(1, Some(slug_id()), true),
        Event::ReleaseSucceeded { version: "v1".parse().expect("a version") },
        release(2, Some(slug_id()), true),
        Event::ReleaseFailed {
            version: "v2".parse().expect("a version"),
            reason: "exit status 1".to_owned(),
        },
    ]
}

fn setting_kinds() -> Vec<Event> {
    let collaborator = CollaboratorId::derived([4; 16]);
    let domain = |number| DomainId::derived([number; 16]);
    vec![
        Event::FormationChanged {
            process_type: "web".parse().expect("a type"),
            quantity: 3,
            size: DynoSize::Standard2X,
        },
        Event::DomainAdded { domain: domain(1), hostname: "shop.example.com".to_owned() },
        Event::DomainRemoved { domain: domain(1) },
        Event::DomainAdded { domain: domain(2), hostname: "www.example.com".to_owned() },
        Event::CollaboratorAdded { collaborator, account: AccountId::derived(OWNER) },
        Event::CollaboratorRemoved { collaborator },
        Event::MaintenanceSet { enabled: true },
        Event::FeatureSet { feature: "preboot".to_owned(), enabled: true },
        Event::BuildpacksSet { buildpacks: vec!["heroku/python".to_owned()] },
    ]
}

fn connection_kinds() -> Vec<Event> {
    let (addon, attachment) = (AddonId::derived([6; 16]), AttachmentId::derived([7; 16]));
    let drain = |number| DrainId::derived([number; 16]);
    let url = || DrainUrl::new("https://user:hunter3@logs.example.com".to_owned());
    vec![
        Event::DrainAdded { drain: drain(1), url: url() },
        Event::DrainRemoved { drain: drain(1) },
        Event::DrainAdded { drain: drain(2), url: url() },
        Event::AddonCreated {
            addon,
            name: "postgresql-round-12345".to_owned(),
            plan: "heroku-postgresql:mini".to_owned(),
        },
        Event::AttachmentCreated { attachment, addon, name: "DATABASE".to_owned() },
        Event::AttachmentDestroyed { attachment },
        Event::AddonDestroyed { addon },
    ]
}

/// Appends [`every_kind`], one entry after the other.
pub(super) async fn append_every_kind(ledger: &Ledger) {
    for (stream, event) in every_kind() {
        append(ledger, stream, vec![event]).await;
    }
}

/// Every byte of every file in `dir`.
pub(super) fn all_bytes(dir: &Path) -> Vec<u8> {
    let files = std::fs::read_dir(dir).expect("a directory");
    files.flat_map(|file| std::fs::read(file.expect("an entry").path()).expect("bytes")).collect()
}

pub(super) fn contains(bytes: &[u8], part: &[u8]) -> bool {
    bytes.windows(part.len()).any(|window| window == part)
}
