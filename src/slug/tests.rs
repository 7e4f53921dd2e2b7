//! Slugs from tree to store to file and back, with everything that may go wrong on the way.

use super::{
    BuildpackStamp, Digest, Manifest, PackPlan, PackedSlug, ProcessPlan, Serves, Slug, SlugDigest, SlugError,
    SlugStore, UnpackLimits,
};
use crate::name::ProcessType;
use cap_std::{ambient_authority, fs::Dir};
use std::{
    collections::BTreeSet,
    os::unix::fs::{PermissionsExt, symlink},
    path::{Path, PathBuf},
};

const WASM: &[u8] = b"\0asm\x01\0\0\0";

fn open(path: &Path) -> Dir {
    Dir::open_ambient_dir(path, ambient_authority()).expect("opened")
}

fn temp() -> tempfile::TempDir {
    tempfile::tempdir().expect("a directory")
}

fn write(root: &Path, path: &str, contents: &[u8]) {
    let path = root.join(path);
    std::fs::create_dir_all(path.parent().expect("a parent")).expect("made");
    std::fs::write(path, contents).expect("written");
}

/// A built Python app: two names of one interpreter, an own program as text, an own one as wasm.
fn app() -> tempfile::TempDir {
    let tree = temp();
    write(tree.path(), "app.py", b"app = 1");
    write(tree.path(), ".python/bin/python.wasm", &[WASM, b"\0\x05\x04pyth"].concat());
    symlink("python.wasm", tree.path().join(".python/bin/gunicorn.wasm")).expect("linked");
    write(tree.path(), ".python/bin/activate", b"text");
    write(tree.path(), "bin/hello.wat", b"(module)");
    write(tree.path(), "tool.wasm", WASM);
    write(tree.path(), "lib/unseen.wasm", WASM);
    tree
}

fn plan() -> PackPlan {
    let web = ProcessPlan { command: "gunicorn app:app".into(), serves: Some(Serves::Http) };
    PackPlan {
        buildpacks: vec![BuildpackStamp { name: "python".into(), version: "1".into() }],
        buildpack_path: vec![".python/bin".into()],
        processes: [(ProcessType::web(), web)].into(),
        created_by: "hokku test".into(),
        ..PackPlan::default()
    }
}

async fn pack(store: &SlugStore, tree: &Path) -> Slug {
    Slug::pack(store, open(tree), plan()).await.expect("packed")
}

fn files(root: &Path) -> BTreeSet<String> {
    fn walk(root: &Path, dir: &Path, into: &mut BTreeSet<String>) {
        for entry in std::fs::read_dir(dir).expect("read") {
            let path = entry.expect("read").path();
            if path.is_dir() {
                walk(root, &path, into);
            } else {
                into.insert(path.strip_prefix(root).expect("below").display().to_string());
            }
        }
    }
    let mut into = BTreeSet::new();
    walk(root, root, &mut into);
    into
}

async fn keys(store: &SlugStore) -> BTreeSet<String> {
    store.keys().await.into_iter().map(|(key, _)| key).collect()
}

/// Where a local store keeps a blob.
fn blob_path(store: &Path, digest: Digest) -> PathBuf {
    let hex = digest.hex();
    store.join("blobs/sha256").join(&hex[..2]).join(hex)
}

#[tokio::test]
async fn a_slug_is_packed_opened_and_unpacked() {
    let (tree, dir, out) = (app(), temp(), temp());
    let store = SlugStore::open_dir(dir.path()).expect("opened");
    let packed = pack(&store, tree.path()).await;
    let slug = Slug::open(&store, packed.digest()).await.expect("opened");
    assert_eq!(slug.manifest(), packed.manifest());
    assert!(store.contains(slug.digest()).await.expect("answered"));

    let programs: Vec<_> = slug.manifest().programs.iter().map(|program| program.path.as_str()).collect();
    assert_eq!(
        programs,
        [".python/bin/gunicorn.wasm", ".python/bin/python.wasm", "bin/hello.wat", "tool.wasm"]
    );
    for program in &slug.manifest().programs {
        let bytes = slug.program_bytes(program).await.expect("wasm");
        assert!(bytes.starts_with(WASM) && bytes.len() as u64 == program.size, "{}", program.path);
    }

    let summary = slug.unpack_tree(open(out.path()), UnpackLimits::default()).await.expect("unpacked");
    assert_eq!(summary.bytes, slug.manifest().tree.unpacked);
    let files: Vec<_> = files(out.path()).into_iter().collect();
    assert_eq!(files, [".python/bin/activate", "app.py", "bin/hello.wat", "lib/unseen.wasm", "tool.wasm"]);
}

