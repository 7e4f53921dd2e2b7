//! A running `hokku up` on a data directory, and the commands that its owner gives.

use crate::fixture::{hokku, output, said};
use serde_json::Value;
use std::{
    error::Error,
    io::{BufRead as _, BufReader, Read as _},
    path::{Path, PathBuf},
    process::{Child, Command, ExitStatus, Output, Stdio},
    sync::{Arc, Mutex},
    time::{Duration, Instant},
};

/// The longest wait for one event.
const PATIENCE: Duration = Duration::from_mins(5);

/// A `hokku up` that runs until it is dropped.
pub(crate) struct Up {
    child: Child,
    data: PathBuf,
    port: u16,
    told: Arc<Mutex<String>>,
    agent: ureq::Agent,
}

impl Up {
    /// Starts a platform on the data directory `data` and a free port, and waits until it listens.
    pub(crate) fn start(data: &Path) -> Self {
        Self::with(data, &[], &[])
    }

    /// The same with flags and variables of the environment.
    pub(crate) fn with(data: &Path, flags: &[&str], environment: &[(&str, &str)]) -> Self {
        match Self::try_start(data, flags, environment) {
            Ok(up) => up,
            Err(told) => panic!("the platform did not start:\n{told}"),
        }
    }

    /// The same, for a platform that may refuse to start: then gives what it said.
    pub(crate) fn try_start(
        data: &Path,
        flags: &[&str],
        environment: &[(&str, &str)],
    ) -> Result<Self, String> {
        let mut command = hokku();
        command.arg("up").arg("--data-dir").arg(data).args(["--listen", "localhost:0"]).args(flags);
        command.env_remove("HOKKU_CACHE_DIR").envs(environment.iter().copied());
        let mut child = command.stdout(Stdio::piped()).stderr(Stdio::piped()).spawn().expect("started");
        let told = Arc::<Mutex<String>>::default();
        let mut stderr = BufReader::new(child.stderr.take().expect("piped"));
        let telling = told.clone();
        let listening = std::thread::spawn(move || {
            let mut line = String::new();
            while stderr.read_line(&mut line).is_ok_and(|read| read > 0) {
                telling.lock().expect("told").push_str(&line);
                line.clear();
            }
        });
        let mut stdout = BufReader::new(child.stdout.take().expect("piped"));
        let mut greeting = String::new();
        let port = loop {
            let mut line = String::new();
            if stdout.read_line(&mut line).expect("read") == 0 {
                child.wait().expect("ended");
                listening.join().expect("read");
                return Err(format!("{greeting}{}", told.lock().expect("told")));
            }
            greeting.push_str(&line);
            if let Some(url) = line.trim().strip_prefix("Listening on ") {
                break url.rsplit(':').next().and_then(|port| port.parse().ok()).expect("a port");
            }
        };
        std::thread::spawn(move || stdout.read_to_string(&mut String::new()));
        told.lock().expect("told").insert_str(0, &greeting);
        let agent = ureq::Agent::config_builder().max_redirects(0).http_status_as_error(false).build().into();
        Ok(Self { child, data: data.to_owned(), port, told, agent })
    }

    /// What it said so far, on both streams.
    pub(crate) fn told(&self) -> String {
        self.told.lock().expect("told").clone()
    }

    pub(crate) fn port(&self) -> u16 {
        self.port
    }

    pub(crate) fn data(&self) -> &Path {
        &self.data
    }

    /// A `hokku` command of the owner.
    pub(crate) fn command(&self, words: &[&str]) -> Command {
        let mut command = hokku();
        command
            .args(words)
            .env("HOKKU_DATA_DIR", &self.data)
            .env_remove("HOKKU_HOST")
            .env_remove("HOKKU_API_KEY")
            .env_remove("HOKKU_APP");
        command
    }

    /// Runs a command that must succeed, and gives what it printed.
    pub(crate) fn run(&self, words: &[&str]) -> String {
        let output = output(&mut self.command(words));
        assert!(output.status.success(), "{words:?}: {}\n{}", said(&output), self.told());
        String::from_utf8(output.stdout).expect("text")
    }

    /// Runs a command that must succeed, and gives what it said on the side.
    pub(crate) fn says(&self, words: &[&str]) -> String {
        let output = output(&mut self.command(words));
        assert!(output.status.success(), "{words:?}: {}\n{}", said(&output), self.told());
        String::from_utf8(output.stderr).expect("text")
    }

