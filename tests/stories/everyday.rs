//! Names, domains, maintenance, releases, builds and buildpacks of apps on a platform, and what a machine has for one.

use crate::{
    TestResult,
    fixture::{app, hokku, output, said},
    platform::mirror,
    platform_fixture::Up,
};
use std::{
    fs::{File, Permissions},
    io::{BufRead as _, BufReader, Read as _, Write as _},
    os::unix::fs::PermissionsExt as _,
    path::{Path, PathBuf},
    process::{Child, ChildStdout, Command, Stdio},
    sync::mpsc,
    time::Duration,
};

/// The longest wait for one event.
const PATIENCE: Duration = Duration::from_mins(5);

fn path(dir: &tempfile::TempDir) -> &str {
    dir.path().to_str().expect("text")
}

/// A platform with the app `shop`, which answers with the mark `code-001`.
fn with_shop(data: &Path) -> Up {
    let up = Up::start(data);
    up.run(&["create", "shop"]);
    up.run(&["deploy", path(&mirror(1)), "-a", "shop"]);
    up
}

#[test]
fn an_app_is_renamed_and_the_remote_of_a_clone_is_thought_of() -> TestResult {
    let data = tempfile::tempdir()?;
    let up = with_shop(data.path());
    let clone = tempfile::tempdir()?;
    let old = format!("http://localhost:{}/shop.git", up.port());
    for words in [&["init", "-q"][..], &["remote", "add", "hokku", &old]] {
        let git = output(Command::new("git").args(words).current_dir(clone.path()));
        assert!(git.status.success(), "{}", said(&git));
    }
    let renamed = output(up.command(&["apps:rename", "boutique", "-a", "shop"]).current_dir(clone.path()));
    assert!(renamed.status.success(), "{}", said(&renamed));
    let url = format!("http://boutique.localhost:{}/\n", up.port());
    assert_eq!(String::from_utf8(renamed.stdout)?, url);
    let told = String::from_utf8(renamed.stderr)?;
    assert!(
        told.contains("hokku still leads to shop") && told.contains("hokku git:remote -a boutique"),
        "{told}"
    );
    assert!(up.get("boutique", "/")?.1.starts_with("code-001\n"));
    assert_eq!(up.get("shop", "/")?.0, 404);
    let told = up.refuses(&["ps", "-a", "shop"]);
    assert!(told.contains("Couldn't find that app."), "{told}");
    up.run(&["create", "shop"]);
    let told = up.refuses(&["rename", "shop", "-a", "boutique"]);
    assert!(told.contains("Name shop is already taken"), "{told}");
    Ok(())
}

#[test]
fn an_app_answers_at_domains_of_its_own() -> TestResult {
    let data = tempfile::tempdir()?;
    let up = with_shop(data.path());
    up.run(&["create", "blog"]);
    assert_eq!(up.get_at("www.example.com", "/")?.0, 404);
    let told = up.run(&["domains:add", "WWW.Example.com", "example.com", "-a", "shop"]);
    assert!(told.contains("www.example.com  CNAME           shop.localhost\n"), "{told}");
    assert!(up.get_at("www.example.com", "/")?.1.starts_with("code-001\n"));
    assert!(up.get_at("Example.com:80", "/")?.1.starts_with("code-001\n"));
    up.run(&["domains", "wait", "-a", "shop"]);
    let listed = up.run(&["domains", "-a", "shop"]);
    assert!(listed.contains("example.com      ALIAS or ANAME   shop.localhost\n"), "{listed}");

    let refused = |host: &str| up.refuses(&["domains", "add", host, "-a", "blog"]);
    assert!(refused("www.example.com").contains("www.example.com is currently in use by another app."));
    assert!(refused("shop.localhost").contains("shop.localhost is the platform's own"));
    assert!(refused("api.localhost").contains("api.localhost is the platform's own"));
    assert!(refused("10.0.0.1").contains("10.0.0.1 is an address"));
    assert!(refused("nonsense").contains("nonsense is not a hostname"));

    up.run(&["domains:remove", "www.example.com", "-a", "shop"]);
    assert_eq!(up.get_at("www.example.com", "/")?.0, 404);
    up.run(&["domains", "add", "www.example.com", "-a", "blog"]);
    up.run(&["domains:clear", "-a", "shop"]);
    assert_eq!(up.get_at("example.com", "/")?.0, 404);
    assert!(
        up.refuses(&["domains", "remove", "shop.localhost", "-a", "shop"]).contains("it cannot be removed")
    );
    assert!(up.get("shop", "/")?.1.starts_with("code-001\n"));
    Ok(())
}

