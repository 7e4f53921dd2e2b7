//! `hokku backup` and `hokku restore`: a platform comes back as it was.

use crate::{
    TestResult,
    fixture::{cannot_run, hokku, output, said},
    platform::{marked, mirror},
    platform_fixture::Up,
};
use serde_json::Value;
use std::{
    path::{Path, PathBuf},
    process::Command,
    sync::{
        Arc,
        atomic::{AtomicBool, Ordering::SeqCst},
    },
};

/// A directory with a data directory, and places for backups.
struct Disk(tempfile::TempDir);

impl Disk {
    fn new() -> Self {
        Self(tempfile::tempdir().expect("a directory"))
    }

    fn data(&self) -> PathBuf {
        self.0.path().join("data")
    }

    fn path(&self, name: &str) -> PathBuf {
        self.0.path().join(name)
    }

    fn text(&self, name: &str) -> String {
        self.path(name).to_str().expect("text").to_owned()
    }

    /// `hokku restore FILE` to `dir`.
    fn restore(&self, file: &str, dir: &str, more: &[&str]) -> std::process::Output {
        let mut command = hokku();
        command.arg("restore").arg(self.path(file)).arg("--data-dir").arg(self.path(dir)).args(more);
        output(&mut command)
    }

    fn restored(&self, file: &str, dir: &str) -> String {
        let ended = self.restore(file, dir, &[]);
        assert!(ended.status.success(), "{}", said(&ended));
        String::from_utf8(ended.stdout).expect("text")
    }

    /// What a restore that is refused says; it must leave nothing.
    fn refused(&self, file: &str, more: &[&str]) -> String {
        let ended = self.restore(file, "refused", more);
        assert_eq!(ended.status.code(), Some(1), "{}", said(&ended));
        assert!(!self.path("refused").exists(), "something was left: {}", said(&ended));
        let told = String::from_utf8(ended.stderr).expect("text");
        told.replace(&self.0.path().display().to_string(), "DISK")
    }

    fn names(&self) -> Vec<String> {
        let entries = std::fs::read_dir(self.0.path()).expect("read").flatten();
        let mut names: Vec<_> = entries.map(|entry| entry.file_name().into_string().expect("text")).collect();
        names.sort();
        names
    }
}

/// What the API says of everything; equal before and after.
fn answers(up: &Up) -> Vec<String> {
    let asked = [
        "/account",
        "/apps",
        "/apps/shop",
        "/apps/shop/config-vars",
        "/apps/shop/releases",
        "/apps/shop/builds",
        "/apps/shop/formation",
        "/apps/shop/domains",
        "/apps/shop/releases/3/config-vars",
        "/apps/blog",
        "/apps/blog/releases",
    ];
    asked.map(|path| up.ask(path).to_string().replace(&format!(":{}", up.port()), ":PORT")).into()
}

fn deploy(up: &Up, code: &tempfile::TempDir, app: &str) {
    up.run(&["deploy", code.path().to_str().expect("text"), "-a", app]);
}

/// Apps with releases, config vars, a rollback, and one that was destroyed.
fn lived_in(up: &Up) -> TestResult {
    let code = mirror(1);
    for app in ["shop", "blog", "gone"] {
        up.run(&["create", app]);
        up.run(&["config", "set", &format!("SECRET=of-{app}"), "-a", app]);
        deploy(up, &code, app);
    }
    std::fs::write(code.path().join("mirror.wat"), marked(2))?;
    deploy(up, &code, "shop");
    up.run(&["scale", "web=2", "-a", "shop"]);
    up.run(&["rollback", "-a", "shop"]);
    up.run(&["destroy", "gone", "--confirm", "gone"]);
    Ok(())
}

