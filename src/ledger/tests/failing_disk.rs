use super::fixture::{Disk, app_id, append, beginning, create_app, owner, set, standing};
use crate::ledger::{
    Actor, AppendError, Batch, Event, Ledger, LedgerError, Stream, entry_table::EntryTable, keyring::Keyring,
};

/// A ledger whose file's connection was told `pragma`.
fn open_with(disk: &Disk, pragma: &str) -> Ledger {
    let entries = EntryTable::open(&disk.path()).expect("opened");
    entries.connection().execute_batch(pragma).expect(pragma);
    let keyring = Keyring::open(&disk.path(), disk.key.clone()).expect("opened");
    Ledger::start(entries, keyring, standing()).expect("started")
}

async fn with_an_app() -> Disk {
    let disk = Disk::new();
    let ledger = disk.open();
    append(&ledger, Stream::Platform, beginning()).await;
    append(&ledger, Stream::Platform, vec![create_app(1, "shop")]).await;
    ledger.close().await;
    disk
}

fn setting(value: &str, head: u64) -> Batch {
    let stream = Stream::App(app_id(1));
    Batch {
        actor: owner(),
        heads: vec![(stream, head)],
        events: vec![(stream, set(&[("VALUE", Some(value))]))],
    }
}

#[tokio::test]
async fn a_full_disk_is_told_changes_nothing_and_is_forgotten_when_there_is_space() {
    let disk = with_an_app().await;
    let ledger = open_with(&disk, "PRAGMA max_page_count = 16");
    let (before, states) = (ledger.state(), ledger.subscribe());
    // Both are in one commit, or in two: the large one fails either way.
    let refused = ledger.append(setting(&"x".repeat(60_000), 0)).await.expect_err("full");
    assert!(matches!(refused, AppendError::Ledger(LedgerError::Full { .. })), "{refused:?}");
    insta::assert_snapshot!(disk.message(&refused), @"no space left for DATA/ledger.db; free some and try again; nothing was changed");
    assert_eq!(*ledger.state(), *before);
    assert!(!states.has_changed().expect("open"), "nothing was published");
    let after = ledger.append(setting("small", 0)).await.expect("there is space for a small one");
    assert_eq!(after.apps[&app_id(1)].config.get("VALUE"), Some("small"));
    ledger.close().await;
    assert_eq!(*disk.open().state(), *after);
}

#[tokio::test]
async fn an_app_whose_commit_failed_leaves_no_trace() {
    let disk = with_an_app().await;
    let ledger = open_with(&disk, "PRAGMA max_page_count = 16");
    let stream = Stream::App(app_id(2));
    let batch = |value: &str| Batch {
        actor: Actor::Platform,
        heads: vec![(Stream::Platform, 3), (stream, 0)],
        events: vec![(Stream::Platform, create_app(2, "blog")), (stream, set(&[("VALUE", Some(value))]))],
    };
    ledger.append(batch(&"x".repeat(60_000))).await.expect_err("full");
    assert!(ledger.state().app("blog").is_none());
    let after = ledger.append(batch("small")).await.expect("made");
    ledger.close().await;
    let opened = disk.open();
    assert_eq!(*opened.state(), *after, "the key of the second try holds");
    let destroyed = vec![Event::AppDestroyed { app: app_id(2) }];
    append(&opened, Stream::Platform, destroyed).await;
}

#[tokio::test]
async fn a_read_only_disk_is_told_apart_from_a_full_one() {
    let disk = with_an_app().await;
    let ledger = open_with(&disk, "PRAGMA query_only = ON");
    let before = ledger.state();
    let refused = ledger.append(setting("small", 0)).await.expect_err("read-only");
    insta::assert_snapshot!(disk.message(&refused), @"DATA/ledger.db is read-only; make it and its directory writable and try again; nothing was changed");
    assert_eq!(*ledger.state(), *before);
}
