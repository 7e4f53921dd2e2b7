use super::fixture::{Disk, append, append_every_kind, beginning, create_app, every_kind, owner, standing};
use crate::ledger::{AppendError, Batch, Event, Ledger, Stream};
use std::{fs, os::unix::fs::PermissionsExt as _};

#[tokio::test]
async fn what_was_appended_is_there_after_a_restart() {
    let disk = Disk::new();
    let ledger = disk.open();
    append_every_kind(&ledger).await;
    let before = ledger.state();
    ledger.close().await;
    drop(ledger);
    let after = disk.open().state();
    assert_eq!(after.apps.len(), 1);
    assert_eq!(*after, *before, "every field");
}

#[tokio::test]
async fn only_the_owner_may_read_the_files() {
    let disk = Disk::new();
    let ledger = disk.open();
    append(&ledger, Stream::Platform, beginning()).await;
    let mode = |path: &std::path::Path| fs::metadata(path).expect("there").permissions().mode() & 0o777;
    assert_eq!(mode(&disk.path()), 0o700);
    let files: Vec<_> =
        fs::read_dir(disk.path()).expect("a directory").map(|file| file.expect("one").path()).collect();
    assert!(files.len() >= 4, "{files:?}");
    for file in files {
        assert_eq!(mode(&file), 0o600, "{}", file.display());
    }
}

#[tokio::test]
async fn an_entry_cannot_be_changed_deleted_or_replaced() {
    let disk = Disk::new();
    append(&disk.open(), Stream::Platform, beginning()).await;
    let raw = disk.raw("ledger.db");
    let refused = |sql: &str| raw.execute(sql, []).expect_err("refused").to_string();
    insta::assert_snapshot!(refused("UPDATE entries SET seq = 7"), @"an entry is never changed");
    insta::assert_snapshot!(refused("DELETE FROM entries"), @"an entry is never deleted");
    insta::assert_snapshot!(
        refused("INSERT OR REPLACE INTO entries SELECT position, 'x', seq, body, hash FROM entries"),
        @"an entry is never replaced"
    );
    insta::assert_snapshot!(
        refused("INSERT OR REPLACE INTO entries SELECT position + 9, stream, seq, body, hash FROM entries"),
        @"an entry is never replaced"
    );
}

#[tokio::test]
async fn a_batch_for_another_head_conflicts_and_one_without_a_head_is_a_mistake() {
    let ledger = Ledger::in_memory(standing());
    append(&ledger, Stream::Platform, beginning()).await;
    let before = ledger.state();
    let batch =
        |heads| Batch { actor: owner(), heads, events: vec![(Stream::Platform, create_app(1, "shop"))] };
    let conflict = ledger.append(batch(vec![(Stream::Platform, 1)])).await.expect_err("another head");
    assert!(matches!(conflict, AppendError::Conflict { expected: 1, found: 2, .. }));
    insta::assert_snapshot!(conflict, @"platform has 2 entries; the change was made for 1");
    let headless = ledger.append(batch(vec![])).await.expect_err("no head");
    insta::assert_snapshot!(headless, @"the batch changes platform and names no head for it");
    assert_eq!(*ledger.state(), *before);
}

#[tokio::test]
async fn after_the_close_nothing_is_appended() {
    let ledger = Ledger::in_memory(standing());
    let twin = ledger.clone();
    ledger.close().await;
    let heads = vec![(Stream::Platform, 0)];
    let events = beginning().into_iter().map(|event| (Stream::Platform, event)).collect();
    let closed = twin.append(Batch { actor: owner(), heads, events }).await.expect_err("closed");
    insta::assert_snapshot!(closed, @"the platform is stopping; try again when it is back");
    assert_eq!(twin.state().head, 0);
}

#[tokio::test]
async fn a_batch_that_does_not_fit_is_refused_as_a_whole() {
    let disk = Disk::new();
    let ledger = disk.open();
    append(&ledger, Stream::Platform, beginning()).await;
    let before = ledger.state();
    let events = vec![(Stream::Platform, create_app(1, "shop")), (Stream::Platform, create_app(2, "shop"))];
    let batch = Batch { actor: owner(), heads: vec![(Stream::Platform, 2)], events };
    let misfit = ledger.append(batch).await.expect_err("taken");
    insta::assert_snapshot!(misfit, @"entry 4 of platform does not fit: the name shop is taken");
    assert_eq!(*ledger.state(), *before);
    append(&ledger, Stream::Platform, vec![create_app(1, "shop")]).await;
    drop(ledger);
    assert_eq!(disk.open().state().head, 3);
}

#[tokio::test]
async fn an_entry_that_is_too_large_is_refused() {
    let ledger = Ledger::in_memory(standing());
    append(&ledger, Stream::Platform, beginning()).await;
    let Event::AppCreated { app, name, owner: account, .. } = create_app(1, "shop") else { unreachable!() };
    let large = Event::AppCreated { app, name, owner: account, stack: "x".repeat(1 << 20) };
    let batch =
        Batch { actor: owner(), heads: vec![(Stream::Platform, 2)], events: vec![(Stream::Platform, large)] };
    let refused = ledger.append(batch).await.expect_err("too large");
    insta::assert_snapshot!(refused, @"a `app-created` entry would take 1048986 bytes; the limit is 1048576: make the change in smaller parts");
    assert!(ledger.state().apps.is_empty());
    append(&ledger, Stream::Platform, vec![create_app(1, "shop")]).await;
}

#[test]
fn the_list_has_every_kind() {
    let mut kinds: Vec<_> =
        every_kind().into_iter().map(|(_, event)| std::mem::discriminant(&event)).collect();
    kinds.dedup();
    let distinct: std::collections::HashSet<_> = kinds.into_iter().collect();
    assert_eq!(distinct.len(), crate::ledger::body::KINDS.len());
}
