//! Trees go in and come out the same; what is crafted to do harm does neither.

use super::{CheckOnly, IntoDir, UnpackLimits, pack, read, scan, unpack::Unreadable};
use crate::slug::{Digest, SlugError};
use cap_std::{ambient_authority, fs::Dir};
use proptest::prelude::*;
use std::{
    collections::{BTreeMap, HashSet},
    io::{Read as _, Seek as _, Write as _},
    os::unix::fs::{PermissionsExt, symlink},
    path::Path,
};
use tar::EntryType;

fn open(path: &Path) -> Dir {
    Dir::open_ambient_dir(path, ambient_authority()).expect("opened")
}

fn temp() -> tempfile::TempDir {
    tempfile::tempdir().expect("a directory")
}

fn pack_bytes(tree: &Path) -> Result<Vec<u8>, SlugError> {
    let dir = open(tree);
    let found = scan(&dir, &UnpackLimits::default())?;
    let file = tempfile::tempfile().expect("a file");
    let mut packed = pack(&dir, &found, &HashSet::new(), u64::MAX, file)?;
    let mut bytes = Vec::new();
    packed.file.rewind().and_then(|()| packed.file.read_to_end(&mut bytes)).expect("read");
    assert_eq!((packed.digest, packed.size), (Digest::of(&bytes), bytes.len() as u64));
    Ok(bytes)
}

fn unpack(bytes: &[u8], into: &Path) -> Result<super::UnpackSummary, Unreadable> {
    unpack_within(bytes, into, &UnpackLimits::default())
}

fn unpack_within(
    bytes: &[u8],
    into: &Path,
    limits: &UnpackLimits,
) -> Result<super::UnpackSummary, Unreadable> {
    let (outcome, digest) =
        read(bytes, bytes.len() as u64, limits, &mut IntoDir(open(into))).expect("memory");
    assert_eq!(digest, Digest::of(bytes), "the whole is hashed, whatever the outcome");
    outcome
}

/// What is in a directory: path, and `d`, `-> target`, or mode and contents.
fn listing(root: &Path) -> BTreeMap<String, String> {
    fn walk(root: &Path, dir: &Path, into: &mut BTreeMap<String, String>) {
        for entry in std::fs::read_dir(dir).expect("read") {
            let path = entry.expect("read").path();
            let metadata = path.symlink_metadata().expect("there");
            let shown = if metadata.is_dir() {
                walk(root, &path, into);
                "d".to_owned()
            } else if metadata.is_symlink() {
                format!("-> {}", path.read_link().expect("a link").display())
            } else {
                let executable = metadata.permissions().mode() & 0o100 != 0;
                format!("{executable} {:?}", std::fs::read(&path).expect("read"))
            };
            into.insert(path.strip_prefix(root).expect("below").display().to_string(), shown);
        }
    }
    let mut into = BTreeMap::new();
    walk(root, root, &mut into);
    into
}

fn write(root: &Path, path: &str, contents: &[u8]) {
    let path = root.join(path);
    std::fs::create_dir_all(path.parent().expect("a parent")).expect("made");
    std::fs::write(path, contents).expect("written");
}

#[test]
fn a_tree_comes_out_as_it_went_in() {
    let (tree, out) = (temp(), temp());
    let long = format!("{}/{}", "d".repeat(120), "f".repeat(200));
    write(tree.path(), "app.py", b"app = 1");
    write(tree.path(), "bin/run", b"#!");
    write(tree.path(), &long, b"long");
    write(tree.path(), "back\\slash ü", b"");
    std::fs::create_dir_all(tree.path().join("empty/dir")).expect("made");
    std::fs::set_permissions(tree.path().join("bin/run"), PermissionsExt::from_mode(0o4777)).expect("set");
    symlink("../app.py", tree.path().join("bin/app")).expect("linked");
    symlink("x/".repeat(100), tree.path().join("far")).expect("linked");
    symlink("bin", tree.path().join("programs")).expect("linked");
    let bytes = pack_bytes(tree.path()).expect("packed");
    let summary = unpack(&bytes, out.path()).expect("unpacked");
    assert_eq!(listing(out.path()), listing(tree.path()));
    assert_eq!((summary.entries, summary.bytes), (11, 13));
    assert_eq!(pack_bytes(out.path()).expect("packed"), bytes, "times and owners leave no trace");
}

