use super::fixture::{
    Disk, all_bytes, app_id, append, append_every_kind, beginning, contains, create_app, set,
};
use crate::ledger::{Archive, Event, Ledger, LedgerConfig, LedgerError, PlatformKey, Stream};

/// A copy of `disk` below its directory.
fn copied(disk: &Disk) -> (Archive, std::path::PathBuf) {
    let into = disk.dir.path().join("copy");
    std::fs::create_dir_all(&into).expect("made");
    (Archive::snapshot(&disk.path(), &into, &into).expect("copied"), into)
}

#[tokio::test]
async fn a_copy_is_the_ledger_of_one_moment_while_it_is_written() {
    let disk = Disk::new();
    let ledger = disk.open();
    append_every_kind(&ledger).await;
    let state = ledger.state();
    let (archive, into) = copied(&disk);
    append(&ledger, Stream::Platform, vec![create_app(200, "later")]).await;
    assert_eq!(archive.verify(&[]).expect("whole").entries, super::fixture::every_kind().len() as u64);
    drop(archive);
    disk.key.check(&into).expect("it opens the keys");
    let copy = Ledger::open(LedgerConfig { dir: into, key: disk.key.clone() }, super::fixture::standing());
    assert_eq!(*copy.expect("opened").state(), *state);
}

#[tokio::test]
async fn the_state_is_read_without_a_key_and_without_secrets() {
    let disk = Disk::new();
    let ledger = disk.open();
    append_every_kind(&ledger).await;
    let (state, known) = (Archive::open(&disk.path()).expect("open").state().expect("read"), ledger.state());
    let app = state.app("store").expect("the app");
    assert_eq!(app.config.get("GREETING"), None);
    assert_eq!(app.current_slug(), known.app("store").expect("the app").current_slug());
    assert_eq!((state.platform, &state.names), (known.platform, &known.names));
    assert_eq!(state.head, known.head);
}

#[tokio::test]
async fn what_was_destroyed_is_in_no_copy() {
    let disk = Disk::new();
    let ledger = disk.open();
    append(&ledger, Stream::Platform, beginning()).await;
    for number in [1, 2] {
        append(&ledger, Stream::Platform, vec![create_app(number, &format!("app-{number}"))]).await;
        append(&ledger, Stream::App(app_id(number)), vec![set(&[("TOKEN", Some("hunter2"))])]).await;
    }
    let sql = "SELECT wrapped FROM keys WHERE app = ?";
    let key = |number| -> Vec<u8> {
        let id = app_id(number).to_string();
        disk.raw("keys.db").query_row(sql, [id], |row| row.get(0)).expect("a key")
    };
    let keys = [key(1), key(2)];
    append(&ledger, Stream::Platform, vec![Event::AppDestroyed { app: app_id(1) }]).await;
    let (_, into) = copied(&disk);
    let bytes = all_bytes(&into);
    assert_eq!(keys.map(|key| contains(&bytes, &key)), [false, true]);
}

#[tokio::test]
async fn a_missing_key_and_a_wrong_one_are_told() {
    let disk = Disk::new();
    let ledger = disk.open();
    append(&ledger, Stream::Platform, beginning()).await;
    append(&ledger, Stream::Platform, vec![create_app(1, "shop")]).await;
    let (_, into) = copied(&disk);
    let wrong = PlatformKey::random().expect("a key").check(&into).expect_err("another");
    assert!(matches!(wrong, LedgerError::WrongKey { .. }), "{wrong}");
    disk.raw("keys.db").execute("DELETE FROM keys", []).expect("deleted");
    let missing = Archive::snapshot(&disk.path(), &into, &into).map(drop).expect_err("no key");
    insta::assert_snapshot!(disk.message(&missing), @"DATA/keys.db has no usable key for app 01010101-0101-8101-8101-010101010101; put back the copy of it that belongs to this ledger");
}
