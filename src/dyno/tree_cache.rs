use super::{
    code_cache::off_the_async_threads, error::DynoError, private_dir::make_private,
    single_flight::SingleFlight,
};
use crate::slug::{Digest, Slug, UnpackLimits};
use std::{
    collections::HashSet,
    fs::File,
    io,
    os::unix::fs::MetadataExt as _,
    path::{Path, PathBuf},
    time::SystemTime,
};

/// How many trees stay: those that were used last. Trees in use stay as well.
const KEPT: usize = 16;

/// Slugs' trees, unpacked once, read-only by agreement: dynos get copies, and static sites are served from them.
///
/// Beside each tree lies a lock file. Who uses the tree holds it shared; a tree that nobody uses is removed when newer
/// ones push it out.
pub(super) struct TreeCache {
    trees: PathBuf,
    scratch: PathBuf,
    unpacking: SingleFlight<Digest>,
}

/// A tree that stays as long as this value does.
#[derive(Debug)]
pub(super) struct Tree {
    path: PathBuf,
    _used: File,
}

impl Tree {
    pub(super) fn path(&self) -> &Path {
        &self.path
    }
}

impl TreeCache {
    pub(super) fn open(root: &Path, scratch: PathBuf) -> io::Result<Self> {
        let trees = root.join("trees");
        make_private(&trees)?;
        Ok(Self { trees, scratch, unpacking: SingleFlight::default() })
    }

    /// Removes every tree that is not `kept` and that nobody uses. Blocks.
    pub(super) fn forget_except(&self, kept: &HashSet<Digest>) -> io::Result<()> {
        let kept: HashSet<String> = kept.iter().map(Digest::hex).collect();
        let is_kept = |lock: &Path| {
            lock.file_stem().and_then(|stem| stem.to_str()).is_some_and(|name| kept.contains(name))
        };
        let mut unkept = locks(&self.trees)?.into_iter().map(|(_, lock)| lock).filter(|lock| !is_kept(lock));
        unkept.try_for_each(|lock| remove_unused(&lock))
    }

    /// Where dynos' disks are made.
    pub(super) fn scratch(&self) -> &Path {
        &self.scratch
    }

    /// The slug's tree; unpacked now if it is not there.
    pub(super) async fn tree(&self, slug: &Slug) -> Result<Tree, DynoError> {
        let digest = &slug.manifest().tree.digest;
        let disk = |cause| DynoError::Disk { directory: self.trees.display().to_string(), cause };
        let _alone = self.unpacking.enter(digest).await;
        let (trees, name) = (self.trees.clone(), digest.hex());
        let tree = off_the_async_threads(move || use_tree(&trees, &name)).await.map_err(disk)?;
        if tokio::fs::try_exists(&tree.path).await.map_err(disk)? {
            return Ok(tree);
        }
        let beside = tempfile::Builder::new().prefix("unpacking-").tempdir_in(&self.scratch).map_err(disk)?;
        let into =
            cap_std::fs::Dir::open_ambient_dir(beside.path(), cap_std::ambient_authority()).map_err(disk)?;
        slug.unpack_tree(into, UnpackLimits::default()).await?;
        match tokio::fs::rename(beside.path(), &tree.path).await {
            Ok(()) => drop(beside.keep()),
            // Another process was quicker; its tree has the same digest.
            Err(_) if tree.path.is_dir() => {}
            Err(cause) => return Err(disk(cause)),
        }
        let trees = self.trees.clone();
        off_the_async_threads(move || push_out(&trees)).await.map_err(disk)?;
        Ok(tree)
    }
}

/// Marks the tree as in use and as used last, whether it is there or not.
fn use_tree(trees: &Path, name: &str) -> io::Result<Tree> {
    make_private(trees)?;
    let lock = trees.join(format!("{name}.lock"));
    loop {
        // Truncating the empty file sets its time.
        let used = File::create(&lock)?;
        used.lock_shared()?;
        // Whoever removed the tree meanwhile removed the file that was opened here, too.
        if std::fs::metadata(&lock).is_ok_and(|now| used.metadata().is_ok_and(|own| own.ino() == now.ino())) {
            return Ok(Tree { path: trees.join(name), _used: used });
        }
    }
}

/// The lock file of every tree, with the time of its last use.
fn locks(trees: &Path) -> io::Result<Vec<(SystemTime, PathBuf)>> {
    let mut locks = Vec::new();
    for entry in std::fs::read_dir(trees)? {
        let entry = entry?;
        if entry.path().extension().is_some_and(|extension| extension == "lock") {
            locks.push((entry.metadata()?.modified()?, entry.path()));
        }
    }
    Ok(locks)
}

/// Removes the trees that were not among the last used and that nobody uses.
fn push_out(trees: &Path) -> io::Result<()> {
    let mut locks = locks(trees)?;
    locks.sort_by_key(|(used, _)| std::cmp::Reverse(*used));
    locks.into_iter().skip(KEPT).try_for_each(|(_, lock)| remove_unused(&lock))
}

/// Removes the tree of `lock`, unless somebody uses it.
fn remove_unused(lock: &Path) -> io::Result<()> {
    let Ok(file) = File::open(lock) else { return Ok(()) };
    if file.try_lock().is_ok() {
        match std::fs::remove_dir_all(lock.with_extension("")) {
            Err(error) if error.kind() != io::ErrorKind::NotFound => return Err(error),
            _ => std::fs::remove_file(lock)?,
        }
    }
    Ok(())
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn newer_trees_push_out_older_ones_that_nobody_uses() {
        let trees = tempfile::tempdir().expect("a directory");
        let take = |number: usize| {
            let tree = use_tree(trees.path(), &format!("{number:02}")).expect("used");
            std::fs::create_dir_all(tree.path()).expect("a tree");
            // The file system's clock may stand for some of these.
            let time = SystemTime::UNIX_EPOCH + std::time::Duration::from_secs(number as u64);
            let lock = File::options().write(true).open(tree.path().with_extension("lock")).expect("a lock");
            lock.set_modified(time).expect("set");
            tree
        };
        let in_use = take(0);
        for number in 1..KEPT + 3 {
            drop(take(number));
        }
        push_out(trees.path()).expect("pushed out");
        let there = |number: usize| trees.path().join(format!("{number:02}")).is_dir();
        assert!(in_use.path().is_dir(), "a tree in use stays");
        assert!(!there(1) && !there(2), "the oldest go");
        assert!((3..KEPT + 3).all(there), "the last used stay");
        let again = use_tree(trees.path(), "01").expect("used again");
        assert!(again.path().with_extension("lock").is_file());
    }

    #[test]
    fn what_is_not_kept_goes_unless_it_is_in_use() {
        let root = tempfile::tempdir().expect("a directory");
        let cache = TreeCache::open(root.path(), root.path().to_owned()).expect("a cache");
        let digest = |name: &str| Digest::of(name.as_bytes());
        let take = |name: &str| {
            let tree = use_tree(&cache.trees, &digest(name).hex()).expect("used");
            std::fs::create_dir_all(tree.path()).expect("a tree");
            tree
        };
        let in_use = take("in use");
        drop((take("kept"), take("left")));
        cache.forget_except(&[digest("kept")].into()).expect("forgotten");
        let there = |name: &str| cache.trees.join(digest(name).hex()).is_dir();
        assert_eq!((there("kept"), there("left"), in_use.path().is_dir()), (true, false, true));
    }
}
