use super::{BuildError, CacheKey, stragglers};
use std::{
    ffi::OsStr,
    fs::{self, DirBuilder, File, Permissions},
    io,
    os::unix::fs::{DirBuilderExt, PermissionsExt},
    path::{Path, PathBuf},
};

/// Where builds keep what outlives them, and what does not.
#[derive(Clone, Debug)]
pub(super) struct CacheDir(PathBuf);

impl CacheDir {
    /// Makes the directories of `root`, and removes what builds that were killed have left there.
    pub(super) fn open(root: &Path) -> Result<Self, BuildError> {
        let failed = |cause| BuildError::host("prepare the cache directory", root, cause);
        for name in ["apps", "buildpacks", "locks", "toolchains", "tmp"] {
            DirBuilder::new().recursive(true).mode(0o700).create(root.join(name)).map_err(failed)?;
        }
        let cache = Self(fs::canonicalize(root).map_err(failed)?);
        cache.sweep().map_err(failed)?;
        Ok(cache)
    }

    pub(super) fn root(&self) -> &Path {
        &self.0
    }

    /// `CACHE_DIR` of an app.
    pub(super) fn of_app(&self, app: &CacheKey) -> PathBuf {
        self.0.join("apps").join(app.to_string())
    }

    /// Held by the one build of an app that runs.
    pub(super) fn app_lock(&self, app: &CacheKey) -> PathBuf {
        self.lock(&format!("app-{app}"))
    }

    pub(super) fn buildpacks(&self) -> PathBuf {
        self.0.join("buildpacks")
    }

    /// `TOOLCHAIN_DIR` of one version of a buildpack.
    pub(super) fn toolchain(&self, key: &str) -> PathBuf {
        self.0.join("toolchains").join(key)
    }

    pub(super) fn lock(&self, name: &str) -> PathBuf {
        self.0.join("locks").join(format!("{name}.lock"))
    }

    /// Held while workspaces are made or swept, so that none is swept between its making and its locking.
    fn guard(&self) -> io::Result<File> {
        let guard = File::create(self.lock("tmp"))?;
        guard.lock()?;
        Ok(guard)
    }

    /// Removes every workspace that nobody holds, and ends what the builds that had them left running.
    fn sweep(&self) -> io::Result<()> {
        let _guard = self.guard()?;
        for entry in fs::read_dir(self.0.join("tmp"))? {
            let path = entry?.path();
            if path.extension().is_some_and(|extension| extension == "lock") {
                let free = File::open(&path).is_ok_and(|lock| lock.try_lock().is_ok());
                if free {
                    end_build_of(&path);
                    remove(&path.with_extension(""))?;
                    fs::remove_file(&path)?;
                }
            } else if !path.with_extension("lock").exists() {
                end_build_of(&path);
                remove(&path)?;
            }
        }
        Ok(())
    }
}

/// Kills the processes of the build whose workspace or lock file this is: they outlived who started them.
fn end_build_of(path: &Path) {
    if let Some(id) = path.file_stem().and_then(OsStr::to_str) {
        stragglers::kill(id);
    }
}

/// One build's own directory. Removed when dropped, whatever the build left in it.
#[derive(Debug)]
pub(super) struct Workspace {
    root: PathBuf,
    _lock: File,
}

impl Workspace {
    /// Makes the directory of build `id` with those that a build needs.
    pub(super) fn create(cache: &CacheDir, id: &str) -> Result<Self, BuildError> {
        let root = cache.root().join("tmp").join(id);
        let make = || {
            let guard = cache.guard()?;
            let lock = File::create(root.with_extension("lock"))?;
            lock.lock()?;
            drop(guard);
            let workspace = Self { root: root.clone(), _lock: lock };
            for name in ["build", "buildpacks", "env", "home", "tmp"] {
                DirBuilder::new().recursive(true).mode(0o700).create(root.join(name))?;
            }
            Ok(workspace)
        };
        make().map_err(|cause| BuildError::host("create", &root, cause))
    }

    pub(super) fn root(&self) -> &Path {
        &self.root
    }

    /// `BUILD_DIR`: the app's tree.
    pub(super) fn build(&self) -> PathBuf {
        self.root.join("build")
    }

    /// This build's own copies of its buildpacks.
    pub(super) fn buildpacks(&self) -> PathBuf {
        self.root.join("buildpacks")
    }

    /// `ENV_DIR`: one file for each config var.
    pub(super) fn env(&self) -> PathBuf {
        self.root.join("env")
    }

    /// `HOME`, empty at first.
    pub(super) fn home(&self) -> PathBuf {
        self.root.join("home")
    }

    /// `TMPDIR`.
    pub(super) fn tmp(&self) -> PathBuf {
        self.root.join("tmp")
    }
}

impl Drop for Workspace {
    fn drop(&mut self) {
        if let Err(cause) = remove(&self.root) {
            tracing::warn!(dir = %self.root.display(), %cause, "a build's directory is left behind");
            return; // with its lock file, so that the next start sweeps it
        }
        fs::remove_file(self.root.with_extension("lock")).ok(); // an empty file that the next sweep takes
    }
}

/// Removes `dir` with all that is in it, also where a build took its own rights away; fine if it is not there.
pub(super) fn remove(dir: &Path) -> io::Result<()> {
    let gone = |result: io::Result<()>| match result {
        Err(error) if error.kind() == io::ErrorKind::NotFound => Ok(()),
        other => other,
    };
    gone(fs::remove_dir_all(dir)).or_else(|_| {
        reopen(dir);
        gone(fs::remove_dir_all(dir))
    })
}

/// Gives the owner back every right on `dir` and the directories below. What fails shows when removing.
fn reopen(dir: &Path) {
    fs::set_permissions(dir, Permissions::from_mode(0o700)).ok();
    for entry in fs::read_dir(dir).into_iter().flatten().flatten() {
        if entry.file_type().is_ok_and(|kind| kind.is_dir()) {
            reopen(&entry.path());
        }
    }
}
