use super::ServeError;
use crate::build::walk_source;
use notify::{
    ErrorKind, Event, EventKind, RecommendedWatcher, RecursiveMode, Watcher as _, event::ModifyKind,
};
use std::{
    collections::{BTreeSet, HashMap, HashSet},
    io,
    path::{Path, PathBuf},
    sync::{Arc, Mutex, MutexGuard, PoisonError},
    time::Duration,
};
use tokio::{
    sync::Notify,
    task::spawn_blocking,
    time::{Instant, timeout},
};

/// How long nothing may change before a change counts: an editor writes several times, a checkout many files.
const QUIET: Duration = Duration::from_millis(150);

/// How long changes may go on before they count all the same.
const BUSY: Duration = Duration::from_secs(2);

/// The most paths of one burst that are told apart; more are a change of the whole.
const PATHS: usize = 4096;

/// How often one burst is looked at again because new directories were found meanwhile.
const ROUNDS: usize = 4;

/// Tells when a file of the app changed.
pub(super) struct Watch {
    told: Arc<Told>,
    tree: Arc<Mutex<Tree>>,
}

impl Watch {
    /// Watches each directory that a build of `dir` takes, none else, and `.env`.
    ///
    /// Blocks while it walks them.
    ///
    /// # Errors
    /// [`ServeError::Watch`] when there are more directories than the system lets one user watch.
    pub(super) fn new(dir: &Path) -> Result<Self, ServeError> {
        let told = Arc::new(Told::default());
        let failed = |error| ServeError::Watch { dir: dir.to_owned(), reason: in_words(&error) };
        let tree = Tree::watch(dir, &told).map_err(failed)?;
        Ok(Self { told, tree: Arc::new(Mutex::new(tree)) })
    }

    /// Waits for a change of what a build takes, and for the quiet after it or two seconds; gives the first path
    /// that changed, which is the directory itself where the system lost count. `None` when the runtime ends.
    ///
    /// Cancel safe, but for the changes that are being looked at.
    pub(super) async fn changed(&mut self) -> Option<PathBuf> {
        loop {
            let burst = self.told.burst().await;
            let tree = Arc::clone(&self.tree);
            match spawn_blocking(move || lock(&tree).judge(&burst)).await {
                Ok(None) => {}
                Ok(changed) => return changed,
                Err(failed) => match failed.try_into_panic() {
                    Ok(panic) => std::panic::resume_unwind(panic),
                    Err(_) => return None,
                },
            }
        }
    }
}

/// What the system told and nobody has looked at yet.
#[derive(Default)]
struct Told {
    burst: Mutex<Burst>,
    news: Notify,
}

/// Changes that came close together.
#[derive(Default)]
struct Burst {
    /// Each path with its place in the order.
    paths: HashMap<PathBuf, usize>,
    /// Whether there were more than were told.
    lost: bool,
}

impl Told {
    /// Takes an event in. Never waits: the system's queue of events is short.
    fn tell(&self, event: notify::Result<Event>) {
        match event {
            Ok(event) if event.need_rescan() => lock(&self.burst).lost = true,
            Ok(event) if changes_content(event.kind) => lock(&self.burst).add(event.paths),
            Ok(_) => return,
            Err(_) => lock(&self.burst).lost = true,
        }
        self.news.notify_one();
    }

    /// Waits for a change, then until it is quiet or has been busy for long. Cancel safe.
    async fn burst(&self) -> Burst {
        while lock(&self.burst).is_empty() {
            self.news.notified().await;
        }
        let first = Instant::now();
        while let Some(wait) = patience(first.elapsed()) {
            if timeout(wait, self.news.notified()).await.is_err() {
                break;
            }
        }
        std::mem::take(&mut *lock(&self.burst))
    }
}

/// How long the next event is waited for when the first came `since`.
fn patience(since: Duration) -> Option<Duration> {
    BUSY.checked_sub(since).filter(|left| !left.is_zero()).map(|left| left.min(QUIET))
}

