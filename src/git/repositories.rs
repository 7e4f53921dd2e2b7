use super::{GitError, child, error::io_error, plan::Branch, program::Git};
use crate::dyno::make_private;
use crate::ledger::{Ledger, State};
use crate::name::AppId;
use std::{
    collections::HashSet,
    ffi::OsStr,
    fs, io,
    path::{Path, PathBuf},
    sync::Arc,
};
use tokio::{sync::Mutex, task::spawn_blocking};

const ENDING: &str = ".git";
/// How the name of a repository begins while it is made, and while it is removed.
const MAKING: &str = ".new-";
const GOING: &str = ".gone-";

/// The bare repositories, `APP-ID.git` each.
pub(super) struct Repositories {
    dir: PathBuf,
    ledger: Ledger,
    making: Mutex<()>,
}

impl Repositories {
    /// Opens the directory, and removes what a stop left half done and the repositories of apps that were destroyed. One
    /// of an app that the ledger never knew is left alone. Blocks.
    ///
    /// # Errors
    /// [`GitError::Io`].
    pub(super) fn open(dir: PathBuf, ledger: Ledger) -> Result<Self, GitError> {
        make_private(&dir).map_err(io_error("make", &dir))?;
        let state = ledger.state();
        for entry in fs::read_dir(&dir).map_err(io_error("read", &dir))? {
            let path = entry.map_err(io_error("read", &dir))?.path();
            let name = path.file_name().unwrap_or_default().as_encoded_bytes();
            let unfinished = name.starts_with(MAKING.as_bytes()) || name.starts_with(GOING.as_bytes());
            let gone = app_of(&path).is_some_and(|app| state.destroyed.contains(&app));
            if unfinished || gone {
                fs::remove_dir_all(&path).map_err(io_error("remove", &path))?;
            } else if app_of(&path).is_some() {
                remove_leftovers(&path).map_err(io_error("tidy", &path))?;
            }
        }
        Ok(Self { dir, ledger, making: Mutex::default() })
    }

    /// Where the app's repository is; it is made if it is not there.
    ///
    /// # Errors
    /// The system's; [`io::ErrorKind::NotFound`] when the app was destroyed.
    pub(super) async fn of(&self, app: AppId, git: &Git) -> io::Result<PathBuf> {
        let path = self.dir.join(format!("{app}{ENDING}"));
        if path.exists() {
            return Ok(path);
        }
        let _one_at_a_time = self.making.lock().await;
        if !path.exists() {
            self.make(&path, git).await?;
        }
        // Whoever removes those of destroyed apps looked before it was there.
        if self.ledger.state().destroyed.contains(&app) {
            remove(path).await?;
            return Err(io::ErrorKind::NotFound.into());
        }
        Ok(path)
    }

    async fn make(&self, path: &Path, git: &Git) -> io::Result<()> {
        let made = tempfile::Builder::new().prefix(MAKING).tempdir_in(&self.dir)?;
        let mut command = git.command(made.path());
        command.args(["init", "--bare", "--quiet", "--template=", "--initial-branch=main"]);
        child::output(&mut command, 0).await?;
        fs::rename(made.keep(), path)
    }

    /// Removes repositories as their apps are destroyed, for as long as this is polled.
    pub(super) async fn follow(self: Arc<Self>) {
        let mut states = self.ledger.subscribe();
        let mut known = self.ledger.state().destroyed.len();
        loop {
            let state = Arc::clone(&states.borrow_and_update());
            if state.destroyed.len() != known {
                known = state.destroyed.len();
                self.remove_destroyed(&state).await;
            }
            if states.changed().await.is_err() {
                return;
            }
        }
    }

    async fn remove_destroyed(&self, state: &State) {
        let (dir, destroyed) = (self.dir.clone(), Arc::clone(&state.destroyed));
        let gone = spawn_blocking(move || destroyed_in(&dir, &destroyed)).await;
        for path in gone.unwrap_or_else(|failed| Err(io::Error::other(failed))).unwrap_or_default() {
            if let Err(cause) = remove(path.clone()).await {
                tracing::warn!(path = %path.display(), %cause, "the repository of an app that is gone is left behind");
            }
        }
    }
}

/// The branch that was deployed last.
pub(super) async fn deployed(repository: &Path) -> Option<Branch> {
    let head = tokio::fs::read_to_string(repository.join("HEAD")).await.ok()?;
    Branch::of_reference(head.strip_prefix("ref: ")?.trim())
}

/// Notes which branch was deployed last: the one that a clone begins with.
pub(super) async fn note_deployed(repository: &Path, branch: Branch) -> io::Result<()> {
    let dir = repository.to_owned();
    let write = move || {
        let file = tempfile::Builder::new().prefix(MAKING).tempfile_in(&dir)?;
        fs::write(file.path(), format!("ref: {}\n", branch.reference()))?;
        file.as_file().sync_all()?;
        file.persist(dir.join("HEAD"))?;
        Ok(())
    };
    spawn_blocking(write).await.unwrap_or_else(|failed| Err(io::Error::other(failed)))
}

fn destroyed_in(dir: &Path, destroyed: &HashSet<AppId>) -> io::Result<Vec<PathBuf>> {
    let paths =
        fs::read_dir(dir)?.map(|entry| entry.map(|entry| entry.path())).collect::<io::Result<Vec<_>>>()?;
    Ok(paths.into_iter().filter(|path| app_of(path).is_some_and(|app| destroyed.contains(&app))).collect())
}

fn app_of(path: &Path) -> Option<AppId> {
    path.file_name().and_then(OsStr::to_str)?.strip_suffix(ENDING)?.parse().ok()
}

