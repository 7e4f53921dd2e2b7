use super::{
    CommandLine, Digest, Executable, Inspect, Manifest, PackPlan, Program, STACK, SlugDigest, SlugError,
    SlugStore, Tree, UnpackLimits, UnpackSummary,
    archive::{self, IntoDir, PackedTree},
    blob::Blob,
    error::blocking,
    programs::{self, FoundProgram, MAGIC},
};
use crate::name::ProcessType;
use bytes::Bytes;
use cap_std::fs::Dir;
use std::{fs::File, sync::Arc};

/// A slug in a store: its manifest, and the way to its blobs. Cheap to clone.
///
/// ```
/// use hokku::slug::{PackPlan, Slug, SlugStore};
///
/// # fn main() -> Result<(), hokku::dyno::BodyError> {
/// # tokio::runtime::Runtime::new()?.block_on(async {
/// let dir = tempfile::tempdir()?;
/// std::fs::write(dir.path().join("index.html"), "<h1>A page</h1>")?;
/// let tree = cap_std::fs::Dir::open_ambient_dir(dir.path(), cap_std::ambient_authority())?;
/// let slug = Slug::pack(&SlugStore::in_memory(), tree, PackPlan::default()).await?;
///
/// // As one file, and back into another store: the digest is the slug.
/// let file = dir.path().join("app.slug");
/// slug.export(&file).await?;
/// let copy = Slug::import(&SlugStore::open_dir(&dir.path().join("slugs"))?, &file).await?;
/// assert_eq!(copy.digest(), slug.digest());
/// # Ok(()) })
/// # }
/// ```
#[derive(Clone, Debug)]
pub struct Slug {
    digest: SlugDigest,
    manifest: Arc<Manifest>,
    store: SlugStore,
}

impl Slug {
    /// Packs `tree` into `store`. The same tree and plan give the same slug.
    ///
    /// Blocking work runs off the async threads. Dropped before its end, nothing of the slug is visible;
    /// blobs already stored stay for the next try.
    ///
    /// # Errors
    /// [`SlugError::Refused`] names what may not be in a slug; [`SlugError::TooLarge`] over the plan's
    /// limit; [`SlugError::Command`] for shell syntax; host faults of the disk and the store.
    pub async fn pack(store: &SlugStore, tree: Dir, plan: PackPlan) -> Result<Self, SlugError> {
        let tree = Arc::new(tree);
        let inspect = plan.inspect;
        let (mut manifest, packed, programs) = {
            let (store, tree) = (store.clone(), Arc::clone(&tree));
            blocking(move || pack_files(&tree, &plan, store.scratch_file()?)).await?
        };
        for FoundProgram { program, converted } in programs {
            let blob = match converted {
                Some(wasm) => Blob::Memory(wasm),
                None => open_program(Arc::clone(&tree), program.clone()).await?,
            };
            store.put_blob(program.digest, blob).await.map_err(|failed| match failed {
                SlugError::Corrupt { .. } => SlugError::Changed { path: program.path },
                failed => failed,
            })?;
        }
        let file = Blob::File { file: Arc::new(packed.file), offset: 0, len: packed.size };
        store.put_blob(packed.digest, file).await?;
        if let Some(inspect) = inspect {
            tell_how_web_serves(&mut manifest, store, inspect).await?;
        }
        let text = manifest.to_toml()?;
        Self::finish(store, manifest, text).await
    }

    /// Writes the manifest, last of all: `text`, which reads as `manifest`.
    pub(super) async fn finish(
        store: &SlugStore,
        manifest: Manifest,
        text: String,
    ) -> Result<Self, SlugError> {
        let digest = store.put_manifest(text.into()).await?;
        Ok(Self { digest, manifest: Arc::new(manifest), store: store.clone() })
    }

    /// Opens a slug of `store`. Its blobs are read, and checked, when they are asked for.
    ///
    /// # Errors
    /// [`SlugError::NoSlug`], [`SlugError::Corrupt`], [`SlugError::Manifest`] for a newer format.
    pub async fn open(store: &SlugStore, digest: &SlugDigest) -> Result<Self, SlugError> {
        let bytes = store.read_manifest(digest).await?;
        let text = std::str::from_utf8(&bytes).map_err(|_| SlugError::Corrupt { blob: digest.digest() })?;
        let manifest = Arc::new(Manifest::from_toml(text)?);
        Ok(Self { digest: *digest, manifest, store: store.clone() })
    }

    /// The slug's name.
    #[must_use]
    pub fn digest(&self) -> &SlugDigest {
        &self.digest
    }

    /// What the slug is.
    #[must_use]
    pub fn manifest(&self) -> &Manifest {
        &self.manifest
    }

    /// The store it is in.
    #[must_use]
    pub fn store(&self) -> &SlugStore {
        &self.store
    }

    /// Unpacks the app's files into `into`, which should be empty, and touches nothing outside of it.
    ///
    /// After an error, and when the future is dropped, files may be left: remove the directory.
    ///
    /// # Errors
    /// [`SlugError::Corrupt`] when the blob is damaged, [`SlugError::Refused`] and [`SlugError::Archive`]
    /// when it is not what packing writes, [`SlugError::Io`] when the disk fails or is full.
    pub async fn unpack_tree(&self, into: Dir, limits: UnpackLimits) -> Result<UnpackSummary, SlugError> {
        let tree = self.manifest.tree.clone();
        let blob = self.store.open_blob(tree.digest, tree.size).await?;
        let read = blocking(move || read_tree(&blob, &tree, &limits, &mut IntoDir(into))).await;
        match read {
            Err(SlugError::Corrupt { blob }) => Err(self.store.suspect(blob).await),
            read => read,
        }
    }