#[tokio::test]
async fn the_same_tree_is_the_same_slug_in_every_store() {
    let (one, two, dir) = (app(), app(), temp());
    std::fs::set_permissions(two.path().join("app.py"), PermissionsExt::from_mode(0o600)).expect("set");
    let here = pack(&SlugStore::open_dir(dir.path()).expect("opened"), one.path()).await;
    let there = pack(&SlugStore::in_memory(), two.path()).await;
    assert_eq!(here.digest(), there.digest());
}

#[tokio::test]
async fn a_change_of_code_stores_only_the_tree_and_the_manifest() {
    let (tree, store) = (app(), SlugStore::in_memory());
    pack(&store, tree.path()).await;
    let before = keys(&store).await;
    write(tree.path(), "app.py", b"app = 2");
    let slug = pack(&store, tree.path()).await;
    let new: Vec<_> = keys(&store).await.difference(&before).cloned().collect();
    let hex = slug.manifest().tree.digest.hex();
    assert_eq!(
        new,
        [format!("blobs/sha256/{}/{hex}", &hex[..2]), format!("slugs/{}.toml", slug.digest().hex())]
    );
}

#[tokio::test]
async fn large_blobs_go_in_parts_and_come_out_whole() {
    let (tree, dir) = (temp(), temp());
    let noise: Vec<u8> =
        (0_u32..5_000_000).flat_map(|n| n.wrapping_mul(2_654_435_761).to_le_bytes()).collect();
    write(tree.path(), ".python/bin/python", &[WASM, &noise].concat());
    for store in [SlugStore::in_memory(), SlugStore::open_dir(dir.path()).expect("opened")] {
        let slug = pack(&store, tree.path()).await;
        let bytes = slug.program_bytes(&slug.manifest().programs[0]).await.expect("whole");
        assert!(bytes[8..] == noise, "the bytes differ");
        let file = tree.path().join("out.slug");
        slug.export(&file).await.expect("exported");
        std::fs::remove_file(&file).expect("removed");
    }
}

#[tokio::test]
async fn a_damaged_blob_is_named_and_the_next_pack_replaces_it() {
    let (tree, dir) = (app(), temp());
    let store = SlugStore::open_dir(dir.path()).expect("opened");
    let slug = pack(&store, tree.path()).await;
    let (tree_blob, program) = (slug.manifest().tree.digest, slug.manifest().programs[0].clone());
    for digest in [tree_blob, program.digest] {
        let path = blob_path(dir.path(), digest);
        let mut bytes = std::fs::read(&path).expect("read");
        let middle = bytes.len() / 2;
        bytes[middle] ^= 1;
        std::fs::write(&path, bytes).expect("written");
    }
    let unpack = || async { slug.unpack_tree(open(temp().path()), UnpackLimits::default()).await };
    assert!(matches!(unpack().await, Err(SlugError::Corrupt { blob }) if blob == tree_blob));
    assert!(
        matches!(slug.program_bytes(&program).await, Err(SlugError::Corrupt { blob }) if blob == program.digest)
    );
    assert!(slug.export(&dir.path().join("x.slug")).await.is_err());
    assert!(!dir.path().join("x.slug").exists(), "half a file was left");

    // As another process would find it: the mark is in the store.
    let store = SlugStore::open_dir(dir.path()).expect("opened");
    assert_eq!(pack(&store, tree.path()).await.digest(), slug.digest());
    assert!(unpack().await.is_ok());
    assert!(slug.program_bytes(&program).await.is_ok());
    assert!(!keys(&store).await.iter().any(|key| key.starts_with("suspect")), "the marks are gone");
}

#[tokio::test]
async fn a_torn_blob_is_found_by_its_size_and_replaced() {
    let (tree, dir) = (app(), temp());
    let store = SlugStore::open_dir(dir.path()).expect("opened");
    let slug = pack(&store, tree.path()).await;
    let path = blob_path(dir.path(), slug.manifest().tree.digest);
    std::fs::write(&path, b"torn").expect("written");
    let unpack = || async { slug.unpack_tree(open(temp().path()), UnpackLimits::default()).await };
    assert!(matches!(unpack().await, Err(SlugError::Corrupt { .. })));
    pack(&store, tree.path()).await;
    assert!(unpack().await.is_ok());
    std::fs::remove_file(&path).expect("removed");
    assert!(matches!(unpack().await, Err(SlugError::MissingBlob { .. })));
}

