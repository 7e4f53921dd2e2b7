use super::{
    CompileLimits, Compiler,
    code_cache::{CodeCache, off_the_async_threads},
    error::{DynoError, EngineError},
    guest::GuestState,
    housekeeping::Housekeeping,
    program::LoadedProgram,
    scratch::Scratch,
    tree_cache::TreeCache,
};
use crate::slug::{Digest, Program, Slug};
use std::{collections::HashSet, path::PathBuf, sync::Arc, time::Duration};
use tokio_util::task::TaskTracker;
use wasmtime::{Enabled, InstanceAllocationStrategy, PoolingAllocationConfig};

/// How often running guests are interrupted so that others get the thread.
const EPOCH: Duration = Duration::from_millis(10);

/// How an [`Engine`] is made.
#[derive(Clone, Debug, serde::Deserialize, serde::Serialize)]
#[cfg_attr(feature = "platform", derive(documented::DocumentedFields))]
#[serde(default, deny_unknown_fields, rename_all = "kebab-case")]
pub struct EngineConfig {
    /// Where compiled code, unpacked slugs and dynos' disks are kept: `compiled`, `trees` and `scratch` below it.
    /// Only the platform may write here. Default: a directory of its own in the system's temporary directory.
    #[serde(skip)]
    pub cache_dir: Option<PathBuf>,
    /// How wasm becomes machine code. Default: in this process.
    #[serde(skip)]
    pub compiler: Compiler,
    /// The most guest instances alive at a time, over all dynos. Default: 1,000.
    pub max_instances: u32,
}

impl Default for EngineConfig {
    fn default() -> Self {
        Self { cache_dir: None, compiler: Compiler::InProcess, max_instances: 1000 }
    }
}

impl EngineConfig {
    /// Compiles in processes of the `hokku` binary at `program`, under limits.
    #[must_use]
    pub fn compile_with(mut self, program: PathBuf) -> Self {
        self.compiler = Compiler::Subprocess { program, limits: CompileLimits::default() };
        self
    }
}

/// What runs guests: one per process, shared by all its dynos. Clones are the same engine.
///
/// ```
/// use hokku::{Engine, EngineConfig};
///
/// let engine = Engine::new(EngineConfig { max_instances: 10, ..EngineConfig::default() })?;
/// // Code that is compiled ahead of time belongs to one version of the engine and its settings.
/// assert_eq!(engine.compatibility().len(), 16);
/// # Ok::<(), hokku::dyno::EngineError>(())
/// ```
#[derive(Clone)]
pub struct Engine {
    pub(super) inner: Arc<Inner>,
}

pub(super) struct Inner {
    pub(super) wasmtime: wasmtime::Engine,
    pub(super) components: wasmtime::component::Linker<GuestState>,
    pub(super) modules: wasmtime::Linker<GuestState>,
    pub(super) code: CodeCache,
    pub(super) trees: TreeCache,
    pub(super) housekeeping: Housekeeping,
    /// Guests that go on after their answer, and disks of dynos that are being removed.
    pub(super) lingering: TaskTracker,
    _scratch: Scratch,
    /// Kept so that a cache directory of our own making goes with the engine.
    _own_cache: Option<tempfile::TempDir>,
}

impl std::fmt::Debug for Engine {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        f.debug_struct("Engine").field("code", &self.inner.code).finish_non_exhaustive()
    }
}

/// One step of making a slug ready to run.
#[derive(Clone, Debug)]
#[non_exhaustive]
pub enum PrepareEvent {
    /// A program is being compiled ahead of time; the next event tells the end of it.
    Compiling {
        /// Path in the slug.
        program: String,
        /// Bytes of wasm.
        size: u64,
    },
    /// That program is compiled.
    Compiled {
        /// Path in the slug.
        program: String,
        /// Wall time it took.
        took: Duration,
    },
}

impl Engine {
    /// Reserves address space for the instance pool, links the host functions once and starts the epoch clock.
    ///
    /// # Errors
    /// [`EngineError`] when the machine refuses the reservation or the cache directory cannot be made.
    pub fn new(config: EngineConfig) -> Result<Self, EngineError> {
        let failed = |error: wasmtime::Error| EngineError(format!("{error:#}"));
        let wasmtime = wasmtime::Engine::new(&run_config(config.max_instances)).map_err(failed)?;
        let mut components = wasmtime::component::Linker::new(&wasmtime);
        wasmtime_wasi::p2::add_to_linker_async(&mut components).map_err(failed)?;
        wasmtime_wasi_http::p2::add_only_http_to_linker_async(&mut components).map_err(failed)?;
        let mut modules = wasmtime::Linker::new(&wasmtime);
        wasmtime_wasi::p1::add_to_linker_async(&mut modules, GuestState::preview1).map_err(failed)?;

        let io_failed = |error: std::io::Error| EngineError(format!("its cache directory: {error}"));
        let (own_cache, cache_dir) = if let Some(dir) = config.cache_dir {
            (None, dir)
        } else {
            let own = tempfile::Builder::new().prefix("hokku-").tempdir().map_err(io_failed)?;
            let path = own.path().to_owned();
            (Some(own), path)
        };
        let scratch = Scratch::open(&cache_dir).map_err(io_failed)?;
        let code =
            CodeCache::open(&cache_dir, scratch.path(), &wasmtime, config.compiler).map_err(io_failed)?;
        let trees = TreeCache::open(&cache_dir, scratch.path()).map_err(io_failed)?;
        let inner = Arc::new(Inner {
            wasmtime,
            components,
            modules,
            code,
            trees,
            housekeeping: Housekeeping::default(),
            lingering: TaskTracker::new(),
            _scratch: scratch,
            _own_cache: own_cache,
        });
        let engine = Self { inner };
        engine.start_ticking().map_err(|error| EngineError(format!("its epoch thread: {error}")))?;
        Ok(engine)
    }

