use super::{BuildError, log::Log};
use rustix::process::{Pid, Signal, WaitId, WaitIdOptions, kill_process_group, setpriority_pgrp, waitid};
use std::{
    io::{self, PipeReader},
    os::unix::process::CommandExt,
    path::Path,
    process::{Child, Command, ExitStatus, Stdio},
    time::Duration,
};
use tokio::{
    io::AsyncReadExt,
    net::unix::pipe::Receiver,
    task::{JoinHandle, spawn_blocking},
    time::{Instant, sleep, sleep_until, timeout},
};
use tokio_util::sync::CancellationToken;

/// How long a stopped script has between SIGTERM and SIGKILL.
const TERM_GRACE: Duration = Duration::from_secs(3);

/// How long, after a script has ended, somebody else who holds its output may be silent before we stop listening.
const DRAIN_GRACE: Duration = Duration::from_millis(500);

/// The most bytes that are still read after a script has ended: more than a pipe holds.
const DRAIN_LIMIT: usize = 2 << 20;

/// The most bytes kept of a captured output; the rest is read and dropped.
const CAPTURE_LIMIT: usize = 64 << 10;

/// How often, and how long after, a script whose file is busy is started again.
const BUSY_RETRIES: usize = 100;
const BUSY_PAUSE: Duration = Duration::from_millis(10);

/// A build's priority is lower than that of what serves requests.
const NICENESS: i32 = 10;

/// Until when a script may run.
#[derive(Clone, Debug)]
pub(super) struct Limit {
    pub(super) deadline: Instant,
    /// The time limit that set the deadline, for the message.
    pub(super) time: Duration,
    pub(super) stop: CancellationToken,
}

impl Limit {
    /// Comes back when the time is over or the build is cancelled, with the error that says so.
    pub(super) async fn reached(&self) -> BuildError {
        tokio::select! {
            biased;
            () = self.stop.cancelled() => BuildError::Cancelled,
            () = sleep_until(self.deadline) => BuildError::TimedOut { limit: self.time },
        }
    }

    /// Runs `work` until it ends or the limit is reached.
    pub(super) async fn hold<T>(
        &self,
        work: impl Future<Output = Result<T, BuildError>>,
    ) -> Result<T, BuildError> {
        tokio::select! {
            biased;
            error = self.reached() => Err(error),
            result = work => result,
        }
    }

    /// The same limit, or one of `time` from now if that is earlier.
    pub(super) fn at_most(&self, time: Duration) -> Self {
        let deadline = Instant::now() + time;
        if deadline < self.deadline { Self { deadline, time, stop: self.stop.clone() } } else { self.clone() }
    }
}

/// Runs `command` and relays what it prints, stdout and stderr together, in order.
pub(super) async fn relay(command: Command, log: &mut Log, limit: &Limit) -> Result<ExitStatus, BuildError> {
    let status = run(command, true, &mut Sink::Relay(log), limit).await;
    log.end_of_script().await;
    status
}

/// Runs `command` and gives what it prints on stdout, at most 64 KiB of it.
pub(super) async fn capture(command: Command, limit: &Limit) -> Result<(ExitStatus, String), BuildError> {
    let mut bytes = Vec::new();
    let status = run(command, false, &mut Sink::Capture(&mut bytes), limit).await?;
    Ok((status, String::from_utf8_lossy(&bytes).into_owned()))
}

/// How a script ended, in words.
pub(super) fn in_words(status: ExitStatus) -> String {
    use std::os::unix::process::ExitStatusExt;
    match (status.code(), status.signal()) {
        (Some(code), _) => format!("exited with {code}"),
        (None, Some(signal)) => format!("was killed by signal {signal}"),
        (None, None) => "ended abnormally".to_owned(),
    }
}

/// Where a script's output goes.
enum Sink<'a> {
    Relay(&'a mut Log),
    Capture(&'a mut Vec<u8>),
}

impl Sink<'_> {
    async fn take(&mut self, bytes: &[u8]) {
        match self {
            Self::Relay(log) => log.relay(bytes).await,
            Self::Capture(kept) => {
                let room = CAPTURE_LIMIT - kept.len();
                kept.extend_from_slice(&bytes[..bytes.len().min(room)]);
            }
        }
    }
}

