use super::paper::Paper;
use crate::app::ConfigChanges;
use crate::cli::{
    Cli, Command,
    console::{Console, Terminals},
    heroku_forms::in_our_words,
    marked,
};
use crate::clock::{Clock, Timestamp};
use crate::ledger::{Actor, Batch, Event, LedgerConfig, PlatformKey, Stream};
use crate::name::{AccountId, AppId, ReleaseId};
use clap::Parser as _;
use serde_json::Value;

/// A data directory with a ledger of a few entries.
struct Written {
    dir: tempfile::TempDir,
}

const APP: [u8; 16] = [7; 16];

impl Written {
    async fn new() -> Self {
        let dir = tempfile::tempdir().expect("dir");
        let key = PlatformKey::from_hex(&"07".repeat(32)).expect("a key");
        let config = LedgerConfig { dir: dir.path().join("ledger"), key };
        let clock = Clock::standing_at(Timestamp::from_unix_micros(1_795_384_800_000_042));
        let ledger = crate::ledger::Ledger::open(config, clock).expect("opened");
        let (account, app) = (AccountId::derived([1; 16]), AppId::derived(APP));
        let email = "owner@localhost".to_owned();
        let name = "shop".parse().expect("legal");
        let changes = [("A".parse().expect("legal"), Some("hunter2".to_owned()))].into();
        let (platform, shop) = (Stream::Platform, Stream::App(app));
        let made = Event::AppCreated { app, name, owner: account, stack: "hokku-1".to_owned() };
        let release = Event::ReleaseCreated {
            release: ReleaseId::derived([2; 16]),
            version: "v1".parse().expect("legal"),
            description: "Initial release".to_owned(),
            slug: None,
            build: None,
            rollback_to: None,
            pending: false,
        };
        let batch = Batch {
            actor: Actor::Account { id: account, email: email.clone() },
            heads: vec![(platform, 0), (shop, 0)],
            events: vec![
                (platform, Event::AccountCreated { account, email }),
                (platform, made),
                (shop, Event::ConfigSet { changes: ConfigChanges::new(changes) }),
                (shop, release),
            ],
        };
        ledger.append(batch).await.expect("appended");
        ledger.close().await;
        Self { dir }
    }

    async fn typed(&self, line: &str) -> String {
        let data_dir = self.dir.path().to_str().expect("text");
        let words = ["hokku"].into_iter().chain(line.split(' ')).chain(["--data-dir", data_dir]);
        let command = match Cli::try_parse_from(in_our_words(words.map(Into::into).collect())) {
            Ok(Cli { command: Command::Ledger(command) }) => command,
            Ok(_) => panic!("another command"),
            Err(error) => return format!("exit 2\n{error}"),
        };
        let (out, err) = (Paper::default(), Paper::default());
        let console = Console::new(Box::new(out.clone()), Box::new(err.clone()), Terminals::default());
        let error = match command.run_at(console).await {
            Ok(_) => String::new(),
            Err(error) => marked(&error) + "\n",
        };
        let told = format!("--- out\n{}--- err\n{}{error}", out.text(), err.text());
        told.replace(data_dir, "DATA")
    }
}

/// `text` without hashes, of which sealed values make others each time.
fn hashes_hidden(text: &str) -> String {
    let word = |word: &str| match word.split_once(':') {
        Some((before, hash)) if hash.len() == 64 => format!("{before}:HASH"),
        _ => word.to_owned(),
    };
    let line = |line: &str| line.split(' ').map(word).collect::<Vec<_>>().join(" ");
    text.lines().map(line).collect::<Vec<_>>().join("\n")
}

