//! `hokku up`: apps live on a platform.

use crate::{
    TestResult,
    fixture::{app, cache_dir, example, uses_real},
    platform_fixture::Up,
};
use std::{
    collections::BTreeSet,
    path::Path,
    sync::{
        Arc,
        atomic::{AtomicBool, AtomicU64, Ordering::SeqCst},
    },
};

/// An app that answers with a mark of its code and with its environment.
pub(crate) fn mirror(code: u32) -> tempfile::TempDir {
    app(&[("mirror.wat", &marked(code)), ("Procfile", "web: mirror\n")])
}

pub(crate) fn marked(code: u32) -> String {
    include_str!("../guests/mirror.wat").replace("\"code-000", &format!("\"code-{code:03}"))
}

fn path(dir: &tempfile::TempDir) -> &str {
    dir.path().to_str().expect("text")
}

fn data() -> tempfile::TempDir {
    tempfile::tempdir().expect("a directory")
}

#[test]
fn an_app_is_deployed_configured_scaled_and_rolled_back() -> TestResult {
    let data = data();
    let up = Up::start(&data.path().join("data"));
    let url = format!("http://shop.localhost:{}/", up.port());
    assert!(up.run(&["create", "shop"]).contains(&url));
    assert_eq!(up.get("shop", "/")?.0, 503, "nothing is deployed");

    let code = mirror(1);
    let told = up.run(&["deploy", path(&code), "-a", "shop"]);
    assert!(told.contains("-----> WebAssembly app detected"), "{told}");
    assert!(told.contains("Released v3") && told.contains(&format!("{url} deployed to Hokku")), "{told}");
    let page = up.get("shop", "/")?.1;
    assert!(page.starts_with("code-001\n") && page.contains("DYNO=web.1\n"), "{page}");

    let told = up.says(&["config", "set", "GREETING=hi", "-a", "shop"]);
    assert!(told.contains("v4"), "{told}");
    up.wait_for_page("shop", "/", "GREETING=hi\n");
    assert_eq!(up.run(&["config", "get", "GREETING", "-a", "shop"]), "hi\n");

    up.run(&["scale", "web=3", "-a", "shop"]);
    let mut seen = BTreeSet::new();
    while seen.len() < 3 {
        let page = up.get("shop", "/")?.1;
        seen.insert(page.lines().find(|line| line.starts_with("DYNO=")).expect("a dyno").to_owned());
    }
    assert_eq!(seen.into_iter().collect::<Vec<_>>(), ["DYNO=web.1", "DYNO=web.2", "DYNO=web.3"]);
    let listed = up.run(&["ps", "-a", "shop"]);
    assert!(listed.contains("web.3: up"), "{listed}");

    std::fs::write(code.path().join("mirror.wat"), marked(2))?;
    up.run(&["deploy", path(&code), "-a", "shop"]);
    up.run(&["config", "set", "GREETING=bye", "-a", "shop"]);
    up.wait_for_page("shop", "/", "GREETING=bye\n");
    assert!(up.get("shop", "/")?.1.starts_with("code-002\n"));

    let told = up.says(&["rollback", "v4", "-a", "shop"]);
    assert!(told.contains("v7"), "{told}");
    let page = up.wait_for_page("shop", "/", "GREETING=hi\n");
    assert!(page.starts_with("code-001\n"), "{page}");
    let (old, new) = (up.ask("/apps/shop/releases/4"), up.ask("/apps/shop/releases/7"));
    assert_eq!(old["slug"]["id"], new["slug"]["id"]);
    assert_eq!(up.ask("/apps/shop/releases/4/config-vars"), up.ask("/apps/shop/releases/7/config-vars"));

    let releases = up.run(&["releases", "-a", "shop"]);
    for text in ["Rollback to v4", "Set GREETING config vars", "Deploy", "Enable Logplex", "Initial release"]
    {
        assert!(releases.contains(text), "{text}: {releases}");
    }
    let logs = up.run(&["logs", "-n", "500", "-a", "shop"]);
    for text in [
        "heroku[router]: at=info",
        "heroku[web.3]: State changed from starting to up",
        "app[api]: Release v7",
    ] {
        assert!(logs.contains(text), "{text}: {logs}");
    }
    let log = up.run(&["ledger", "log", "-a", "shop"]);
    assert!(log.contains("Rollback to v4") && !log.contains("bye"), "{log}");
    up.run(&["ledger", "verify"]);
    assert!(up.stop().success());
    Ok(())
}

