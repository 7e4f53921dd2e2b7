//! Python apps other than the example.

use crate::{
    TestResult,
    fixture::{Served, app, hokku, output, said, uses_real},
};

const PLAIN_WSGI: &str = r#"
import os, zoneinfo, datetime
from urllib.parse import parse_qs

BOOTED = datetime.datetime.now(datetime.timezone.utc)

def application(environ, start_response):
    if environ["PATH_INFO"] == "/zone":
        text = str(datetime.datetime(2026, 7, 1, tzinfo=zoneinfo.ZoneInfo("Europe/Paris")).utcoffset())
    elif environ["PATH_INFO"] == "/port":
        text = os.environ["PORT"] + " " + os.environ["DYNO"]
    else:
        text = "Hello, " + parse_qs(environ["QUERY_STRING"]).get("name", ["nobody"])[0]
    start_response("200 OK", [("Content-Type", "text/plain; charset=utf-8")])
    return [text.encode()]
"#;

#[test]
fn a_plain_wsgi_callable_needs_no_procfile() -> TestResult {
    uses_real("python");
    let dir = app(&[("wsgi.py", PLAIN_WSGI), ("requirements.txt", "")]);
    let served = Served::start(dir.path(), &["--once", "--app", "plain-wsgi"]);
    assert_eq!(served.get("/?name=J%C3%BCrgen")?, (200, "Hello, Jürgen".to_owned()));
    assert_eq!(served.get("/zone")?.1, "2:00:00");
    assert_eq!(served.get("/port")?.1, format!("{} web.1", served.port()));
    Ok(())
}

#[test]
fn a_package_that_cannot_work_is_refused_by_name_with_what_to_do() -> TestResult {
    uses_real("python");
    let dir = app(&[("app.py", PLAIN_WSGI), ("requirements.txt", "psycopg2-binary==2.9.10\n")]);
    let out = dir.path().join("a.slug");
    let built = output(hokku().args(["build", "--app", "native"]).arg(dir.path()).arg("-o").arg(&out));
    assert_eq!(built.status.code(), Some(1), "{}", said(&built));
    let text = String::from_utf8(built.stdout)?;
    assert!(text.contains("psycopg2-binary"), "{text}");
    assert!(text.contains("pg8000"), "{text}");
    assert!(!out.exists());
    Ok(())
}
