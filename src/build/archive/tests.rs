use super::{ArchiveError, ArchiveLimits, unpack_archive};
use crate::slug::Digest;
use cap_std::{ambient_authority, fs::Dir};
use proptest::prelude::*;
use std::{
    fs,
    io::{Seek as _, Write as _},
    os::unix::fs::PermissionsExt as _,
    path::Path,
};
use tokio_util::sync::CancellationToken;

const LIMITS: ArchiveLimits = ArchiveLimits { bytes: 100_000, entries: 50 };

/// One header of exactly these words, however illegal, and its contents.
fn entry(name: &[u8], kind: u8, link: &[u8], contents: &[u8]) -> Vec<u8> {
    let mut header = tar::Header::new_gnu();
    let bytes = header.as_mut_bytes();
    bytes[..name.len().min(100)].copy_from_slice(&name[..name.len().min(100)]);
    bytes[157..157 + link.len().min(100)].copy_from_slice(&link[..link.len().min(100)]);
    bytes[156] = kind;
    header.set_size(contents.len() as u64);
    header.set_mode(0o755);
    header.set_cksum();
    let mut entry = header.as_bytes().to_vec();
    entry.extend(contents);
    entry.resize(entry.len().next_multiple_of(512), 0);
    entry
}

fn gzip(bytes: &[u8]) -> Vec<u8> {
    let mut encoder = flate2::write::GzEncoder::new(Vec::new(), flate2::Compression::fast());
    encoder.write_all(bytes).expect("memory");
    encoder.finish().expect("memory")
}

fn unpack(bytes: &[u8], into: &Path, checksum: Option<Digest>) -> Result<(), ArchiveError> {
    let mut file = tempfile::tempfile().expect("a file");
    file.write_all(bytes).expect("written");
    file.rewind().expect("rewound");
    let into = Dir::open_ambient_dir(into, ambient_authority()).expect("a directory");
    unpack_archive(file, &into, LIMITS, checksum, &CancellationToken::new())
}

fn refusal(entries: &[Vec<u8>]) -> String {
    let dir = tempfile::tempdir().expect("a directory");
    unpack(&entries.concat(), dir.path(), None).expect_err("refused").to_string()
}

#[test]
fn archives_as_clients_make_them_are_unpacked() {
    let long = format!("./{}/file.txt", "d".repeat(120));
    let pax = |record: &str| {
        let length = record.len() + 2;
        let length = if length + 1 > 9 { length + 2 } else { length + 1 };
        format!("{length} {record}\n").into_bytes()
    };
    let archive = [
        entry(b"pax_global_header", b'g', b"", b"52 comment=0123456789012345678901234567890123456789\n"),
        entry(b"./", b'5', b"", b""),
        entry(b"./bin/", b'5', b"", b""),
        entry(b"./bin/run", b'0', b"", b"#!"),
        entry(b"./start", b'2', b"bin/run", b""),
        entry(b"././@LongLink", b'L', b"", format!("{long}\0").as_bytes()),
        entry(&long.as_bytes()[..100], b'0', b"", b"long"),
        entry(b"x", b'x', b"", &pax("path=named/by pax.txt")),
        entry(b"short", b'0', b"", b"pax"),
        vec![0; 1024],
    ]
    .concat();
    for bytes in [archive.clone(), gzip(&archive)] {
        let dir = tempfile::tempdir().expect("a directory");
        unpack(&bytes, dir.path(), Some(Digest::of(&bytes))).expect("unpacked");
        let read = |path: &str| fs::read_to_string(dir.path().join(path)).expect("there");
        assert_eq!(
            (read("start"), read(&long), read("named/by pax.txt")),
            ("#!".into(), "long".into(), "pax".into())
        );
        let mode = fs::metadata(dir.path().join("bin/run")).expect("there").permissions().mode();
        assert_eq!(mode & 0o777, 0o755);
    }
}

