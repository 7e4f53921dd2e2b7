use super::{
    Digest, Manifest, Slug, SlugDigest, SlugError, SlugStore, UnpackLimits,
    archive::CheckOnly,
    artifact::{check_wasm, read_tree},
    blob::Blob,
    digest::Hashing,
    error::blocking,
};
use std::{
    fs::File,
    io::{self, BufWriter, Read, Write},
    path::{Path, PathBuf},
    sync::Arc,
};

/// The first entry of a packed slug.
const MANIFEST_NAME: &str = "slug.toml";

/// A slug in one file: a tar archive of `slug.toml` and then each blob once, as `hokku build -o` writes it.
///
/// Opening reads only the manifest and the places of the blobs.
#[derive(Clone, Debug)]
pub struct PackedSlug {
    path: PathBuf,
    digest: SlugDigest,
    manifest: Manifest,
    /// The manifest as it is written, which is what its digest is of.
    text: String,
    blobs: Vec<(Digest, Blob)>,
}

impl PackedSlug {
    /// Reads the manifest of `file`, and checks that every blob it names is there with its size.
    ///
    /// # Errors
    /// [`SlugError::NotASlug`] when the file is something else or is cut off, [`SlugError::Manifest`] for a
    /// newer format, [`SlugError::Io`].
    pub async fn open(file: &Path) -> Result<Self, SlugError> {
        let path = file.to_owned();
        blocking(move || Reading { path: &path }.open()).await
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

    /// Checks every blob against its digest, that programs are wasm, and each entry of the tree.
    ///
    /// # Errors
    /// [`SlugError::NotASlug`] names a wrong blob; [`SlugError::Refused`] and [`SlugError::Archive`] what
    /// may not be in a tree.
    pub async fn verify(&self) -> Result<(), SlugError> {
        let slug = self.clone();
        blocking(move || slug.verify_blocking()).await
    }

    fn verify_blocking(&self) -> Result<(), SlugError> {
        for (digest, blob) in &self.blobs {
            let mut hashing = Hashing::new(blob.reader());
            let mut head = Vec::new();
            let reading = || SlugError::io(format!("read {}", self.path.display()));
            (&mut hashing).take(4).read_to_end(&mut head).map_err(reading())?;
            io::copy(&mut hashing, &mut io::sink()).map_err(reading())?;
            if hashing.finish().1 != *digest {
                let file = self.path.clone();
                return Err(SlugError::NotASlug { file, why: format!("its {digest} is damaged") });
            }
            for program in self.manifest.programs.iter().filter(|program| program.digest == *digest) {
                check_wasm(program, &head)?;
            }
        }
        let tree = &self.manifest.tree;
        let (_, blob) = &self.blobs[0];
        read_tree(blob, tree, &UnpackLimits::default(), &mut CheckOnly).map(drop)
    }
}

impl Slug {
    /// Writes the slug into one file: beside `out` first, then renamed, so that `out` is whole or untouched.
    ///
    /// # Errors
    /// [`SlugError::Corrupt`] for a damaged blob, [`SlugError::Io`] when the disk fails or is full.
    pub async fn export(&self, out: &Path) -> Result<(), SlugError> {
        let mut export = {
            let (out, manifest) = (out.to_owned(), self.store().read_manifest(self.digest()).await?);
            blocking(move || Export::begin(out, &manifest)).await?
        };
        for (digest, size) in self.manifest().blobs() {
            let blob = self.store().open_blob(digest, size).await?;
            export = match blocking(move || export.blob(digest, &blob)).await {
                Err(SlugError::Corrupt { blob }) => return Err(self.store().suspect(blob).await),
                next => next?,
            };
        }
        blocking(move || export.finish()).await
    }

