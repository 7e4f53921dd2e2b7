//! Nothing is lost: the platform is killed at every marked step, and at random moments.

use crate::{
    TestResult,
    fixture::{app, hokku, output, said},
    platform::{assert_tidy, mirror},
    platform_fixture::Up,
};
use serde_json::{Value, json};
use std::{
    path::{Path, PathBuf},
    process::Stdio,
    sync::{
        Arc, Mutex,
        atomic::{AtomicU64, Ordering::SeqCst},
    },
    time::{Duration, Instant},
};

/// One thing that a change sets: what was acknowledged last, and what was asked for since.
#[derive(Clone, Copy, Debug)]
struct Known {
    /// `None` when a rollback may have brought any older value back.
    acknowledged: Option<u64>,
    attempted: Option<u64>,
}

impl Known {
    fn is(value: u64) -> Self {
        Self { acknowledged: Some(value), attempted: None }
    }

    fn assert_allows(&self, value: u64, what: &str) {
        let allowed = self.acknowledged.is_none_or(|known| known == value) || self.attempted == Some(value);
        assert!(allowed, "{what} is {value}: {self:?}");
    }
}

/// What the platform may hold: everything that it acknowledged, and perhaps the one change that was under way.
#[derive(Clone, Copy, Debug)]
struct Expected {
    /// The config var `ROUND`; 0 without it.
    round: Known,
    /// The mark of the code.
    code: Known,
    /// How many web dynos.
    quantity: Known,
    /// The version of the last release that was acknowledged.
    version: u64,
}

impl Expected {
    fn after_deploy() -> Self {
        Self { round: Known::is(0), code: Known::is(1), quantity: Known::is(1), version: 3 }
    }

    /// What the kill left open is decided when the platform is back.
    fn settled(up: &Up) -> Self {
        let page = up.wait_for_page("shop", "/", "code-");
        let code = page[5..8].parse().expect("a mark");
        let version = up.releases("shop").len() as u64;
        Self {
            round: Known::is(round(up)),
            code: Known::is(code),
            quantity: Known::is(quantity(up)),
            version,
        }
    }
}

fn round(up: &Up) -> u64 {
    let config = up.ask("/apps/shop/config-vars");
    config["ROUND"].as_str().map_or(0, |round| round.parse().expect("a number"))
}

fn quantity(up: &Up) -> u64 {
    up.ask("/apps/shop/formation/web")["quantity"].as_u64().expect("a number")
}

/// A user's changes, one after the other; each is noted when it is asked for and when it was acknowledged.
struct User {
    expected: Arc<Mutex<Expected>>,
    count: Arc<AtomicU64>,
    address: String,
    token: String,
    agent: ureq::Agent,
    data: PathBuf,
}

impl User {
    fn of(up: &Up, expected: Arc<Mutex<Expected>>) -> Self {
        let token = std::fs::read_to_string(up.data().join("owner-token")).expect("a token");
        let agent = ureq::Agent::config_builder().http_status_as_error(false).build().into();
        let (address, data) = (format!("http://127.0.0.1:{}", up.port()), up.data().to_owned());
        Self { expected, count: Arc::default(), address, token: token.trim().to_owned(), agent, data }
    }

    /// Sends one request; `None` when the platform was gone before it answered.
    fn send(&self, method: &str, path: &str, body: &Value) -> Option<Value> {
        let request = ureq::http::Request::builder()
            .method(method)
            .uri(format!("{}{path}", self.address))
            .header("authorization", format!("Bearer {}", self.token))
            .header("accept", "application/vnd.heroku+json; version=3")
            .header("content-type", "application/json")
            .body(body.to_string())
            .expect("legal");
        let mut answer = self.agent.run(request).ok()?;
        let status = answer.status();
        let text = answer.body_mut().read_to_string().ok()?;
        assert!(status.is_success() || status == 503, "{method} {path}: {status} {text}");
        status.is_success().then(|| serde_json::from_str(&text).expect("JSON"))
    }

