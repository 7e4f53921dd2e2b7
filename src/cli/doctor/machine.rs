use crate::platform::Holder;
use std::{path::PathBuf, time::Duration};

/// What there is on a machine, as far as it was looked at.
#[derive(Clone, Debug)]
pub(super) struct Machine {
    pub(super) system: System,
    pub(super) git: Program,
    pub(super) python: Program,
    /// Whether that Python has pip.
    pub(super) pip: Program,
    pub(super) node: Program,
    pub(super) go: Program,
    /// Running a small program as a dyno: how long it took, or what went wrong.
    pub(super) engine: Result<Duration, String>,
    pub(super) data: Data,
    pub(super) disks: Vec<Disk>,
    /// How many files a process may have open, as far as it may raise that itself; `None`: any number.
    pub(super) open_files: Option<u64>,
    pub(super) port: Port,
    pub(super) platform: Answer,
    /// The certificate of the platform's own certificate authority, if there is one: whether it can be read.
    pub(super) authority: Option<Result<PathBuf, String>>,
}

/// Whose words the remedies are in.
#[derive(Clone, Copy, Debug, Eq, PartialEq)]
pub(super) enum System {
    Debian,
    MacOs,
    Other,
}

/// A program that others run.
#[derive(Clone, Debug, Eq, PartialEq)]
pub(super) enum Program {
    Absent,
    /// It is there and does not work.
    Broken(String),
    Version(u32, u32),
}

/// The data directory.
#[derive(Clone, Debug)]
pub(super) enum Data {
    /// It is made at the first start.
    NotThere(PathBuf),
    Held(PathBuf, Holder),
    /// No platform starts with it; the text says why and what to do.
    Unusable(String),
}

/// What is free where something is kept.
#[derive(Clone, Debug)]
pub(super) struct Disk {
    pub(super) name: &'static str,
    pub(super) purpose: &'static str,
    pub(super) dir: PathBuf,
    /// Bytes, or why they are not known.
    pub(super) free: Result<u64, String>,
}

/// The port that a platform takes unless told otherwise.
#[derive(Clone, Copy, Debug, Eq, PartialEq)]
pub(super) enum Port {
    Free(u16),
    /// The platform of the data directory listens there.
    Ours(u16),
    Taken(u16),
}

/// What came of asking the platform who asks.
#[derive(Clone, Debug)]
pub(super) enum Answer {
    /// It knows the token.
    Known { host: String, email: String },
    /// It answers, but not so; the text says why and what to do.
    Refused(String),
    /// Nobody answers.
    Silent { host: String },
    /// It is not clear which platform is meant.
    Unclear(String),
}