    /// The wasm of one program, checked against its digest; at most the slug's size in memory.
    ///
    /// # Errors
    /// [`SlugError::Corrupt`], [`SlugError::MissingBlob`], [`SlugError::Refused`] when it is not wasm.
    pub async fn program_bytes(&self, program: &Program) -> Result<Bytes, SlugError> {
        let bytes = self.store.read_blob(program.digest, program.size).await?;
        check_wasm(program, &bytes)?;
        Ok(bytes)
    }
}

/// Completes the manifest with what is seen in the program of the web process.
async fn tell_how_web_serves(
    manifest: &mut Manifest,
    store: &SlugStore,
    inspect: Inspect,
) -> Result<(), SlugError> {
    let web = ProcessType::web();
    let Some(process) = manifest.processes.get(&web) else { return Ok(()) };
    let word = CommandLine::parse(&process.command).ok().and_then(|line| line.program());
    // A word that names no program is told with the programs that there are, when the command is looked up.
    let Some(Ok(Executable::Program(program))) = word.as_deref().map(|word| manifest.lookup(word)) else {
        return Ok(());
    };
    let (program, bytes) = (program.path.clone(), store.read_blob(program.digest, program.size).await?);
    let seen = blocking(move || Ok(inspect(&bytes))).await?;
    let refuse = |reason| SlugError::Serves { process_type: web.clone(), program, reason };
    let serves = seen.map_err(refuse)?;
    if let Some(process) = manifest.processes.get_mut(&web) {
        process.serves = Some(serves);
    }
    Ok(())
}

/// Refuses a program that does not start as wasm does.
pub(super) fn check_wasm(program: &Program, head: &[u8]) -> Result<(), SlugError> {
    if head.starts_with(MAGIC) {
        return Ok(());
    }
    Err(SlugError::Refused { entry: program.path.clone(), why: archive::Refusal::NotWasm })
}

/// Reads the tree's archive, and compares it with what the manifest says of it.
pub(super) fn read_tree(
    blob: &Blob,
    tree: &Tree,
    limits: &UnpackLimits,
    sink: &mut dyn archive::Sink,
) -> Result<UnpackSummary, SlugError> {
    let reading = SlugError::io("read the archive of the tree");
    let (outcome, digest) = archive::read(blob.reader(), blob.len(), limits, sink).map_err(reading)?;
    if digest != tree.digest {
        return Err(SlugError::Corrupt { blob: tree.digest });
    }
    let summary = outcome.map_err(|unreadable| unreadable.of(digest))?;
    if (summary.bytes, summary.entries) != (tree.unpacked, tree.entries) {
        let why = "the manifest gives another number of bytes or entries".to_owned();
        return Err(SlugError::Archive { blob: digest, why });
    }
    Ok(summary)
}

fn pack_files(
    tree: &Dir,
    plan: &PackPlan,
    file: File,
) -> Result<(Manifest, PackedTree, Vec<FoundProgram>), SlugError> {
    let (path, processes) = (plan.path()?, plan.processes()?);
    let found = archive::scan(tree, &UnpackLimits::default())?;
    let programs = programs::find(tree, &path)?;
    let mut manifest = Manifest {
        format: Manifest::FORMAT,
        stack: STACK.to_owned(),
        created_by: plan.created_by.clone(),
        path: path.into_iter().map(|directory| directory.path).collect(),
        buildpacks: plan.buildpacks.clone(),
        tree: Tree { digest: Digest::of(b""), size: 0, unpacked: 0, entries: 0 },
        programs: programs.found.iter().map(|found| found.program.clone()).collect(),
        config: plan.config.clone(),
        processes,
    };
    // What is wrong with the plan is said before the long work.
    manifest.to_toml()?;
    let left = plan.limit.saturating_sub(manifest.size());
    let packed = archive::pack(tree, &found, &programs.apart, left, file)?;
    let PackedTree { digest, size, unpacked, entries, .. } = packed;
    manifest.tree = Tree { digest, size, unpacked, entries };
    if manifest.size() > plan.limit {
        let biggest = archive::biggest_directories(&found);
        return Err(SlugError::TooLarge { size: manifest.size(), limit: plan.limit, biggest });
    }
    UnpackLimits::default()
        .check(unpacked, entries, Some(size))
        .map_err(|why| SlugError::Refused { entry: ".".to_owned(), why })?;
    Ok((manifest, packed, programs.found))
}

/// Opens a program for the store; a file that changed since it was hashed is found by its digest.
async fn open_program(tree: Arc<Dir>, program: Program) -> Result<Blob, SlugError> {
    blocking(move || {
        let reading = SlugError::io(format!("read {}", program.path));
        let blob = Blob::of_file(tree.open(&program.path).map_err(reading)?.into_std())?;
        if blob.len() != program.size {
            return Err(SlugError::Changed { path: program.path });
        }
        Ok(blob)
    })
    .await
}