#[test]
fn flask_is_deployed_and_greets_as_configured() -> TestResult {
    uses_real("python");
    let data = data();
    let up = Up::with(data.path(), &[], &[("HOKKU_CACHE_DIR", cache_dir().to_str().expect("text"))]);
    up.run(&["create", "guestbook"]);
    let code = example("flask");
    up.run(&["deploy", path(&code), "-a", "guestbook"]);
    assert!(up.get("guestbook", "/")?.1.contains("Hello"));
    up.run(&["config:set", "GREETING=Ahoy", "-a", "guestbook"]);
    up.wait_for_page("guestbook", "/", "Ahoy");
    up.run(&["rollback", "-a", "guestbook"]);
    up.wait_for_page("guestbook", "/", "Hello");
    Ok(())
}

#[test]
fn everything_is_there_after_a_restart_and_answers_are_the_same() -> TestResult {
    let data = data();
    let dir = data.path().join("data");
    let mut up = Up::start(&dir);
    let code = mirror(1);
    for name in ["shop", "blog"] {
        up.run(&["create", name]);
        up.run(&["deploy", path(&code), "-a", name]);
    }
    up.run(&["config", "set", "A=1", "B=two words", "-a", "shop"]);
    up.run(&["scale", "web=2", "-a", "shop"]);
    up.run(&["destroy", "blog", "--confirm", "blog"]);
    assert_eq!(up.get("blog", "/")?.0, 404);
    let answers = |up: &Up| {
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
            "/apps/shop/releases/2",
        ];
        asked.map(|path| up.ask(path).to_string().replace(&format!(":{}", up.port()), ":PORT"))
    };
    let before = answers(&up);
    let token = std::fs::read_to_string(dir.join("owner-token"))?;
    assert!(up.stop().success());

    up = Up::start(&dir);
    assert_eq!(answers(&up), before);
    up.wait_for_page("shop", "/", "B=two words\n");
    assert!(!up.told().contains(token.trim()), "a token is shown once");
    assert!(up.stop().success());

    for entry in std::fs::read_dir(&dir)? {
        let entry = entry?;
        let kept = ["ledger", "platform.key", "slugs", "owner-token"];
        match entry.file_type()?.is_dir() {
            _ if kept.contains(&entry.file_name().to_str().expect("text")) => {}
            true => std::fs::remove_dir_all(entry.path())?,
            false => std::fs::remove_file(entry.path())?,
        }
    }
    up =
        Up::try_start(&dir, &[], &[]).map_err(|told| format!("ledger, keys and slugs are enough: {told}"))?;
    assert_eq!(answers(&up), before);
    up.wait_for_page("shop", "/", "A=1\n");
    Ok(())
}

