use super::fixture::{
    Disk, app_id, append, append_every_kind, beginning, create_app, every_kind, release, set, standing,
};
use crate::ledger::{
    Archive, Head, Ledger, LedgerError, PlatformKey, Record, Stream, VerifyError, entry_table::EntryTable,
};
use rusqlite::Connection;

const WITHOUT_TRIGGERS: &str = "DROP TRIGGER entries_are_not_updated; DROP TRIGGER entries_are_not_deleted;
                                DROP TRIGGER entries_are_not_replaced;";

async fn small(disk: &Disk) {
    let ledger = disk.open();
    append(&ledger, Stream::Platform, beginning()).await;
    append(&ledger, Stream::Platform, vec![create_app(1, "shop")]).await;
    append(
        &ledger,
        Stream::App(app_id(1)),
        vec![set(&[("TOKEN", Some("hunter2"))]), release(1, None, false)],
    )
    .await;
    ledger.close().await;
}

fn archive(disk: &Disk) -> Archive {
    Archive::open(&disk.path()).expect("readable")
}

fn breach(archive: &Archive) -> String {
    match archive.verify(&[]) {
        Err(VerifyError::Entry(breach)) => breach.to_string(),
        other => panic!("no breach was found: {other:?}"),
    }
}

/// Runs `sql` on the archive's own connection, looks, and takes it back.
fn tampered<T>(archive: &Archive, sql: &str, look: impl FnOnce() -> T) -> T {
    let connection = archive.entries.connection();
    connection.execute_batch("SAVEPOINT tampered").expect("begun");
    connection.execute_batch(sql).expect(sql);
    let seen = look();
    connection.execute_batch("ROLLBACK TO tampered; RELEASE tampered").expect("taken back");
    seen
}

/// The ledger of `disk` in memory, with nothing that keeps it from being changed.
fn copied(disk: &Disk) -> Archive {
    let entries = EntryTable::in_memory().expect("memory");
    let connection: &Connection = entries.connection();
    connection
        .execute("ATTACH ? AS disk", [disk.path().join("ledger.db").display().to_string()])
        .expect("attached");
    connection.execute("INSERT INTO entries SELECT * FROM disk.entries", []).expect("copied");
    connection.execute_batch(WITHOUT_TRIGGERS).expect("dropped");
    connection.execute_batch("DROP INDEX entries_by_stream").expect("dropped");
    Archive { entries }
}

#[tokio::test]
async fn every_flipped_bit_is_found() {
    let disk = Disk::new();
    small(&disk).await;
    let archive = copied(&disk);
    let report = archive.verify(&[]).expect("sound before");
    assert_eq!(report.entries, 5);
    let mut rows = Vec::new();
    archive
        .entries
        .each(None, |found| {
            rows.push((found.position, found.seq, found.body.to_vec(), found.hash.to_vec()));
            Ok::<_, LedgerError>(())
        })
        .expect("read");
    for (position, seq, body, hash) in rows {
        for (column, bytes) in [("body", body), ("hash", hash)] {
            for bit in 0..bytes.len() * 8 {
                let mut flipped = bytes.clone();
                flipped[bit / 8] ^= 1 << (bit % 8);
                let sql = format!(
                    "UPDATE entries SET {column} = x'{}' WHERE position = {position}",
                    hex::encode(flipped)
                );
                let found = tampered(&archive, &sql, || breach(&archive));
                assert!(found.starts_with(&format!("entry {seq} of ")), "{column} bit {bit}: {found}");
            }
        }
        for bit in 0..64 {
            let sql = format!("UPDATE entries SET seq = {} WHERE position = {position}", seq ^ (1 << bit));
            let found = tampered(&archive, &sql, || archive.verify(&[]).expect_err("changed").to_string());
            assert!(found.contains("says that it is entry"), "seq bit {bit}: {found}");
        }
    }
    archive.verify(&[]).expect("sound after: the test took everything back");
}