/// Removes a repository; nobody finds it from the first moment on.
async fn remove(path: PathBuf) -> io::Result<()> {
    let remove = move || {
        let name = path.file_name().unwrap_or_default().to_string_lossy();
        let going = path.with_file_name(format!("{GOING}{name}"));
        fs::rename(&path, &going)?;
        fs::remove_dir_all(&going)
    };
    spawn_blocking(remove).await.unwrap_or_else(|failed| Err(io::Error::other(failed)))
}

/// Removes what a kill in the midst of a push left: its quarantine, and locks that nobody holds any more.
fn remove_leftovers(repository: &Path) -> io::Result<()> {
    for entry in fs::read_dir(repository.join("objects"))? {
        let entry = entry?;
        let name = entry.file_name();
        let name = name.as_encoded_bytes();
        if name.starts_with(b"tmp_objdir-") || name.starts_with(b"incoming-") {
            fs::remove_dir_all(entry.path())?;
        }
    }
    for name in ["HEAD.lock", "config.lock", "packed-refs.lock", "shallow.lock", "gc.pid", "gc.pid.lock"] {
        remove_if_there(&repository.join(name))?;
    }
    remove_locks(&repository.join("refs"))
}

fn remove_locks(dir: &Path) -> io::Result<()> {
    for entry in fs::read_dir(dir)? {
        let entry = entry?;
        if entry.file_type()?.is_dir() {
            remove_locks(&entry.path())?;
        } else if entry.path().extension() == Some(OsStr::new("lock")) {
            remove_if_there(&entry.path())?;
        }
    }
    Ok(())
}

fn remove_if_there(path: &Path) -> io::Result<()> {
    match fs::remove_file(path) {
        Err(error) if error.kind() != io::ErrorKind::NotFound => Err(error),
        _ => Ok(()),
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::clock::Clock;
    use crate::ledger::{Actor, Event, Stream};
    use crate::name::{AccountId, AppName, PlatformId};

    async fn append(ledger: &Ledger, event: Event) {
        let decide = |_: &State| Ok::<_, std::fmt::Error>(vec![(Stream::Platform, event.clone())]);
        ledger.change(&Actor::Platform, decide).await.expect("appended");
    }

    /// A ledger with an app that is there and one that was destroyed.
    async fn ledger() -> (Ledger, AppId, AppId) {
        let ledger = Ledger::in_memory(Clock::system());
        append(&ledger, Event::PlatformCreated { platform: PlatformId::random() }).await;
        let owner = AccountId::random();
        append(&ledger, Event::AccountCreated { account: owner, email: "ada@example.com".to_owned() }).await;
        let apps = [AppId::random(), AppId::random()];
        for (app, name) in apps.into_iter().zip(["shop", "gone"]) {
            let stack = crate::slug::STACK.to_owned();
            append(&ledger, Event::AppCreated { app, name: AppName::like(name), owner, stack }).await;
        }
        append(&ledger, Event::AppDestroyed { app: apps[1] }).await;
        (ledger, apps[0], apps[1])
    }

    fn make(dir: &Path, name: &str) -> PathBuf {
        let path = dir.join(name);
        fs::create_dir_all(path.join("objects/tmp_objdir-incoming-x1")).expect("made");
        fs::create_dir_all(path.join("refs/heads/a")).expect("made");
        for lock in ["HEAD.lock", "refs/heads/a/b.lock"] {
            fs::write(path.join(lock), "").expect("written");
        }
        fs::write(path.join("refs/heads/main"), "").expect("written");
        path
    }

    #[tokio::test]
    async fn only_repositories_of_destroyed_apps_are_removed_at_a_start() {
        let dir = tempfile::tempdir().expect("a directory");
        let (ledger, there, gone) = ledger().await;
        // One of an app that a restored ledger does not know is somebody's.
        let unknown = make(dir.path(), &format!("{}.git", AppId::random()));
        let (there, gone) =
            (make(dir.path(), &format!("{there}.git")), make(dir.path(), &format!("{gone}.git")));
        let halves = [make(dir.path(), ".new-abc"), make(dir.path(), ".gone-x.git")];
        Repositories::open(dir.path().to_owned(), ledger).expect("opened");
        assert!(
            there.exists() && unknown.exists() && !gone.exists() && !halves.iter().any(|half| half.exists())
        );
        for left in ["objects/tmp_objdir-incoming-x1", "HEAD.lock", "refs/heads/a/b.lock"] {
            assert!(!there.join(left).exists(), "{left}");
        }
        assert!(there.join("refs/heads/main").exists());
    }

    #[tokio::test]
    async fn a_repository_is_made_once_and_begins_with_main() {
        let dir = tempfile::tempdir().expect("a directory");
        let (ledger, app, gone) = ledger().await;
        let repositories = Repositories::open(dir.path().to_owned(), ledger).expect("opened");
        let git = Git::find(1).await.expect("git is there");
        let (first, second) = tokio::join!(repositories.of(app, &git), repositories.of(app, &git));
        let path = first.expect("made");
        assert_eq!(path, second.expect("there"));
        assert_eq!(deployed(&path).await, Some(Branch::Main));
        note_deployed(&path, Branch::Master).await.expect("noted");
        assert_eq!(deployed(&path).await, Some(Branch::Master));
        let refused = repositories.of(gone, &git).await.expect_err("gone");
        assert_eq!(refused.kind(), io::ErrorKind::NotFound);
        let left = fs::read_dir(dir.path()).expect("read").count();
        assert_eq!(left, 1);
    }
}
