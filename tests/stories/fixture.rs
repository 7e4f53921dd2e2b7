//! A running `hokku serve`, and commands that run to their end.

use serde_json::Value;
use std::{
    error::Error,
    io::{BufRead as _, BufReader},
    path::{Path, PathBuf},
    process::{Child, Command, ExitStatus, Output, Stdio},
    sync::{Arc, Condvar, Mutex},
    time::Duration,
};

/// The longest wait for one event. The first build with a real toolchain on a slow machine takes minutes.
const PATIENCE: Duration = Duration::from_mins(10);

/// The `hokku` binary, with a cache that all stories share.
pub(crate) fn hokku() -> Command {
    let mut command = Command::new(env!("CARGO_BIN_EXE_hokku"));
    command
        .env("HOKKU_CACHE_DIR", cache_dir())
        .env("NO_COLOR", "1")
        // What the user keeps for other platforms, and for git, is neither read nor changed.
        .env("NETRC", nowhere().join("netrc"))
        .env("GIT_CONFIG_GLOBAL", nowhere().join("gitconfig"))
        .env_remove("HOKKU_PORT")
        .stdin(Stdio::null());
    command
}

/// Where the stories' slugs, toolchains and compiled code are kept, below `target`.
pub(crate) fn cache_dir() -> PathBuf {
    Path::new(env!("CARGO_TARGET_TMPDIR")).join("cache")
}

/// A place for the user's own files where there are none.
fn nowhere() -> PathBuf {
    Path::new(env!("CARGO_TARGET_TMPDIR")).join("nowhere")
}

/// Notes that the running test uses a real toolchain; CI counts the notes.
pub(crate) fn uses_real(toolchain: &str) {
    note("real-toolchains", toolchain);
}

/// Notes that the running test could not run, and why; CI counts the notes.
pub(crate) fn cannot_run(why: &str) {
    note("not-run", why);
}

fn note(kind: &str, text: &str) {
    let dir = Path::new(env!("CARGO_TARGET_TMPDIR")).join(kind);
    let name = std::thread::current().name().unwrap_or("unnamed").replace("::", ".");
    std::fs::create_dir_all(&dir).and_then(|()| std::fs::write(dir.join(name), text)).expect("noted");
}

/// Runs a command to its end.
pub(crate) fn output(command: &mut Command) -> Output {
    command.output().expect("started")
}

/// What a command said, for a message.
pub(crate) fn said(output: &Output) -> String {
    format!(
        "{}\nstdout: {}\nstderr: {}",
        output.status,
        String::from_utf8_lossy(&output.stdout),
        String::from_utf8_lossy(&output.stderr)
    )
}

/// A copy of an example in a directory of its own, to be changed freely.
pub(crate) fn example(name: &str) -> tempfile::TempDir {
    let dir = tempfile::tempdir().expect("a directory");
    copy(&Path::new(env!("CARGO_MANIFEST_DIR")).join("examples").join(name), dir.path());
    dir
}

/// A directory with these files.
pub(crate) fn app(files: &[(&str, &str)]) -> tempfile::TempDir {
    let dir = tempfile::tempdir().expect("a directory");
    for (path, text) in files {
        let path = dir.path().join(path);
        std::fs::create_dir_all(path.parent().expect("a parent")).expect("a directory");
        std::fs::write(path, text).expect("a file");
    }
    dir
}

fn copy(from: &Path, to: &Path) {
    for entry in std::fs::read_dir(from).expect("an example") {
        let entry = entry.expect("an entry");
        let target = to.join(entry.file_name());
        if entry.path().is_dir() {
            std::fs::create_dir(&target).expect("a directory");
            copy(&entry.path(), &target);
        } else {
            std::fs::copy(entry.path(), &target).expect("a file");
        }
    }
}

#[derive(Default)]
struct Log {
    lines: Vec<(String, String)>,
    ended: bool,
}

/// A `hokku serve` that runs until it is dropped.
pub(crate) struct Served {
    child: Child,
    port: u16,
    log: Arc<(Mutex<Log>, Condvar)>,
    agent: ureq::Agent,
}

impl Served {
    /// Serves `dir` on a free port, and waits until it listens.
    pub(crate) fn start(dir: &Path, options: &[&str]) -> Self {
        let mut served = Self::launch(dir, options);
        let line = served.wait_for("serve", "Listening on http://localhost:");
        served.port = line.rsplit(':').next().and_then(|port| port.parse().ok()).expect("a port");
        served
    }

