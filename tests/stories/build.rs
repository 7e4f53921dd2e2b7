//! `hokku build` and `hokku slug inspect`.

use crate::{
    TestResult,
    fixture::{app, cannot_run, example, hokku, output, said},
};
use std::{path::Path, process::Command};

#[test]
fn a_slug_is_built_into_one_file_and_looked_into() -> TestResult {
    let (dir, out) = (example("hello-wat"), tempfile::tempdir()?);
    let file = out.path().join("hello.slug");
    let built = output(hokku().args(["build", "--app", "hello"]).arg(dir.path()).arg("-o").arg(&file));
    assert!(built.status.success(), "{}", said(&built));
    let text = String::from_utf8(built.stdout)?;
    assert!(text.contains("-----> WebAssembly app detected"), "{text}");
    assert!(text.contains("Procfile declares types -> web"), "{text}");

    let shown = output(hokku().args(["slug", "inspect"]).arg(&file));
    assert!(shown.status.success(), "{}", said(&shown));
    let text = String::from_utf8(shown.stdout)?;
    assert!(text.contains("program:    hello.wat"), "{text}");
    assert!(text.contains("process:    web: hello"), "{text}");

    let json = output(hokku().args(["slug", "inspect", "--json"]).arg(&file));
    let json: serde_json::Value = serde_json::from_slice(&json.stdout)?;
    assert_eq!(json["processes"]["web"]["command"], "hello");
    assert_eq!(json["stack"], "hokku-1");
    Ok(())
}

#[test]
fn the_same_source_gives_the_same_slug() -> TestResult {
    let digest = || -> Result<String, Box<dyn std::error::Error>> {
        let (dir, out) = (example("hello-wat"), tempfile::tempdir()?);
        let mut command = hokku();
        command.args(["build", "--json", "--app", "same"]).arg(dir.path());
        let built = output(command.arg("-o").arg(out.path().join("a.slug")));
        let json: serde_json::Value = serde_json::from_slice(&built.stdout)?;
        Ok(json["slug"].as_str().ok_or("no digest")?.to_owned())
    };
    assert_eq!(digest()?, digest()?);
    Ok(())
}

#[test]
fn a_corrupt_slug_is_refused() -> TestResult {
    let (dir, out) = (example("hello-wat"), tempfile::tempdir()?);
    let file = out.path().join("hello.slug");
    let built = output(hokku().args(["build", "--app", "corrupt"]).arg(dir.path()).arg("-o").arg(&file));
    assert!(built.status.success(), "{}", said(&built));
    let mut bytes = std::fs::read(&file)?;
    let middle = bytes.len() / 2;
    bytes[middle] ^= 1;
    std::fs::write(&file, bytes)?;
    let shown = output(hokku().args(["slug", "inspect"]).arg(&file));
    assert_eq!(shown.status.code(), Some(1), "{}", said(&shown));
    assert!(String::from_utf8(shown.stderr)?.contains("hello.slug"));

    std::fs::write(&file, "not a slug")?;
    let shown = output(hokku().args(["slug", "inspect"]).arg(&file));
    assert_eq!(shown.status.code(), Some(1), "{}", said(&shown));
    Ok(())
}

#[test]
fn compiled_code_in_a_tree_is_refused_by_name() -> TestResult {
    let dir = app(&[("index.html", "<p>"), ("lib/evil.cwasm", "native code")]);
    let out = dir.path().join("a.slug");
    let built = output(hokku().args(["build", "--app", "compiled"]).arg(dir.path()).arg("-o").arg(&out));
    assert_eq!(built.status.code(), Some(1), "{}", said(&built));
    assert!(String::from_utf8(built.stderr)?.contains("lib/evil.cwasm"));
    assert!(!out.exists());
    Ok(())
}

#[test]
fn what_no_buildpack_knows_is_told_with_what_to_do() -> TestResult {
    let dir = app(&[("readme.txt", "hello")]);
    let built = output(hokku().args(["build", "--app", "unknown"]).arg(dir.path()));
    assert_eq!(built.status.code(), Some(1), "{}", said(&built));
    insta::assert_snapshot!(String::from_utf8(built.stderr)?);
    Ok(())
}

#[test]
fn a_full_disk_is_named_and_nothing_is_left_behind() -> TestResult {
    let site = tempfile::tempdir()?;
    std::fs::write(site.path().join("index.html"), "<p>a page</p>")?;
    // Noise: it does not compress to less than the disk.
    let mut state = 1_u64;
    let noise = std::iter::repeat_with(|| {
        state = state.wrapping_mul(6_364_136_223_846_793_005).wrapping_add(1_442_695_040_888_963_407);
        state.to_be_bytes()[0]
    });
    std::fs::write(site.path().join("noise.bin"), noise.take(6 << 20).collect::<Vec<u8>>())?;
    let disk = tempfile::tempdir()?;
    let Some(output) = on_small_disk(disk.path(), site.path())? else {
        cannot_run("this user may not mount a small disk, so a full one cannot be made");
        return Ok(());
    };
    let text = String::from_utf8_lossy(&output.stderr);
    assert!(text.contains("no space left on the disk of"), "{}", said(&output));
    assert!(String::from_utf8_lossy(&output.stdout).contains("LEFT 0"), "{}", said(&output));
    Ok(())
}

/// Builds with the cache on a disk of 4 MB that goes with the command; `None` where nobody may mount one.
fn on_small_disk(disk: &Path, site: &Path) -> std::io::Result<Option<std::process::Output>> {
    let script = r#"
        mount -t tmpfs -o size=4m none "$1" || exit 77
        HOKKU_CACHE_DIR="$1/cache" "$2" build --app full -o "$1/app.slug" "$3"
        echo "EXIT $?"
        echo "LEFT $(find "$1/cache/builds/tmp" -type f | wc -l)"
    "#;
    let mut command = Command::new("unshare");
    command.args(["--mount", "--map-root-user", "--user", "sh", "-c", script, "sh"]);
    command.arg(disk).arg(env!("CARGO_BIN_EXE_hokku")).arg(site);
    let output = command.output()?;
    Ok((output.status.code() != Some(77) && !output.stdout.is_empty()).then_some(output))
}

#[test]
fn a_cache_in_the_app_s_own_directory_is_refused() -> TestResult {
    let dir = example("hello-wat");
    let mut command = hokku();
    command.args(["build", "--app", "inside", "--cache-dir"]).arg(dir.path().join("cache")).arg(dir.path());
    let built = output(&mut command);
    assert_eq!(built.status.code(), Some(1), "{}", said(&built));
    assert!(String::from_utf8(built.stderr)?.contains("lies in the app's directory"));
    Ok(())
}
