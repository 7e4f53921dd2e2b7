use super::PlatformError;
use crate::dyno::make_private;
use std::{
    fs::{File, TryLockError},
    io::{self, Read as _, Seek as _, Write as _},
    path::{Path, PathBuf},
};

/// The format of data directories that this version writes, and the newest that it reads.
const FORMAT: u32 = 1;

/// How the name of a file starts while it is being written.
const UNFINISHED: &str = ".writing-";

/// A data directory, held by this process as long as this lives.
///
/// `ledger`, `platform.key`, `slugs` and `git` are the truth; `cache`, `releases`, `owner-token` and `url` are made anew when they
/// are missing.
#[derive(Debug)]
pub struct DataDir {
    path: PathBuf,
    _held: File,
}

impl DataDir {
    /// Makes the directory if it is not there, for this user only, and takes it for this process.
    ///
    /// # Errors
    /// [`PlatformError::InUse`] names the process that has it, [`PlatformError::NewerData`],
    /// [`PlatformError::NotADataDir`] for a directory with other people's files in it, [`PlatformError::NoLedger`],
    /// [`PlatformError::Data`]. What is refused is left as it is.
    pub fn open(path: &Path) -> Result<Self, PlatformError> {
        let failed = |action: &'static str| {
            let path = path.to_owned();
            move |cause| PlatformError::Data { action, path, cause }
        };
        let path = std::path::absolute(path).map_err(failed("find"))?;
        let fresh = !path.join("format").exists();
        // Its ledger alone makes it a data directory; the ledger's own mark tells its format.
        let foreign = fresh && !path.join("ledger/ledger.db").exists();
        if foreign && is_used_otherwise(&path).map_err(failed("read"))? {
            return Err(PlatformError::NotADataDir { path });
        }
        let bereft = !path.join("ledger/ledger.db").exists();
        if bereft && ["owner-token", "slugs/slugs"].iter().any(|left| path.join(left).exists()) {
            return Err(PlatformError::NoLedger { path });
        }
        if !fresh {
            check_format(&path)?;
        }
        make_private(&path).map_err(failed("make"))?;
        let held = hold(&path)?;
        remove_unfinished(&path).map_err(failed("write to"))?;
        if fresh {
            write_whole(&path, "format", &format!("{FORMAT}\n")).map_err(failed("write to"))?;
        }
        Ok(Self { path, _held: held })
    }

    /// Where it is.
    #[must_use]
    pub fn path(&self) -> &Path {
        &self.path
    }

    pub(super) fn join(&self, name: &str) -> PathBuf {
        self.path.join(name)
    }

    /// Writes a file so that it is whole or as it was, readable by this user only.
    pub(super) fn write(&self, name: &str, text: &str) -> Result<(), PlatformError> {
        let failed = |cause| PlatformError::Data { action: "write to", path: self.path.clone(), cause };
        write_whole(&self.path, name, text).map_err(failed)
    }
}

/// Takes the lock, and writes into it whose it is.
pub(super) fn hold(path: &Path) -> Result<File, PlatformError> {
    let failed = |cause| PlatformError::Data { action: "lock", path: path.to_owned(), cause };
    let mut options = File::options();
    options.read(true).write(true).create(true).truncate(false);
    std::os::unix::fs::OpenOptionsExt::mode(&mut options, 0o600);
    let mut lock = options.open(path.join("lock")).map_err(failed)?;
    match lock.try_lock() {
        Ok(()) => {}
        Err(TryLockError::WouldBlock) => {
            let mut holder = String::new();
            // Whose it is helps, but is not needed.
            let _ = lock.take(32).read_to_string(&mut holder);
            let process = holder.trim().parse().ok();
            return Err(PlatformError::InUse { path: path.to_owned(), process });
        }
        Err(TryLockError::Error(cause)) => return Err(failed(cause)),
    }
    let write = |lock: &mut File| {
        lock.set_len(0)?;
        lock.rewind()?;
        writeln!(lock, "{}", std::process::id())
    };
    write(&mut lock).map_err(failed)?;
    Ok(lock)
}

pub(super) fn check_format(path: &Path) -> Result<(), PlatformError> {
    let text = std::fs::read_to_string(path.join("format")).map_err(|cause| PlatformError::Data {
        action: "read",
        path: path.to_owned(),
        cause,
    })?;
    match text.trim().parse::<u32>() {
        Ok(1..=FORMAT) => Ok(()),
        Ok(found) if found > FORMAT => Err(PlatformError::NewerData { path: path.to_owned(), found }),
        _ => Err(PlatformError::NotADataDir { path: path.to_owned() }),
    }
}