#[tokio::test]
async fn the_log_tells_what_changed() {
    let written = Written::new().await;
    insta::assert_snapshot!(written.typed("ledger log").await, @r"
    --- out
    2026-11-22T22:00:00Z  platform  1  owner@localhost  Account owner@localhost created
    2026-11-22T22:00:00Z  platform  2  owner@localhost  App shop created
    2026-11-22T22:00:00Z  shop      1  owner@localhost  Set A
    2026-11-22T22:00:00Z  shop      2  owner@localhost  v1 Initial release
    --- err
    ");
    insta::assert_snapshot!(written.typed("ledger:log -a shop -n 1").await, @r"
    --- out
    2026-11-22T22:00:00Z  shop  2  owner@localhost  v1 Initial release
    --- err
    ");
    insta::assert_snapshot!(written.typed("ledger log -a shpo").await, @r"
    --- out
    --- err
     !     the ledger knows no app `shpo`
    ");
    let json = written.typed("ledger log -a platform --json").await;
    assert!(
        json.contains(r#""kind": "account-created""#) && json.contains(r#""stream": "platform""#),
        "{json}"
    );
}

#[tokio::test]
async fn a_whole_ledger_is_proved_and_its_heads_printed() {
    let written = Written::new().await;
    let told = written.typed("ledger verify").await;
    insta::assert_snapshot!(hashes_hidden(&told), @r"
    --- out
    platform@2:HASH
    07070707-0707-8707-8707-070707070707@2:HASH  shop
    --- err
    All 4 entries of 2 streams are what was written; keep these heads on another machine, and prove later with --head that nothing changed:
    ");
    let heads: Vec<_> =
        told.lines().filter(|line| line.contains('@')).map(|line| line.split(' ').next()).collect();
    let again = format!("ledger verify --head {}", heads[0].expect("a head"));
    insta::assert_snapshot!(hashes_hidden(&written.typed(&again).await), @r"
    --- out
    platform@2:HASH
    07070707-0707-8707-8707-070707070707@2:HASH  shop
    --- err
    All 4 entries of 2 streams are what was written; the head is in its stream; the heads are now:
    ");
    let json = written.typed("ledger verify --json").await;
    assert!(json.contains(r#""entries": 4"#), "{json}");
}

#[tokio::test]
async fn what_was_changed_is_named() {
    let written = Written::new().await;
    let rewritten = format!("ledger verify --head platform@1:{}", "0".repeat(64));
    insta::assert_snapshot!(hashes_hidden(&written.typed(&rewritten).await), @r"
    --- out
    --- err
     !     entry 1 of platform is not the one of --head platform@1:0000000000000000000000000000000000000000000000000000000000000000: the chain was rewritten
    ");
    insta::assert_snapshot!(written.typed("ledger verify --head shop").await, @r"
    exit 2
    error: invalid value 'shop' for '--head <STREAM@SEQ:HEX>': `shop` is not a head: write STREAM@SEQ:HASH, as `hokku ledger verify` prints it

    For more information, try '--help'.
    ");
    let raw = rusqlite::Connection::open(written.dir.path().join("ledger/ledger.db")).expect("opened");
    let triggers: Vec<String> = raw
        .prepare("SELECT name FROM sqlite_master WHERE type = 'trigger'")
        .and_then(|mut rows| rows.query_map([], |row| row.get(0))?.collect())
        .expect("triggers");
    for trigger in triggers {
        raw.execute(&format!("DROP TRIGGER {trigger}"), []).expect("dropped");
    }
    let changed = raw.execute(
        "UPDATE entries SET body = CAST(replace(CAST(body AS TEXT), 'shop', 'shoe') AS BLOB) WHERE seq = 2",
        [],
    );
    assert!(changed.expect("changed") > 0);
    drop(raw);
    insta::assert_snapshot!(written.typed("ledger verify").await, @r"
    --- out
    --- err
     !     entry 2 of platform does not have the hash that is stored with it
    ");
}

#[tokio::test]
async fn an_export_is_whole_and_without_secrets() {
    let written = Written::new().await;
    let file = written.dir.path().join("out.jsonl");
    let told = written.typed(&format!("ledger export -o {}", file.display())).await;
    insta::assert_snapshot!(told, @r"
    --- out
    --- err
    Wrote 4 entries to DATA/out.jsonl
    ");
    let text = std::fs::read_to_string(&file).expect("there");
    assert!(
        text.lines().all(|line| serde_json::from_str::<Value>(line).is_ok()) && text.lines().count() == 4
    );
    assert!(!text.contains("hunter2"));
    assert_eq!(written.typed("ledger export").await, format!("--- out\n{text}--- err\n"));
}

#[tokio::test]
async fn without_a_ledger_it_is_said_who_makes_one() {
    let empty = Written { dir: tempfile::tempdir().expect("dir") };
    insta::assert_snapshot!(empty.typed("ledger log").await, @r"
    --- out
    --- err
     !     there is no ledger at DATA/ledger/ledger.db; `hokku up` makes one, and --data-dir says where it is
    ");
}