async fn run(
    mut command: Command,
    with_stderr: bool,
    sink: &mut Sink<'_>,
    limit: &Limit,
) -> Result<ExitStatus, BuildError> {
    let program = Path::new(command.get_program()).to_owned();
    let failed = |cause| BuildError::host("run", &program, cause);
    let (reader, writer) = io::pipe().map_err(failed)?;
    let stderr = if with_stderr { writer.try_clone().map_err(failed)?.into() } else { Stdio::null() };
    command.stdin(Stdio::null()).stdout(writer).stderr(stderr);
    let mut group = Group::spawn(&mut command).await.map_err(failed)?;
    drop(command); // and with it our copies of the pipe's writing end
    let gone = CancellationToken::new();
    let (ended, read) = tokio::join!(
        async {
            let ended = group.watch(limit).await;
            gone.cancel();
            ended
        },
        pump(reader, sink, &gone)
    );
    read.map_err(failed)?;
    let (status, reached) = ended.map_err(failed)?;
    reached.map_or(Ok(status), Err)
}

/// Reads until nobody holds the other end, or until the script is gone and the rest is silence.
async fn pump(reader: PipeReader, sink: &mut Sink<'_>, gone: &CancellationToken) -> io::Result<()> {
    let mut pipe = Receiver::from_owned_fd(reader.into())?;
    let mut chunk = vec![0; 16 << 10];
    let mut after_end = 0;
    while after_end < DRAIN_LIMIT {
        let count = tokio::select! {
            biased;
            count = pipe.read(&mut chunk) => count?,
            () = gone.cancelled() => match timeout(DRAIN_GRACE, pipe.read(&mut chunk)).await {
                Ok(count) => count?,
                Err(_) => break,
            },
        };
        if count == 0 {
            break;
        }
        if gone.is_cancelled() {
            after_end += count;
        }
        sink.take(&chunk[..count]).await;
    }
    Ok(())
}

/// Starts `command`, again after a moment where its file is still open for writing somewhere: a process that
/// another thread is just starting holds all our files until it has become its program.
async fn start(command: &mut Command) -> io::Result<Child> {
    for _ in 0..BUSY_RETRIES {
        match command.spawn() {
            Err(error) if error.kind() == io::ErrorKind::ExecutableFileBusy => sleep(BUSY_PAUSE).await,
            other => return other,
        }
    }
    command.spawn()
}

/// A script and every process it started that stayed in its process group. Dropped, all of them are killed.
struct Group {
    leader: Child,
    pid: Pid,
    reaped: bool,
}

impl Group {
    /// Starts `command` in a group of its own, so that the terminal's Ctrl-C does not reach it and a signal
    /// from us reaches all of it.
    async fn spawn(command: &mut Command) -> io::Result<Self> {
        let leader = start(command.process_group(0)).await?;
        let pid = Pid::from_child(&leader);
        // A build at full priority is still a build; the leader may also have ended already.
        setpriority_pgrp(Some(pid), NICENESS).ok();
        Ok(Self { leader, pid, reaped: false })
    }

    /// Waits for the leader, at most until `limit`; then nothing of the group is left.
    async fn watch(&mut self, limit: &Limit) -> io::Result<(ExitStatus, Option<BuildError>)> {
        let mut ended = self.leader_ended();
        let reached = tokio::select! {
            result = &mut ended => { result??; None }
            error = limit.reached() => {
                self.signal(Signal::TERM);
                timeout(TERM_GRACE, &mut ended).await.ok();
                Some(error)
            }
        };
        self.signal(Signal::KILL); // the leader is not reaped yet, so the group's number is still ours
        if !ended.is_finished() {
            ended.await??;
        }
        self.reaped = true;
        Ok((self.leader.wait()?, reached))
    }

    /// Ends when the leader has ended; its exit status stays to be read.
    fn leader_ended(&self) -> JoinHandle<io::Result<()>> {
        let pid = self.pid;
        spawn_blocking(move || {
            let options = WaitIdOptions::EXITED | WaitIdOptions::NOWAIT;
            rustix::io::retry_on_intr(|| waitid(WaitId::Pid(pid), options))?;
            Ok(())
        })
    }

    fn signal(&self, signal: Signal) {
        // The only failure possible is that nobody is left.
        kill_process_group(self.pid, signal).ok();
    }
}

impl Drop for Group {
    fn drop(&mut self) {
        if !self.reaped {
            self.signal(Signal::KILL);
            self.leader.wait().ok(); // killed: comes back at once, and there is nobody to tell
        }
    }
}