#[test]
fn a_platform_is_backed_up_while_it_runs_and_comes_back_as_it_was() -> TestResult {
    let disk = Disk::new();
    let up = Up::start(&disk.data());
    lived_in(&up)?;
    let before = answers(&up);
    let told = up.run(&["backup", &disk.text("b")]);
    assert!(told.contains("Backed up 2 apps, ") && told.contains("b.keys"), "{told}");
    assert!(up.stop().success());
    assert_eq!(disk.names(), ["b", "b.keys", "data"]);
    for file in ["b", "b.keys"] {
        let mode = std::os::unix::fs::PermissionsExt::mode(&disk.path(file).metadata()?.permissions());
        assert_eq!(mode & 0o777, 0o600, "{file}");
    }
    std::fs::remove_dir_all(disk.data())?;

    let told = disk.restored("b", "elsewhere/data");
    assert!(told.contains("apps          blog, shop"), "{told}");
    let up = Up::start(&disk.path("elsewhere/data"));
    assert!(up.told().contains("The owner's token, shown this once"), "{}", up.told());
    assert_eq!(answers(&up), before);
    let page = up.wait_for_page("shop", "/", "SECRET=of-shop\n");
    assert!(page.starts_with("code-001\n"), "{page}");
    up.wait_for_page("blog", "/", "SECRET=of-blog\n");
    assert_eq!(up.get("gone", "/")?.0, 404);
    // The code of an older release came back as well.
    up.run(&["rollback", "v5", "-a", "shop"]);
    up.wait_for_page("shop", "/", "code-002\n");
    up.run(&["ledger", "verify"]);
    let output = up.ask("/apps/shop/builds")[0]["output_stream_url"].to_string();
    assert!(output.contains("http"), "{output}");
    assert!(up.stop().success());
    Ok(())
}

#[test]
fn while_deploys_collect_slugs_every_backup_can_be_restored() -> TestResult {
    let disk = Disk::new();
    std::fs::write(disk.path("hokku.toml"), "[releases]\nkeep = 1\n")?;
    let up = Arc::new(Up::with(&disk.data(), &["--config", &disk.text("hokku.toml")], &[]));
    let code = mirror(1);
    for app in ["busy", "calm"] {
        up.run(&["create", app]);
        deploy(&up, &code, app);
    }
    let stop = Arc::<AtomicBool>::default();
    let deploying = {
        let (up, stop) = (up.clone(), stop.clone());
        std::thread::spawn(move || {
            let mut count = 0;
            while !stop.load(SeqCst) {
                count += 1;
                std::fs::write(code.path().join("mirror.wat"), marked(count % 900)).expect("written");
                deploy(&up, &code, "busy");
                let name = format!("brief-{count}");
                up.run(&["create", &name]);
                up.run(&["destroy", &name, "--confirm", &name]);
            }
            count
        })
    };
    for round in 0..5 {
        let file = format!("b{round}");
        let taken: Value = serde_json::from_str(&up.run(&["backup", &disk.text(&file), "--json"]))?;
        assert_eq!(taken["without_slug"], serde_json::json!([]), "{taken}");
        disk.restored(&file, &format!("restored-{round}"));
    }
    stop.store(true, SeqCst);
    assert!(deploying.join().expect("joined") > 0);
    let last = Up::start(&disk.path("restored-4"));
    last.wait_for_page("calm", "/", "code-001\n");
    last.wait_for_page("busy", "/", "code-");
    assert!(last.stop().success());
    Ok(())
}

#[test]
fn what_is_wrong_is_told_and_nothing_is_left() -> TestResult {
    let disk = Disk::new();
    let up = Up::start(&disk.data());
    lived_in(&up)?;
    up.run(&["backup", &disk.text("b")]);
    let refused = up.refuses(&["backup", &disk.text("b")]);
    assert!(refused.contains("is there already: name another file, or replace it with --force"), "{refused}");
    up.run(&["backup", &disk.text("b"), "--force"]);
    let refused = String::from_utf8(disk.restore("b", "data", &[]).stderr)?;
    assert!(refused.contains("in use by another hokku (process "), "{refused}");
    assert!(up.stop().success());
    let refused = String::from_utf8(disk.restore("b", "data", &[]).stderr)?;
    assert!(refused.contains("is not empty: move away what is there"), "{refused}");

    let other = Up::start(&disk.path("other"));
    other.run(&["create", "shop"]);
    other.run(&["backup", &disk.text("o")]);
    assert!(other.stop().success());
    let told = disk.refused("b", &["--keys", &disk.text("o.keys")]);
    assert!(told.contains("DISK/o.keys holds the keys of platform "), "{told}");
    let told = disk.refused("b", &["--keys", &disk.text("none")]);
    assert!(told.contains("the keys file DISK/none is not there: name it with --keys"), "{told}");
    let told = disk.refused("b.keys", &["--keys", &disk.text("b.keys")]);
    assert!(told.contains("DISK/b.keys is not a backup of hokku"), "{told}");
    std::fs::write(disk.path("text"), "no archive at all")?;
    let told = disk.refused("text", &["--keys", &disk.text("b.keys")]);
    assert!(told.contains("DISK/text is not a backup of hokku"), "{told}");
    Ok(())
}

