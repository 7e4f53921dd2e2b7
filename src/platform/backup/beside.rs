use super::BackupError;
use std::{
    fs::File,
    io,
    path::{Path, PathBuf},
};

/// How the names of temporary directories start.
const PREFIX: &str = ".hokku-backup-";
/// Held by who works in it.
const LOCK: &str = "lock";

/// A private directory on the disk of what is to be made, removed with everything in it when this is dropped. What a kill
/// left of an earlier one is removed by the next.
#[derive(Debug)]
pub(super) struct Beside {
    dir: tempfile::TempDir,
    _held: File,
}

impl Beside {
    /// One in the directory `parent`.
    pub(super) fn new(parent: &Path) -> Result<Self, BackupError> {
        let failed = || BackupError::io("write to", parent);
        sweep(parent).map_err(failed())?;
        let dir = tempfile::Builder::new().prefix(PREFIX).tempdir_in(parent).map_err(failed())?;
        let held = File::create(dir.path().join(LOCK)).map_err(failed())?;
        held.lock().map_err(failed())?;
        Ok(Self { dir, _held: held })
    }

    pub(super) fn path(&self) -> &Path {
        self.dir.path()
    }

    pub(super) fn join(&self, name: &str) -> PathBuf {
        self.dir.path().join(name)
    }
}

/// The directory in which `file` is or will be.
pub(super) fn parent_of(file: &Path) -> &Path {
    file.parent().filter(|dir| !dir.as_os_str().is_empty()).unwrap_or(Path::new("."))
}

/// Whether an entry of a directory is one of ours.
fn is_temporary(name: &std::ffi::OsStr) -> bool {
    name.as_encoded_bytes().starts_with(PREFIX.as_bytes())
}

/// Removes the directories that nobody holds any more.
pub(super) fn sweep(parent: &Path) -> io::Result<()> {
    for entry in std::fs::read_dir(parent)? {
        let entry = entry?;
        if !is_temporary(&entry.file_name()) || !entry.file_type()?.is_dir() {
            continue;
        }
        // One without a lock is being made at this moment, or was left by a kill just then: it is empty.
        let abandoned = match File::open(entry.path().join(LOCK)) {
            Ok(lock) => lock.try_lock().is_ok(),
            Err(_) => false,
        };
        // Another one who sweeps may be faster.
        if abandoned && let Err(error) = std::fs::remove_dir_all(entry.path()) {
            tracing::warn!(%error, path = %entry.path().display(), "cannot remove what an earlier backup left");
        }
    }
    Ok(())
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn what_a_kill_left_is_removed_and_what_is_held_stays() {
        let parent = tempfile::tempdir().expect("a directory");
        let held = Beside::new(parent.path()).expect("made");
        let left = parent.path().join(format!("{PREFIX}killed"));
        std::fs::create_dir(&left).expect("made");
        std::fs::write(left.join(LOCK), "").expect("written");
        std::fs::write(left.join("archive"), "half").expect("written");
        let second = Beside::new(parent.path()).expect("made");
        assert!(!left.exists() && held.path().exists() && second.path().exists());
        drop((held, second));
        assert_eq!(std::fs::read_dir(parent.path()).expect("read").count(), 0);
    }
}