#[test]
fn maintenance_mode_shows_a_page_of_its_own() -> TestResult {
    let data = tempfile::tempdir()?;
    let up = with_shop(data.path());
    assert_eq!(up.run(&["maintenance", "-a", "shop"]), "off\n");
    up.run(&["maintenance:on", "-a", "shop"]);
    assert_eq!(up.run(&["maintenance", "-a", "shop"]), "on\n");
    let (status, page) = up.get("shop", "/")?;
    assert!(status == 503 && page.contains("closed for maintenance"), "{status} {page}");
    up.run(&["maintenance", "off", "-a", "shop"]);
    assert!(up.get("shop", "/")?.1.starts_with("code-001\n"));
    Ok(())
}

#[test]
fn releases_and_builds_are_looked_at_also_after_a_restart() -> TestResult {
    let data = tempfile::tempdir()?;
    let up = with_shop(data.path());
    // The command writes `err` and ends.
    let phase = app(&[
        ("mirror.wat", include_str!("../guests/mirror.wat")),
        ("task.wat", include_str!("../guests/command.wat")),
        ("Procfile", "web: mirror\nrelease: task\n"),
    ]);
    up.run(&["deploy", path(&phase), "-a", "shop"]);
    up.run(&["config", "set", "GREETING=hi", "-a", "shop"]);
    let info = up.run(&["releases:info", "v5", "-a", "shop"]);
    for text in ["=== Release v5\n", "Set GREETING config vars\n", "Status: current\n", "GREETING: hi\n"] {
        assert!(info.contains(text), "{text}: {info}");
    }
    assert!(up.says(&["releases", "output", "v3", "-a", "shop"]).contains("v3 has no release command"));
    assert!(up.refuses(&["releases", "info", "v9", "-a", "shop"]).contains("Couldn't find that release."));
    let listed = up.run(&["builds", "-a", "shop"]);
    assert_eq!(listed.matches("  succeeded  ").count(), 2, "{listed}");
    let builds = up.ask("/apps/shop/builds");
    let of_release = |version: u64| {
        let release = up.ask(&format!("/apps/shop/releases/{version}"))["id"].clone();
        let builds = builds.as_array().expect("a list");
        let build = builds.iter().find(|build| build["release"]["id"] == release).expect("a build");
        build["id"].as_str().expect("an id").to_owned()
    };
    let (first, second) = (of_release(3), of_release(4));
    let info = up.run(&["builds", "info", &first[..12], "-a", "shop"]);
    assert!(info.contains(&format!("=== Build {first}\n")) && info.contains("Release:    v3\n"), "{info}");

    let asked = [
        &["builds:output", &first, "-a", "shop"][..],
        &["builds", "output", &second, "-a", "shop"],
        &["releases:output", "v4", "-a", "shop"],
    ];
    let before = asked.map(|words| up.run(words));
    assert!(before[0].contains("-----> WebAssembly app detected\n") && before[0].contains("Released v3\n"));
    assert!(before[1].contains("-----> Running release command...\nerr\n"), "{}", before[1]);
    assert_eq!(before[2], "err\n");
    assert!(up.stop().success());
    let up = Up::start(data.path());
    let port = |text: &str| text.split(".localhost:").next().map(str::to_owned);
    let after = asked.map(|words| up.run(words));
    assert_eq!(after.each_ref().map(|text| port(text)), before.each_ref().map(|text| port(text)));
    Ok(())
}

#[test]
fn buildpacks_are_chosen_for_the_next_build() -> TestResult {
    let data = tempfile::tempdir()?;
    let up = Up::start(data.path());
    up.run(&["create", "shop"]);
    let both =
        app(&[("index.html", "<h1>a page</h1>"), ("mirror.wat", include_str!("../guests/mirror.wat"))]);
    assert!(up.says(&["buildpacks", "-a", "shop"]).contains("which one builds it is detected"));
    assert_eq!(
        up.run(&["buildpacks:set", "heroku/static", "-a", "shop"]),
        "=== shop Buildpacks\n\n1. static\n"
    );
    let told = up.run(&["deploy", path(&both), "-a", "shop"]);
    assert!(told.contains("Serving the files in .\n"), "{told}");
    assert_eq!(up.get("shop", "/")?.1, "<h1>a page</h1>");
    let info = up.run(&["builds:info", "-a", "shop"]);
    assert!(info.contains("Buildpacks: static\n"), "{info}");

    up.run(&["buildpacks:clear", "-a", "shop"]);
    let told = up.run(&["deploy", path(&both), "-a", "shop"]);
    assert!(told.contains("-----> WebAssembly app detected\n"), "{told}");
    for unknown in ["cobol", "./buildpacks/wasm", "https://example.com/a.git"] {
        let told = up.refuses(&["buildpacks", "add", unknown, "-a", "shop"]);
        assert!(
            told.contains(&format!("There is no buildpack `{unknown}`: choose from python, wasm, static.")),
            "{told}"
        );
    }
    let log = up.run(&["ledger", "log", "-a", "shop"]);
    assert!(log.contains("Buildpacks static") && log.contains("Buildpacks are detected"), "{log}");
    Ok(())
}