#[test]
fn hostile_entries_are_refused_by_name() {
    insta::assert_snapshot!(refusal(&[entry(b"../evil", b'0', b"", b"x")]), @"`../evil` in the source archive is refused: its path has a `..` component");
    insta::assert_snapshot!(refusal(&[entry(b"/etc/passwd", b'0', b"", b"x")]), @"`/etc/passwd` in the source archive is refused: its path is absolute");
    insta::assert_snapshot!(refusal(&[entry(b"a", b'2', b"../b", b"")]), @"`a` in the source archive is refused: it links to `../b`, which is outside of the app");
    insta::assert_snapshot!(refusal(&[entry(b"a", b'2', b"/etc", b"")]), @"`a` in the source archive is refused: it links to `/etc`, which is outside of the app");
    insta::assert_snapshot!(refusal(&[entry(b"d", b'2', b".", b""), entry(b"d/f", b'0', b"", b"x")]), @"`d/f` in the source archive is refused: it lies below `d`, which is no directory");
    insta::assert_snapshot!(refusal(&[entry(b"f", b'0', b"", b"x"), entry(b"f", b'0', b"", b"y")]), @"`f` in the source archive is refused: it is in the archive twice");
    insta::assert_snapshot!(refusal(&[entry(b"h", b'1', b"f", b"")]), @"`h` in the source archive is refused: it is a hard link: source holds only files, directories and symbolic links");
    insta::assert_snapshot!(refusal(&[entry(b"null", b'3', b"", b"")]), @"`null` in the source archive is refused: it is a device: source holds only files, directories and symbolic links");
    insta::assert_snapshot!(refusal(&[entry(b"\xff", b'0', b"", b"")]), @"`\u{fffd}` in the source archive is refused: its name is not UTF-8 or holds a NUL byte");
    let deep = "d/".repeat(101);
    insta::assert_snapshot!(refusal(&[entry(b"L", b'L', b"", deep.as_bytes()), entry(b"x", b'0', b"", b"")]).split(": ").last().unwrap_or_default(), @"at most 1024 bytes, 255 in a name, 100 directories deep");
    insta::assert_snapshot!(refusal(&[entry(b"x", b'x', b"", b"nonsense")]), @"`x` in the source archive is refused: its header is too large or damaged");
    insta::assert_snapshot!(refusal(&[entry(b"L", b'L', b"", &vec![b'a'; 70_000])]), @"`L` in the source archive is refused: its header is too large or damaged");
}

#[test]
fn bombs_end_at_the_limit() {
    let dir = tempfile::tempdir().expect("a directory");
    let bomb = gzip(&entry(b"zeros", b'0', b"", &vec![0; 5_000_000]));
    assert!(bomb.len() < 100_000, "it is a bomb");
    insta::assert_snapshot!(unpack(&bomb, dir.path(), None).expect_err("refused"), @"the source is larger than 100.0 kB, counted to `zeros`: leave out what the app does not need");
    assert!(fs::metadata(dir.path().join("zeros")).expect("begun").len() <= LIMITS.bytes);
    // Also where the bytes are in what is passed over.
    let hidden = gzip(&[entry(b"g", b'g', b"", &vec![0; 5_000_000]), entry(b"a", b'0', b"", b"")].concat());
    let dir = tempfile::tempdir().expect("a directory");
    assert!(matches!(unpack(&hidden, dir.path(), None), Err(ArchiveError::TooLarge { .. })));
    let many: Vec<_> = (0..51).map(|number| entry(format!("{number}").as_bytes(), b'0', b"", b"")).collect();
    insta::assert_snapshot!(refusal(&many), @"the source has more than 50 files and directories: leave out what the app does not need");
}

