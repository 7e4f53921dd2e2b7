use super::{git::Git, netrc::Netrc};
use crate::slug::CommandLine;
use std::path::{Path, PathBuf};

/// What commands read and change on the user's own machine, beside the platform.
pub(super) struct Desk {
    /// Where tokens are kept; `None` without a home directory.
    pub(super) netrc: Option<Netrc>,
    pub(super) git: Git,
    /// This program as a shell finds it.
    pub(super) program: String,
    /// The platform's data directory where it is not the usual one.
    pub(super) data_dir: Option<PathBuf>,
}

impl Desk {
    /// The user's own.
    pub(super) fn of_process(data_dir: Option<PathBuf>) -> Self {
        Self { netrc: Netrc::of_environment(), git: Git::here(), program: program(), data_dir }
    }
}

/// `hokku`, if that is this program wherever it is called; else where it is.
fn program() -> String {
    let Ok(own) = std::env::current_exe() else { return "hokku".to_owned() };
    let path = std::env::var_os("PATH").unwrap_or_default();
    let first = std::env::split_paths(&path).map(|dir| dir.join("hokku")).find(|file| file.is_file());
    let same = |file: &Path| file.canonicalize().ok() == own.canonicalize().ok();
    match own.to_str() {
        Some(own) if !first.is_some_and(|file| same(&file)) => CommandLine::quote(&[own.to_owned()]),
        _ => "hokku".to_owned(),
    }
}