    fn launch(dir: &Path, options: &[&str]) -> Self {
        let mut command = hokku();
        command.arg("serve").arg(dir).args(["--port", "0", "--json"]).args(options);
        let mut child = command.stdout(Stdio::piped()).stderr(Stdio::inherit()).spawn().expect("started");
        let stdout = child.stdout.take().expect("piped");
        let log = Arc::<(Mutex<Log>, Condvar)>::default();
        let writing = log.clone();
        std::thread::spawn(move || {
            for line in BufReader::new(stdout).lines().map_while(Result::ok) {
                let line: Value = serde_json::from_str(&line).expect("a line of JSON");
                let text = |key: &str| line[key].as_str().expect("text").to_owned();
                writing.0.lock().expect("log").lines.push((text("process"), text("text")));
                writing.1.notify_all();
            }
            writing.0.lock().expect("log").ended = true;
            writing.1.notify_all();
        });
        let agent = ureq::Agent::config_builder().max_redirects(0).http_status_as_error(false).build().into();
        Self { child, port: 0, log, agent }
    }

    /// How many lines were logged so far: a mark for [`wait_after`](Self::wait_after).
    pub(crate) fn mark(&self) -> usize {
        self.log.0.lock().expect("log").lines.len()
    }

    /// Waits for a line of `process` (or its dynos) that contains `text`, and gives it.
    pub(crate) fn wait_for(&self, process: &str, text: &str) -> String {
        self.wait_after(0, process, text)
    }

    /// The same, among the lines after `mark`.
    pub(crate) fn wait_after(&self, mark: usize, process: &str, text: &str) -> String {
        let found = |log: &Log| {
            let mut later = log.lines.iter().skip(mark);
            later
                .find(|(who, line)| who.starts_with(process) && line.contains(text))
                .map(|(_, line)| line.clone())
        };
        let log = self.log.0.lock().expect("log");
        let waiting = |log: &mut Log| found(log).is_none() && !log.ended;
        let (log, _) = self.log.1.wait_timeout_while(log, PATIENCE, waiting).expect("log");
        found(&log).unwrap_or_else(|| panic!("no `{text}` of {process} in:\n{}", lines(&log)))
    }

    /// Everything that `process` logged so far.
    pub(crate) fn logged(&self, process: &str) -> String {
        let log = self.log.0.lock().expect("log");
        let own = log.lines.iter().filter(|(who, _)| who.starts_with(process));
        own.map(|(_, line)| line.as_str()).collect::<Vec<_>>().join("\n")
    }

    pub(crate) fn url(&self, path: &str) -> String {
        format!("http://localhost:{}{path}", self.port)
    }

    pub(crate) fn port(&self) -> u16 {
        self.port
    }

    pub(crate) fn agent(&self) -> &ureq::Agent {
        &self.agent
    }

    /// Status and text of a page.
    pub(crate) fn get(&self, path: &str) -> Result<(u16, String), Box<dyn Error>> {
        let mut answer = self.agent.get(self.url(path)).call()?;
        Ok((answer.status().as_u16(), answer.body_mut().read_to_string()?))
    }

    /// Sends a signal, as Ctrl-C does.
    pub(crate) fn signal(&self, signal: rustix::process::Signal) {
        let id = rustix::process::Pid::from_child(&self.child);
        rustix::process::kill_process(id, signal).expect("signalled");
    }

    /// Interrupts it once and waits for its end.
    pub(crate) fn interrupt(mut self) -> ExitStatus {
        self.signal(rustix::process::Signal::INT);
        self.child.wait().expect("ended")
    }

    /// Waits for its end.
    pub(crate) fn wait(mut self) -> ExitStatus {
        self.child.wait().expect("ended")
    }
}

fn lines(log: &Log) -> String {
    log.lines.iter().map(|(process, line)| format!("{process} | {line}")).collect::<Vec<_>>().join("\n")
}

impl Drop for Served {
    fn drop(&mut self) {
        if let Ok(None) = self.child.try_wait() {
            self.signal(rustix::process::Signal::INT);
            self.child.wait().expect("ended");
        }
    }
}
