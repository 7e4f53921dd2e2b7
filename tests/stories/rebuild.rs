//! Live rebuild: what is served changes, and no request fails.

use crate::{
    TestResult,
    fixture::{Served, app, example, uses_real},
};
use std::sync::atomic::{AtomicBool, AtomicU64, Ordering::SeqCst};

#[test]
fn code_config_and_errors_change_under_load_and_no_request_fails() -> TestResult {
    uses_real("python");
    let dir = example("flask");
    let served = Served::start(dir.path(), &["--app", "guestbook"]);
    let source = std::fs::read_to_string(dir.path().join("app.py"))?;
    let (done, requests) = (AtomicBool::new(false), AtomicU64::new(0));
    let failed = std::thread::scope(|scope| {
        let load = scope.spawn(|| {
            let mut failed = Vec::new();
            while !done.load(SeqCst) {
                match served.get("/instance") {
                    Ok((200, _)) => {}
                    other => failed.push(format!("{other:?}")),
                }
                requests.fetch_add(1, SeqCst);
            }
            failed
        });
        let changed = change_code_then_config_then_requirements(&served, dir.path(), &source);
        done.store(true, SeqCst);
        (changed.map_err(|error| error.to_string()), load.join().expect("joined"))
    });
    failed.0?;
    assert!(failed.1.is_empty(), "{:?}", failed.1);
    assert!(requests.load(SeqCst) > 50, "the load was real");
    syntax_error_is_told_and_mended(&served, dir.path(), &source)
}

fn change_code_then_config_then_requirements(
    served: &Served,
    dir: &std::path::Path,
    source: &str,
) -> TestResult {
    let mark = served.mark();
    std::fs::write(
        dir.join("app.py"),
        source.replace("please give", "PLEASE GIVE")
            + "\n@app.get('/new')\ndef new():\n    return 'the new code'\n",
    )?;
    served.wait_after(mark, "web.1", "State changed from starting to up");
    wait_for_page(served, "/new", "the new code")?;
    let build = served.logged("build");
    assert!(build.matches("Building the web component").count() <= 1, "{build}");

    let mark = served.mark();
    std::fs::write(dir.join(".env"), "GREETING=Changed\n")?;
    served.wait_after(mark, "web.1", "State changed from starting to up");
    wait_for_page(served, "/", "Changed")?;

    let mark = served.mark();
    std::fs::write(dir.join("requirements.txt"), "flask==3.1.3\nnumpy\n")?;
    let told = served.wait_after(mark, "build", "numpy");
    assert!(told.contains("numpy"), "{told}");
    served.wait_after(mark, "build", "The version before it goes on serving.");
    wait_for_page(served, "/", "Changed")?;
    let mark = served.mark();
    std::fs::write(dir.join("requirements.txt"), "flask==3.1.3\n")?;
    served.wait_after(mark, "web.1", "State changed from starting to up");
    Ok(())
}

/// Asks until the page shows `text`: the new version takes over soon after it is up.
fn wait_for_page(served: &Served, path: &str, text: &str) -> TestResult {
    for _ in 0..2000 {
        if served.get(path)?.1.contains(text) {
            return Ok(());
        }
    }
    Err(format!("{path} never showed {text}").into())
}

fn syntax_error_is_told_and_mended(served: &Served, dir: &std::path::Path, source: &str) -> TestResult {
    let mark = served.mark();
    std::fs::write(dir.join("app.py"), format!("{source}\ndef broken(:\n"))?;
    served.wait_after(mark, "web.1", "State changed from starting to up");
    let mut status = 0;
    while status != 500 {
        status = served.get("/instance")?.0;
    }
    served.wait_after(mark, "web.1", "SyntaxError");
    let mark = served.mark();
    std::fs::write(dir.join("app.py"), source)?;
    served.wait_after(mark, "web.1", "State changed from starting to up");
    while status != 200 {
        status = served.get("/instance")?.0;
    }
    Ok(())
}

#[test]
fn a_first_build_that_fails_waits_for_the_mend() -> TestResult {
    let dir = app(&[("index.html", "<p>mended</p>"), ("Procfile", "web: statik .\n")]);
    let served = Served::start(dir.path(), &["--app", "mended"]);
    let (status, page) = served.get("/")?;
    assert_eq!(status, 503, "{page}");
    assert!(page.contains("H81"), "{page}");
    assert!(served.logged("build").contains("statik"));
    let mark = served.mark();
    std::fs::write(dir.path().join("Procfile"), "web: static .\n")?;
    served.wait_after(mark, "web.1", "State changed from starting to up");
    wait_for_page(&served, "/", "mended")
}

#[test]
fn what_git_ignores_rebuilds_nothing() -> TestResult {
    let dir = app(&[("index.html", "<p>one</p>"), (".gitignore", "*.log\n")]);
    let served = Served::start(dir.path(), &["--app", "ignoring"]);
    std::fs::write(dir.path().join("today.log"), "noise")?;
    let mark = served.mark();
    std::fs::write(dir.path().join("index.html"), "<p>two</p>")?;
    let changed = served.wait_after(mark, "serve", "changed");
    assert_eq!(changed, "index.html changed");
    served.wait_after(mark, "web.1", "State changed from starting to up");
    wait_for_page(&served, "/", "two")
}
