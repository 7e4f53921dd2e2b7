use super::ServeError;
use ignore::gitignore::{Gitignore, GitignoreBuilder};
use notify::{EventKind, RecommendedWatcher, RecursiveMode, Watcher as _, event::ModifyKind};
use std::{
    path::{Path, PathBuf},
    sync::Arc,
    time::Duration,
};
use tokio::sync::mpsc;

/// How long nothing may change before a change counts: an editor writes several times, a checkout many files.
const QUIET: Duration = Duration::from_millis(150);

/// Tells when a file of the app changed.
pub(super) struct Watch {
    changed: mpsc::Receiver<PathBuf>,
    _watcher: RecommendedWatcher,
}

impl Watch {
    /// Watches `dir` and all below it, but for what its `.gitignore` names and `.git`.
    pub(super) fn new(dir: &Path) -> Result<Self, ServeError> {
        let failed =
            |error: notify::Error| ServeError::Watch { dir: dir.to_owned(), reason: error.to_string() };
        let (change, changed) = mpsc::channel(1);
        let (root, ignored) = (dir.to_owned(), Arc::new(ignored(dir)));
        let mut watcher = notify::recommended_watcher(move |event: notify::Result<notify::Event>| {
            // An error says that events were lost: better build once too often.
            let changed = match event {
                Ok(event) if !changes_content(event.kind) => None,
                Ok(event) => event.paths.into_iter().find(|path| counts(&root, &ignored, path)),
                Err(_) => Some(root.clone()),
            };
            if let Some(path) = changed {
                // A full channel already says that something changed.
                drop(change.try_send(path));
            }
        })
        .map_err(failed)?;
        watcher.watch(dir, RecursiveMode::Recursive).map_err(failed)?;
        Ok(Self { changed, _watcher: watcher })
    }

    /// Waits for a change and for the quiet after it; gives the first path that changed.
    ///
    /// Cancel safe, but for the change that is being waited out.
    pub(super) async fn changed(&mut self) -> Option<PathBuf> {
        let first = self.changed.recv().await?;
        while let Ok(Some(_)) = tokio::time::timeout(QUIET, self.changed.recv()).await {}
        Some(first)
    }
}

fn changes_content(kind: EventKind) -> bool {
    match kind {
        EventKind::Create(_) | EventKind::Remove(_) => true,
        EventKind::Modify(kind) => !matches!(kind, ModifyKind::Metadata(_)),
        EventKind::Access(_) | EventKind::Any | EventKind::Other => false,
    }
}

/// The rules of the directory's `.gitignore`; a line that cannot be read ignores nothing.
fn ignored(dir: &Path) -> Gitignore {
    let mut rules = GitignoreBuilder::new(dir);
    drop(rules.add(dir.join(".gitignore")));
    rules.build().unwrap_or_else(|_| Gitignore::empty())
}

fn counts(root: &Path, ignored: &Gitignore, path: &Path) -> bool {
    let Ok(relative) = path.strip_prefix(root) else { return false };
    if relative.starts_with(".git") || relative.components().any(|part| part.as_os_str() == "__pycache__") {
        return false;
    }
    !ignored.matched_path_or_any_parents(relative, path.is_dir()).is_ignore()
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn what_git_ignores_does_not_count() {
        let dir = tempfile::tempdir().expect("dir");
        std::fs::write(dir.path().join(".gitignore"), "/target\n*.log\n").expect("file");
        let rules = ignored(dir.path());
        let counts = |path: &str| counts(dir.path(), &rules, &dir.path().join(path));
        assert!(counts("app.py"));
        assert!(counts("templates/base.html"));
        assert!(counts(".env"));
        assert!(!counts("target/debug/x"));
        assert!(!counts("today.log"));
        assert!(!counts(".git/index"));
        assert!(!counts("pkg/__pycache__/a.pyc"));
    }

    #[tokio::test]
    async fn a_written_file_is_told() {
        let dir = tempfile::tempdir().expect("dir");
        let root = dir.path().canonicalize().expect("path");
        let mut watch = Watch::new(&root).expect("watch");
        std::fs::write(root.join("app.py"), "x").expect("file");
        assert_eq!(watch.changed().await, Some(root.join("app.py")));
    }
}