#[tokio::test]
async fn what_is_wrong_is_told() {
    let disk = Disk::new();
    small(&disk).await;
    let archive = copied(&disk);
    let told = |sql: &str| tampered(&archive, sql, || breach(&archive));
    insta::assert_snapshot!(told("UPDATE entries SET body = x'78' WHERE position = 5"), @"entry 2 of 01010101-0101-8101-8101-010101010101 (app shop) does not have the hash that is stored with it");
    insta::assert_snapshot!(told("UPDATE entries SET stream = 'x' WHERE position = 5"), @"entry 2 of x says that it is entry 2 of 01010101-0101-8101-8101-010101010101");
    insta::assert_snapshot!(told("UPDATE entries SET position = 9 WHERE position = 5"), @"entry 2 of 01010101-0101-8101-8101-010101010101 (app shop) is at position 9 of the ledger, where 5 should be");
    insta::assert_snapshot!(told("DELETE FROM entries WHERE position = 4"), @"entry 2 of 01010101-0101-8101-8101-010101010101 (app shop) is at position 5 of the ledger, where 4 should be");
    insta::assert_snapshot!(
        told("DELETE FROM entries WHERE position = 2; UPDATE entries SET position = position - 1 WHERE position > 2"),
        @"entry 3 of platform comes after entry 1 of its stream"
    );
    let heads = archive.verify(&[]).expect("sound").chains;
    let head = heads[1].head;
    let short = tampered(&archive, "DELETE FROM entries WHERE position = 5", || archive.verify(&[head]));
    assert!(matches!(short, Err(VerifyError::Short { entries: 1, .. })), "{short:?}");
    let cut = short.expect_err("short").to_string().replace(&head.hash.to_string(), "HASH");
    insta::assert_snapshot!(cut, @"01010101-0101-8101-8101-010101010101 has 1 entries, and --head 01010101-0101-8101-8101-010101010101@2:HASH is after them: the end is missing");
    let other = Head { hash: heads[0].head.hash, ..head };
    let rewritten = archive.verify(&[other]).expect_err("another");
    insta::assert_snapshot!(rewritten.to_string().replace(&other.hash.to_string(), "HASH"), @"entry 2 of 01010101-0101-8101-8101-010101010101 is not the one of --head 01010101-0101-8101-8101-010101010101@2:HASH: the chain was rewritten");
    archive.verify(&heads.iter().map(|chain| chain.head).collect::<Vec<_>>()).expect("sound with its heads");
}

#[tokio::test]
async fn a_changed_ledger_is_not_opened() {
    let disk = Disk::new();
    small(&disk).await;
    disk.raw("ledger.db").execute_batch(WITHOUT_TRIGGERS).expect("dropped");
    disk.raw("ledger.db").execute("UPDATE entries SET body = x'78' WHERE position = 4", []).expect("changed");
    let refused = disk.try_open().expect_err("changed");
    insta::assert_snapshot!(disk.message(&refused), @"entry 1 of 01010101-0101-8101-8101-010101010101 does not have the hash that is stored with it; `hokku ledger verify` tells more; put back a copy of the ledger");
}