    /// Runs a command that must fail, and gives what it said about it.
    pub(crate) fn refuses(&self, words: &[&str]) -> String {
        let output = self.ends(words);
        assert!(!output.status.success(), "{words:?}: {}", said(&output));
        String::from_utf8(output.stderr).expect("text")
    }

    /// Runs a command to its end.
    pub(crate) fn ends(&self, words: &[&str]) -> Output {
        output(&mut self.command(words))
    }

    /// Status and text of a page of an app.
    pub(crate) fn get(&self, app: &str, path: &str) -> Result<(u16, String), Box<dyn Error>> {
        self.get_at(&format!("{app}.localhost:{}", self.port), path)
    }

    /// The same at any host.
    pub(crate) fn get_at(&self, host: &str, path: &str) -> Result<(u16, String), Box<dyn Error>> {
        let request = self.agent.get(format!("http://127.0.0.1:{}{path}", self.port));
        let mut answer = request.header("host", host).call()?;
        Ok((answer.status().as_u16(), answer.body_mut().read_to_string()?))
    }

    /// Waits until a page of an app holds `text`; gives the page.
    pub(crate) fn wait_for_page(&self, app: &str, path: &str, text: &str) -> String {
        let due = Instant::now() + PATIENCE;
        let mut last = None;
        while Instant::now() < due {
            match self.get(app, path) {
                Ok((200, page)) if page.contains(text) => return page,
                other => last = Some(format!("{other:?}")),
            }
            std::thread::yield_now();
        }
        panic!("{app}{path} never showed `{text}`: {last:?}\n{}", self.told());
    }

    /// Every release of an app, the oldest first.
    pub(crate) fn releases(&self, app: &str) -> Vec<Value> {
        let request = self.request("GET", &format!("/apps/{app}/releases"));
        let request = request.header("range", "version ..; max=1000").body(String::new()).expect("legal");
        let mut answer = self.agent.run(request).expect("answered");
        serde_json::from_str(&answer.body_mut().read_to_string().expect("read")).expect("a list")
    }

    /// What the API answers the owner: status and JSON.
    pub(crate) fn api(&self, method: &str, path: &str, body: Option<Value>) -> (u16, Value) {
        let request = self.request(method, path);
        let sent = match body {
            Some(body) => self.agent.run(request.body(body.to_string()).expect("legal")),
            None => self.agent.run(request.body(String::new()).expect("legal")),
        };
        let mut answer = sent.expect("answered");
        let text = answer.body_mut().read_to_string().expect("read");
        let json = serde_json::from_str(&text).unwrap_or(Value::String(text));
        (answer.status().as_u16(), json)
    }

    /// What the API answers to GET; it must succeed.
    pub(crate) fn ask(&self, path: &str) -> Value {
        let (status, answer) = self.api("GET", path, None);
        assert!((200..300).contains(&status), "GET {path}: {status} {answer}");
        answer
    }

    fn request(&self, method: &str, path: &str) -> ureq::http::request::Builder {
        let token = std::fs::read_to_string(self.data.join("owner-token")).expect("a token");
        ureq::http::Request::builder()
            .method(method)
            .uri(format!("http://127.0.0.1:{}{path}", self.port))
            .header("authorization", format!("Bearer {}", token.trim()))
            .header("accept", "application/vnd.heroku+json; version=3")
            .header("content-type", "application/json")
    }

    pub(crate) fn signal(&self, signal: rustix::process::Signal) {
        let id = rustix::process::Pid::from_child(&self.child);
        rustix::process::kill_process(id, signal).expect("signalled");
    }

    /// Kills it at once, as a power cut does, and waits for its end.
    pub(crate) fn kill(mut self) {
        // It may have ended by itself: a test may have told it to.
        let _ = self.child.kill();
        self.child.wait().expect("ended");
    }

    /// Asks it to stop, and waits for its end.
    pub(crate) fn stop(mut self) -> ExitStatus {
        self.signal(rustix::process::Signal::TERM);
        self.child.wait().expect("ended")
    }

    /// Whether it still runs.
    pub(crate) fn is_running(&mut self) -> bool {
        matches!(self.child.try_wait(), Ok(None))
    }
}

impl Drop for Up {
    #[expect(clippy::print_stderr, reason = "a failed test shows what the platform said")]
    fn drop(&mut self) {
        if let Ok(None) = self.child.try_wait() {
            self.signal(rustix::process::Signal::TERM);
            self.child.wait().expect("ended");
        }
        if std::thread::panicking() {
            eprintln!("the platform said:\n{}", self.told());
        }
    }
}