    /// Compiles every program of `slug` that is not compiled yet for this engine, telling each step to `progress`.
    ///
    /// # Errors
    /// [`DynoError::Compile`] names the program; [`DynoError::Slug`] when the store cannot be read.
    pub async fn prepare(
        &self,
        slug: &Slug,
        progress: &mut (dyn FnMut(PrepareEvent) + Send),
    ) -> Result<(), DynoError> {
        for program in &slug.manifest().programs {
            self.inner.code.ensure(slug, program, progress).await?;
        }
        Ok(())
    }

    /// The compiled form of `program`, from memory, from the cache, or compiled now.
    pub(super) async fn load(&self, slug: &Slug, program: &Program) -> Result<Arc<LoadedProgram>, DynoError> {
        self.inner.code.load(&self.inner, slug, program).await
    }

    /// Removes the unpacked trees and the compiled code that are not `kept` and that no dyno uses. What is missing
    /// later is made again.
    ///
    /// # Errors
    /// The system's words when the cache cannot be read or written.
    pub async fn forget_except(&self, kept: HashSet<Digest>) -> std::io::Result<()> {
        let engine = Arc::clone(&self.inner);
        let forget = move || {
            engine.trees.forget_except(&kept)?;
            engine.code.forget_except(&kept)
        };
        off_the_async_threads(forget).await
    }

    /// Waits until no guest goes on after its answer and the disks of stopped dynos are gone: for a clean end after the
    /// last request.
    ///
    /// Cancel safe.
    pub async fn drained(&self) {
        self.inner.lingering.close();
        self.inner.lingering.wait().await;
        self.inner.lingering.reopen();
    }

    /// Names the version of engine and settings that compiled code belongs to.
    #[must_use]
    pub fn compatibility(&self) -> &str {
        self.inner.code.compatibility()
    }

    /// One thread that turns the epoch and, now and then, sweeps idle instances; it ends with the engine.
    fn start_ticking(&self) -> std::io::Result<()> {
        let engine = Arc::downgrade(&self.inner);
        std::thread::Builder::new().name("hokku-epoch".to_owned()).spawn(move || {
            let mut ticks = 0_u64;
            loop {
                std::thread::sleep(EPOCH);
                let Some(engine) = engine.upgrade() else { break };
                engine.wasmtime.increment_epoch();
                ticks += 1;
                if ticks.is_multiple_of(100) {
                    engine.housekeeping.sweep();
                }
            }
        })?;
        Ok(())
    }
}

/// The settings that compiled code depends on; everything else may differ between compiling and running.
pub(super) fn compile_config() -> wasmtime::Config {
    let mut config = wasmtime::Config::new();
    config
        .concurrency_support(false)
        .epoch_interruption(true)
        .wasm_backtrace_max_frames(std::num::NonZeroUsize::new(64))
        // An interpreter's snapshot is a dense image of tens of megabytes; without an image it would be copied
        // into every instance instead of being mapped.
        .memory_guaranteed_dense_image_size(512 << 20);
    config
}

/// What the pool holds for every instance, taken from the largest real program: the Python component has 14 core
/// instances on one memory and two tables of 5,900 elements; a JavaScript or Rust component has three or four.
const CORE_INSTANCES: u32 = 16;
const TABLES: u32 = 4;
const TABLE_ELEMENTS: usize = 50_000;
/// What one program may have at most; it then takes the share of others.
const MOST_CORE_INSTANCES: u32 = 100;
const MOST_MEMORIES: u32 = 4;
const MOST_TABLES: u32 = 20;

fn run_config(max_instances: u32) -> wasmtime::Config {
    let mut pool = PoolingAllocationConfig::default();
    pool.total_component_instances(max_instances)
        .total_core_instances(max_instances.saturating_mul(CORE_INSTANCES))
        .total_memories(max_instances)
        .total_tables(max_instances.saturating_mul(TABLES))
        .total_stacks(max_instances)
        .max_core_instances_per_component(MOST_CORE_INSTANCES)
        .max_memories_per_component(MOST_MEMORIES)
        .max_tables_per_component(MOST_TABLES)
        .max_tables_per_module(MOST_TABLES)
        .max_memories_per_module(MOST_MEMORIES)
        .max_component_instance_size(4 << 20)
        .max_core_instance_size(4 << 20)
        .table_elements(TABLE_ELEMENTS)
        .table_keep_resident(64 << 10)
        .max_unused_warm_slots(100);
    // Resetting only the pages that a guest dirtied needs Linux 6.7; before that a large keep-resident would be
    // cleared whole each time.
    if has_pagemap_scan() {
        pool.pagemap_scan(Enabled::Auto).linear_memory_keep_resident(4 << 20);
    } else {
        pool.linear_memory_keep_resident(128 << 10);
    }
    let mut config = compile_config();
    config.allocation_strategy(InstanceAllocationStrategy::Pooling(pool));
    config
}

/// Whether the kernel has `PAGEMAP_SCAN` (Linux 6.7).
fn has_pagemap_scan() -> bool {
    let name = rustix::system::uname();
    let release = name.release().to_string_lossy();
    let mut numbers = release.split(['.', '-']).map_while(|part| part.parse::<u32>().ok());
    let version = (numbers.next().unwrap_or(0), numbers.next().unwrap_or(0));
    name.sysname().to_bytes() == b"Linux" && version >= (6, 7)
}
