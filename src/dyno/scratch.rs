use super::private_dir::make_private;
use std::{
    fs::{File, TryLockError},
    io,
    path::{Path, PathBuf},
};
use tempfile::TempDir;

/// The directory for all that one engine makes for a while: dynos' disks, code that is being compiled, trees that are
/// being unpacked. It goes with the engine; what a killed engine left goes when the next one starts.
pub(super) struct Scratch {
    dir: Option<TempDir>,
    path: PathBuf,
    door: PathBuf,
    _held: File,
}

/// The file in a scratch directory that its engine holds locked as long as it lives.
const LOCK: &str = "lock";

impl Scratch {
    /// Makes a scratch directory below `cache` and removes those that no engine holds.
    pub(super) fn open(cache: &Path) -> io::Result<Self> {
        let all = cache.join("scratch");
        make_private(&all)?;
        let door = all.join(LOCK);
        let _inside = enter(&door)?;
        for entry in std::fs::read_dir(&all)? {
            let path = entry?.path();
            if path.is_dir()
                && !is_held(&path)?
                && let Err(error) = std::fs::remove_dir_all(&path)
            {
                tracing::warn!(path = %path.display(), %error, "cannot remove what a killed engine left");
            }
        }
        let dir = tempfile::Builder::new().prefix("engine-").tempdir_in(&all)?;
        let held = File::create(dir.path().join(LOCK))?;
        held.lock()?;
        Ok(Self { path: dir.path().to_owned(), dir: Some(dir), door, _held: held })
    }

    pub(super) fn path(&self) -> PathBuf {
        self.path.clone()
    }
}

impl Drop for Scratch {
    fn drop(&mut self) {
        // Without the door, a starting engine might sweep the same directory now; it would only do the same work.
        let _inside = enter(&self.door);
        self.dir.take();
    }
}

/// One at a time, so that nobody removes a directory between its making and its locking.
fn enter(door: &Path) -> io::Result<File> {
    let door = File::create(door)?;
    door.lock()?;
    Ok(door)
}

fn is_held(dir: &Path) -> io::Result<bool> {
    match File::open(dir.join(LOCK)) {
        Ok(lock) => match lock.try_lock() {
            Ok(()) => Ok(false),
            Err(TryLockError::WouldBlock) => Ok(true),
            Err(TryLockError::Error(error)) => Err(error),
        },
        Err(error) if error.kind() == io::ErrorKind::NotFound => Ok(false),
        Err(error) => Err(error),
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    /// A killed process removes no directory, but its locks are gone.
    fn kill(mut engine: Scratch) {
        drop(engine.dir.take().map(TempDir::keep));
    }

    #[test]
    fn what_a_killed_engine_left_is_removed_and_what_a_living_one_has_is_not() {
        let cache = tempfile::tempdir().expect("a directory");
        let living = Scratch::open(cache.path()).expect("open");
        let killed = Scratch::open(cache.path()).expect("open");
        let left = killed.path();
        std::fs::write(left.join("disk"), "x").expect("written");
        kill(killed);
        let next = Scratch::open(cache.path()).expect("open");
        assert!(living.path().exists() && next.path().exists());
        assert!(!left.exists());
    }
}
