//! The Flask example, as people use it.

use crate::{
    TestResult,
    fixture::{Served, example, uses_real},
};
use serde_json::Value;

/// The stories share one build cache: one component for one set of requirements.
const APP: [&str; 2] = ["--app", "guestbook"];

#[test]
fn page_form_session_upload_json_and_errors() -> TestResult {
    uses_real("python");
    let dir = example("flask");
    let served = Served::start(dir.path(), &["--once", APP[0], APP[1]]);
    let (status, page) = served.get("/")?;
    assert_eq!(status, 200);
    assert!(page.contains("Hello from .env"), "{page}");
    assert!(served.logged("release").contains("database is up to date"));
    served.wait_for("worker.1", "heartbeat 1");
    assert_eq!(served.get("/static/style.css")?.0, 200);

    let form = [("name", "Ada"), ("message", "It <works> & well")];
    let posted = served.agent().post(served.url("/entries")).send_form(form)?;
    assert_eq!((posted.status().as_u16(), &posted.headers()["location"]), (302, &"/".parse()?));
    let cookie = session_cookie(&posted)?;
    let mut back = served.agent().get(served.url("/")).header("cookie", &cookie).call()?;
    let page = back.body_mut().read_to_string()?;
    assert!(page.contains("Thank you, Ada!") && page.contains("It &lt;works&gt; &amp; well"), "{page}");
    served.wait_for("web.1", "Ada signed the guestbook");

    session_counts(&served)?;
    upload_is_digested(&served)?;
    let added = served.agent().post(served.url("/api/entries")).send_json(serde_json::json!({
        "name": "Bob", "message": "by JSON"
    }))?;
    assert_eq!(added.status(), 201);
    let entries: Value = serde_json::from_str(&served.get("/api/entries")?.1)?;
    assert_eq!(entries["entries"][0]["name"], "Bob");

    assert_eq!(served.get("/boom")?.0, 500);
    served.wait_for("web.1", "RuntimeError: boom, as asked for");
    served.wait_for("web.1", "Traceback (most recent call last)");
    assert_eq!(served.get("/nowhere")?.0, 404);
    assert!(served.interrupt().success());
    Ok(())
}

fn session_cookie(answer: &http::Response<ureq::Body>) -> Result<String, Box<dyn std::error::Error>> {
    let cookie = answer.headers()["set-cookie"].to_str()?;
    Ok(cookie.split(';').next().unwrap_or_default().to_owned())
}

fn session_counts(served: &Served) -> TestResult {
    let mut cookie = String::new();
    for visit in 1..=3 {
        let mut answer = served.agent().get(served.url("/")).header("cookie", &cookie).call()?;
        cookie = session_cookie(&answer)?;
        let page = answer.body_mut().read_to_string()?;
        let times = if visit == 1 { "1 time.".to_owned() } else { format!("{visit} times.") };
        assert!(page.contains(&times), "{page}");
    }
    Ok(())
}

fn upload_is_digested(served: &Served) -> TestResult {
    let content = "x".repeat(3 << 20);
    let body = format!(
        "--b\r\ncontent-disposition: form-data; name=\"file\"; filename=\"x.txt\"\r\n\r\n{content}\r\n--b--\r\n"
    );
    let mut answer = served
        .agent()
        .post(served.url("/upload"))
        .header("content-type", "multipart/form-data; boundary=b")
        .send(&body)?;
    let told: Value = serde_json::from_str(&answer.body_mut().read_to_string()?)?;
    let digest = hokku::slug::Digest::of(content.as_bytes()).hex();
    assert_eq!((&told["size"], &told["sha256"]), (&(3 << 20).into(), &digest.into()));
    Ok(())
}

#[test]
fn two_slow_requests_overlap_and_a_third_reuses_an_instance() -> TestResult {
    uses_real("python");
    let dir = example("flask");
    let served = Served::start(dir.path(), &["--once", APP[0], APP[1]]);
    let instance = |path: &str| -> Result<(Value, Value), String> {
        let (_, text) = served.get(path).map_err(|error| error.to_string())?;
        let answer: Value = serde_json::from_str(&text).map_err(|error| error.to_string())?;
        Ok((answer["instance"].clone(), answer["requests"].clone()))
    };
    let (first, second) = std::thread::scope(|scope| {
        let slow = || scope.spawn(|| instance("/slow?seconds=4"));
        let (first, second) = (slow(), slow());
        (first.join().expect("joined"), second.join().expect("joined"))
    });
    let (first, second) = (first?.0, second?.0);
    assert_ne!(first, second, "the second did not wait for the first: it ran in an instance of its own");
    let (third, requests) = instance("/instance")?;
    assert!(third == first || third == second, "a third request reuses one of the two");
    assert_eq!(requests, 2, "which counts its second request");
    Ok(())
}

#[test]
fn an_answer_streams_as_it_is_made() -> TestResult {
    uses_real("python");
    let dir = example("flask");
    let served = Served::start(dir.path(), &["--once", APP[0], APP[1]]);
    let answer = served.agent().get(served.url("/stream?lines=3&pause=2")).call()?;
    let mut lines = std::io::BufRead::lines(std::io::BufReader::new(answer.into_body().into_reader()));
    assert_eq!(lines.next().ok_or("no line")??, "line 1 of 3");
    assert!(!served.logged("router").contains("/stream"), "the first line came before the answer's end");
    assert_eq!(lines.count(), 2);
    served.wait_for("router", "/stream");
    Ok(())
}