impl Burst {
    fn is_empty(&self) -> bool {
        self.paths.is_empty() && !self.lost
    }

    fn add(&mut self, paths: Vec<PathBuf>) {
        for path in paths {
            let next = self.paths.len();
            if next < PATHS {
                self.paths.entry(path).or_insert(next);
            } else {
                self.lost |= !self.paths.contains_key(&path);
            }
        }
    }

    fn first(&self, counts: impl Fn(&Path) -> bool) -> Option<&Path> {
        let paths = self.paths.iter().filter(|(path, _)| counts(path));
        paths.min_by_key(|(_, place)| **place).map(|(path, _)| path.as_path())
    }
}

fn changes_content(kind: EventKind) -> bool {
    match kind {
        EventKind::Create(_) | EventKind::Remove(_) => true,
        EventKind::Modify(kind) => !matches!(kind, ModifyKind::Metadata(_)),
        EventKind::Access(_) | EventKind::Any | EventKind::Other => false,
    }
}

/// The app's directory as it was last seen, and the watches on it.
struct Tree {
    root: PathBuf,
    told: Arc<Told>,
    watcher: RecommendedWatcher,
    watched: BTreeSet<PathBuf>,
    kept: Kept,
    /// Whether some directories could not be watched the last time.
    blind: bool,
}

impl Tree {
    fn watch(root: &Path, told: &Arc<Told>) -> notify::Result<Self> {
        let handler = Arc::clone(told);
        let watcher = notify::recommended_watcher(move |event| handler.tell(event))?;
        let (root, told) = (root.to_owned(), Arc::clone(told));
        let mut tree =
            Self { root, told, watcher, watched: BTreeSet::new(), kept: Kept::default(), blind: false };
        tree.follow()?;
        Ok(tree)
    }

    /// Looks at the tree again; gives the first path of `burst` that was or is part of a build.
    fn judge(&mut self, burst: &Burst) -> Option<PathBuf> {
        let before = std::mem::take(&mut self.kept);
        let followed = self.follow();
        let was_blind = std::mem::replace(&mut self.blind, followed.is_err());
        // Told once: otherwise each line of an ignored log would be a change from then on.
        if let Err(error) = followed
            && !was_blind
        {
            let (dir, reason) = (self.root.display(), in_words(&error));
            tracing::warn!("changes of some directories below {dir} are no longer seen: {reason}");
            return Some(self.root.clone());
        }
        if burst.lost {
            return Some(self.root.clone());
        }
        let dotenv = self.root.join(".env");
        let counts = |path: &Path| path == dotenv || before.has(path) || self.kept.has(path);
        burst.first(counts).map(Path::to_owned)
    }

    /// Walks the tree and watches its directories, until no walk finds a directory that was not watched before
    /// it. Goes on after an error, and gives the first.
    fn follow(&mut self) -> notify::Result<()> {
        self.kept = Kept::of(&self.root);
        let mut done = Ok(());
        for _ in 0..ROUNDS {
            done = done.and(self.watch_directories());
            self.kept = Kept::of(&self.root);
            if self.kept.dirs == self.watched {
                return done;
            }
        }
        // Whoever makes directories so fast makes more.
        self.told.tell(Err(notify::Error::generic("directories were not watched yet")));
        done
    }

    /// Watches the directories of the last walk and no others.
    ///
    /// All of them anew: a directory may have taken another's place, or its name. Watching one twice is one watch.
    fn watch_directories(&mut self) -> notify::Result<()> {
        let (mut done, wanted) = (Ok(()), self.kept.dirs.clone());
        // First, because a watch follows a directory that is renamed.
        for gone in self.watched.difference(&wanted) {
            // Most watches ended with their directories.
            drop(self.watcher.unwatch(gone));
        }
        for dir in &wanted {
            let watched = self.watcher.watch(dir, RecursiveMode::NonRecursive);
            done = done.and(watched.or_else(|error| self.excuse(dir, error)));
        }
        self.watched = wanted;
        done
    }

