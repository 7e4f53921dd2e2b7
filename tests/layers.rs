//! Keeps the floors: a room imports only from floors below its own.

use std::{
    fs,
    path::{Path, PathBuf},
};

/// The floors from the lowest to the highest; neighbours on a floor do not import each other.
const FLOORS: [&[&str]; 9] = [
    &["name", "clock", "crash_point"],
    &["app", "slug"],
    &["ledger", "logplex"],
    &["dyno"],
    &["access", "build", "formation"],
    &["release"],
    &["git", "router", "api"],
    &["serve", "platform"],
    &["cli"],
];

fn floor(room: &str) -> Option<usize> {
    FLOORS.iter().position(|rooms| rooms.contains(&room))
}

fn rust_files(dir: &Path) -> Vec<PathBuf> {
    let mut files = Vec::new();
    for entry in fs::read_dir(dir).expect("src") {
        let path = entry.expect("entry").path();
        if path.is_dir() {
            files.extend(rust_files(&path));
        } else if path.extension().is_some_and(|extension| extension == "rs") {
            files.push(path);
        }
    }
    files
}

/// The rooms that `text` names as `crate::ROOM`, comments aside.
fn imports(text: &str) -> Vec<&str> {
    let code = text.lines().filter(|line| !line.trim_start().starts_with("//"));
    code.flat_map(|line| line.split("crate::").skip(1))
        .map(|rest| rest.split(|c: char| !c.is_ascii_alphanumeric() && c != '_').next().unwrap_or_default())
        .collect()
}

/// What breaks the floors in the file `path` of the room `room`.
fn breaches(room: &str, path: &str, text: &str) -> Vec<String> {
    let Some(own) = floor(room) else { return vec![format!("{path}: the room `{room}` has no floor")] };
    let upward = |target: &&str| *target != room && floor(target).is_none_or(|floor| floor >= own);
    imports(text)
        .into_iter()
        .filter(upward)
        .map(|target| format!("{path}: `{room}` imports `{target}`"))
        .collect()
}

#[test]
fn rooms_import_only_from_floors_below() {
    let src = Path::new(env!("CARGO_MANIFEST_DIR")).join("src");
    let mut found = Vec::new();
    let mut seen = 0;
    for file in rust_files(&src) {
        let relative = file.strip_prefix(&src).expect("below src").to_owned();
        let mut parts = relative.components();
        let room = parts.next().expect("a name").as_os_str().to_string_lossy().into_owned();
        if parts.next().is_none() {
            continue;
        }
        seen += 1;
        let text = fs::read_to_string(&file).expect("text");
        found.extend(breaches(&room, &relative.display().to_string(), &text));
    }
    assert!(seen > 30, "the test looked at only {seen} files");
    assert!(found.is_empty(), "{}", found.join("\n"));
}

#[test]
fn every_room_says_what_it_owns() {
    let src = Path::new(env!("CARGO_MANIFEST_DIR")).join("src");
    for room in FLOORS.concat() {
        let text = fs::read_to_string(src.join(room).join("mod.rs")).expect(room);
        assert!(text.starts_with("//!"), "{room}/mod.rs opens with its story");
        assert!(text.contains("//! # Owns"), "{room}/mod.rs says what it owns");
        assert!(text.contains("//! # Not here"), "{room}/mod.rs says what is not there");
    }
}

#[test]
fn a_breach_is_found() {
    assert_eq!(breaches("slug", "slug/a.rs", "use crate::dyno::Dyno;"), ["slug/a.rs: `slug` imports `dyno`"]);
    assert_eq!(breaches("app", "app/a.rs", "use crate::slug::Slug;"), ["app/a.rs: `app` imports `slug`"]);
    assert_eq!(
        breaches("dyno", "dyno/a.rs", "use crate::slug::Slug; // crate::cli"),
        ["dyno/a.rs: `dyno` imports `cli`"]
    );
    assert!(breaches("dyno", "dyno/a.rs", "// crate::cli\nuse crate::name::AppName;").is_empty());
    assert_eq!(breaches("misc", "misc/a.rs", ""), ["misc/a.rs: the room `misc` has no floor"]);
}