#[cfg(target_os = "linux")]
#[test]
fn what_may_not_be_in_a_tree_is_named_when_packing() {
    fn refused(make: impl FnOnce(&Path)) -> String {
        let tree = temp();
        std::fs::create_dir(tree.path().join("lib")).expect("made");
        make(tree.path());
        pack_bytes(tree.path()).expect_err("refused").to_string()
    }
    let link =
        |target: &'static str| refused(move |tree| symlink(target, tree.join("lib/link")).expect("linked"));
    insta::assert_snapshot!(link("/etc/passwd"), @"`lib/link` is refused: it links to the absolute path `/etc/passwd`: link to a relative path inside the app");
    insta::assert_snapshot!(link("../../secret"), @"`lib/link` is refused: it links to `../../secret`, which is outside of the app: put the file into the app");
    insta::assert_snapshot!(link("x/../../secret"), @"`lib/link` is refused: its link target `x/../../secret` has `..` after a name: write the target with `..` only at its start");
    insta::assert_snapshot!(link("x.cwasm"), @"`lib/link` is refused: compiled WebAssembly is native code and is made on the host only: put the `.wasm` file there instead");
    insta::assert_snapshot!(refused(|tree| write(tree, "lib/x.cwasm", b"")), @"`lib/x.cwasm` is refused: compiled WebAssembly is native code and is made on the host only: put the `.wasm` file there instead");
    insta::assert_snapshot!(refused(|tree| write(tree, "lib/x", b"\x7fELF\x02\x01\x01\xc8")), @"`lib/x` is refused: compiled WebAssembly is native code and is made on the host only: put the `.wasm` file there instead");
    insta::assert_snapshot!(refused(|tree| {
        use std::os::unix::ffi::OsStrExt as _;
        std::fs::write(tree.join(std::ffi::OsStr::from_bytes(b"lib/\xff\n")), "").expect("written");
    }), @r#"`lib/�\n` is refused: its name is not UTF-8: rename it"#);
    insta::assert_snapshot!(refused(|tree| {
        std::os::unix::net::UnixListener::bind(tree.join("lib/sock")).expect("bound");
    }), @"`lib/sock` is refused: it is a socket: a slug holds only files, directories and symbolic links");
    let deep = refused(|tree| std::fs::create_dir_all(tree.join("d/".repeat(101))).expect("made"));
    insta::assert_snapshot!(deep.replace("d/", ""), @"`d` is refused: it lies 101 directories deep; the limit is 100: flatten the tree");
}

#[test]
fn limits_hold_when_packing() {
    let tree = temp();
    for n in 0..4 {
        write(tree.path(), &format!("f{n}"), &[0; 100]);
    }
    let scan = |limits| scan(&open(tree.path()), &limits).expect_err("refused").to_string();
    insta::assert_snapshot!(scan(UnpackLimits { entries: 3, ..UnpackLimits::default() }), @"`f3` is refused: the tree has more than 3 files, directories and links: leave out what the app does not need when it runs");
    insta::assert_snapshot!(scan(UnpackLimits { bytes: 250, ..UnpackLimits::default() }), @"`f2` is refused: with it the tree has more than 250 bytes unpacked: leave out files the app does not need when it runs");
}

/// Crafts an archive that packing would never write.
struct Craft(tar::Builder<Vec<u8>>);

impl Craft {
    fn new() -> Self {
        Self(tar::Builder::new(Vec::new()))
    }

    /// Writes path and target past the checks of the library.
    fn add(mut self, kind: EntryType, path: &[u8], target: &[u8], contents: &[u8]) -> Self {
        let mut header = tar::Header::new_gnu();
        header.as_old_mut().name[..path.len()].copy_from_slice(path);
        header.as_old_mut().linkname[..target.len()].copy_from_slice(target);
        header.set_entry_type(kind);
        header.set_mode(0o644);
        header.set_size(contents.len() as u64);
        header.set_cksum();
        self.0.append(&header, contents).expect("memory");
        self
    }

    fn file(self, path: &str) -> Self {
        self.add(EntryType::Regular, path.as_bytes(), b"", b"x")
    }

    fn directory(self, path: &str) -> Self {
        self.add(EntryType::Directory, path.as_bytes(), b"", b"")
    }

    fn link(self, path: &str, target: &str) -> Self {
        self.add(EntryType::Symlink, path.as_bytes(), target.as_bytes(), b"")
    }

    fn tar(self) -> Vec<u8> {
        self.0.into_inner().expect("memory")
    }

    fn zstd(self) -> Vec<u8> {
        zstd(&self.tar())
    }

    /// What unpacking says, having written nothing outside of the directory.
    fn refused(self) -> String {
        unpack_refused(&self.zstd(), &UnpackLimits::default())
    }
}

fn zstd(bytes: &[u8]) -> Vec<u8> {
    zstd::encode_all(bytes, 1).expect("memory")
}

fn unpack_refused(bytes: &[u8], limits: &UnpackLimits) -> String {
    let outer = temp();
    let inner = outer.path().join("inner");
    std::fs::create_dir(&inner).expect("made");
    let error = unpack_within(bytes, &inner, limits).expect_err("refused");
    let outside: Vec<_> = std::fs::read_dir(outer.path()).expect("read").collect();
    assert_eq!(outside.len(), 1, "something was written outside");
    error.of(Digest::of(b"")).to_string()
}

#[test]
fn paths_and_links_out_of_the_tree_are_refused_by_name() {
    insta::assert_snapshot!(Craft::new().file("../evil").refused(), @"`../evil` is refused: its path has a `..` component: paths in a slug only go down from the app's root");
    insta::assert_snapshot!(Craft::new().directory("a").file("a/../../evil").refused(), @"`a/../../evil` is refused: its path has a `..` component: paths in a slug only go down from the app's root");
    insta::assert_snapshot!(Craft::new().file("/tmp/evil").refused(), @"`/tmp/evil` is refused: its path is absolute: paths in a slug start at the app's root");
    insta::assert_snapshot!(Craft::new().file("./a").refused(), @"`./a` is refused: its path has an empty or `.` component: write each path in its shortest form");
    insta::assert_snapshot!(Craft::new().link("a", "/etc").refused(), @"`a` is refused: it links to the absolute path `/etc`: link to a relative path inside the app");
    insta::assert_snapshot!(Craft::new().link("a", "..").refused(), @"`a` is refused: it links to `..`, which is outside of the app: put the file into the app");
    insta::assert_snapshot!(Craft::new().link("a", ".").link("b", "a/../x").refused(), @"`b` is refused: its link target `a/../x` has `..` after a name: write the target with `..` only at its start");
    insta::assert_snapshot!(Craft::new().link("a", "").refused(), @"`a` is refused: its link target is empty, not UTF-8, or longer than 1024 bytes: make the link anew");
    insta::assert_snapshot!(Craft::new().link("a", "b").file("a/evil").refused(), @"`a/evil` is refused: it lies below `a`, which is a symbolic link: build the app again");
    insta::assert_snapshot!(Craft::new().add(EntryType::Regular, b"a\xff", b"", b"").refused(), @"`a�` is refused: its name is not UTF-8: rename it");
    insta::assert_snapshot!(Craft::new().file("x.cwasm").refused(), @"`x.cwasm` is refused: compiled WebAssembly is native code and is made on the host only: put the `.wasm` file there instead");
    insta::assert_snapshot!(Craft::new().add(EntryType::Regular, b"x", b"", b"\x7fELF\x02\x01\x01\xc8...").refused(), @"`x` is refused: compiled WebAssembly is native code and is made on the host only: put the `.wasm` file there instead");
}

#[test]
fn kinds_that_are_not_files_directories_or_links_are_refused_by_name() {
    let kind = |kind| Craft::new().add(kind, b"x", b"y", b"").refused();
    insta::assert_snapshot!(kind(EntryType::Link), @"`x` is refused: it is a hard link: archives of slugs hold each file by itself");
    insta::assert_snapshot!(kind(EntryType::Char), @"`x` is refused: it is a device: a slug holds only files, directories and symbolic links");
    insta::assert_snapshot!(kind(EntryType::Block), @"`x` is refused: it is a device: a slug holds only files, directories and symbolic links");
    insta::assert_snapshot!(kind(EntryType::Fifo), @"`x` is refused: it is a FIFO: a slug holds only files, directories and symbolic links");
    insta::assert_snapshot!(kind(EntryType::GNUSparse), @"`x` is refused: its archive entry uses a sparse file, which archives of slugs never do: build the app again");
    insta::assert_snapshot!(kind(EntryType::Continuous), @"`x` is refused: its archive entry uses a type of its own, which archives of slugs never do: build the app again");
    insta::assert_snapshot!(Craft::new().add(EntryType::XHeader, b"pax", b"", b"18 path=../evil2\n\n").file("ok").refused(), @"`pax` is refused: its archive entry uses a PAX header, which archives of slugs never do: build the app again");
    insta::assert_snapshot!(Craft::new().add(EntryType::XGlobalHeader, b"pax", b"", b"").refused(), @"`pax` is refused: its archive entry uses a PAX header, which archives of slugs never do: build the app again");
    insta::assert_snapshot!(Craft::new().add(EntryType::Directory, b"d", b"", b"contents").refused(), @"`d` is refused: its archive entry uses contents where there are none, which archives of slugs never do: build the app again");
}

#[test]
fn long_names_are_checked_like_others() {
    let long = |name: &[u8]| Craft::new().add(EntryType::GNULongName, b"././@LongLink", b"", name);
    insta::assert_snapshot!(long(b"../evil\0").file("ok").refused(), @"`../evil` is refused: its path has a `..` component: paths in a slug only go down from the app's root");
    insta::assert_snapshot!(long(b"a\0../evil\0").file("ok").refused(), @r#"`a\0../evil` is refused: its name holds a NUL byte: rename it"#);
    insta::assert_snapshot!(long(&[b'a'; 5000]).file("ok").refused(), @"`aaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaa` is refused: its path has 5000 bytes; the limit is 1024: shorten it");
    insta::assert_snapshot!(long(b"a\0").add(EntryType::GNULongName, b"x", b"", b"b\0").file("ok").refused(), @"`a` is refused: its archive entry uses a second long name, which archives of slugs never do: build the app again");
    insta::assert_snapshot!(long(b"a\0").refused(), @"the tree sha256:e3b0c44298fc1c149afbf4c8996fb92427ae41e4649b934ca495991b7852b855 is not an archive of a slug: it ends after a long name; build the app again");
    let target = Craft::new().add(EntryType::GNULongLink, b"././@LongLink", b"", b"../evil\0");
    insta::assert_snapshot!(target.link("a", "ok").refused(), @"`a` is refused: it links to `../evil`, which is outside of the app: put the file into the app");
}

#[test]
fn entries_that_repeat_or_hide_are_refused_by_name() {
    insta::assert_snapshot!(Craft::new().file("a").file("a").refused(), @"`a` is refused: it is in the archive twice: build the app again");
    insta::assert_snapshot!(Craft::new().directory("a").file("a/b").link("a", "c").refused(), @"`a` is refused: it is in the archive twice: build the app again");
    insta::assert_snapshot!(Craft::new().file("a").file("c").file("b").refused(), @"`b` is refused: it comes after `c` in the archive, where it cannot be: build the app again");
    insta::assert_snapshot!(Craft::new().file("a/b").refused(), @"`a/b` is refused: it lies in a directory that the archive does not have: build the app again");
}

#[test]
fn bombs_are_stopped_at_the_limit() {
    let limits = UnpackLimits { bytes: 1000, entries: 3, ..UnpackLimits::default() };
    let big = Craft::new().add(EntryType::Regular, b"big", b"", &[0; 2000]);
    insta::assert_snapshot!(unpack_refused(&big.zstd(), &limits), @"`big` is refused: with it the tree has more than 1.0 kB unpacked: leave out files the app does not need when it runs");
    let many = Craft::new().file("a").file("b").file("c").file("d");
    insta::assert_snapshot!(unpack_refused(&many.zstd(), &limits), @"`d` is refused: the tree has more than 3 files, directories and links: leave out what the app does not need when it runs");
    let zeros = Craft::new().add(EntryType::Regular, b"zeros", b"", &vec![0; 70 << 20]);
    insta::assert_snapshot!(zeros.refused(), @"`zeros` is refused: with it the tree unpacks to more than 250 times its packed size: leave out files of one repeated byte");
    let mut wide = zstd::Encoder::new(Vec::new(), 1).expect("memory");
    wide.window_log(27).and_then(|()| wide.write_all(&[7; 1024])).expect("memory");
    insta::assert_snapshot!(unpack_refused(&wide.finish().expect("memory"), &limits), @"the tree sha256:e3b0c44298fc1c149afbf4c8996fb92427ae41e4649b934ca495991b7852b855 is not an archive of a slug: Frame requires too much memory for decoding; build the app again");
}

#[test]
fn a_size_that_lies_is_found() {
    let mut tar = Craft::new().file("a").tar();
    let mut header = tar::Header::new_gnu();
    header.as_old_mut().name[0] = b'a';
    header.set_entry_type(EntryType::Regular);
    header.set_mode(0o644);
    header.set_size(1 << 31);
    header.set_cksum();
    tar[..512].copy_from_slice(header.as_bytes());
    insta::assert_snapshot!(unpack_refused(&zstd(&tar), &UnpackLimits::default()), @"`a` is refused: with it the tree unpacks to more than 250 times its packed size: leave out files of one repeated byte");
}

#[test]
fn bytes_after_the_end_are_refused() {
    let limits = UnpackLimits::default();
    let tar = Craft::new().file("a").tar();
    let second_tar = [tar.clone(), Craft::new().file("b").tar()].concat();
    insta::assert_snapshot!(unpack_refused(&zstd(&second_tar), &limits), @"the tree sha256:e3b0c44298fc1c149afbf4c8996fb92427ae41e4649b934ca495991b7852b855 is not an archive of a slug: bytes follow its last entry; build the app again");
    let second_frame = [zstd(&tar), zstd(&tar)].concat();
    insta::assert_snapshot!(unpack_refused(&second_frame, &limits), @"the tree sha256:e3b0c44298fc1c149afbf4c8996fb92427ae41e4649b934ca495991b7852b855 is not an archive of a slug: bytes follow its end; build the app again");
    let zeros = [tar.clone(), vec![0; 9000]].concat();
    insta::assert_snapshot!(unpack_refused(&zstd(&zeros), &limits), @"the tree sha256:e3b0c44298fc1c149afbf4c8996fb92427ae41e4649b934ca495991b7852b855 is not an archive of a slug: bytes follow its last entry; build the app again");
    insta::assert_snapshot!(unpack_refused(b"not zstd", &limits), @"the tree sha256:e3b0c44298fc1c149afbf4c8996fb92427ae41e4649b934ca495991b7852b855 is not an archive of a slug: Unknown frame descriptor; build the app again");
    insta::assert_snapshot!(unpack_refused(&zstd(&tar)[..40], &limits), @"the tree sha256:e3b0c44298fc1c149afbf4c8996fb92427ae41e4649b934ca495991b7852b855 is not an archive of a slug: incomplete frame; build the app again");
    insta::assert_snapshot!(unpack_refused(&zstd(&tar[..700]), &limits), @"the tree sha256:e3b0c44298fc1c149afbf4c8996fb92427ae41e4649b934ca495991b7852b855 is not an archive of a slug: unexpected EOF during skip; build the app again");
}

/// A new release of tar or zstd that packs otherwise is legal, and stores every unchanged tree once more:
/// say so in the change log when this digest changes.
#[test]
fn a_small_tree_packs_as_it_always_did() {
    let tree = temp();
    write(tree.path(), "app.py", b"app = 1");
    write(tree.path(), "bin/run", b"#!");
    symlink("../app.py", tree.path().join("bin/app")).expect("linked");
    insta::assert_snapshot!(Digest::of(&pack_bytes(tree.path()).expect("packed")), @"sha256:bbf6ac68bde969409481156e6a3ee33f2ea694b1c0d025e99335c232a8f9e948");
}

proptest! {
    #![proptest_config(ProptestConfig::with_cases(48))]

    #[test]
    fn the_same_tree_gives_the_same_bytes(files in prop::collection::btree_map("[a-c]{1,3}(/[a-c.-]{1,3}x){0,3}", (any::<bool>(), prop::collection::vec(any::<u8>(), 0..200)), 0..12)) {
        let (one, two, out) = (temp(), temp(), temp());
        let put = |root: &Path, path: &str, (executable, contents): &(bool, Vec<u8>)| {
            let full = root.join(path);
            // A name may be a directory of an earlier one, or below an earlier file: the first wins.
            if full.parent().is_some_and(|parent| std::fs::create_dir_all(parent).is_ok()) && !full.exists() {
                std::fs::write(&full, contents).expect("written");
                let mode = if *executable { 0o711 } else { 0o600 };
                std::fs::set_permissions(&full, PermissionsExt::from_mode(mode)).expect("set");
            }
        };
        for (path, file) in &files {
            put(one.path(), path, file);
        }
        let bytes = pack_bytes(one.path()).expect("packed");
        // The same things, made in another order.
        for (path, shown) in listing(one.path()).iter().rev() {
            match files.get(path) {
                Some(file) if shown != "d" => put(two.path(), path, file),
                _ => std::fs::create_dir_all(two.path().join(path)).expect("made"),
            }
        }
        prop_assert_eq!(&pack_bytes(two.path()).expect("packed"), &bytes);
        prop_assert!(unpack(&bytes, out.path()).is_ok());
        prop_assert_eq!(listing(out.path()), listing(one.path()));
    }

    #[test]
    fn no_chain_of_links_leaves_the_tree(targets in prop::collection::vec("(\\.\\./){0,3}([a-c]|\\.|\\.\\.)(/[a-c]|/\\.\\.){0,3}", 9)) {
        let outer = temp();
        let root = outer.path().join("tree");
        let (mut craft, mut made) = (Craft::new(), Vec::new());
        for (index, target) in targets.iter().enumerate() {
            // `a` to `c` at each of three depths: `a`, `d/a`, `d/d/a`, in canonical order.
            let (depth, name) = (index / 3, ["a", "b", "c"][index % 3]);
            let path = format!("{}{name}", "d/".repeat(depth));
            if index % 3 == 0 && depth > 0 {
                craft = craft.directory(&vec!["d"; depth].join("/"));
            }
            let parsed = super::EntryPath::parse(path.as_bytes()).expect("plain");
            if parsed.check_link(target.as_bytes()).is_ok() {
                craft = craft.link(&path, target);
                made.push(path);
            }
        }
        std::fs::create_dir(&root).expect("made");
        unpack(&craft.zstd(), &root).expect("unpacked");
        let real = root.canonicalize().expect("there");
        for path in made {
            // A loop or a link to nothing resolves to nothing.
            if let Ok(end) = root.join(&path).canonicalize() {
                prop_assert!(end.starts_with(&real), "{path} leads to {}", end.display());
            }
        }
    }

    #[test]
    fn a_flipped_byte_never_panics_or_writes_outside(at in any::<prop::sample::Index>(), bit in 0_u8..8) {
        let mut tar = Craft::new().directory("a").file("a/b").link("c", "a/b").tar();
        let at = at.index(tar.len());
        tar[at] ^= 1_u8 << bit;
        let bytes = zstd(&tar);
        let out = temp();
        let _ = unpack(&bytes, out.path());
        let check = read(bytes.as_slice(), bytes.len() as u64, &UnpackLimits::default(), &mut CheckOnly);
        prop_assert!(check.is_ok());
    }

    #[test]
    fn any_bytes_are_refused_without_panic(bytes: Vec<u8>) {
        prop_assert!(unpack(&bytes, temp().path()).is_err());
    }
}