    /// A directory that has gone again is no failure, nor one that the build cannot read either and tells.
    fn excuse(&self, dir: &Path, error: notify::Error) -> notify::Result<()> {
        use io::ErrorKind::{NotADirectory, NotFound, PermissionDenied};
        let excused = match &error.kind {
            ErrorKind::PathNotFound => true,
            ErrorKind::Io(cause) => matches!(cause.kind(), NotADirectory | NotFound | PermissionDenied),
            _ => false,
        };
        if excused && dir != self.root { Ok(()) } else { Err(error) }
    }
}

/// What a build would take, but for what running Python leaves behind.
#[derive(Default)]
struct Kept {
    dirs: BTreeSet<PathBuf>,
    files: HashSet<PathBuf>,
}

impl Kept {
    fn of(root: &Path) -> Self {
        let mut kept = Self { dirs: BTreeSet::from([root.to_owned()]), files: HashSet::new() };
        // What cannot be read is told by the build.
        for entry in walk_source(root, None).flatten() {
            let inner = entry.path().strip_prefix(root).unwrap_or(entry.path());
            if inner.components().any(|part| part.as_os_str() == "__pycache__") {
                continue;
            }
            if entry.file_type().is_some_and(|kind| kind.is_dir()) {
                kept.dirs.insert(entry.into_path());
            } else {
                kept.files.insert(entry.into_path());
            }
        }
        kept
    }

    fn has(&self, path: &Path) -> bool {
        self.files.contains(path) || self.dirs.contains(path)
    }
}

/// The failure with its remedy.
fn in_words(error: &notify::Error) -> String {
    let too_many = rustix::io::Errno::MFILE.raw_os_error();
    match &error.kind {
        ErrorKind::MaxFilesWatch => "the limit of watched directories is reached: raise \
             fs.inotify.max_user_watches, or name what is not needed at run time in .slugignore"
            .to_owned(),
        ErrorKind::Io(cause) if cause.raw_os_error() == Some(too_many) => {
            format!("{cause}: raise fs.inotify.max_user_instances, or the limit of open files")
        }
        _ => error.to_string(),
    }
}

/// Nothing here is left half done by a panic.
fn lock<T>(mutex: &Mutex<T>) -> MutexGuard<'_, T> {
    mutex.lock().unwrap_or_else(PoisonError::into_inner)
}

#[cfg(test)]
mod tests {
    use super::*;
    use notify::event::{CreateKind, Flag, MetadataKind};
    use std::fs;

    /// An app's directory that nobody watches yet.
    struct App {
        root: PathBuf,
        _dir: tempfile::TempDir,
    }

    impl App {
        fn new(files: &[&str]) -> Self {
            let dir = tempfile::tempdir().expect("dir");
            let app = Self { root: dir.path().canonicalize().expect("path"), _dir: dir };
            for path in files {
                app.write(path, "");
            }
            app
        }

        fn path(&self, path: &str) -> PathBuf {
            self.root.join(path)
        }

        fn write(&self, path: &str, text: &str) {
            let path = self.path(path);
            fs::create_dir_all(path.parent().expect("a parent")).expect("dir");
            fs::write(path, text).expect("file");
        }

        /// A tree whose own events go nowhere.
        fn tree(&self) -> Tree {
            Tree::watch(&self.root, &Arc::default()).expect("watched")
        }

        fn burst(&self, paths: &[&str]) -> Burst {
            let mut burst = Burst::default();
            burst.add(paths.iter().map(|path| self.path(path)).collect());
            burst
        }

        fn watched(&self, tree: &Tree) -> Vec<String> {
            let inner = tree.watched.iter().filter_map(|dir| dir.strip_prefix(&self.root).ok());
            inner.map(|dir| dir.display().to_string()).collect()
        }
    }