#[test]
fn what_is_no_archive_is_told() {
    let dir = tempfile::tempdir().expect("a directory");
    let error = |bytes: &[u8]| unpack(bytes, dir.path(), None).expect_err("refused").to_string();
    assert!(error(b"PK\x03\x04 a zip file").starts_with("the source is not a tar archive ("));
    assert!(error(&[b"<html>".as_slice(); 200].concat()).starts_with("the source is not a tar archive ("));
    insta::assert_snapshot!(error(b""), @"the source archive is empty: upload the app's directory");
    let whole = gzip(&[entry(b"a", b'0', b"", &[7; 3000]), vec![0; 1024]].concat());
    assert!(error(&whole[..whole.len() / 2]).starts_with("the source"), "cut off");
    let wrong = unpack(b"x", dir.path(), Some(Digest::of(b"y"))).expect_err("refused");
    insta::assert_snapshot!(wrong, @"the source archive has the checksum SHA256:2d711642b726b04401627ca9fbac32f5c8530fb1903cc4db02258717921a4881, not SHA256:a1fce4363854ff888cff4b8e7875d600c2682390412a8cf79b37d0b11148b0fa: upload it again");
}

fn names() -> impl Strategy<Value = Vec<u8>> {
    let word =
        prop_oneof![Just(".."), Just("."), Just(""), Just("a"), Just("b"), Just("link"), Just("\u{e9}")];
    prop::collection::vec(word, 1..5).prop_map(|words| words.join("/").into_bytes())
}

proptest! {
    #![proptest_config(ProptestConfig { cases: 200, ..ProptestConfig::default() })]

    #[test]
    fn nothing_leaves_the_directory(
        entries in prop::collection::vec(
            (names(), prop::sample::select(b"012345678LKxgS".to_vec()), names(), prop::collection::vec(any::<u8>(), 0..600)),
            0..12,
        ),
    ) {
        let outside = tempfile::tempdir().expect("a directory");
        fs::write(outside.path().join("a"), "untouched").expect("written");
        let inside = outside.path().join("b/link");
        fs::create_dir_all(&inside).expect("made");
        let bytes: Vec<u8> = entries.iter().flat_map(|(name, kind, link, contents)| entry(name, *kind, link, contents)).collect();
        // Whatever comes of it.
        unpack(&bytes, &inside, None).ok();
        let list = |dir: &Path| fs::read_dir(dir).expect("read").count();
        prop_assert_eq!((list(outside.path()), list(&outside.path().join("b"))), (2, 1));
        prop_assert_eq!(fs::read_to_string(outside.path().join("a")).expect("there"), "untouched");
    }

    #[test]
    fn any_bytes_are_read_without_a_panic(bytes in prop::collection::vec(any::<u8>(), 0..2000)) {
        let dir = tempfile::tempdir().expect("a directory");
        unpack(&bytes, dir.path(), None).ok();
        unpack(&gzip(&bytes), dir.path(), None).ok();
    }
}

#[test]
fn an_archive_that_is_cut_off_or_damaged_is_never_taken_for_a_whole_one() {
    let entries = [entry(b"a.txt", b'0', b"", b"one"), entry(b"b.txt", b'0', b"", b"two")].concat();
    let whole = gzip(&[entries.clone(), vec![0; 1024]].concat());
    let told = |bytes: &[u8]| {
        let dir = tempfile::tempdir().expect("a directory");
        unpack(bytes, dir.path(), None).map_err(|error| error.to_string())
    };
    assert_eq!(told(&whole), Ok(()));
    insta::assert_snapshot!(told(&gzip(&entries)).expect_err("cut between entries"), @"the source archive is damaged or cut off (its end is missing): upload it again");
    let mut wrong_sum = whole.clone();
    let sum = wrong_sum.len() - 8;
    wrong_sum[sum] ^= 1;
    for damaged in [&whole[..whole.len() - 20], &whole[..whole.len() - 4], &wrong_sum] {
        let told = told(damaged).expect_err("damaged");
        assert!(told.starts_with("the source archive is damaged"), "{told}");
    }
}