#[test]
fn a_file_that_was_cut_off_or_changed_is_refused() -> TestResult {
    let disk = Disk::new();
    let up = Up::start(&disk.data());
    lived_in(&up)?;
    up.run(&["backup", &disk.text("b")]);
    assert!(up.stop().success());
    for (file, keys) in [("b", "b.keys"), ("b.keys", "b.keys")] {
        let whole = std::fs::read(disk.path(file))?;
        let length = whole.len();
        let mut broken: Vec<Vec<u8>> = [4, length / 2, length - 1].map(|at| whole[..at].to_vec()).into();
        // What is before says only how much memory reading takes.
        for at in [6, length / 4, length / 2, length - 2] {
            let mut flipped = whole.clone();
            flipped[at] ^= 0x10;
            broken.push(flipped);
        }
        for (number, bytes) in broken.into_iter().enumerate() {
            let name = format!("broken-{number}");
            std::fs::write(disk.path(&name), bytes)?;
            let (backup, keys) = if file == keys { ("b", name.as_str()) } else { (name.as_str(), keys) };
            let told = disk.refused(backup, &["--keys", &disk.text(keys)]);
            let named = ["is damaged", "is not a backup", "is not a keys file"]
                .iter()
                .any(|text| told.contains(text));
            assert!(told.contains(&name) && named, "{file} {number}: {told}");
        }
    }
    disk.restored("b", "restored");
    Ok(())
}

#[test]
fn killed_at_every_marked_step_it_leaves_no_half_file() -> TestResult {
    let disk = Disk::new();
    let up = Up::start(&disk.data());
    lived_in(&up)?;
    for step in hokku::crash_point::BACKUP_STEPS {
        let killed =
            output(up.command(&["backup", &disk.text("b")]).env("FAILPOINTS", format!("{step}=return")));
        assert_eq!(killed.status.code(), None, "{step}: {}", said(&killed));
        assert!(!disk.path("b").exists(), "{step}");
    }
    up.run(&["backup", &disk.text("b"), "--force"]);
    assert_eq!(disk.names(), ["b", "b.keys", "data"], "what the kills left is removed");
    disk.restored("b", "restored");
    Ok(())
}

#[test]
fn a_platforms_key_that_is_kept_elsewhere_is_asked_for() -> TestResult {
    let disk = Disk::new();
    let key = "ab".repeat(32);
    let environment = [("HOKKU_PLATFORM_KEY", key.as_str())];
    let up = Up::with(&disk.data(), &[], &environment);
    up.run(&["create", "shop"]);
    up.run(&["config", "set", "A=1", "-a", "shop"]);
    let told = up.says(&["backup", &disk.text("b")]);
    assert!(told.contains("Keep HOKKU_PLATFORM_KEY as well"), "{told}");
    assert!(up.stop().success());
    let told = disk.refused("b", &[]);
    assert!(told.contains("set HOKKU_PLATFORM_KEY to it"), "{told}");
    let restore = |key: &str| {
        let mut command = hokku();
        command.arg("restore").arg(disk.path("b")).arg("--data-dir").arg(disk.path("restored"));
        output(command.env("HOKKU_PLATFORM_KEY", key))
    };
    let wrong = restore(&"cd".repeat(32));
    assert!(String::from_utf8(wrong.stderr)?.contains("the platform's key does not open"));
    assert!(!disk.path("restored").exists());
    let right = restore(&key);
    assert!(right.status.success(), "{}", said(&right));
    let up = Up::with(&disk.path("restored"), &[], &environment);
    assert_eq!(up.run(&["config", "get", "A", "-a", "shop"]), "1\n");
    Ok(())
}

