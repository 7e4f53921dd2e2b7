use super::{
    Compiler, PrepareEvent,
    engine::Inner,
    error::{CompileError, DynoError},
    kind::ProgramKind,
    private_dir::make_private,
    program::{LoadedProgram, OpenError},
    single_flight::SingleFlight,
};
use crate::slug::{Digest, Program, Slug};
use std::{
    collections::{HashMap, HashSet},
    hash::{DefaultHasher, Hash as _, Hasher as _},
    io,
    path::{Path, PathBuf},
    sync::{Arc, Mutex, PoisonError, Weak},
    time::Instant,
};

/// Compiled code, by the digest of the wasm and the engine that it was compiled for.
///
/// Only the platform writes here; compiled code is native code and is read from nowhere else. The directory may be
/// deleted at any time: what is missing is compiled again.
pub(super) struct CodeCache {
    dir: PathBuf,
    scratch: PathBuf,
    compatibility: String,
    compiler: Compiler,
    loaded: Mutex<HashMap<Digest, Weak<LoadedProgram>>>,
    compiling: SingleFlight<Digest>,
}

impl std::fmt::Debug for CodeCache {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        f.debug_struct("CodeCache")
            .field("dir", &self.dir)
            .field("compiler", &self.compiler)
            .finish_non_exhaustive()
    }
}

impl CodeCache {
    pub(super) fn open(
        root: &Path,
        scratch: PathBuf,
        engine: &wasmtime::Engine,
        compiler: Compiler,
    ) -> io::Result<Self> {
        let mut hasher = DefaultHasher::new();
        engine.precompile_compatibility_hash().hash(&mut hasher);
        let compatibility = format!("{:016x}", hasher.finish());
        make_private(&root.join("compiled"))?;
        let dir = root.join("compiled").join(&compatibility);
        make_private(&dir)?;
        Ok(Self {
            dir,
            scratch,
            compatibility,
            compiler,
            loaded: Mutex::default(),
            compiling: SingleFlight::default(),
        })
    }

    pub(super) fn compatibility(&self) -> &str {
        &self.compatibility
    }

    fn path(&self, digest: &Digest) -> PathBuf {
        self.dir.join(format!("{}.cwasm", digest.hex()))
    }

    /// Removes the code of every program that is not `kept` and that nothing has loaded. Blocks.
    pub(super) fn forget_except(&self, kept: &HashSet<Digest>) -> io::Result<()> {
        for entry in std::fs::read_dir(&self.dir)? {
            let path = entry?.path();
            let stem = path.file_stem().and_then(|stem| stem.to_str());
            let Some(Ok(digest)) = stem.map(|hex| format!("sha256:{hex}").parse::<Digest>()) else {
                continue;
            };
            let loaded = self.loaded.lock().unwrap_or_else(PoisonError::into_inner);
            let in_use = loaded.get(&digest).is_some_and(|weak| weak.strong_count() > 0);
            if !in_use && !kept.contains(&digest) {
                gone(std::fs::remove_file(&path))?;
            }
        }
        Ok(())
    }

    /// Compiles `program` unless that is done already; two callers at once compile once.
    pub(super) async fn ensure(
        &self,
        slug: &Slug,
        program: &Program,
        progress: &mut (dyn FnMut(PrepareEvent) + Send),
    ) -> Result<PathBuf, DynoError> {
        let path = self.path(&program.digest);
        if exists(&path).await {
            return Ok(path);
        }
        let _alone = self.compiling.enter(&program.digest).await;
        if exists(&path).await {
            return Ok(path);
        }
        let wasm = slug.program_bytes(program).await?;
        let looked_at = wasm.clone();
        off_the_async_threads(move || ProgramKind::of(&looked_at))
            .await
            .map_err(|reason| CompileError::Invalid { program: program.path.clone(), reason })?;
        let started = Instant::now();
        progress(PrepareEvent::Compiling { program: program.path.clone(), size: program.size });
        let host = |action: &'static str| {
            let path = self.dir.display().to_string();
            move |cause| DynoError::from(CompileError::Cache { action, path, cause })
        };
        let beside = tempfile::Builder::new().prefix("compiling-").tempdir_in(&self.scratch);
        let beside = beside.map_err(host("write beside"))?;
        let output = beside.path().join("code");
        self.compiler.compile(&program.path, wasm, &output).await?;
        tokio::fs::File::open(&output)
            .await
            .map_err(host("read"))?
            .sync_all()
            .await
            .map_err(host("flush"))?;
        make_private(&self.dir).map_err(host("make"))?;
        tokio::fs::rename(&output, &path).await.map_err(host("write to"))?;
        progress(PrepareEvent::Compiled { program: program.path.clone(), took: started.elapsed() });
        Ok(path)
    }

    /// The program ready to be instantiated; dynos that run the same program share it.
    pub(super) async fn load(
        &self,
        engine: &Arc<Inner>,
        slug: &Slug,
        program: &Program,
    ) -> Result<Arc<LoadedProgram>, DynoError> {
        let known = self.loaded.lock().unwrap_or_else(PoisonError::into_inner).get(&program.digest).cloned();
        if let Some(loaded) = known.and_then(|weak| weak.upgrade()) {
            return Ok(loaded);
        }
        let mut path = self.ensure(slug, program, &mut |_| {}).await?;
        let loaded = match open(engine, program, &path).await {
            Ok(loaded) => loaded,
            Err(OpenError::Damaged(_)) => {
                // Deleted meanwhile, or cut short by a full disk: the code is only a cache.
                if let Err(error) = tokio::fs::remove_file(&path).await
                    && error.kind() != io::ErrorKind::NotFound
                {
                    return Err(CompileError::Cache {
                        action: "remove the damaged",
                        path: path.display().to_string(),
                        cause: error,
                    }
                    .into());
                }
                path = self.ensure(slug, program, &mut |_| {}).await?;
                open(engine, program, &path).await.map_err(|error| error.into_dyno_error(program))?
            }
            Err(error) => return Err(error.into_dyno_error(program)),
        };
        let loaded = Arc::new(loaded);
        let mut map = self.loaded.lock().unwrap_or_else(PoisonError::into_inner);
        map.retain(|_, weak| weak.strong_count() > 0);
        map.insert(program.digest, Arc::downgrade(&loaded));
        Ok(loaded)
    }
}

async fn open(engine: &Arc<Inner>, program: &Program, path: &Path) -> Result<LoadedProgram, OpenError> {
    let (engine, program, path) = (engine.clone(), program.clone(), path.to_owned());
    off_the_async_threads(move || LoadedProgram::open(&engine, &program, &path)).await
}

/// Somebody else may have removed it first.
fn gone(removed: io::Result<()>) -> io::Result<()> {
    match removed {
        Err(error) if error.kind() == io::ErrorKind::NotFound => Ok(()),
        removed => removed,
    }
}

/// Runs what maps, parses or links megabytes on a thread that may block.
pub(super) async fn off_the_async_threads<T: Send + 'static>(work: impl FnOnce() -> T + Send + 'static) -> T {
    match tokio::task::spawn_blocking(work).await {
        Ok(done) => done,
        Err(failed) => std::panic::resume_unwind(failed.into_panic()),
    }
}

async fn exists(path: &Path) -> bool {
    tokio::fs::try_exists(path).await.unwrap_or(false)
}
