//! The command line and git on a user's own machine: where tokens are kept, who gets them, and which app is meant.

use crate::{
    TestResult,
    fixture::{hokku, output, said},
    platform_fixture::Up,
};
use std::{
    fs,
    io::Write as _,
    os::unix::fs::PermissionsExt as _,
    path::{Path, PathBuf},
    process::{Command, Output, Stdio},
};

/// A user's home, with a git repository in it.
struct Home(tempfile::TempDir);

impl Home {
    fn new() -> Self {
        let home = Self(tempfile::tempdir().expect("a directory"));
        fs::create_dir(home.repository()).expect("made");
        home.git(&["init", "--quiet"]);
        home
    }

    fn repository(&self) -> PathBuf {
        self.0.path().join("code")
    }

    fn netrc(&self) -> PathBuf {
        self.0.path().join(".netrc")
    }

    /// The user's environment in the repository, without anything of who runs the tests.
    fn settle<'a>(&self, command: &'a mut Command) -> &'a mut Command {
        let names = ["HOKKU_HOST", "HOKKU_API_KEY", "HOKKU_APP", "HOKKU_DATA_DIR", "NETRC", "XDG_DATA_HOME"];
        for name in
            names.iter().chain(&["GIT_CONFIG_GLOBAL", "XDG_CONFIG_HOME", "GIT_ASKPASS", "SSH_ASKPASS"])
        {
            command.env_remove(name);
        }
        command
            .env("HOME", self.0.path())
            .env("GIT_CONFIG_NOSYSTEM", "1")
            .env("GIT_TERMINAL_PROMPT", "0")
            .current_dir(self.repository())
    }

    /// `hokku` on the user's machine, which is the platform's if `data` is given.
    fn hokku(&self, words: &[&str], data: Option<&Path>) -> Command {
        let mut command = hokku();
        self.settle(&mut command).args(words);
        if let Some(data) = data {
            command.env("HOKKU_DATA_DIR", data);
        }
        command
    }

    fn git(&self, words: &[&str]) -> String {
        let ended = output(self.settle(&mut Command::new("git")).args(words));
        assert!(ended.status.success(), "git {words:?}: {}", said(&ended));
        String::from_utf8(ended.stdout).expect("text")
    }

    /// What git finds for a host when it needs a password.
    fn fill(&self, protocol: &str, host: &str) -> Output {
        let mut command = Command::new("git");
        self.settle(&mut command).args(["credential", "fill"]);
        command.stdin(Stdio::piped()).stdout(Stdio::piped()).stderr(Stdio::piped());
        let mut git = command.spawn().expect("started");
        let mut stdin = git.stdin.take().expect("piped");
        write!(stdin, "protocol={protocol}\nhost={host}\n\n").expect("asked");
        drop(stdin);
        git.wait_with_output().expect("ended")
    }
}

fn text(bytes: &[u8]) -> String {
    String::from_utf8_lossy(bytes).into_owned()
}

fn succeeded(command: &mut Command) -> Output {
    let ended = output(command);
    assert!(ended.status.success(), "{}", said(&ended));
    ended
}

#[test]
fn a_new_app_is_known_to_git_and_to_every_command() -> TestResult {
    let data = tempfile::tempdir()?;
    let up = Up::start(data.path());
    let home = Home::new();
    let told = succeeded(&mut home.hokku(&["create", "shop"], Some(data.path())));
    assert!(text(&told.stderr).contains("Git remote hokku added."), "{}", said(&told));
    let host = format!("localhost:{}", up.port());
    assert_eq!(home.git(&["remote", "get-url", "hokku"]).trim(), format!("http://{host}/shop.git"));

    let told = succeeded(&mut home.hokku(&["info", "--json"], Some(data.path())));
    let info: serde_json::Value = serde_json::from_slice(&told.stdout)?;
    assert_eq!(info["name"], "shop");

    succeeded(&mut home.hokku(&["create", "shop-staging", "--remote", "staging"], Some(data.path())));
    let several = output(&mut home.hokku(&["info"], Some(data.path())));
    let several = text(&several.stderr);
    assert!(several.contains("shop (remote hokku), shop-staging (remote staging)"), "{several}");
    let told = succeeded(&mut home.hokku(&["info", "--json", "-r", "staging"], Some(data.path())));
    assert_eq!(serde_json::from_slice::<serde_json::Value>(&told.stdout)?["name"], "shop-staging");
    Ok(())
}