#[test]
fn the_doctor_looks_at_the_machine_of_a_running_platform() -> TestResult {
    let data = tempfile::tempdir()?;
    let up = Up::start(data.path());
    let looked = up.ends(&["doctor"]);
    let told = String::from_utf8(looked.stdout.clone())?;
    for text in [
        "takes what is pushed with git",
        "ran a program in ",
        ", of the running process ",
        &format!("{} is this platform's\n", up.port()),
        &format!("http://localhost:{} knows you as owner@localhost\n", up.port()),
    ] {
        assert!(told.contains(text), "{text}: {}", said(&looked));
    }
    assert_eq!(looked.status.success(), !told.contains("missing  "), "{told}");
    let json: serde_json::Value = serde_json::from_str(&up.run(&["doctor", "--json"]))?;
    let engine = json.as_array().and_then(|checks| checks.iter().find(|check| check["name"] == "engine"));
    assert_eq!(engine.expect("looked at")["verdict"], "ok");

    // Where there is nothing but this program.
    let bare = output(
        hokku().arg("doctor").env("PATH", "/nowhere").env("HOKKU_DATA_DIR", data.path().join("not/there")),
    );
    let told = String::from_utf8(bare.stdout.clone())?;
    assert_eq!(bare.status.code(), Some(1), "{}", said(&bare));
    assert!(told.contains("missing  git ") && told.contains("missing  Python "), "{told}");
    assert!(!data.path().join("not").exists(), "the doctor changes nothing");
    Ok(())
}

#[test]
fn this_program_says_what_it_is_and_what_it_knows() {
    let printed = |words: &[&str]| {
        let printed = output(hokku().args(words));
        assert!(printed.status.success(), "{}", said(&printed));
        String::from_utf8(printed.stdout).expect("text")
    };
    assert!(printed(&["version"]).starts_with(concat!("hokku/", env!("CARGO_PKG_VERSION"), " ")));
    for shell in ["bash", "zsh", "fish"] {
        let script = printed(&["completions", shell]);
        assert!(script.contains("buildpacks") && script.contains("maintenance"), "{shell}");
    }
    let wrong = output(hokku().args(["confg:set", "A=1"]));
    assert_eq!(wrong.status.code(), Some(2));
    assert!(String::from_utf8_lossy(&wrong.stderr).contains("'config:set'"), "{}", said(&wrong));
}

/// A site whose build comes to a gate.
fn site(text: &str) -> tempfile::TempDir {
    app(&[("index.html", text)])
}

/// Holds every build of a site until it is opened: a `find` of our own, the program that such a build runs, holds one
/// named pipe for writing and waits for a word from another.
struct Gate(tempfile::TempDir);

impl Gate {
    fn new() -> std::io::Result<Self> {
        let dir = tempfile::tempdir()?;
        let script = format!(
            "#!/bin/sh\nexec 3> '{dir}/alive'\necho '       At the gate' >&2\nread word < '{dir}/gate'\nexec /usr/bin/find \"$@\"\n",
            dir = dir.path().display()
        );
        let find = dir.path().join("find");
        std::fs::write(&find, script)?;
        std::fs::set_permissions(&find, Permissions::from_mode(0o755))?;
        for pipe in ["alive", "gate"] {
            let made = Command::new("mkfifo").arg(dir.path().join(pipe)).status()?;
            assert!(made.success(), "mkfifo");
        }
        Ok(Self(dir))
    }

    /// The `PATH` of a platform whose builds come here.
    fn path(&self) -> String {
        format!("{}:{}", self.0.path().display(), std::env::var("PATH").unwrap_or_default())
    }

    fn pipe(&self, name: &str) -> PathBuf {
        self.0.path().join(name)
    }

    /// Waits until a build is at the gate; what is given ends when none of its processes is left.
    fn arrival(&self) -> File {
        let pipe = self.pipe("alive");
        within(move || File::open(pipe)).expect("a pipe")
    }

    /// Lets the build that is at the gate go on.
    fn open(&self) {
        let pipe = self.pipe("gate");
        within(move || File::options().write(true).open(pipe)?.write_all(b"go\n")).expect("a pipe");
    }
}