#[test]
fn a_failed_build_and_a_failed_release_phase_change_nothing() -> TestResult {
    let data = data();
    let up = Up::start(&data.path().join("data"));
    up.run(&["create", "shop"]);
    let code = mirror(1);
    up.run(&["deploy", path(&code), "-a", "shop"]);

    let broken = app(&[("Procfile", "web: nothing\n"), ("notes.txt", "no app")]);
    let ended = up.ends(&["deploy", path(&broken), "-a", "shop"]);
    assert_eq!(ended.status.code(), Some(1));
    assert!(up.get("shop", "/")?.1.starts_with("code-001\n"));
    let builds = up.ask("/apps/shop/builds");
    assert!(builds.as_array().is_some_and(|builds| builds.iter().any(|build| build["status"] == "failed")));

    // The command exits with the number of its arguments.
    let phase = app(&[
        ("mirror.wat", &marked(2)),
        ("task.wat", include_str!("../guests/command.wat")),
        ("Procfile", "web: mirror\nrelease: task migrated\n"),
    ]);
    let ended = up.ends(&["deploy", path(&phase), "-a", "shop"]);
    let told = String::from_utf8_lossy(&ended.stdout).into_owned() + &String::from_utf8_lossy(&ended.stderr);
    assert_eq!(ended.status.code(), Some(1), "{told}");
    assert!(told.contains("migrated"), "the phase's own output: {told}");
    let releases = up.ask("/apps/shop/releases");
    assert_eq!((&releases[3]["status"], &releases[3]["current"]), (&"failed".into(), &false.into()));
    assert_eq!(releases[2]["current"], true);
    assert!(up.get("shop", "/")?.1.starts_with("code-001\n"));

    std::fs::write(phase.path().join("Procfile"), "web: mirror\nrelease: task\n")?;
    up.run(&["deploy", path(&phase), "-a", "shop"]);
    assert!(up.get("shop", "/")?.1.starts_with("code-002\n"));
    up.run(&["config", "set", "X=1", "-a", "shop"]);
    up.wait_for_page("shop", "/", "X=1\n");
    Ok(())
}

#[test]
fn two_apps_see_nothing_of_each_other() -> TestResult {
    let data = data();
    let up = Up::start(&data.path().join("data"));
    let code = mirror(1);
    for (name, secret) in [("shop", "SECRET=of-shop"), ("blog", "SECRET=of-blog")] {
        up.run(&["create", name]);
        up.run(&["config", "set", secret, "-a", name]);
        up.run(&["deploy", path(&code), "-a", name]);
    }
    assert!(up.get("shop", "/")?.1.contains("SECRET=of-shop\n"));
    assert!(up.get("blog", "/")?.1.contains("SECRET=of-blog\n"));
    let logs = up.run(&["logs", "-n", "1500", "-a", "blog"]);
    assert!(logs.contains("host=blog.localhost") && !logs.contains("host=shop.localhost"), "{logs}");
    assert_eq!(up.get("nosuch", "/")?.0, 404);
    let refused = up.refuses(&["destroy", "shop"]);
    assert!(refused.contains("--confirm shop"), "{refused}");
    up.run(&["destroy", "shop", "--confirm", "shop"]);
    assert_eq!(up.get("shop", "/")?.0, 404);
    assert_eq!(up.get("blog", "/")?.0, 200);
    // The ledger tells the values of neither.
    for entry in std::fs::read_dir(up.data().join("ledger"))? {
        let bytes = std::fs::read(entry?.path())?;
        for secret in ["of-shop", "of-blog"] {
            assert!(!bytes.windows(secret.len()).any(|window| window == secret.as_bytes()));
        }
    }
    Ok(())
}

/// Clients that ask for a page over and over; each answer must be 200.
struct Load {
    stop: Arc<AtomicBool>,
    answered: Arc<AtomicU64>,
    clients: Vec<std::thread::JoinHandle<Vec<String>>>,
}

impl Load {
    fn on(up: &Up, app: &str, clients: usize) -> Self {
        let (stop, answered) = (Arc::<AtomicBool>::default(), Arc::<AtomicU64>::default());
        let client = |_| {
            let (stop, answered) = (stop.clone(), answered.clone());
            let (address, host) = (format!("http://127.0.0.1:{}/", up.port()), format!("{app}.localhost"));
            std::thread::spawn(move || {
                let agent: ureq::Agent =
                    ureq::Agent::config_builder().http_status_as_error(false).build().into();
                let mut failed = Vec::new();
                while !stop.load(SeqCst) {
                    match agent.get(&address).header("host", &host).call() {
                        Ok(mut answer) if answer.status() == 200 => {
                            if let Err(error) = answer.body_mut().read_to_string() {
                                failed.push(error.to_string());
                            }
                        }
                        Ok(mut answer) => failed.push(answer.body_mut().read_to_string().unwrap_or_default()),
                        Err(error) => failed.push(error.to_string()),
                    }
                    answered.fetch_add(1, SeqCst);
                }
                failed
            })
        };
        let clients = (0..clients).map(client).collect();
        Self { stop, answered, clients }
    }