    fn created(path: &str) -> Event {
        Event::new(EventKind::Create(CreateKind::File)).add_path(path.into())
    }

    /// Waits until `path` is told: on a slow machine one change may be told as two.
    async fn told(watch: &mut Watch, path: PathBuf) {
        while watch.changed().await.expect("a change") != path {}
    }

    #[tokio::test]
    async fn files_written_made_and_removed_are_told() {
        let app = App::new(&["app.py"]);
        let mut watch = Watch::new(&app.root).expect("watch");
        app.write("app.py", "x");
        assert_eq!(watch.changed().await, Some(app.path("app.py")));
        app.write("new.py", "x");
        told(&mut watch, app.path("new.py")).await;
        fs::remove_file(app.path("app.py")).expect("removed");
        told(&mut watch, app.path("app.py")).await;
        fs::rename(app.path("new.py"), app.path("app.py")).expect("renamed");
        told(&mut watch, app.path("new.py")).await;
    }

    #[tokio::test]
    async fn what_is_ignored_is_not_told_and_the_secrets_are() {
        let app = App::new(&["target/x", "pkg/__pycache__/a.pyc"]);
        app.write(".gitignore", "/target\n*.log\n.env\n");
        let mut watch = Watch::new(&app.root).expect("watch");
        for path in ["target/x", "today.log", "pkg/__pycache__/a.pyc", "pkg/.env", ".env"] {
            app.write(path, "x");
        }
        assert_eq!(watch.changed().await, Some(app.path(".env")));
        app.write("today.log", "y");
        app.write("pkg/a.py", "y");
        told(&mut watch, app.path("pkg/a.py")).await;
    }

    #[tokio::test]
    async fn directories_made_renamed_and_put_in_the_place_of_others_are_watched() {
        let app = App::new(&["app.py"]);
        let mut watch = Watch::new(&app.root).expect("watch");
        fs::create_dir(app.path("sub")).expect("dir");
        assert_eq!(watch.changed().await, Some(app.path("sub")));
        app.write("sub/a.py", "x");
        told(&mut watch, app.path("sub/a.py")).await;
        fs::rename(app.path("sub"), app.path("other")).expect("renamed");
        told(&mut watch, app.path("sub")).await;
        app.write("other/a.py", "y");
        told(&mut watch, app.path("other/a.py")).await;
        fs::remove_dir_all(app.path("other")).expect("removed");
        fs::create_dir(app.path("other")).expect("dir");
        assert!(watch.changed().await.is_some_and(|path| path.starts_with(app.path("other"))));
        app.write("other/b.py", "y");
        told(&mut watch, app.path("other/b.py")).await;
    }

    #[test]
    fn only_directories_that_a_build_takes_are_watched() {
        let app = App::new(&[".git/objects/00/x", "node_modules/a/b", "pkg/__pycache__/a", "pkg/out/x"]);
        app.write(".gitignore", "node_modules\n");
        app.write("pkg/.gitignore", "out\n");
        let mut tree = app.tree();
        assert_eq!(app.watched(&tree), ["", "pkg"]);
        app.write("docs/a", "");
        app.write(".slugignore", "/pkg\n");
        assert_eq!(tree.judge(&app.burst(&["docs"])), Some(app.path("docs")));
        assert_eq!(app.watched(&tree), ["", "docs"]);
    }