#[test]
fn damaged_code_is_told_and_all_else_is_backed_up() -> TestResult {
    let disk = Disk::new();
    let up = Up::start(&disk.data());
    lived_in(&up)?;
    std::fs::remove_dir_all(disk.data().join("slugs/blobs"))?;
    let ended = up.ends(&["backup", &disk.text("b")]);
    assert_eq!(ended.status.code(), Some(1), "{}", said(&ended));
    let told = String::from_utf8(ended.stderr)?;
    assert!(
        told.contains("The code of shop is not in the backup") && told.contains("Deploy blog again"),
        "{told}"
    );
    assert!(up.stop().success());
    let told = disk.restore("b", "restored", &[]);
    assert!(told.status.success(), "{}", said(&told));
    assert!(String::from_utf8(told.stderr)?.contains("The code of blog was missing"));
    let up = Up::start(&disk.path("restored"));
    assert_eq!(up.run(&["config", "get", "SECRET", "-a", "shop"]), "of-shop\n");
    Ok(())
}

/// Runs git in `dir`, which must succeed.
fn git(dir: &Path, words: &[&str]) -> String {
    let mut command = Command::new("git");
    command
        .arg("-C")
        .arg(dir)
        .args(words)
        .env("GIT_CONFIG_GLOBAL", "/dev/null")
        .env("GIT_CONFIG_SYSTEM", "/dev/null");
    for role in ["AUTHOR", "COMMITTER"] {
        command.env(format!("GIT_{role}_NAME"), "A").env(format!("GIT_{role}_EMAIL"), "a@localhost");
    }
    let ended = output(&mut command);
    assert!(ended.status.success(), "git {words:?}: {}", said(&ended));
    String::from_utf8(ended.stdout).expect("text")
}

#[test]
fn repositories_come_back_whole_while_they_are_pushed_to_and_gathered() -> TestResult {
    if Command::new("git").arg("--version").output().is_err() {
        cannot_run("there is no git");
        return Ok(());
    }
    let disk = Disk::new();
    let up = Up::start(&disk.data());
    up.run(&["create", "shop"]);
    let id = up.ask("/apps/shop")["id"].as_str().expect("an id").to_owned();
    let bare = disk.data().join(format!("git/{id}.git"));
    std::fs::create_dir_all(&bare)?;
    git(&bare, &["init", "--bare", "--quiet", "--initial-branch=main", "."]);
    let hook = bare.join("hooks/pre-receive");
    std::fs::write(&hook, "#!/bin/sh\n")?;
    let work = disk.path("work");
    std::fs::create_dir(&work)?;
    git(&work, &["init", "--quiet", "--initial-branch=main", "."]);
    let commit = |number: u32| {
        std::fs::write(work.join("file"), format!("{number}\n")).expect("written");
        git(&work, &["add", "."]);
        git(&work, &["commit", "--quiet", "-m", &number.to_string()]);
        git(&work, &["push", "--quiet", bare.to_str().expect("text"), "main", "--tags"]);
    };
    commit(0);
    git(&work, &["tag", "-a", "-m", "first", "v1"]);
    commit(1);
    let stop = Arc::<AtomicBool>::default();
    std::thread::scope(|scope| {
        let pushing = scope.spawn(|| {
            let mut number = 2;
            while !stop.load(SeqCst) {
                commit(number);
                if number % 3 == 0 {
                    git(&bare, &["gc", "--quiet", "--prune=now"]);
                }
                number += 1;
            }
            number
        });
        // A failure must not leave the other thread pushing for ever.
        let backed_up = std::panic::catch_unwind(std::panic::AssertUnwindSafe(|| {
            for round in 0..6 {
                let taken: Value =
                    serde_json::from_str(&up.run(&["backup", &disk.text(&format!("b{round}")), "--json"]))
                        .expect("JSON");
                assert_eq!(taken["repositories"], 1, "{taken}");
            }
        }));
        stop.store(true, SeqCst);
        assert!(pushing.join().expect("joined") > 2);
        assert!(backed_up.is_ok(), "told above");
    });
    up.run(&["backup", &disk.text("last")]);
    let head = git(&bare, &["rev-parse", "main", "v1"]);
    for file in ["b0", "b1", "b2", "b3", "b4", "b5", "last"] {
        disk.restored(file, &format!("restored-{file}"));
        let copy = disk.path(&format!("restored-{file}/git/{id}.git"));
        git(&copy, &["fsck", "--full", "--strict", "--no-dangling"]);
        git(&copy, &["log", "main", "--format=%H"]);
        assert!(!copy.join("hooks").exists(), "no hook comes back");
        if file == "last" {
            assert_eq!(git(&copy, &["rev-parse", "main", "v1"]), head);
        }
    }
    Ok(())
}