    /// Brings a packed slug into `store`, checking everything in it first.
    ///
    /// # Errors
    /// As [`PackedSlug::open`] and [`PackedSlug::verify`]; faults of the store.
    pub async fn import(store: &SlugStore, file: &Path) -> Result<Self, SlugError> {
        let packed = PackedSlug::open(file).await?;
        packed.verify().await?;
        for (digest, blob) in &packed.blobs {
            store.put_blob(*digest, blob.clone()).await.map_err(|failed| match failed {
                SlugError::Corrupt { .. } => changed(&packed.path),
                failed => failed,
            })?;
        }
        Self::finish(store, packed.manifest, packed.text).await
    }
}

fn changed(file: &Path) -> SlugError {
    let why = "it changed while it was read; try again".to_owned();
    SlugError::NotASlug { file: file.to_owned(), why }
}

/// The name of a blob's entry.
fn blob_name(digest: &Digest) -> String {
    format!("blobs/sha256/{}", digest.hex())
}

struct Export {
    out: PathBuf,
    tar: tar::Builder<BufWriter<tempfile::NamedTempFile>>,
}

impl Export {
    fn begin(out: PathBuf, manifest: &[u8]) -> Result<Self, SlugError> {
        let dir = match out.parent() {
            Some(dir) if dir != Path::new("") => dir,
            _ => Path::new("."),
        };
        let mut beside = tempfile::Builder::new();
        readable_by_all(beside.prefix(".hokku-slug-"));
        let file = beside.tempfile_in(dir).map_err(writing(&out))?;
        let mut tar = tar::Builder::new(BufWriter::with_capacity(1 << 16, file));
        append(&mut tar, MANIFEST_NAME, manifest.len() as u64, manifest).map_err(writing(&out))?;
        Ok(Self { out, tar })
    }

    fn blob(mut self, digest: Digest, blob: &Blob) -> Result<Self, SlugError> {
        let mut hashing = Hashing::new(blob.reader());
        append(&mut self.tar, &blob_name(&digest), blob.len(), &mut hashing).map_err(writing(&self.out))?;
        if hashing.finish().1 != digest {
            return Err(SlugError::Corrupt { blob: digest });
        }
        Ok(self)
    }

    fn finish(self) -> Result<(), SlugError> {
        let failed = writing(&self.out);
        let finish = || {
            let mut buffer = self.tar.into_inner()?;
            buffer.flush()?;
            let file = buffer.into_inner().map_err(io::IntoInnerError::into_error)?;
            file.as_file().sync_all()?;
            file.persist(&self.out)?;
            Ok(())
        };
        finish().map_err(failed)
    }
}

/// As any file a person makes, less what the umask takes.
fn readable_by_all(builder: &mut tempfile::Builder<'_, '_>) {
    use std::{fs::Permissions, os::unix::fs::PermissionsExt};
    builder.permissions(Permissions::from_mode(0o666));
}

fn writing(out: &Path) -> impl Fn(io::Error) -> SlugError + use<> {
    let what = format!("write {}", out.display());
    move |cause| SlugError::Io { what: what.clone(), cause }
}

fn append(tar: &mut tar::Builder<impl Write>, name: &str, size: u64, contents: impl Read) -> io::Result<()> {
    let mut header = tar::Header::new_gnu();
    header.set_entry_type(tar::EntryType::Regular);
    header.set_mode(0o644);
    header.set_uid(0);
    header.set_gid(0);
    header.set_mtime(0);
    header.set_size(size);
    tar.append_data(&mut header, name, contents.take(size))
}

/// Reads the frame of a packed slug.
struct Reading<'a> {
    path: &'a Path,
}