    fn note(&self, change: impl FnOnce(&mut Expected)) {
        change(&mut self.expected.lock().expect("whole"));
    }

    /// One change, of a kind that depends on `round`; `None` when the platform is gone.
    fn change(&self, round: u64) -> Option<()> {
        match round % 5 {
            0 => {
                let quantity = 1 + round % 3;
                self.note(|expected| expected.quantity.attempted = Some(quantity));
                self.send("PATCH", "/apps/shop/formation/web", &json!({ "quantity": quantity }))?;
                self.note(|expected| expected.quantity = Known::is(quantity));
            }
            3 => {
                let to = self.expected.lock().expect("whole").version;
                self.note(|expected| {
                    (expected.round.acknowledged, expected.code.acknowledged) = (None, None);
                });
                // v3 is the first with code.
                let to = json!({ "release": (to - 1).max(3).to_string() });
                let release = self.send("POST", "/apps/shop/releases", &to)?;
                let version = release["version"].as_u64().expect("a version");
                self.note(|expected| expected.version = version);
            }
            4 => {
                let code = 2 + round % 900;
                self.note(|expected| expected.code.attempted = Some(code));
                self.deploy(code)?;
                self.note(|expected| {
                    expected.code = Known::is(code);
                    expected.version += 1;
                });
            }
            _ => {
                self.note(|expected| expected.round.attempted = Some(round));
                self.send("PATCH", "/apps/shop/config-vars", &json!({ "ROUND": round.to_string() }))?;
                self.note(|expected| {
                    expected.round = Known::is(round);
                    expected.version += 1;
                });
            }
        }
        self.count.fetch_add(1, SeqCst);
        Some(())
    }

    fn deploy(&self, code: u64) -> Option<()> {
        let dir = mirror(u32::try_from(code).expect("small"));
        let mut command = hokku();
        command.arg("deploy").arg(dir.path()).args(["-a", "shop"]).env("HOKKU_DATA_DIR", &self.data);
        output(&mut command).status.success().then_some(())
    }
}

/// What must hold after any kill: the chain is whole, no half release, what was acknowledged is there, the app answers.
fn check(data: &Path, expected: &Expected) -> Up {
    let up = Up::start(data);
    up.run(&["ledger", "verify"]);
    let releases = up.releases("shop");
    for (index, release) in releases.iter().enumerate() {
        assert_eq!(release["version"], index as u64 + 1, "dense");
        assert_ne!(release["status"], "pending", "no half release");
    }
    assert!(releases.len() as u64 >= expected.version, "{expected:?}: {} releases", releases.len());
    for build in up.ask("/apps/shop/builds").as_array().expect("a list") {
        assert_ne!(build["status"], "pending", "no half build");
    }
    let round = round(&up);
    expected.round.assert_allows(round, "ROUND");
    expected.quantity.assert_allows(quantity(&up), "web");
    let wanted = if round == 0 { "code-".to_owned() } else { format!("ROUND={round}\n") };
    let page = up.wait_for_page("shop", "/", &wanted);
    expected.code.assert_allows(page[5..8].parse().expect("a mark"), "the code");
    up
}

fn deployed(data: &Path) {
    let up = Up::start(data);
    up.run(&["create", "shop"]);
    up.run(&["deploy", mirror(1).path().to_str().expect("text"), "-a", "shop"]);
    assert!(up.stop().success());
}

/// Lets a random part of `most` pass.
fn random_moment(most: Duration) {
    let until = Instant::now() + most.mul_f64(fastrand::f64());
    while Instant::now() < until {
        std::thread::yield_now();
    }
}

/// Kills a platform at a random moment of its start.
fn killed_while_it_starts(data: &Path) {
    let mut command = hokku();
    command.arg("up").arg("--data-dir").arg(data).args(["--listen", "localhost:0"]);
    let mut child = command.env_remove("HOKKU_CACHE_DIR").stdout(Stdio::null()).spawn().expect("started");
    random_moment(Duration::from_millis(80));
    child.kill().expect("killed");
    child.wait().expect("ended");
}

