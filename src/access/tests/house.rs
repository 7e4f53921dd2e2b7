use crate::access::{Caller, ClientAddress, Credentials, Doorkeeper, TokenWish};
use crate::clock::{Clock, Timestamp};
use crate::ledger::{Account, Actor, Archive, Event, Ledger, LedgerConfig, LedgerError, PlatformKey, Stream};
use crate::name::{AccountId, AppId};
use http::{HeaderMap, HeaderValue, header};
use std::{convert::Infallible, sync::Arc};
use tempfile::TempDir;

/// A ledger with a platform's owner, and who stands before it.
pub(super) struct House {
    dir: TempDir,
    pub(super) ledger: Ledger,
    pub(super) clock: Clock,
    pub(super) doorkeeper: Doorkeeper,
    pub(super) owner: Arc<Account>,
}

pub(super) fn at(address: &str) -> ClientAddress {
    ClientAddress(address.parse().expect(address))
}

pub(super) fn bearer(token: &str, address: &str) -> Credentials {
    let mut headers = HeaderMap::new();
    let value = HeaderValue::from_str(&format!("Bearer {token}")).expect("text");
    headers.insert(header::AUTHORIZATION, value);
    Credentials::of(&headers).expect("credentials").sent_from(Some(at(address)))
}

impl House {
    pub(super) async fn new() -> Self {
        let dir = tempfile::tempdir().expect("a directory");
        let clock = Clock::standing_at(Timestamp::from_unix_micros(1_795_384_800_000_000));
        let key = PlatformKey::from_hex(&"07".repeat(32)).expect("a key");
        let config = LedgerConfig { dir: dir.path().join("ledger"), key };
        let ledger = Ledger::open(config, clock.clone()).expect("opened");
        let doorkeeper = Doorkeeper::new(ledger.clone(), clock.clone());
        let made = doorkeeper.create_account(&Actor::Platform, "owner@example.com", None).await;
        Self { dir, ledger, clock, doorkeeper, owner: made.expect("made") }
    }

    pub(super) async fn account(&self, email: &str, password: Option<&str>) -> Arc<Account> {
        self.doorkeeper.create_account(&Actor::Platform, email, password).await.expect(email)
    }

    /// Somebody with a global token.
    pub(super) async fn caller(&self, account: &Account) -> Caller {
        let wish = TokenWish { description: "a test".to_owned(), ..TokenWish::default() };
        let (token, _) = self.doorkeeper.issue_token(account, &wish).await.expect("issued");
        self.doorkeeper.by_token(Some(&bearer(token.reveal(), "10.0.0.9"))).expect("valid")
    }

    pub(super) async fn app(&self, name: &str, owner: AccountId) -> AppId {
        let (app, name) = (AppId::random(), name.parse().expect("legal"));
        let event = Event::AppCreated { app, name, owner, stack: "hokku-1".to_owned() };
        let decide = |_: &_| Ok::<_, Infallible>(vec![(Stream::Platform, event.clone())]);
        self.ledger.change(&Actor::Platform, decide).await.expect("made");
        app
    }

    /// What the ledger tells of refusals, when all of them are written.
    pub(super) async fn refusals(&self) -> Vec<String> {
        self.doorkeeper.close().await;
        let archive = Archive::open(&self.dir.path().join("ledger")).expect("there");
        let mut told = Vec::new();
        let visit = |record: crate::ledger::Record| {
            if record.kind == "access-refused" {
                told.push(record.summary());
            }
            Ok::<_, LedgerError>(())
        };
        archive.each(Some(Stream::Platform), visit).expect("read");
        told
    }
}
