//! Other people on the platform: how they come, what they may, and how they go.

use crate::{
    TestResult,
    fixture::{hokku, said},
    platform::marked,
    platform_fixture::Up,
};
use std::{
    io::Write as _,
    path::PathBuf,
    process::{Command, Output, Stdio},
};

/// Somebody at a machine of their own.
struct Person {
    home: tempfile::TempDir,
    host: String,
}

impl Person {
    fn at(up: &Up) -> Self {
        let home = tempfile::tempdir().expect("a directory");
        std::fs::write(home.path().join(".gitconfig"), "[user]\n\tname = Ada\n\temail = ada@example.com\n")
            .expect("written");
        Self { home, host: format!("http://localhost:{}", up.port()) }
    }

    fn dir(&self) -> PathBuf {
        self.home.path().to_owned()
    }

    fn settled(&self, mut command: Command, dir: PathBuf) -> Command {
        for name in
            ["HOKKU_API_KEY", "HOKKU_APP", "NETRC", "GIT_CONFIG_GLOBAL", "XDG_CONFIG_HOME", "GIT_ASKPASS"]
        {
            command.env_remove(name);
        }
        command
            .env("HOME", self.home.path())
            .env("HOKKU_HOST", &self.host)
            .env("HOKKU_DATA_DIR", self.home.path().join("none"))
            .env("GIT_CONFIG_NOSYSTEM", "1")
            .env("GIT_TERMINAL_PROMPT", "0")
            .current_dir(dir);
        command
    }

    /// What `hokku` says to the words, with `input` on its standard input: status and both streams.
    fn types(&self, words: &[&str], input: &str) -> (Option<i32>, String) {
        let mut command = self.settled(hokku(), self.dir());
        let mut child = command
            .args(words)
            .stdin(Stdio::piped())
            .stdout(Stdio::piped())
            .stderr(Stdio::piped())
            .spawn()
            .expect("started");
        child.stdin.take().expect("piped").write_all(input.as_bytes()).expect("typed");
        told(&child.wait_with_output().expect("ended"))
    }

    fn git(&self, dir: PathBuf, words: &[&str]) -> (Option<i32>, String) {
        let mut command = self.settled(Command::new("git"), dir);
        told(&command.args(words).stdin(Stdio::null()).output().expect("started"))
    }
}

fn told(output: &Output) -> (Option<i32>, String) {
    let text = [&output.stdout, &output.stderr].map(|bytes| String::from_utf8_lossy(bytes).into_owned());
    (output.status.code(), text.concat())
}

/// A platform on which everybody who may deploy may build, with the app `shop` and ada's account.
fn shop() -> (tempfile::TempDir, Up) {
    let data = tempfile::tempdir().expect("a directory");
    let up = Up::with(&data.path().join("data"), &[], &[("HOKKU_BUILDS_JAIL", "none")]);
    up.run(&["create", "shop"]);
    let mut adding = up.command(&["users", "add", "ada@example.com", "--password-stdin"]);
    let mut adding = adding.stdin(Stdio::piped()).stderr(Stdio::piped()).spawn().expect("started");
    adding.stdin.take().expect("piped").write_all(b"correct horse\n").expect("typed");
    let added = adding.wait_with_output().expect("ended");
    assert!(added.status.success(), "{}", said(&added));
    (data, up)
}

const LOG_IN: [&str; 4] = ["login", "--email", "ada@example.com", "--password-stdin"];

