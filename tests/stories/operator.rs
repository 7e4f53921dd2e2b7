//! `hokku up`, for who runs it: configuration, wrong data directories, damage.

use crate::{
    TestResult,
    fixture::{hokku, output, said},
    platform::mirror,
    platform_fixture::Up,
};
use std::path::Path;

fn refused(data: &Path, flags: &[&str], environment: &[(&str, &str)]) -> String {
    match Up::try_start(data, flags, environment) {
        Ok(up) => panic!("it started: {}", up.told()),
        Err(told) => told.replace(&data.display().to_string(), "DATA"),
    }
}

#[test]
fn the_configuration_is_printed_and_read_back() -> TestResult {
    let dir = tempfile::tempdir()?;
    let printed =
        output(hokku().args(["up", "--print-config", "--data-dir", "/srv/hokku", "--listen", "0.0.0.0:80"]));
    assert!(printed.status.success(), "{}", said(&printed));
    let text = String::from_utf8(printed.stdout)?;
    assert!(
        text.contains("data-dir = \"/srv/hokku\"\n") && text.contains("listen = \"0.0.0.0:80\"\n"),
        "{text}"
    );
    let file = dir.path().join("hokku.toml");
    std::fs::write(&file, &text)?;
    let again = output(hokku().args(["up", "--print-config", "--config"]).arg(&file));
    assert_eq!(String::from_utf8(again.stdout)?, text);
    std::fs::write(&file, "[router]\nidel = \"5s\"\n")?;
    let wrong = output(hokku().args(["up", "--config"]).arg(&file));
    assert_eq!(wrong.status.code(), Some(1));
    let told = String::from_utf8(wrong.stderr)?;
    assert!(told.contains("idel") && told.contains("--print-config"), "{told}");
    Ok(())
}

#[test]
fn a_second_platform_on_one_data_directory_is_refused() -> TestResult {
    let data = tempfile::tempdir()?;
    let dir = data.path().join("data");
    let first = Up::start(&dir);
    let told = refused(&dir, &[], &[]);
    assert!(told.contains("the data directory DATA is in use by another hokku (process "), "{told}");
    assert!(first.stop().success());
    Up::start(&dir).run(&["apps"]);
    Ok(())
}

#[test]
fn newer_and_foreign_data_directories_are_refused() -> TestResult {
    let data = tempfile::tempdir()?;
    std::fs::write(data.path().join("format"), "99\n")?;
    let told = refused(data.path(), &[], &[]);
    assert!(told.contains("written by a newer hokku (format 99); upgrade"), "{told}");
    std::fs::remove_file(data.path().join("format"))?;
    std::fs::write(data.path().join("thesis.txt"), "mine")?;
    let told = refused(data.path(), &[], &[]);
    assert!(told.contains("is not a data directory of hokku, and not empty"), "{told}");
    assert_eq!(std::fs::read(data.path().join("thesis.txt"))?, b"mine");
    Ok(())
}

#[test]
fn a_wrong_key_is_refused_and_changes_nothing() -> TestResult {
    let data = tempfile::tempdir()?;
    let dir = data.path().join("data");
    let up = Up::start(&dir);
    up.run(&["create", "shop"]);
    up.run(&["config", "set", "A=1", "-a", "shop"]);
    assert!(up.stop().success());
    let told = refused(&dir, &[], &[("HOKKU_PLATFORM_KEY", &"ab".repeat(32))]);
    assert!(told.contains("key"), "{told}");
    let told = refused(&dir, &[], &[("HOKKU_PLATFORM_KEY", "secret")]);
    assert!(told.contains("HOKKU_PLATFORM_KEY") && !told.contains("secret"), "{told}");
    assert_eq!(Up::start(&dir).run(&["config", "get", "A", "-a", "shop"]), "1\n");
    Ok(())
}

#[test]
fn the_owners_token_opens_everything_and_nothing_else_does() -> TestResult {
    let data = tempfile::tempdir()?;
    let up = Up::start(&data.path().join("data"));
    let token = std::fs::read_to_string(up.data().join("owner-token"))?;
    assert!(up.told().contains(token.trim()), "shown once");
    let mode = std::os::unix::fs::PermissionsExt::mode(
        &std::fs::metadata(up.data().join("owner-token"))?.permissions(),
    );
    assert_eq!(mode & 0o777, 0o600);
    let mut command = up.command(&["apps"]);
    let ended = output(command.env("HOKKU_API_KEY", "HOKKU-wrong"));
    assert_eq!(ended.status.code(), Some(1), "{}", said(&ended));
    assert!(String::from_utf8(ended.stderr)?.contains("HOKKU_API_KEY"));
    // Nothing of it is in the ledger, in the log or in a file that others may read.
    for entry in walk(up.data()) {
        if entry.ends_with("owner-token") {
            continue;
        }
        let bytes = std::fs::read(&entry)?;
        let token = token.trim().as_bytes();
        assert!(!bytes.windows(token.len()).any(|window| window == token), "{}", entry.display());
    }
    Ok(())
}