#[tokio::test]
async fn an_entry_of_a_later_version_is_not_guessed_at() {
    let disk = Disk::new();
    small(&disk).await;
    let archive = copied(&disk);
    let raw = disk.raw("ledger.db");
    raw.execute_batch(WITHOUT_TRIGGERS).expect("dropped");
    let mut body = String::new();
    archive
        .entries
        .each(Some(Stream::App(app_id(1))), |found| {
            body = String::from_utf8(found.body.to_vec()).expect("text");
            Ok::<_, LedgerError>(())
        })
        .expect("read");
    let refused = |from: &str, to: &str| {
        let later = body.replace(from, to);
        assert_ne!(later, body);
        let hash = crate::ledger::EntryHash::of(later.as_bytes()).0;
        raw.execute("UPDATE entries SET body = ?, hash = ? WHERE position = 5", (later.as_bytes(), hash))
            .expect("set");
        disk.message(&disk.try_open().expect_err("later"))
    };
    insta::assert_snapshot!(refused("\"version\":1,\"kind\"", "\"version\":2,\"kind\""), @"entry 2 of 01010101-0101-8101-8101-010101010101 is `release-created` version 2, made by a newer hokku: upgrade");
    insta::assert_snapshot!(refused("release-created", "release-praised"), @"entry 2 of 01010101-0101-8101-8101-010101010101 is `release-praised` version 1, made by a newer hokku: upgrade");
    insta::assert_snapshot!(refused("{\"format\":1", "{\"poem\":true,\"format\":2"), @"entry 2 of 01010101-0101-8101-8101-010101010101 is of format 2, made by a newer hokku: upgrade");
    insta::assert_snapshot!(refused("\"pending\":false", "\"pending\":0"), @"entry 2 of 01010101-0101-8101-8101-010101010101 has a payload that is not of its kind; `hokku ledger verify` tells more; put back a copy of the ledger");
}

#[tokio::test]
async fn the_archive_is_read_while_the_platform_writes() {
    let disk = Disk::new();
    let ledger = disk.open();
    append(&ledger, Stream::Platform, beginning()).await;
    let archive = archive(&disk);
    assert_eq!(archive.verify(&[]).expect("sound").entries, 2);
    append_every_kind_after_the_beginning(&ledger).await;
    assert_eq!(archive.verify(&[]).expect("sound").entries, every_kind().len() as u64);
    let chains = archive.chains().expect("read");
    let told: Vec<_> =
        chains.iter().map(|chain| (chain.head.seq, chain.app.as_ref().map(ToString::to_string))).collect();
    assert_eq!(told, [(15, None), (26, Some("store".to_owned()))]);
    assert_eq!(archive.verify(&[]).expect("sound").chains, chains);
    ledger.close().await;
    assert_eq!(Archive::open(&disk.path()).expect("without the platform").chains().expect("read"), chains);
}

async fn append_every_kind_after_the_beginning(ledger: &Ledger) {
    for (stream, event) in every_kind().into_iter().skip(2) {
        append(ledger, stream, vec![event]).await;
    }
}

