//! A site without a guest.

use crate::{
    TestResult,
    fixture::{Served, app, example},
};

#[test]
fn the_static_example_is_served_with_types_tags_ranges_and_its_own_404() -> TestResult {
    let dir = example("static-site");
    let served = Served::start(dir.path(), &["--once", "--app", "site"]);
    let mut page = served.agent().get(served.url("/")).call()?;
    assert_eq!(page.status(), 200);
    assert_eq!(page.headers()["content-type"], "text/html; charset=utf-8");
    let etag = page.headers()["etag"].to_str()?.to_owned();
    let text = page.body_mut().read_to_string()?;
    assert_eq!(text, std::fs::read_to_string(dir.path().join("index.html"))?);

    let again = served.agent().get(served.url("/")).header("if-none-match", &etag).call()?;
    assert_eq!(again.status(), 304);
    let mut part = served.agent().get(served.url("/")).header("range", "bytes=0-14").call()?;
    assert_eq!(part.status(), 206);
    assert_eq!(part.body_mut().read_to_string()?, text[..15]);

    let (status, missing) = served.get("/no-such-page")?;
    assert_eq!(status, 404);
    assert_eq!(missing, std::fs::read_to_string(dir.path().join("404.html"))?);
    assert_eq!(served.get("/../../etc/passwd")?.0, 404);
    assert!(served.interrupt().success());
    Ok(())
}

#[test]
fn a_single_page_app_gets_its_page_for_every_path() -> TestResult {
    let dir =
        app(&[("dist/index.html", "<p>one page</p>"), ("Procfile", "web: static dist --single-page\n")]);
    let served = Served::start(dir.path(), &["--once", "--app", "single-page"]);
    assert_eq!(served.get("/orders/42")?, (200, "<p>one page</p>".to_owned()));
    assert_eq!(served.get("/missing.js")?.0, 404);
    Ok(())
}
