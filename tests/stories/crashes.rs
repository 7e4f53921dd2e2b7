//! Nothing is lost: the platform is killed at every marked step, and at random moments.

use crate::{
    TestResult,
    fixture::{app, said},
    platform::{assert_tidy, mirror},
    platform_fixture::Up,
};
use serde_json::{Value, json};
use std::{
    path::Path,
    sync::{
        Arc, Mutex,
        atomic::{AtomicU64, Ordering::SeqCst},
    },
    time::{Duration, Instant},
};

/// What the platform has acknowledged, and the one change that was under way when it was killed.
#[derive(Clone, Debug, Default)]
struct Acknowledged {
    /// The value of `ROUND`, and of the change under way.
    round: Option<u64>,
    attempted_round: Option<u64>,
    /// How many web dynos.
    quantity: Option<u64>,
    attempted_quantity: Option<u64>,
    /// The version of the last release.
    version: u64,
    /// Rollbacks bring an old round back.
    rolled_back: bool,
}

/// A user's changes, made over the API one after the other; each is noted when it was acknowledged.
struct User {
    acknowledged: Arc<Mutex<Acknowledged>>,
    count: Arc<AtomicU64>,
    address: String,
    token: String,
    agent: ureq::Agent,
}

impl User {
    fn of(up: &Up, acknowledged: Arc<Mutex<Acknowledged>>) -> Self {
        let token = std::fs::read_to_string(up.data().join("owner-token")).expect("a token");
        let agent = ureq::Agent::config_builder().http_status_as_error(false).build().into();
        let address = format!("http://127.0.0.1:{}", up.port());
        Self { acknowledged, count: Arc::default(), address, token: token.trim().to_owned(), agent }
    }

    /// Sends one change; `None` when the platform was gone before it answered.
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

    fn note(&self, change: impl FnOnce(&mut Acknowledged)) {
        change(&mut self.acknowledged.lock().expect("whole"));
    }

    /// One change of a kind that depends on `round`; `None` when the platform is gone.
    fn change(&self, round: u64) -> Option<()> {
        match round % 4 {
            0 => {
                let quantity = 1 + round % 3;
                self.note(|known| known.attempted_quantity = Some(quantity));
                self.send("PATCH", "/apps/shop/formation/web", &json!({ "quantity": quantity }))?;
                self.note(|known| known.quantity = Some(quantity));
            }
            3 => {
                let to = self.acknowledged.lock().expect("whole").version;
                self.note(|known| known.rolled_back = true);
                let release =
                    self.send("POST", "/apps/shop/releases", &json!({ "release": (to - 1).to_string() }))?;
                let version = release["version"].as_u64().expect("a version");
                self.note(|known| known.version = version);
            }
            _ => {
                self.note(|known| known.attempted_round = Some(round));
                self.send("PATCH", "/apps/shop/config-vars", &json!({ "ROUND": round.to_string() }))?;
                let releases = self.send("GET", "/apps/shop/releases", &Value::Null)?;
                let version =
                    releases.as_array()?.iter().filter_map(|release| release["version"].as_u64()).max()?;
                self.note(|known| {
                    (known.round, known.version, known.rolled_back) = (Some(round), version, false);
                });
            }
        }
        self.count.fetch_add(1, SeqCst);
        Some(())
    }
}

/// What must hold after any kill: the chain is whole, no half release, what was acknowledged is there, the app answers.
fn check(data: &Path, known: &Acknowledged) -> Up {
    let up = Up::start(data);
    up.run(&["ledger", "verify"]);
    let releases = up.releases("shop");
    for (index, release) in releases.iter().enumerate() {
        assert_eq!(release["version"], index as u64 + 1, "dense");
        assert_ne!(release["status"], "pending", "no half release");
    }
    assert!(releases.len() as u64 >= known.version, "{known:?}: {} releases", releases.len());
    for build in up.ask("/apps/shop/builds").as_array().expect("a list") {
        assert_ne!(build["status"], "pending", "no half build");
    }
    let config = up.ask("/apps/shop/config-vars");
    let round = config["ROUND"].as_str().map(|round| round.parse::<u64>().expect("a number"));
    if !known.rolled_back && round != known.round {
        assert_eq!(round, known.attempted_round, "{known:?}");
    }
    let quantity = up.ask("/apps/shop/formation/web")["quantity"].as_u64();
    if quantity != known.quantity.or(Some(1)) {
        assert_eq!(quantity, known.attempted_quantity, "{known:?}");
    }
    let wanted = round.map_or("code-".to_owned(), |round| format!("ROUND={round}\n"));
    up.wait_for_page("shop", "/", &wanted);
    up
}

fn deployed(data: &Path) {
    let up = Up::start(data);
    up.run(&["create", "shop"]);
    up.run(&["deploy", mirror(1).path().to_str().expect("text"), "-a", "shop"]);
    assert!(up.stop().success());
}

#[test]
fn killed_at_a_hundred_random_moments_it_loses_nothing() -> TestResult {
    let parent = tempfile::tempdir()?;
    let data = parent.path().join("data");
    deployed(&data);
    let acknowledged = Arc::new(Mutex::new(Acknowledged { version: 3, ..Acknowledged::default() }));
    let mut round = 0;
    for _ in 0..100 {
        let known = acknowledged.lock().expect("whole").clone();
        let up = check(&data, &known);
        // What the kill left open is decided now.
        let settled = {
            let releases = up.releases("shop").len() as u64;
            let round =
                up.ask("/apps/shop/config-vars")["ROUND"].as_str().and_then(|round| round.parse().ok());
            let quantity = up.ask("/apps/shop/formation/web")["quantity"].as_u64();
            Acknowledged { round, quantity, version: releases, ..Acknowledged::default() }
        };
        *acknowledged.lock().expect("whole") = settled;
        let user = User::of(&up, acknowledged.clone());
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
        let until = Instant::now() + Duration::from_micros(fastrand::u64(0..8_000));
        while Instant::now() < until {
            std::thread::yield_now();
        }
        up.kill();
        round = changing.join().expect("joined");
    }
    let known = acknowledged.lock().expect("whole").clone();
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
            let version = if released { 4 } else { 3 };
            let up = check(&data, &Acknowledged { version, ..Acknowledged::default() });
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