#[tokio::test]
async fn a_damaged_or_missing_manifest_is_named() {
    let (tree, dir) = (app(), temp());
    let store = SlugStore::open_dir(dir.path()).expect("opened");
    let slug = pack(&store, tree.path()).await;
    let path = dir.path().join(format!("slugs/{}.toml", slug.digest().hex()));
    let text = std::fs::read_to_string(&path).expect("read");
    std::fs::write(&path, text.replace("app:app", "app:bad")).expect("written");
    assert!(matches!(Slug::open(&store, slug.digest()).await, Err(SlugError::Corrupt { .. })));
    pack(&store, tree.path()).await;
    assert!(Slug::open(&store, slug.digest()).await.is_ok(), "the next pack replaces it");
    let none = SlugDigest::of_manifest(b"none");
    assert!(matches!(Slug::open(&store, &none).await, Err(SlugError::NoSlug { slug }) if slug == none));
}

#[tokio::test]
async fn a_failed_pack_leaves_no_slug() {
    let (tree, store) = (app(), SlugStore::in_memory());
    let error = |plan: PackPlan| async {
        Slug::pack(&store, open(tree.path()), plan).await.expect_err("refused").to_string()
    };
    let small = PackPlan { limit: 60, ..plan() };
    insta::assert_snapshot!(error(small).await, @"the slug takes at least 267 bytes; the limit is 60 bytes: leave out files the app does not need when it runs; largest before packing: .python/bin 19 bytes, bin 8 bytes, lib 8 bytes");
    let tiny = PackPlan { limit: 1, ..plan() };
    assert!(error(tiny).await.contains("the limit is 1 bytes"));
    write(tree.path(), "bin/broken.wat", b"(module (func)");
    insta::assert_snapshot!(error(plan()).await, @r#"
    `bin/broken.wat` is not WebAssembly text: expected `)`
         --> bin/broken.wat:1:15
          |
        1 | (module (func)
          |               ^
    "#);
    std::fs::remove_file(tree.path().join("bin/broken.wat")).expect("removed");
    write(tree.path(), ".python/bin/fast.cwasm", b"");
    insta::assert_snapshot!(error(plan()).await, @"`.python/bin/fast.cwasm` is refused: compiled WebAssembly is native code and is made on the host only: put the `.wasm` file there instead");
    std::fs::remove_file(tree.path().join(".python/bin/fast.cwasm")).expect("removed");
    write(tree.path(), "bin/fast.wasm", b"\x7fELF\x02\x01\x01\xc8");
    insta::assert_snapshot!(error(plan()).await, @"`bin/fast.wasm` is refused: compiled WebAssembly is native code and is made on the host only: put the `.wasm` file there instead");
    assert_eq!(keys(&store).await, BTreeSet::new());
}

/// A packed slug in a directory of its own.
async fn exported() -> (tempfile::TempDir, PathBuf, Slug) {
    let (tree, dir) = (app(), temp());
    let slug = pack(&SlugStore::in_memory(), tree.path()).await;
    let file = dir.path().join("app.slug");
    slug.export(&file).await.expect("exported");
    (dir, file, slug)
}

#[tokio::test]
async fn a_slug_travels_in_one_file() {
    let (dir, file, slug) = exported().await;
    let packed = PackedSlug::open(&file).await.expect("opened");
    assert_eq!((packed.digest(), packed.manifest()), (slug.digest(), slug.manifest()));
    packed.verify().await.expect("sound");

    let store = SlugStore::in_memory();
    let imported = Slug::import(&store, &file).await.expect("imported");
    assert_eq!(imported.digest(), slug.digest());
    assert_eq!(keys(&store).await, keys(slug.store()).await);
    let again = dir.path().join("again.slug");
    imported.export(&again).await.expect("exported");
    assert_eq!(std::fs::read(&again).expect("read"), std::fs::read(&file).expect("read"));
    assert_eq!(std::fs::metadata(&file).expect("there").permissions().mode() & 0o400, 0o400);
    assert_eq!(std::fs::read_dir(dir.path()).expect("read").count(), 2, "nothing else is left");
}

#[tokio::test]
async fn a_manifest_keeps_its_bytes_on_its_travels() {
    let (dir, file, slug) = exported().await;
    let text = format!("# by hand\n{}", slug.manifest().to_toml().expect("legal"));
    let commented = slug.store().put_manifest(text.clone().into()).await.expect("stored");
    let slug = Slug::open(slug.store(), &commented).await.expect("opened");
    slug.export(&file).await.expect("exported");
    let store = SlugStore::open_dir(&dir.path().join("store")).expect("opened");
    let imported = Slug::import(&store, &file).await.expect("imported");
    assert_eq!((imported.digest(), imported.manifest()), (&commented, slug.manifest()));
    assert_eq!(store.read_manifest(&commented).await.expect("there"), text);
}

#[tokio::test]
async fn two_packs_at_once_make_one_slug() {
    let (tree, dir) = (app(), temp());
    let store = SlugStore::open_dir(dir.path()).expect("opened");
    let (one, two) = futures_util::future::join(pack(&store, tree.path()), pack(&store, tree.path())).await;
    assert_eq!(one.digest(), two.digest());
    let out = temp();
    one.unpack_tree(open(out.path()), UnpackLimits::default()).await.expect("unpacked");
}

#[tokio::test]
async fn unpacking_over_a_file_is_refused() {
    let (tree, out, store) = (app(), temp(), SlugStore::in_memory());
    let slug = pack(&store, tree.path()).await;
    write(out.path(), "app.py", b"mine");
    let error = slug.unpack_tree(open(out.path()), UnpackLimits::default()).await.expect_err("refused");
    insta::assert_snapshot!(error, @"could not unpack app.py: File exists (os error 17)");
    assert!(error.is_host_fault());
    assert_eq!(std::fs::read(out.path().join("app.py")).expect("read"), b"mine");
}

/// What import says of the exported file after `change`; the store stays empty.
async fn import_error(change: impl FnOnce(&mut Vec<u8>)) -> String {
    let (_dir, file, slug) = exported().await;
    let mut bytes = std::fs::read(&file).expect("read");
    change(&mut bytes);
    std::fs::write(&file, bytes).expect("written");
    let store = SlugStore::in_memory();
    let error = Slug::import(&store, &file).await.expect_err("refused").to_string();
    assert_eq!(keys(&store).await, BTreeSet::new());
    let error = error.replace(&file.parent().expect("a parent").display().to_string(), "");
    error.replace(&slug.manifest().tree.digest.hex(), "[tree]")
}

/// Replaces the first `from` with `to`, of the same length.
fn swap(bytes: &mut [u8], from: &[u8], to: &[u8]) {
    let at = bytes.windows(from.len()).position(|window| window == from).expect("there");
    bytes[at..at + to.len()].copy_from_slice(to);
}

#[tokio::test]
async fn a_file_that_is_no_slug_is_refused_for_a_person_to_read() {
    insta::assert_snapshot!(import_error(Vec::clear).await, @"/app.slug is not a slug: it has no entries");
    insta::assert_snapshot!(import_error(|b| *b = b"hello ".repeat(500)).await, @"/app.slug is not a slug: it is not an archive made by hokku build");
    insta::assert_snapshot!(import_error(|b| b.truncate(b.len() - 3000)).await, @"/app.slug is not a slug: it is damaged (failed to read entire block); was it copied whole?");
    insta::assert_snapshot!(import_error(|b| b.truncate(700)).await, @"/app.slug is not a slug: it ends early; was it copied whole?");
    insta::assert_snapshot!(import_error(|b| swap(b, b"format = 1", b"format = 2")).await, @"made by a newer hokku (format 2; this one reads 1): upgrade hokku");
    insta::assert_snapshot!(import_error(|b| swap(b, b"(\xb5/\xfd", b"(\xb5/\xfc")).await, @"/app.slug is not a slug: its sha256:[tree] is damaged");
    insta::assert_snapshot!(import_error(|b| swap(b, b"size = ", b"size = 9")).await, @"/app.slug is not a slug: its sha256:[tree] has 244 bytes and should have 944");
    insta::assert_snapshot!(import_error(|b| b.truncate(b.len() - 1)).await, @"/app.slug is not a slug: it ends early; was it copied whole?");
    insta::assert_snapshot!(import_error(|b| b.push(0)).await, @"/app.slug is not a slug: bytes follow its end");
    let tree = temp();
    let missing =
        Slug::import(&SlugStore::in_memory(), Path::new("/none/app.slug")).await.expect_err("refused");
    insta::assert_snapshot!(missing, @"could not open /none/app.slug: No such file or directory (os error 2)");
    let directory = PackedSlug::open(tree.path()).await.expect_err("refused").to_string();
    assert!(directory.ends_with("is not a slug: it is not a regular file"), "{directory}");
}

/// A packed slug crafted by hand, with the digests made right.
async fn crafted(tree: &[u8], change: impl FnOnce(&mut Manifest), extra: Option<&str>) -> String {
    let (dir, _, slug) = exported().await;
    let mut manifest = slug.manifest().clone();
    manifest.programs.clear();
    manifest.tree.digest = Digest::of(tree);
    manifest.tree.size = tree.len() as u64;
    change(&mut manifest);
    let mut tar = tar::Builder::new(Vec::new());
    let mut add = |name: &str, bytes: &[u8]| {
        let mut header = tar::Header::new_gnu();
        header.set_size(bytes.len() as u64);
        tar.append_data(&mut header, name, bytes).expect("memory");
    };
    add("slug.toml", manifest.to_toml().expect("legal").as_bytes());
    add(&format!("blobs/sha256/{}", Digest::of(tree).hex()), tree);
    if let Some(extra) = extra {
        add(extra, b"extra");
    }
    let file = dir.path().join("crafted.slug");
    std::fs::write(&file, tar.into_inner().expect("memory")).expect("written");
    let store = SlugStore::in_memory();
    let error = Slug::import(&store, &file).await.expect_err("refused").to_string();
    assert_eq!(keys(&store).await, BTreeSet::new());
    error.replace(&dir.path().display().to_string(), "")
}

#[tokio::test]
async fn a_hostile_slug_is_refused_before_anything_is_stored() {
    let tree = zstd::encode_all([0_u8; 1024].as_slice(), 1).expect("memory");
    insta::assert_snapshot!(crafted(&tree, |_| {}, None).await, @"the tree sha256:3fe6727a01380b876b66b7ea55242e136d357346439605422d5b2667a41c0932 is not an archive of a slug: the manifest gives another number of bytes or entries; build the app again");
    insta::assert_snapshot!(crafted(&tree, |_| {}, Some("evil")).await, @"/crafted.slug is not a slug: its entry `evil` does not belong there");
    insta::assert_snapshot!(crafted(b"not an archive", |_| {}, None).await, @"the tree sha256:6bbf954ab0045bc546f16a6db16c95afef820dccd807348411ea924dabb972e9 is not an archive of a slug: Unknown frame descriptor; build the app again");
    let as_program = |m: &mut Manifest| {
        let (digest, size) = (m.tree.digest, m.tree.size);
        m.programs.push(super::Program { path: "bin/x.wasm".into(), digest, size });
    };
    insta::assert_snapshot!(crafted(&tree, as_program, None).await, @"`bin/x.wasm` is refused: it is listed as a program and is not WebAssembly: build the app again");
}

#[tokio::test]
async fn what_no_slug_names_any_more_is_removed() {
    let dir = temp();
    for store in [SlugStore::in_memory(), SlugStore::open_dir(dir.path()).expect("a store")] {
        let tree = app();
        let old = pack(&store, tree.path()).await;
        write(tree.path(), "app.py", b"app = 2");
        let new = pack(&store, tree.path()).await;
        let mut slugs = store.slugs().await.expect("listed");
        let mut both = [*old.digest(), *new.digest()];
        slugs.sort();
        both.sort();
        assert_eq!(slugs, both);
        // Programs are named by both, each tree by one.
        let kept = new.manifest().blobs().into_iter().map(|(digest, _)| digest).collect();
        store.remove_slug(old.digest()).await.expect("removed");
        assert_eq!(store.keep_blobs(&kept).await.expect("removed"), 1);
        assert!(matches!(Slug::open(&store, old.digest()).await, Err(SlugError::NoSlug { .. })));
        let whole = Slug::open(&store, new.digest()).await.expect("there");
        whole.unpack_tree(open(temp().path()), UnpackLimits::default()).await.expect("whole");
        for program in &whole.manifest().programs {
            whole.program_bytes(program).await.expect("whole");
        }
        store.remove_slug(old.digest()).await.expect("it is gone already");
        assert_eq!(store.keep_blobs(&kept).await.expect("nothing left"), 0);
        // The old one can be made again.
        write(tree.path(), "app.py", b"app = 1");
        assert_eq!(pack(&store, tree.path()).await.digest(), old.digest());
    }
}