#[test]
fn a_collaborator_logs_in_clones_pushes_and_may_not_destroy() -> TestResult {
    let (_data, up) = shop();
    let ada = Person::at(&up);
    let (status, words) = ada.types(&["apps"], "");
    assert!(status == Some(1) && words.contains("hokku login"), "{words}");
    let (status, words) = ada.types(&LOG_IN, "wrong horse\n");
    assert!(
        status == Some(1) && words.contains("does not accept that e-mail address and password"),
        "{words}"
    );
    assert_eq!(ada.types(&LOG_IN, "correct horse\n").0, Some(0));
    assert_eq!(ada.types(&["whoami"], ""), (Some(0), "ada@example.com\n".to_owned()));

    // To a stranger there is no such app.
    let (status, words) = ada.types(&["info", "-a", "shop"], "");
    assert!(status == Some(1) && words.contains("Couldn't find that app."), "{words}");
    let url = format!("{}/shop.git", ada.host);
    let (status, words) = ada.git(ada.dir(), &["clone", &url]);
    assert!(status == Some(128) && words.contains("No such app as shop."), "{words}");

    up.run(&["access", "add", "ada@example.com", "-a", "shop"]);
    assert!(up.run(&["access", "-a", "shop"]).contains("ada@example.com  collaborator"));
    let (status, words) = ada.types(&["git:clone", "-a", "shop"], "");
    assert_eq!(status, Some(0), "{words}");
    let tree = ada.dir().join("shop");
    std::fs::write(tree.join("Procfile"), "web: mirror\n")?;
    std::fs::write(tree.join("mirror.wat"), marked(7))?;
    for words in [&["checkout", "-B", "main"][..], &["add", "--all"], &["commit", "-m", "Ada's"]] {
        assert_eq!(ada.git(tree.clone(), words).0, Some(0), "{words:?}");
    }
    let (status, words) = ada.git(tree, &["push", "hokku", "main"]);
    assert!(status == Some(0) && words.contains("Released v3"), "{words}");
    let newest = up.releases("shop").pop().ok_or("a release")?;
    assert_eq!(newest["user"]["email"], "ada@example.com");

    let (status, words) = ada.types(&["destroy", "shop", "--confirm", "shop"], "");
    assert!(status == Some(1) && words.contains("Only the app's owner may do this."), "{words}");
    let log = up.run(&["ledger", "log", "-a", "platform"]);
    for refusal in ["log in", "see shop", "destroy shop"] {
        assert!(log.contains(&format!("Refused ada@example.com from 127.0.0.1: {refusal}")), "{log}");
    }
    Ok(())
}

#[test]
fn a_login_ends_with_logout_and_an_account_with_its_removal() -> TestResult {
    let (_data, up) = shop();
    let (ada, elsewhere) = (Person::at(&up), Person::at(&up));
    for person in [&ada, &elsewhere] {
        assert_eq!(person.types(&LOG_IN, "correct horse\n").0, Some(0));
    }
    let (_, token) = elsewhere.types(&["auth:token"], "");
    assert_eq!(ada.types(&["logout"], "").0, Some(0));
    assert_eq!(ada.types(&["whoami"], "").0, Some(1));
    assert_eq!(elsewhere.types(&["whoami"], "").0, Some(0), "each login is one of its own");
    assert!(!std::fs::read_to_string(ada.dir().join(".netrc"))?.contains("HOKKU-"));

    up.run(&["access", "add", "ada@example.com", "-a", "shop"]);
    up.run(&["transfer", "ada@example.com", "-a", "shop"]);
    let told = up.refuses(&["users", "remove", "ada@example.com"]);
    assert!(told.contains("shop"), "it names what she owns: {told}");
    up.run(&["transfer", "owner@localhost", "-a", "shop"]);
    up.run(&["users", "remove", "ada@example.com"]);
    assert_eq!(elsewhere.types(&["whoami"], "").0, Some(1), "her tokens went with her");
    assert!(!up.told().contains(token.trim()));
    Ok(())
}

#[test]
fn a_token_with_scopes_does_what_they_say() {
    let (_data, up) = shop();
    let token = up.run(&["authorizations", "create", "-d", "CI", "-s", "read", "-e", "90d", "--short"]);
    let with = |words: &[&str]| {
        let mut command = up.command(words);
        told(&command.env("HOKKU_API_KEY", token.trim()).output().expect("started"))
    };
    assert_eq!(with(&["info", "-a", "shop"]).0, Some(0));
    for words in [&["config", "-a", "shop"][..], &["maintenance", "on", "-a", "shop"], &["authorizations"]] {
        let (status, words) = with(words);
        assert!(status == Some(1) && words.contains("scopes do not allow it"), "{words}");
    }
}