/// What a platform that was killed at its very first start may have left; anything else is somebody's.
pub(super) fn is_used_otherwise(path: &Path) -> io::Result<bool> {
    let entries = match std::fs::read_dir(path) {
        Ok(entries) => entries,
        Err(error) if error.kind() == io::ErrorKind::NotFound => return Ok(false),
        Err(error) => return Err(error),
    };
    for entry in entries {
        let name = entry?.file_name();
        let own = ["lock", "hokku.toml", "lost+found"].iter().any(|own| name == *own);
        if !own && !name.as_encoded_bytes().starts_with(UNFINISHED.as_bytes()) {
            return Ok(true);
        }
    }
    Ok(false)
}

/// Removes what a kill left of files that were being written.
fn remove_unfinished(path: &Path) -> io::Result<()> {
    for entry in std::fs::read_dir(path)? {
        let entry = entry?;
        if entry.file_name().as_encoded_bytes().starts_with(UNFINISHED.as_bytes()) {
            std::fs::remove_file(entry.path())?;
        }
    }
    Ok(())
}

fn write_whole(dir: &Path, name: &str, text: &str) -> io::Result<()> {
    // Temporary files are readable by this user only.
    let mut file = tempfile::Builder::new().prefix(UNFINISHED).tempfile_in(dir)?;
    file.write_all(text.as_bytes())?;
    file.as_file().sync_all()?;
    file.persist(dir.join(name))?;
    File::open(dir)?.sync_all()
}

#[cfg(test)]
mod tests {
    use super::*;
    use std::os::unix::fs::PermissionsExt as _;

    fn told(error: &PlatformError, dir: &Path) -> String {
        error
            .to_string()
            .replace(&dir.display().to_string(), "DIR")
            .replace(&std::process::id().to_string(), "PID")
    }

    #[test]
    fn a_directory_is_made_for_its_owner_and_held_once() {
        let parent = tempfile::tempdir().expect("a directory");
        let path = parent.path().join("data");
        let held = DataDir::open(&path).expect("made");
        let mode = |path: &Path| path.metadata().expect("there").permissions().mode() & 0o777;
        assert_eq!(mode(&path), 0o700);
        held.write("url", "http://localhost\n").expect("written");
        assert_eq!(mode(&path.join("url")), 0o600);
        let second = DataDir::open(&path).expect_err("held");
        insta::assert_snapshot!(told(&second, &path), @"the data directory DIR is in use by another hokku (process PID); stop that one, or choose another with --data-dir");
        drop(held);
        DataDir::open(&path).expect("free again");
    }

    #[test]
    fn newer_and_foreign_directories_are_left_alone() {
        let dir = tempfile::tempdir().expect("a directory");
        std::fs::write(dir.path().join("thesis.doc"), "x").expect("written");
        insta::assert_snapshot!(told(&DataDir::open(dir.path()).expect_err("foreign"), dir.path()), @"DIR is not a data directory of hokku, and not empty; choose another with --data-dir");
        std::fs::remove_file(dir.path().join("thesis.doc")).expect("removed");
        std::fs::write(dir.path().join("format"), "2\n").expect("written");
        insta::assert_snapshot!(told(&DataDir::open(dir.path()).expect_err("newer"), dir.path()), @"the data directory DIR was written by a newer hokku (format 2); upgrade this one, which was not allowed to touch it");
        assert_eq!(
            std::fs::read_dir(dir.path()).expect("read").count(),
            1,
            "its format, and no lock of ours"
        );
    }

    #[test]
    fn a_missing_ledger_is_not_taken_for_a_new_platform() {
        let dir = tempfile::tempdir().expect("a directory");
        drop(DataDir::open(dir.path()).expect("made"));
        DataDir::open(dir.path()).expect("a first start that was killed");
        std::fs::create_dir_all(dir.path().join("slugs/slugs")).expect("made");
        insta::assert_snapshot!(told(&DataDir::open(dir.path()).expect_err("bereft"), dir.path()), @"the data directory DIR has slugs or a token, but no ledger/ledger.db: mount or restore it; to begin anew, remove what is left");
        std::fs::create_dir_all(dir.path().join("ledger")).expect("made");
        std::fs::write(dir.path().join("ledger/ledger.db"), "").expect("written");
        DataDir::open(dir.path()).expect("there again");
    }

    #[test]
    fn a_fresh_volume_is_taken_and_what_a_kill_left_is_removed() {
        let dir = tempfile::tempdir().expect("a directory");
        std::fs::create_dir(dir.path().join("lost+found")).expect("made");
        std::fs::write(dir.path().join(".writing-x"), "a token").expect("written");
        DataDir::open(dir.path()).expect("taken");
        assert!(!dir.path().join(".writing-x").exists());
    }
}
