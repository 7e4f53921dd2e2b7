use rustix::process::{Pid, Signal, kill_process_group, setpriority_pgrp};
use std::{io, process::ExitStatus, time::Duration};
use tokio::{
    io::AsyncReadExt as _,
    process::{ChildStderr, ChildStdin, ChildStdout, Command},
};

/// What serves requests goes before git.
const NICENESS: i32 = 5;
/// The most bytes of what one process says about itself that are logged.
const SAID_LIMIT: u64 = 16 << 10;

/// A running git with the processes that it starts; none of them outlives this.
pub(super) struct Child(tokio::process::Child);

impl Child {
    /// Starts `command` in a process group of its own.
    pub(super) fn start(command: &mut Command) -> io::Result<Self> {
        let child = command.process_group(0).kill_on_drop(true).spawn()?;
        let child = Self(child);
        if let Some(group) = child.group() {
            // Only slower for others when it fails.
            setpriority_pgrp(Some(group), NICENESS).ok();
        }
        Ok(child)
    }

    pub(super) fn stdin(&mut self) -> Option<ChildStdin> {
        self.0.stdin.take()
    }

    pub(super) fn stdout(&mut self) -> Option<ChildStdout> {
        self.0.stdout.take()
    }

    pub(super) fn stderr(&mut self) -> Option<ChildStderr> {
        self.0.stderr.take()
    }

    /// Waits for its end. Cancel safe.
    pub(super) async fn ended(&mut self) -> io::Result<ExitStatus> {
        self.0.wait().await
    }

    /// Waits `grace` for its end, then kills it.
    pub(super) async fn end(mut self, grace: Duration) -> io::Result<ExitStatus> {
        if let Ok(ended) = tokio::time::timeout(grace, self.0.wait()).await {
            return ended;
        }
        self.kill();
        self.0.wait().await
    }

    /// Kills the whole group.
    fn kill(&self) {
        if let Some(group) = self.group() {
            // It may have ended just now.
            kill_process_group(group, Signal::KILL).ok();
        }
    }

    /// `None` after its end was seen, when its number may be somebody else's.
    fn group(&self) -> Option<Pid> {
        self.0.id().and_then(|id| Pid::from_raw(id.try_into().ok()?))
    }
}

impl Drop for Child {
    fn drop(&mut self) {
        self.kill();
    }
}

/// Runs `command` to its end and gives what it printed, if it succeeded and printed no more than `limit` bytes.
pub(super) async fn output(command: &mut Command, limit: u64) -> io::Result<Vec<u8>> {
    let mut child = Child::start(command)?;
    let (stdout, stderr) = (child.stdout(), child.stderr());
    let mut bytes = Vec::new();
    let read = async {
        match stdout {
            Some(stdout) => stdout.take(limit + 1).read_to_end(&mut bytes).await.map(drop),
            None => Ok(()),
        }
    };
    let (read, ()) = tokio::join!(read, log(stderr));
    read?;
    if bytes.len() as u64 > limit {
        return Err(io::Error::other("git printed more than is read"));
    }
    let status = child.ended().await?;
    if status.success() { Ok(bytes) } else { Err(io::Error::other(format!("git failed: {status}"))) }
}

/// Logs what a git says about itself, for the operator alone.
pub(super) async fn log(stderr: Option<ChildStderr>) {
    let Some(mut stderr) = stderr else { return };
    let mut said = Vec::new();
    // What cannot be read is not logged.
    (&mut stderr).take(SAID_LIMIT).read_to_end(&mut said).await.ok();
    let said = String::from_utf8_lossy(&said);
    if !said.trim().is_empty() {
        tracing::debug!(said = %said.trim().escape_debug(), "git");
    }
    // The rest is read all the same, so that git does not wait for a reader.
    tokio::io::copy(&mut stderr, &mut tokio::io::sink()).await.ok();
}