#[tokio::test]
async fn every_kind_has_a_line_for_people() {
    let disk = Disk::new();
    append_every_kind(&disk.open()).await;
    let mut lines = Vec::new();
    archive(&disk)
        .each(None, |record: Record| {
            lines.push(format!("{}: {}", record.kind, record.summary()));
            Ok::<_, LedgerError>(())
        })
        .expect("read");
    insta::assert_snapshot!(lines.join("\n"), @r"
platform-created: Platform 09090909-0909-8909-8909-090909090909 created
account-created: Account owner@example.com created
authorization-created: Token 02020202-0202-8202-8202-020202020202 created: laptop
authorization-revoked: Token 02020202-0202-8202-8202-020202020202 revoked
app-created: App shop created
app-created: App blog created
app-renamed: App 01010101-0101-8101-8101-010101010101 renamed to store
build-created: Build 01010101-0101-8101-8101-010101010101 of 1a2b3c4d started
slug-created: Slug 05050505-0505-8505-8505-050505050505 stored
build-succeeded: Build 01010101-0101-8101-8101-010101010101 succeeded
build-created: Build 02020202-0202-8202-8202-020202020202 of 1a2b3c4d started
build-failed: Build 02020202-0202-8202-8202-020202020202 failed: no buildpack
config-set: Set GREETING; unset OLD
release-created: v1 Deploy 1 (release phase follows)
release-succeeded: v1 succeeded
release-created: v2 Deploy 2 (release phase follows)
release-failed: v2 failed: exit status 1
formation-changed: web=3 (Standard-2X)
domain-added: Domain shop.example.com added
domain-removed: Domain 01010101-0101-8101-8101-010101010101 removed
domain-added: Domain www.example.com added
collaborator-added: Collaborator 01010101-0101-8101-8101-010101010101 added
collaborator-removed: Collaborator 04040404-0404-8404-8404-040404040404 removed
maintenance-set: Maintenance mode on
feature-set: Feature preboot on
buildpacks-set: Buildpacks heroku/python
drain-added: Drain 01010101-0101-8101-8101-010101010101 added
drain-removed: Drain 01010101-0101-8101-8101-010101010101 removed
drain-added: Drain 02020202-0202-8202-8202-020202020202 added
addon-created: Add-on postgresql-round-12345 (heroku-postgresql:mini) created
attachment-created: Add-on 06060606-0606-8606-8606-060606060606 attached as DATABASE
attachment-destroyed: Attachment 07070707-0707-8707-8707-070707070707 removed
addon-destroyed: Add-on 06060606-0606-8606-8606-060606060606 destroyed
app-destroyed: App 02020202-0202-8202-8202-020202020202 destroyed
account-created: Account friend@example.com created
password-set: Password of account 09090909-0909-8909-8909-090909090909 set
authorization-created: Token 09090909-0909-8909-8909-090909090909 created: for reading
access-refused: Refused mallory@example.com from 127.0.0.1: log in (3 more like it before)
app-transferred: App 01010101-0101-8101-8101-010101010101 transferred to account 09090909-0909-8909-8909-090909090909
app-transferred: App 01010101-0101-8101-8101-010101010101 transferred to account 01010101-0101-8101-8101-010101010101
account-removed: Account 09090909-0909-8909-8909-090909090909 removed
");
}

#[tokio::test]
async fn an_export_has_the_bytes_that_were_hashed_and_no_key() {
    let disk = Disk::new();
    append_every_kind(&disk.open()).await;
    let mut exported = Vec::new();
    let count = archive(&disk).export(&mut exported).expect("exported");
    assert_eq!(count, every_kind().len() as u64);
    let text = String::from_utf8(exported).expect("text");
    assert_eq!(text.lines().count() as u64, count);
    for line in text.lines() {
        let (hash, body) = line[9..line.len() - 1].split_once("\",\"body\":").expect("both");
        assert_eq!(hash, crate::ledger::EntryHash::of(body.as_bytes()).to_string());
        serde_json::from_str::<serde_json::Value>(line).expect("JSON");
    }
    assert!(!text.contains("hunter"));
}

#[test]
fn what_is_no_ledger_is_refused() {
    let disk = Disk::new();
    let missing = Archive::open(&disk.path()).err().expect("nothing there");
    insta::assert_snapshot!(disk.message(&missing), @"there is no ledger at DATA/ledger.db; `hokku up` makes one, and --data-dir says where it is");
    drop(disk.open());
    disk.raw("ledger.db").execute_batch("PRAGMA user_version = 2").expect("set");
    let newer = disk.try_open().expect_err("newer");
    insta::assert_snapshot!(disk.message(&newer), @"DATA/ledger.db has format 2, made by a newer hokku: upgrade (this one knows format 1)");
    assert!(matches!(Archive::open(&disk.path()), Err(LedgerError::NewerFile { .. })));
    disk.raw("ledger.db").execute_batch("PRAGMA application_id = 7").expect("set");
    insta::assert_snapshot!(disk.message(&disk.try_open().expect_err("unknown")), @"DATA/ledger.db is not a ledger of hokku; choose another data directory");
    std::fs::write(disk.path().join("keys.db"), "a poem, and not a short one, for a header")
        .expect("written");
    insta::assert_snapshot!(disk.message(&disk.try_open().expect_err("text")), @"DATA/keys.db is not a keyring of hokku; choose another data directory");
    let elsewhere = Ledger::open(
        crate::ledger::LedgerConfig { dir: "/dev/null/ledger".into(), key: PlatformKey([0; 32]) },
        standing(),
    );
    insta::assert_snapshot!(elsewhere.expect_err("no directory"), @"cannot use /dev/null/ledger for the ledger: Not a directory (os error 20); choose another data directory");
}
