//! A developer with a work tree and the real `git`.

use crate::{
    fixture::{output, said},
    platform_fixture::Up,
};
use std::{
    io::{BufRead as _, BufReader},
    os::unix::process::CommandExt as _,
    path::{Path, PathBuf},
    process::{Child, Command, ExitStatus, Output, Stdio},
    sync::{Arc, Condvar, Mutex},
    thread::JoinHandle,
    time::Duration,
};

/// The longest wait for one event.
const PATIENCE: Duration = Duration::from_mins(2);

/// Where a platform speaks git, and with which token.
#[derive(Clone)]
pub(crate) struct Remote {
    /// `http://localhost:8080`.
    pub(crate) base: String,
    pub(crate) token: String,
    /// Settings of the client, as `http.sslCAInfo=FILE`.
    pub(crate) settings: Vec<String>,
}

/// How a client speaks to the platform.
#[derive(Clone, Copy)]
pub(crate) enum Speech {
    Http,
    /// It trusts the platform's own authority, and no other.
    Https,
}

impl Remote {
    /// The owner's.
    pub(crate) fn of(up: &Up, speech: Speech) -> Self {
        let token = std::fs::read_to_string(up.data().join("owner-token")).expect("a token");
        let authority = || format!("http.sslCAInfo={}", up.data().join("tls/ca.pem").display());
        let (scheme, settings) = match speech {
            Speech::Http => ("http", Vec::new()),
            Speech::Https => ("https", vec![authority()]),
        };
        let base = format!("{scheme}://localhost:{}", up.port());
        Self { base, token: token.trim().to_owned(), settings }
    }

    /// The same for somebody else.
    pub(crate) fn with_token(&self, token: &str) -> Self {
        Self { token: token.to_owned(), ..self.clone() }
    }

    pub(crate) fn url(&self, app: &str) -> String {
        format!("{}/{app}.git", self.base)
    }
}

/// A work tree with a home of its own.
pub(crate) struct WorkTree {
    dir: tempfile::TempDir,
    remote: Remote,
}

impl WorkTree {
    /// An empty repository whose remote `hokku` is `app`.
    pub(crate) fn of(remote: &Remote, app: &str) -> Self {
        let tree = Self::bare(remote);
        std::fs::create_dir(tree.path()).expect("a directory");
        tree.does(&["init", "--quiet", "--initial-branch=main"]);
        tree.does(&["remote", "add", "hokku", &remote.url(app)]);
        tree
    }

    /// What `git clone` makes of the app.
    pub(crate) fn clone_of(remote: &Remote, app: &str, options: &[&str]) -> Self {
        let tree = Self::bare(remote);
        let url = remote.url(app);
        let target = tree.path().to_str().expect("text").to_owned();
        let words: Vec<_> =
            ["clone", "--quiet", "--origin", "hokku"].iter().chain(options).copied().collect();
        let words: Vec<_> = words.into_iter().chain([url.as_str(), target.as_str()]).collect();
        let mut command = tree.command(tree.dir.path(), &words);
        let cloned = output(&mut command);
        assert!(cloned.status.success(), "{}", said(&cloned));
        tree
    }

    /// The platform is somewhere else now.
    pub(crate) fn moves_to(&mut self, remote: &Remote, app: &str) {
        self.remote = remote.clone();
        self.does(&["remote", "set-url", "hokku", &remote.url(app)]);
    }

    fn bare(remote: &Remote) -> Self {
        let dir = tempfile::tempdir().expect("a directory");
        let config =
            "[user]\n\tname = Ada\n\temail = ada@example.com\n[protocol \"file\"]\n\tallow = always\n";
        std::fs::write(dir.path().join("gitconfig"), config).expect("written");
        Self { dir, remote: remote.clone() }
    }

    pub(crate) fn path(&self) -> PathBuf {
        self.dir.path().join("tree")
    }

    pub(crate) fn write(&self, path: &str, content: impl AsRef<[u8]>) {
        let path = self.path().join(path);
        std::fs::create_dir_all(path.parent().expect("a parent")).expect("a directory");
        std::fs::write(path, content).expect("written");
    }

    pub(crate) fn read(&self, path: &str) -> String {
        std::fs::read_to_string(self.path().join(path)).expect(path)
    }

    /// Commits everything; gives the commit.
    pub(crate) fn commit(&self, message: &str) -> String {
        self.does(&["add", "--all"]);
        self.does(&["commit", "--quiet", "--allow-empty", "-m", message]);
        self.head()
    }