fn walk(dir: &Path) -> Vec<std::path::PathBuf> {
    let mut files = Vec::new();
    for entry in std::fs::read_dir(dir).expect("read").flatten() {
        match entry.file_type().expect("a type") {
            kind if kind.is_dir() => files.extend(walk(&entry.path())),
            kind if kind.is_file() => files.push(entry.path()),
            _ => {}
        }
    }
    files
}

/// Flips one bit in the middle of a file.
fn flip(file: &Path) {
    let mut bytes = std::fs::read(file).expect("read");
    let middle = bytes.len() / 2;
    bytes[middle] ^= 0x10;
    std::fs::write(file, bytes).expect("written");
}

#[test]
fn a_flipped_bit_in_an_entry_is_found_and_named() -> TestResult {
    let data = tempfile::tempdir()?;
    let dir = data.path().join("data");
    let up = Up::start(&dir);
    up.run(&["create", "shop"]);
    for value in 0..5 {
        up.run(&["config", "set", &format!("A={value}"), "-a", "shop"]);
    }
    let heads = up.run(&["ledger", "verify"]);
    assert!(up.stop().success());

    // As whoever writes to the file would do it: past the triggers.
    let database = rusqlite::Connection::open(dir.join("ledger/ledger.db"))?;
    let triggers: Vec<String> = database
        .prepare("SELECT name FROM sqlite_master WHERE type = 'trigger'")?
        .query_map([], |row| row.get(0))?
        .collect::<Result<_, _>>()?;
    assert!(database.execute("UPDATE entries SET body = body", []).is_err(), "a trigger refuses it");
    assert!(database.execute("DELETE FROM entries", []).is_err(), "a trigger refuses it");
    for trigger in triggers {
        database.execute(&format!("DROP TRIGGER {trigger}"), [])?;
    }
    let (position, seq, mut body): (i64, i64, Vec<u8>) = database.query_row(
        "SELECT position, seq, body FROM entries WHERE stream <> 'platform' ORDER BY position DESC LIMIT 1 OFFSET 3",
        [],
        |row| Ok((row.get(0)?, row.get(1)?, row.get(2)?)),
    )?;
    let middle = body.len() / 2;
    body[middle] ^= 1;
    database.execute("UPDATE entries SET body = ?1 WHERE position = ?2", (body, position))?;
    drop(database);

    let mut verify = hokku();
    let ended = output(verify.args(["ledger", "verify", "--data-dir"]).arg(&dir));
    assert_eq!(ended.status.code(), Some(1), "{}", said(&ended));
    let told = String::from_utf8(ended.stderr)?;
    assert!(told.contains("shop") && told.contains(&seq.to_string()), "{told}\n{heads}");
    let told = refused(&dir, &[], &[]);
    assert!(told.contains("hokku ledger verify"), "{told}");
    Ok(())
}

#[test]
fn a_flipped_bit_in_a_slug_is_found_before_it_runs() -> TestResult {
    let data = tempfile::tempdir()?;
    let dir = data.path().join("data");
    let up = Up::start(&dir);
    up.run(&["create", "shop"]);
    up.run(&["deploy", mirror(1).path().to_str().expect("text"), "-a", "shop"]);
    assert!(up.stop().success());
    for blob in walk(&dir.join("slugs/blobs")) {
        flip(&blob);
    }
    std::fs::remove_dir_all(dir.join("cache"))?;
    let up = Up::start(&dir);
    let (status, page) = up.get("shop", "/")?;
    assert_eq!(status, 503, "{page}");
    let logs = up.run(&["logs", "-a", "shop"]);
    assert!(logs.contains("Error R17 (Checksum error)"), "{logs}");
    Ok(())
}