/// What `work` gives, which must not take for ever.
fn within<T: Send + 'static>(work: impl FnOnce() -> T + Send + 'static) -> T {
    let (sender, receiver) = mpsc::channel();
    std::thread::spawn(move || sender.send(work()));
    receiver.recv_timeout(PATIENCE).expect("it happens")
}

/// A `hokku deploy` whose output is read as it comes.
struct Deploying {
    child: Child,
    lines: BufReader<ChildStdout>,
}

impl Deploying {
    fn start(up: &Up, site: &tempfile::TempDir, app: &str) -> Self {
        let mut command = up.command(&["deploy", path(site), "-a", app]);
        let mut child = command.stdout(Stdio::piped()).stderr(Stdio::null()).spawn().expect("started");
        let lines = BufReader::new(child.stdout.take().expect("piped"));
        Self { child, lines }
    }

    /// Reads until a line holds `text`.
    fn until(&mut self, text: &str) {
        let mut line = String::new();
        while !line.contains(text) {
            line.clear();
            assert_ne!(self.lines.read_line(&mut line).expect("read"), 0, "no line with `{text}`");
        }
    }

    fn succeeds(mut self) {
        self.lines.read_to_string(&mut String::new()).expect("read");
        assert!(self.child.wait().expect("ended").success());
    }

    fn goes_away(mut self) {
        self.child.kill().expect("killed");
        self.child.wait().expect("ended");
    }
}

fn gated(gate: &Gate, data: &Path) -> Up {
    let environment =
        [("PATH", &*gate.path()), ("HOKKU_BUILDS_AT_ONCE", "1"), ("HOKKU_BUILDS_WAITING_PER_APP", "1")];
    let up = Up::with(data, &[], &environment);
    for name in ["shop", "blog", "wiki"] {
        up.run(&["create", name]);
    }
    up
}

#[test]
fn builds_wait_in_the_order_of_asking_and_see_their_place() -> TestResult {
    let (data, gate) = (tempfile::tempdir()?, Gate::new()?);
    let up = gated(&gate, data.path());
    let [shops, blogs, wikis] = ["shop", "blog", "wiki"].map(site);
    let shop = Deploying::start(&up, &shops, "shop");
    drop(gate.arrival());
    let mut blog = Deploying::start(&up, &blogs, "blog");
    blog.until("-----> Waiting for other builds to end: 1st in line; at most 1 runs at one time");
    let mut wiki = Deploying::start(&up, &wikis, "wiki");
    wiki.until("-----> Waiting for other builds to end: 2nd in line; at most 1 runs at one time");
    let told = up.refuses(&["deploy", path(&wikis), "-a", "wiki"]);
    assert!(told.contains("1 build of wiki is in line already, the most for one app"), "{told}");
    // Whoever watched it is gone; the build keeps its place.
    blog.goes_away();
    let listed = up.run(&["builds", "-a", "blog"]);
    assert!(listed.contains("  pending  "), "{listed}");

    gate.open();
    shop.succeeds();
    wiki.until("1st in line");
    drop(gate.arrival());
    gate.open();
    up.wait_for_page("blog", "/", "blog");
    drop(gate.arrival());
    gate.open();
    wiki.succeeds();
    assert_eq!(up.get("wiki", "/")?.1, "wiki");
    let said = up.run(&["builds:output", "-a", "blog"]);
    assert!(said.contains("1st in line") && said.contains("Released v3"), "{said}");
    Ok(())
}

#[test]
fn a_build_is_cancelled_whether_it_waits_or_runs() -> TestResult {
    let (data, gate) = (tempfile::tempdir()?, Gate::new()?);
    let up = gated(&gate, data.path());
    let (shops, blogs) = (site("shop"), site("blog"));
    let mut shop = Deploying::start(&up, &shops, "shop");
    let mut alive = gate.arrival();
    let mut blog = Deploying::start(&up, &blogs, "blog");
    blog.until("1st in line");
    let told = up.says(&["builds:cancel", "-a", "blog"]);
    assert!(told.contains("of ⬢ blog... done"), "{told}");
    blog.until(" !     The build was cancelled.");
    up.run(&["builds", "cancel", "-a", "shop"]);
    shop.until(" !     The build was cancelled.");
    // Ends when no process of the build is left.
    within(move || alive.read_to_string(&mut String::new()))?;
    for mut deploying in [shop, blog] {
        assert_eq!(deploying.child.wait()?.code(), Some(1));
    }
    assert!(up.refuses(&["builds:cancel", "-a", "shop"]).contains("no build of shop waits or runs"));
    assert_eq!(up.get("shop", "/")?.0, 503, "nothing is deployed");
    Ok(())
}