    pub(crate) fn head(&self) -> String {
        self.does(&["rev-parse", "HEAD"])
    }

    /// Where the app's `reference` is, as the platform tells; empty when it has none.
    pub(crate) fn there(&self, reference: &str) -> String {
        let told = self.does(&["ls-remote", "hokku", reference]);
        told.split_whitespace().next().unwrap_or_default().to_owned()
    }

    /// A git in the work tree, with the token of the remote.
    pub(crate) fn git(&self, words: &[&str]) -> Command {
        self.command(&self.path(), words)
    }

    fn command(&self, dir: &Path, words: &[&str]) -> Command {
        let mut command = Command::new("git");
        let helper = format!(
            "credential.helper=!f() {{ echo username=anybody; echo password={}; }}; f",
            self.remote.token
        );
        command.current_dir(dir).args(["-c", &helper]);
        for setting in &self.remote.settings {
            command.args(["-c", setting]);
        }
        command
            .args(words)
            .env("GIT_CONFIG_GLOBAL", self.dir.path().join("gitconfig"))
            .env("GIT_CONFIG_NOSYSTEM", "1")
            // It would go before the setting.
            .env_remove("GIT_SSL_CAINFO")
            .env("GIT_TERMINAL_PROMPT", "0")
            .env("HOME", self.dir.path())
            .env("LC_ALL", "C")
            .stdin(std::process::Stdio::null());
        command
    }

    /// Runs a git that must succeed; gives what it printed.
    pub(crate) fn does(&self, words: &[&str]) -> String {
        let output = output(&mut self.git(words));
        assert!(output.status.success(), "git {words:?}: {}", said(&output));
        String::from_utf8(output.stdout).expect("text").trim().to_owned()
    }

    /// Pushes what must be taken; gives what it said.
    pub(crate) fn push(&self, words: &[&str]) -> String {
        let output = self.pushes(words);
        assert!(output.status.success(), "git push {words:?}: {}", said(&output));
        String::from_utf8(output.stderr).expect("text")
    }

    /// Pushes what must be refused; gives what it said.
    pub(crate) fn is_refused(&self, words: &[&str]) -> String {
        let output = self.pushes(words);
        assert!(!output.status.success(), "git push {words:?}: {}", said(&output));
        String::from_utf8(output.stderr).expect("text")
    }

    fn pushes(&self, words: &[&str]) -> Output {
        output(&mut self.git(&[&["push", "hokku"], words].concat()))
    }
}

/// A push that goes on beside the test.
pub(crate) struct Push {
    child: Child,
    said: Arc<(Mutex<(String, bool)>, Condvar)>,
    reading: JoinHandle<()>,
}

impl Push {
    pub(crate) fn begin(tree: &WorkTree, words: &[&str]) -> Self {
        let mut command = tree.git(&[&["push", "hokku"], words].concat());
        command.stdout(Stdio::null()).stderr(Stdio::piped()).process_group(0);
        let mut child = command.spawn().expect("started");
        let stderr = BufReader::new(child.stderr.take().expect("piped"));
        let said = Arc::<(Mutex<(String, bool)>, Condvar)>::default();
        let saying = Arc::clone(&said);
        let reading = std::thread::spawn(move || {
            for line in stderr.lines().map_while(Result::ok) {
                saying.0.lock().expect("said").0.push_str(&(line + "\n"));
                saying.1.notify_all();
            }
            saying.0.lock().expect("said").1 = true;
            saying.1.notify_all();
        });
        Self { child, said, reading }
    }

    /// Waits until it says `text`.
    pub(crate) fn wait_for(&self, text: &str) {
        let said = self.said.0.lock().expect("said");
        let waiting = |said: &mut (String, bool)| !said.0.contains(text) && !said.1;
        let (said, _) = self.said.1.wait_timeout_while(said, PATIENCE, waiting).expect("said");
        assert!(said.0.contains(text), "the push never said `{text}`:\n{}", said.0);
    }

    /// Kills it at once, with its helpers.
    pub(crate) fn kill(mut self) -> ExitStatus {
        let group = rustix::process::Pid::from_child(&self.child);
        rustix::process::kill_process_group(group, rustix::process::Signal::KILL).expect("killed");
        self.child.wait().expect("ended")
    }

    /// Waits for its end; gives what it said, too.
    pub(crate) fn ended(mut self) -> (ExitStatus, String) {
        let status = self.child.wait().expect("ended");
        self.reading.join().expect("read");
        let said = self.said.0.lock().expect("said").0.clone();
        (status, said)
    }
}