#[test]
fn a_data_directory_that_cannot_be_written_is_told_and_left_as_it_is() -> TestResult {
    let data = tempfile::tempdir()?;
    let dir = data.path().join("data");
    let up = Up::start(&dir);
    up.run(&["create", "shop"]);
    assert!(up.stop().success());
    // The owner of a directory may be the superuser, whom permissions do not hold: a read-only mount does.
    let script = "mount --bind \"$1\" \"$1\" && mount -o remount,bind,ro \"$1\" && exec \"$2\" up --data-dir \"$1\" --listen localhost:0";
    let Some(ended) = in_own_mounts(script, &dir) else { return Ok(()) };
    assert_eq!(ended.status.code(), Some(1), "{}", said(&ended));
    let told = String::from_utf8(ended.stderr)?;
    assert!(told.contains("data directory") && told.contains("ead-only"), "{told}");
    assert!(Up::start(&dir).run(&["apps"]).contains("shop"));
    Ok(())
}

/// Runs a shell script in mounts of its own, with the directory and the `hokku` binary as arguments.
fn in_own_mounts(script: &str, dir: &Path) -> Option<std::process::Output> {
    let mut command = std::process::Command::new("unshare");
    command.args(["--user", "--map-root-user", "--mount", "sh", "-c", script, "sh"]);
    let ended = output(command.arg(dir).arg(env!("CARGO_BIN_EXE_hokku")).env("HOKKU_CACHE_DIR", ""));
    let told = String::from_utf8_lossy(&ended.stderr);
    if told.contains("unshare") || told.contains("mount:") {
        crate::fixture::cannot_run(&format!("no mounts of its own: {}", told.trim()));
        return None;
    }
    Some(ended)
}

#[test]
fn a_full_disk_is_told_and_loses_nothing() -> TestResult {
    let data = tempfile::tempdir()?;
    // Sets config vars until the disk is full, then shows what the platform still knows.
    let script = r#"
        mount -t tmpfs -o size=6m tmpfs "$1" || exit 9
        export HOKKU_DATA_DIR="$1/data"
        "$2" up --listen localhost:0 >"$1.log" 2>&1 &
        platform=$!
        until grep -q Listening "$1.log"; do kill -0 $platform || exit 8; done
        "$2" create shop >/dev/null || exit 7
        last=none
        dd if=/dev/zero of="$1/filler" bs=1k 2>/dev/null
        dd if=/dev/null of="$1/filler" bs=1k seek=$(( $(stat -c %s "$1/filler") / 1024 - 200 )) 2>/dev/null
        number=0
        while "$2" config set "NUMBER=$number" "FILL=$(head -c 20000 /dev/zero | tr '\0' x)" -a shop >/dev/null 2>"$1.error"; do
            last=$number; number=$((number + 1)); [ $number -lt 500 ] || exit 6
        done
        cat "$1.error" >&2
        "$2" config get NUMBER -a shop | sed "s/^/known=/"
        echo "last=$last"
        rm "$1/filler"
        "$2" config set AFTER=1 -a shop >/dev/null || exit 5
        "$2" ledger verify >/dev/null || exit 4
        kill -TERM $platform; wait $platform
        "$2" up --listen localhost:0 >"$1.log" 2>&1 &
        platform=$!
        until grep -q Listening "$1.log"; do kill -0 $platform || exit 3; done
        "$2" config get NUMBER -a shop | sed "s/^/after=/"
        "$2" config get AFTER -a shop
        kill -TERM $platform; wait $platform
    "#;
    let Some(ended) = in_own_mounts(script, data.path()) else { return Ok(()) };
    assert!(ended.status.success(), "{}", said(&ended));
    let told = String::from_utf8(ended.stderr.clone())?;
    assert!(told.contains("disk is full"), "{}", said(&ended));
    let text = String::from_utf8(ended.stdout.clone())?;
    let value = |key: &str| text.lines().find_map(|line| line.strip_prefix(key)).map(str::to_owned);
    assert!(value("last=").is_some_and(|last| last != "none"), "{}", said(&ended));
    assert_eq!(value("known="), value("last="), "{}", said(&ended));
    assert_eq!(value("after="), value("last="), "{}", said(&ended));
    Ok(())
}

#[test]
fn it_listens_on_every_address() -> TestResult {
    let data = tempfile::tempdir()?;
    let second = std::net::TcpListener::bind("127.0.0.1:0")?.local_addr()?;
    let up = Up::with(&data.path().join("data"), &["--listen", &second.to_string()], &[]);
    assert_ne!(up.port(), second.port(), "the first one is given out");
    up.run(&["apps"]);
    let answer = ureq::get(format!("http://{second}/schema")).call();
    assert!(!matches!(answer, Err(ureq::Error::Io(_) | ureq::Error::ConnectionFailed)), "{answer:?}");
    let data = tempfile::tempdir()?;
    let told = refused(data.path(), &["--listen", &second.to_string()], &[]);
    assert!(told.contains(&format!("cannot listen on {second}: ")) && told.contains("--listen"), "{told}");
    Ok(())
}
