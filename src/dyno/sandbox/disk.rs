use crate::dyno::DynoError;
use cap_std::{ambient_authority, fs::Dir};
use std::{
    io,
    path::{Path, PathBuf},
};
use tempfile::TempDir;
use tokio::runtime::Handle;
use tokio_util::task::TaskTracker;

/// The disk of one dyno: a private copy of the slug's tree at `/app` and an empty `/tmp`. It goes with the dyno: off the
/// async threads, because a tree may have thousands of files.
pub(in crate::dyno) struct Disk {
    app: PathBuf,
    tmp: PathBuf,
    root: Option<TempDir>,
    removals: TaskTracker,
}

impl Disk {
    /// Copies `tree` into a new directory below `parent`; `removals` waits for its removal. Blocks: call it off the
    /// async threads.
    pub(in crate::dyno) fn copy_of(
        tree: &Path,
        parent: &Path,
        removals: TaskTracker,
    ) -> Result<Self, DynoError> {
        let failed = |cause| DynoError::Disk { directory: parent.display().to_string(), cause };
        let root = tempfile::Builder::new().prefix("dyno-").tempdir_in(parent).map_err(failed)?;
        let (app, tmp) = (root.path().join("app"), root.path().join("tmp"));
        let made = std::fs::create_dir(&tmp)
            .and_then(|()| std::fs::create_dir(&app))
            .and_then(|()| Dir::open_ambient_dir(tree, ambient_authority()))
            .and_then(|from| Ok((from, Dir::open_ambient_dir(&app, ambient_authority())?)))
            .and_then(|(from, to)| copy_tree(&from, &to));
        made.map_err(failed)?;
        Ok(Self { app, tmp, root: Some(root), removals })
    }

    pub(in crate::dyno) fn app(&self) -> &Path {
        &self.app
    }

    pub(in crate::dyno) fn tmp(&self) -> &Path {
        &self.tmp
    }

    /// Removes it, and waits until it is gone.
    pub(in crate::dyno) async fn removed(mut self) {
        if let Some(root) = self.root.take() {
            // A directory that cannot be removed goes with the engine's.
            drop(self.removals.spawn_blocking(move || drop(root)).await);
        }
    }
}

impl Drop for Disk {
    fn drop(&mut self) {
        if let (Some(root), Ok(runtime)) = (self.root.take(), Handle::try_current()) {
            self.removals.spawn_blocking_on(move || drop(root), &runtime);
        }
    }
}

/// Copies files, directories and links; a slug's tree holds nothing else.
fn copy_tree(from: &Dir, to: &Dir) -> io::Result<()> {
    for entry in from.entries()? {
        let entry = entry?;
        let (name, kind) = (entry.file_name(), entry.file_type()?);
        if kind.is_dir() {
            to.create_dir(&name)?;
            copy_tree(&entry.open_dir()?, &to.open_dir(&name)?)?;
        } else if kind.is_symlink() {
            to.symlink(from.read_link(&name)?, &name)?;
        } else {
            from.copy(&name, to, &name)?;
        }
    }
    Ok(())
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_disk_is_a_copy_that_goes_with_the_dyno() {
        let (tree, parent) = (tempfile::tempdir().expect("dir"), tempfile::tempdir().expect("dir"));
        std::fs::create_dir(tree.path().join("static")).expect("dir");
        std::fs::write(tree.path().join("static/a.txt"), "slug").expect("file");
        std::os::unix::fs::symlink("static/a.txt", tree.path().join("link")).expect("link");
        let disk = Disk::copy_of(tree.path(), parent.path(), TaskTracker::new()).expect("disk");
        std::fs::write(disk.app().join("static/a.txt"), "dyno").expect("write");
        assert_eq!(std::fs::read_to_string(disk.app().join("link")).expect("read"), "dyno");
        assert_eq!(std::fs::read_to_string(tree.path().join("static/a.txt")).expect("read"), "slug");
        assert!(disk.tmp().is_dir());
        drop(disk);
        assert_eq!(std::fs::read_dir(parent.path()).expect("dir").count(), 0);
    }
}
