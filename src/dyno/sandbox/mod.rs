//! The sandbox: all that a guest can see and touch, in one place.
//!
//! # Owns
//! The dyno's disk, its environment and arguments, its standard streams and its limits. Every guest of a dyno gets
//! its view of the world from [`Sandbox::guest`] and from nowhere else.
//!
//! # Invariants
//! What is not named here a guest does not have: no host path, no socket, no variable of the host's environment.
//!
//! # Not here
//! A file system without host paths, the private network and the hard limits will take the place of [`Disk`] and of
//! wasmtime-wasi's defaults; nothing outside this module will change for them.

mod disk;
mod pipe;
mod stdio;

pub(super) use disk::Disk;
pub use pipe::{Look, PipeReader, PipeWriter};
pub use stdio::{PipeEnds, Pipes, Stdio};

use super::guest::GuestState;
use std::sync::Arc;
use wasmtime_wasi::{FsPerms, WasiCtxBuilder};

/// What a guest may take.
#[derive(Clone, Copy, Debug, Eq, PartialEq)]
pub struct Limits {
    /// Bytes of linear memory of one instance, and what the number of instances of a web dyno is reckoned from
    /// Default: 512 MiB, as a standard dyno.
    pub memory: u64,
}

impl Default for Limits {
    fn default() -> Self {
        Self { memory: 512 << 20 }
    }
}

/// Everything of one dyno that its guests share.
pub(super) struct Sandbox {
    pub(super) arguments: Vec<String>,
    pub(super) environment: Vec<(String, String)>,
    pub(super) disk: Arc<Disk>,
    pub(super) stdio: Stdio,
    pub(super) process: String,
    pub(super) limits: Limits,
}

impl Sandbox {
    /// A new guest's view: `/app` and `/tmp` of the dyno's disk, `/app` being the working directory; no network.
    pub(super) fn guest(&self) -> wasmtime::Result<GuestState> {
        let mut wasi = WasiCtxBuilder::new();
        wasi.args(&self.arguments)
            .envs(&self.environment)
            .initial_cwd("/app")
            .preopened_dir(self.disk.app(), "/app", FsPerms::ReadWrite)?
            .preopened_dir(self.disk.tmp(), "/tmp", FsPerms::ReadWrite)?;
        self.stdio.connect(&mut wasi, &self.process);
        Ok(GuestState::new(wasi.build_p1(), self.limits))
    }
}