#[test]
fn git_gets_the_token_for_the_platforms_host_alone() -> TestResult {
    let data = tempfile::tempdir()?;
    let up = Up::start(data.path());
    let home = Home::new();
    // A helper for all hosts must not learn the token.
    let store = format!("store --file={}", home.0.path().join("stored").display());
    home.git(&["config", "--global", "credential.helper", &store]);
    succeeded(&mut home.hokku(&["create", "shop"], Some(data.path())));
    let settings = home.git(&["config", "--global", "--list"]);
    assert!(!settings.contains("HOKKU-"), "{settings}");

    let token = fs::read_to_string(data.path().join("owner-token"))?;
    let host = format!("localhost:{}", up.port());
    let filled = home.fill("http", &host);
    assert!(filled.status.success(), "{}", said(&filled));
    let filled = text(&filled.stdout);
    assert!(filled.contains("username=hokku\n"), "{filled}");
    assert!(filled.contains(&format!("password={}\n", token.trim())), "{filled}");

    let other = format!("localhost:{}", up.port() ^ 1);
    for (protocol, host) in [("http", other.as_str()), ("https", "example.com"), ("https", &host)] {
        let filled = home.fill(protocol, host);
        assert!(!filled.status.success(), "{protocol}://{host}: {}", said(&filled));
        assert!(!text(&filled.stdout).contains("HOKKU-"), "{protocol}://{host}");
    }
    // The same question to the helper itself, whatever git's settings are.
    for (protocol, host) in [("http", other.as_str()), ("https", "example.com"), ("ftp", host.as_str())] {
        let mut command = home.hokku(&["git:credentials", "get"], Some(data.path()));
        command.stdin(Stdio::piped()).stdout(Stdio::piped()).stderr(Stdio::piped());
        let mut helper = command.spawn()?;
        write!(helper.stdin.take().expect("piped"), "protocol={protocol}\nhost={host}\n")?;
        let told = helper.wait_with_output()?;
        assert_eq!((told.status.success(), text(&told.stdout)), (true, String::new()), "{}", said(&told));
    }
    Ok(())
}

#[test]
fn a_token_in_the_netrc_file_is_used_away_from_the_platform() -> TestResult {
    let data = tempfile::tempdir()?;
    let up = Up::start(data.path());
    let home = Home::new();
    let token = fs::read_to_string(data.path().join("owner-token"))?;
    let host = format!("localhost:{}", up.port());
    let whoami = || {
        let mut command = home.hokku(&["whoami"], None);
        command.env("HOKKU_HOST", &host);
        command
    };
    let refused = text(&output(&mut whoami()).stderr);
    assert!(refused.contains("wants a token: log in with `hokku login`"), "{refused}");

    let netrc = format!("# mine\nmachine {host} login ada@example.com password {token}");
    fs::write(home.netrc(), &netrc)?;
    fs::set_permissions(home.netrc(), fs::Permissions::from_mode(0o644))?;
    let told = succeeded(&mut whoami());
    assert_eq!(text(&told.stdout).trim(), "owner@localhost");
    assert!(text(&told.stderr).contains("Others could read your token"), "{}", said(&told));
    assert_eq!(home.netrc().metadata()?.permissions().mode() & 0o777, 0o600);
    assert_eq!(text(&succeeded(&mut whoami()).stderr), "");
    assert_eq!(fs::read_to_string(home.netrc())?, netrc);

    fs::write(home.netrc(), netrc.replace("HOKKU-", "HOKKU-x"))?;
    let refused = text(&output(&mut whoami()).stderr);
    assert!(refused.contains("does not accept the token of your last login"), "{refused}");
    Ok(())
}