#[test]
fn killed_at_a_hundred_random_moments_it_loses_nothing() -> TestResult {
    let parent = tempfile::tempdir()?;
    let data = parent.path().join("data");
    deployed(&data);
    let expected = Arc::new(Mutex::new(Expected::after_deploy()));
    let mut round = 1;
    for attempt in 0..100 {
        if attempt % 4 == 0 {
            killed_while_it_starts(&data);
        }
        let known = *expected.lock().expect("whole");
        let up = check(&data, &known);
        *expected.lock().expect("whole") = Expected::settled(&up);
        let user = User::of(&up, expected.clone());
        let (count, from) = (user.count.clone(), round);
        let changing = std::thread::spawn(move || {
            let mut round = from;
            while user.change(round).is_some() {
                round += 1;
            }
            round + 1
        });
        // A moment within some change: after a few of them, and a random part of the time that one takes.
        let wanted = fastrand::u64(0..4);
        while count.load(SeqCst) < wanted && !changing.is_finished() {
            std::thread::yield_now();
        }
        random_moment(Duration::from_millis(if attempt % 2 == 0 { 8 } else { 200 }));
        up.kill();
        round = changing.join().expect("joined");
    }
    let known = *expected.lock().expect("whole");
    let up = check(&data, &known);
    assert!(round > 100, "{round} changes were made in all");
    assert!(up.stop().success());
    assert_tidy(&data);
    Ok(())
}

#[test]
fn killed_at_every_marked_step_of_a_deploy_it_loses_nothing() -> TestResult {
    for step in hokku::crash_point::STEPS {
        let parent = tempfile::tempdir()?;
        let data = parent.path().join("data");
        deployed(&data);
        // The ledger's steps are passed by every change: at the first of the deploy, and at a later one.
        let passes = if step.starts_with("ledger.") { 0..3 } else { 0..1 };
        for pass in passes {
            let points = format!("{step}={pass}*off->return");
            let flags = ["--config", &config(parent.path())?];
            let mut up = Up::with(&data, &flags, &[("FAILPOINTS", &points)]);
            let next = next_code();
            let ended = up.ends(&["deploy", next.path().to_str().expect("text"), "-a", "shop"]);
            let settled = Instant::now() + Duration::from_mins(1);
            while up.is_running() && Instant::now() < settled {
                std::thread::yield_now();
            }
            assert!(!up.is_running(), "{step} was not reached (pass {pass}): {}", said(&ended));
            let released = String::from_utf8_lossy(&ended.stdout).contains("Released v");
            up.kill();
            let expected = if released {
                Expected { code: Known::is(2), version: 4, ..Expected::after_deploy() }
            } else {
                let code = Known { acknowledged: Some(1), attempted: Some(2) };
                Expected { code, ..Expected::after_deploy() }
            };
            let up = check(&data, &expected);
            up.run(&["deploy", next.path().to_str().expect("text"), "-a", "shop"]);
            assert!(up.get("shop", "/")?.1.starts_with("code-002\n"), "{step}");
            assert!(up.stop().success());
            assert_tidy(&data);
        }
    }
    Ok(())
}

/// A new version with a release phase.
fn next_code() -> tempfile::TempDir {
    app(&[
        ("mirror.wat", &include_str!("../guests/mirror.wat").replace("\"code-000", "\"code-002")),
        ("task.wat", include_str!("../guests/command.wat")),
        ("Procfile", "web: mirror\nrelease: task\n"),
    ])
}

/// One release is kept, so that each deploy collects a slug.
fn config(dir: &Path) -> Result<String, std::io::Error> {
    let file = dir.join("hokku.toml");
    std::fs::write(&file, "[releases]\nkeep = 1\n")?;
    Ok(file.to_str().expect("text").to_owned())
}