    /// Ends it; gives how many were answered. None may have failed.
    fn end(self) -> u64 {
        self.stop.store(true, SeqCst);
        for client in self.clients {
            let failed = client.join().expect("joined");
            assert!(failed.is_empty(), "{} requests failed; the first: {}", failed.len(), failed[0]);
        }
        self.answered.load(SeqCst)
    }
}

#[test]
fn fifty_releases_under_load_fail_no_request_of_the_app_or_its_neighbour() -> TestResult {
    let data = data();
    let up = Up::start(&data.path().join("data"));
    let code = mirror(1);
    for name in ["shop", "neighbour"] {
        up.run(&["create", name]);
        up.run(&["deploy", path(&code), "-a", name]);
    }
    let (own, neighbours) = (Load::on(&up, "shop", 2), Load::on(&up, "neighbour", 1));
    // Without the scalings these are fifty.
    for round in 0..63 {
        match round % 5 {
            0 => {
                std::fs::write(code.path().join("mirror.wat"), marked(round))?;
                up.run(&["deploy", path(&code), "-a", "shop"]);
            }
            1 => drop(up.run(&["scale", if round % 2 == 0 { "web=1" } else { "web=2" }, "-a", "shop"])),
            2 | 3 => drop(up.run(&["config", "set", &format!("ROUND={round}"), "-a", "shop"])),
            _ => drop(up.run(&["rollback", "-a", "shop"])),
        }
    }
    let (own, neighbours) = (own.end(), neighbours.end());
    assert!(own > 0 && neighbours > 0);
    Ok(())
}

#[test]
fn running_requests_end_before_a_stopped_platform_does() -> TestResult {
    let data = data();
    let up = Up::start(&data.path().join("data"));
    let lab = app(&[("lab.wat", include_str!("../guests/lab.wat"))]);
    up.run(&["create", "slow"]);
    up.run(&["deploy", path(&lab), "-a", "slow"]);
    let port = up.port();
    let mut tail = up.command(&["logs", "--tail", "-a", "slow"]);
    let mut tail = tail.stdout(std::process::Stdio::piped()).spawn()?;
    let lines = std::io::BufRead::lines(std::io::BufReader::new(tail.stdout.take().expect("piped")));
    let request = std::thread::spawn(move || {
        let agent: ureq::Agent = ureq::Agent::config_builder().http_status_as_error(false).build().into();
        let answer =
            agent.get(format!("http://127.0.0.1:{port}/pause")).header("host", "slow.localhost").call();
        answer.map(|answer| answer.status().as_u16())
    });
    // The guest says a line before it waits.
    let under_way = lines.map_while(Result::ok).any(|line| line.contains("app[web.1]: a line"));
    assert!(under_way);
    assert!(up.stop().success());
    assert_eq!(request.join().expect("joined")?, 200);
    tail.kill()?;
    tail.wait()?;
    Ok(())
}

/// Whether a platform's directory holds nothing that an ended build or dyno would have needed.
pub(crate) fn assert_tidy(data: &Path) {
    let mut left = Vec::new();
    for dir in ["releases/uploads", "releases/sources", "cache/scratch", "cache/builds/tmp"] {
        let entries = std::fs::read_dir(data.join(dir)).expect(dir);
        left.extend(entries.flatten().map(|entry| entry.path()).filter(|path| !path.ends_with("lock")));
    }
    assert!(left.is_empty(), "left behind: {left:?}");
}
