//! Archives that no backup writes.

use super::{
    BackupError, Progress,
    reader::Reader,
    writer::{Watch, Writer},
};
use std::{io::Write as _, path::Path};
use tokio_util::sync::CancellationToken;

/// An archive of these entries.
fn written(file: &Path, entries: &[(&str, &[u8])]) {
    let mut writer = Writer::create(file, file.to_owned()).expect("made");
    for (name, bytes) in entries {
        writer.bytes(name, bytes).expect("written");
    }
    writer.finish().expect("finished");
}

fn refused(file: &Path) -> String {
    let reader = Reader::of_backup(file);
    let error = reader.head::<super::head::Head>().map(drop).and_then(|()| reader.each(|_| Ok(())));
    error.expect_err("refused").to_string().replace(&file.display().to_string(), "FILE")
}

#[test]
fn what_is_no_backup_is_told() {
    let dir = tempfile::tempdir().expect("a directory");
    let file = dir.path().join("file");
    std::fs::write(&file, "text").expect("written");
    insta::assert_snapshot!(refused(&file), @"FILE is not a backup of hokku: it does not begin with hokku-backup.toml");
    written(&file, &[("format", b"1\n")]);
    insta::assert_snapshot!(refused(&file), @"FILE is not a backup of hokku: it does not begin with hokku-backup.toml");
    written(&file, &[("hokku-backup.toml", b"format = 2\nnews = true\n")]);
    insta::assert_snapshot!(refused(&file), @"FILE was made by a newer hokku (format 2): upgrade this one");
    written(&file, &[("hokku-backup.toml", b"format = 1\n")]);
    insta::assert_snapshot!(refused(&file), @"FILE is damaged: missing field `platform`; restore from another backup");
}

#[test]
fn links_are_refused() {
    let dir = tempfile::tempdir().expect("a directory");
    let file = dir.path().join("file");
    let mut header = tar::Header::new_ustar();
    header.set_entry_type(tar::EntryType::Symlink);
    header.set_path("format").expect("short");
    header.set_link_name("/etc/passwd").expect("short");
    header.set_size(0);
    header.set_cksum();
    let mut tar = tar::Builder::new(zstd::Encoder::new(Vec::new(), 1).expect("memory"));
    let mut first = tar::Header::new_ustar();
    first.set_path("hokku-backup.toml").expect("short");
    first.set_size(0);
    first.set_cksum();
    tar.append(&first, std::io::empty()).expect("memory");
    tar.append(&header, std::io::empty()).expect("memory");
    let bytes = tar.into_inner().and_then(zstd::Encoder::finish).expect("memory");
    std::fs::File::create(&file).and_then(|mut file| file.write_all(&bytes)).expect("written");
    let error = Reader::of_backup(&file).each(|_| Ok(())).expect_err("a link").to_string();
    assert!(error.contains("it holds something else than files"), "{error}");
}

#[test]
fn work_is_broken_off_and_told_of() {
    let (dir, stop) = (tempfile::tempdir().expect("a directory"), CancellationToken::new());
    let mut told = Vec::new();
    let mut tell = |progress: Progress| told.push(progress);
    let so_far = Progress { what: "ledger", bytes: 0 };
    let mut watch = Watch { stop: &stop, tell: &mut tell, so_far };
    let mut writer = Writer::create(&dir.path().join("file"), "FILE".into()).expect("made");
    watch.begin("slugs");
    writer.file("format", &mut b"1\n".as_slice(), 2, &mut watch).expect("copied");
    stop.cancel();
    let stopped = writer.file("format", &mut b"1\n".as_slice(), 2, &mut watch);
    assert!(matches!(stopped, Err(BackupError::Interrupted)), "{stopped:?}");
    assert_eq!(told.last(), Some(&Progress { what: "slugs", bytes: 2 }));
}