impl Reading<'_> {
    fn open(&self) -> Result<PackedSlug, SlugError> {
        let opening = || SlugError::io(format!("open {}", self.path.display()));
        // Before opening: opening a FIFO would wait for its writer.
        if !std::fs::metadata(self.path).map_err(opening())?.is_file() {
            return Err(self.not("it is not a regular file"));
        }
        let file = File::open(self.path).map_err(opening())?;
        let file_len = file.metadata().map_err(opening())?.len();
        let file = Arc::new(file);
        let mut archive = tar::Archive::new(file.as_ref());
        let mut entries = archive.entries_with_seek().map_err(|e| self.damaged(&e))?.raw(true);
        let text = self.manifest(entries.next())?;
        let digest = SlugDigest::of_manifest(text.as_bytes());
        let manifest = Manifest::from_toml(&text)?;
        let mut blobs = Vec::new();
        let mut end = 0;
        for (digest, len) in manifest.blobs() {
            let entry = entries.next().ok_or_else(|| self.not("it ends early; was it copied whole?"))?;
            let entry = entry.map_err(|cause| self.damaged(&cause))?;
            let offset = self.blob(&entry, &digest, len, file_len)?;
            end = (offset + len).next_multiple_of(512) + 1024;
            blobs.push((digest, Blob::File { file: Arc::clone(&file), offset, len }));
        }
        if let Some(extra) = entries.next() {
            let extra = extra.map_err(|cause| self.damaged(&cause))?;
            return Err(self.unexpected(&extra));
        }
        match file_len {
            _ if file_len < end => Err(self.not("it ends early; was it copied whole?")),
            _ if file_len > end => Err(self.not("bytes follow its end")),
            _ => Ok(PackedSlug { path: self.path.to_owned(), digest, manifest, text, blobs }),
        }
    }

    /// The text of the first entry.
    fn manifest<R: Read>(&self, entry: Option<io::Result<tar::Entry<'_, R>>>) -> Result<String, SlugError> {
        let mut entry = match entry {
            None => return Err(self.not("it has no entries")),
            Some(Err(_)) => return Err(self.not("it is not an archive made by hokku build")),
            Some(Ok(entry)) => entry,
        };
        let header = entry.header();
        if *header.path_bytes() != *MANIFEST_NAME.as_bytes() || !header.entry_type().is_file() {
            return Err(self.not("its first entry is not slug.toml"));
        }
        let size = header.entry_size().map_err(|cause| self.damaged(&cause))?;
        if size > Manifest::BYTES_LIMIT {
            let limit = Manifest::BYTES_LIMIT;
            return Err(self.not(format!("its slug.toml has {size} bytes; the limit is {limit}")));
        }
        let mut bytes = Vec::new();
        entry.read_to_end(&mut bytes).map_err(|cause| self.damaged(&cause))?;
        if bytes.len() as u64 != size {
            return Err(self.not("it ends early; was it copied whole?"));
        }
        String::from_utf8(bytes).map_err(|_| self.not("its slug.toml is not UTF-8"))
    }

    /// Where the contents of the next entry start, if it is the blob that must come now.
    fn blob<R: Read>(
        &self,
        entry: &tar::Entry<'_, R>,
        digest: &Digest,
        len: u64,
        file_len: u64,
    ) -> Result<u64, SlugError> {
        let header = entry.header();
        if *header.path_bytes() != *blob_name(digest).as_bytes() || !header.entry_type().is_file() {
            return Err(self.unexpected(entry));
        }
        let size = header.entry_size().map_err(|cause| self.damaged(&cause))?;
        if size != len {
            return Err(self.not(format!("its {digest} has {size} bytes and should have {len}")));
        }
        let offset = entry.raw_file_position();
        match offset.checked_add(len) {
            Some(end) if end <= file_len => Ok(offset),
            _ => Err(self.not("it ends early; was it copied whole?")),
        }
    }

    fn unexpected<R: Read>(&self, entry: &tar::Entry<'_, R>) -> SlugError {
        let name: String = String::from_utf8_lossy(&entry.header().path_bytes()).chars().take(200).collect();
        self.not(format!("its entry `{}` does not belong there", name.escape_debug()))
    }

    fn damaged(&self, cause: &io::Error) -> SlugError {
        self.not(format!("it is damaged ({cause}); was it copied whole?"))
    }

    fn not(&self, why: impl Into<String>) -> SlugError {
        SlugError::NotASlug { file: self.path.to_owned(), why: why.into() }
    }
}