    #[test]
    fn a_path_counts_when_it_was_or_is_part_of_a_build() {
        let app = App::new(&["app.py", "pkg/a.py", "pkg/data/x.csv"]);
        app.write(".gitignore", "*.log\n");
        app.write("pkg/.gitignore", "*.csv\n");
        let mut tree = app.tree();
        let mut judge = |paths: &[&str]| tree.judge(&app.burst(paths));
        assert_eq!(judge(&["a.log", "pkg/data/x.csv", "4913", "site.slug", "pkg/.env", ".git"]), None);
        assert_eq!(judge(&["a.log", "pkg/a.py", "app.py"]), Some(app.path("pkg/a.py")));
        assert_eq!(judge(&[".env"]), Some(app.path(".env")));
        fs::remove_file(app.path("app.py")).expect("removed");
        assert_eq!(judge(&["app.py"]), Some(app.path("app.py")));
        assert_eq!(judge(&["app.py"]), None);
        app.write("pkg/.gitignore", "");
        assert_eq!(judge(&["pkg/data/x.csv"]), Some(app.path("pkg/data/x.csv")));
    }

    #[test]
    fn what_can_no_longer_be_watched_is_told_once() {
        let app = App::new(&["app.py"]);
        let (root, mut tree) = (app.root.clone(), app.tree());
        fs::remove_dir_all(&root).expect("removed");
        assert_eq!(tree.judge(&Burst::default()), Some(root));
        assert_eq!(tree.judge(&app.burst(&["a.log"])), None);
        app.write("app.py", "");
        assert_eq!(tree.judge(&app.burst(&["app.py"])), Some(app.path("app.py")));
    }

    #[tokio::test(start_paused = true)]
    async fn lost_events_are_a_change_of_the_whole() {
        let app = App::new(&["app.py"]);
        let overflow = Event::new(EventKind::Other).set_flag(Flag::Rescan);
        let lost: [notify::Result<Event>; 2] = [Ok(overflow), Err(notify::Error::generic("lost"))];
        for event in lost {
            let mut watch = Watch::new(&app.root).expect("watch");
            watch.told.tell(event);
            assert_eq!(watch.changed().await, Some(app.root.clone()));
        }
        let mut many = Burst::default();
        let names = || (0..PATHS).map(|name| name.to_string().into());
        many.add(names().chain(names()).collect());
        assert!(!many.lost);
        many.add(vec!["one more".into()]);
        assert!(many.lost);
    }

    #[tokio::test(start_paused = true)]
    async fn a_burst_ends_with_quiet_and_at_the_latest_after_its_time() {
        let told = Told::default();
        let writing = async {
            loop {
                told.tell(Ok(created("a")));
                tokio::time::sleep(QUIET / 2).await;
            }
        };
        let started = Instant::now();
        let burst = tokio::select! { burst = told.burst() => burst, () = writing => unreachable!() };
        assert_eq!(burst.paths.len(), 1);
        assert!((BUSY..BUSY + QUIET).contains(&started.elapsed()), "{:?}", started.elapsed());

        let started = Instant::now();
        told.tell(Ok(created("b")));
        told.tell(Ok(created("a")));
        assert_eq!(told.burst().await.first(|_| true), Some(Path::new("b")));
        assert!((QUIET..2 * QUIET).contains(&started.elapsed()), "{:?}", started.elapsed());
    }

    #[test]
    fn reading_and_permissions_are_no_changes() {
        let told = Told::default();
        for kind in [
            EventKind::Access(notify::event::AccessKind::Any),
            EventKind::Modify(ModifyKind::Metadata(MetadataKind::Any)),
        ] {
            told.tell(Ok(Event::new(kind).add_path("a".into())));
        }
        assert!(lock(&told.burst).is_empty());
    }

    #[test]
    fn the_limits_of_the_system_are_told_with_the_remedy() {
        let reason = in_words(&notify::Error::new(ErrorKind::MaxFilesWatch));
        insta::assert_snapshot!(ServeError::Watch { dir: "/app".into(), reason }, @"cannot watch /app for changes: the limit of watched directories is reached: raise fs.inotify.max_user_watches, or name what is not needed at run time in .slugignore; serve without watching: --once");
        let reason = in_words(&notify::Error::io(io::Error::from_raw_os_error(24)));
        insta::assert_snapshot!(reason, @"Too many open files (os error 24): raise fs.inotify.max_user_instances, or the limit of open files");
    }
}
