use super::{Digest, Manifest, SlugDigest, SlugError, blob::Blob, digest::Hashing, error::blocking};
use bytes::Bytes;
use futures_util::TryStreamExt;
use object_store::{
    GetResult, GetResultPayload, MultipartUpload, ObjectStore, ObjectStoreExt, PutPayload,
    local::LocalFileSystem, memory::InMemory, path::Path as Key,
};
use std::{
    fmt,
    fs::File,
    io::{Read, Write},
    path::{Path, PathBuf},
    sync::Arc,
};

/// Blobs up to this size are put at once; larger ones in parts of it.
const PART: u64 = 8 << 20;

/// Where slugs are kept: blobs and manifests, each under its SHA-256. Clones share one store.
///
/// `blobs/sha256/ab/<hex>` holds trees and programs, `slugs/<hex>.toml` the manifests, and an empty
/// `suspect/sha256/<hex>` marks a blob whose bytes did not match when they were last read: the next put of
/// it writes it anew instead of taking the copy for granted.
///
/// Writing is crash-safe: an object appears whole or not at all, the local directory is synced before a put
/// returns, and a manifest is written after everything it names.
#[derive(Clone)]
pub struct SlugStore {
    objects: Arc<dyn ObjectStore>,
    scratch: Option<PathBuf>,
}

impl fmt::Debug for SlugStore {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "SlugStore({})", self.objects)
    }
}

impl SlugStore {
    /// A store over `objects`. Temporary files go to the system's directory for them.
    #[must_use]
    pub fn new(objects: Arc<dyn ObjectStore>) -> Self {
        Self { objects, scratch: None }
    }

    /// A store in the local directory `dir`, made if it is not there. Temporary files have no name and go
    /// to the same disk. Does a little blocking input and output.
    ///
    /// # Errors
    /// [`SlugError::Io`] or [`SlugError::Store`] when the directory cannot be made or opened.
    pub fn open_dir(dir: &Path) -> Result<Self, SlugError> {
        let what = format!("open the slug store {}", dir.display());
        std::fs::create_dir_all(dir).map_err(SlugError::io(what.clone()))?;
        let objects = LocalFileSystem::new_with_prefix(dir).map_err(SlugError::store(what))?;
        Ok(Self { objects: Arc::new(objects.with_fsync(true)), scratch: Some(dir.to_owned()) })
    }

    /// A store that lives as long as its clones, for tests and embedders.
    #[must_use]
    pub fn in_memory() -> Self {
        Self::new(Arc::new(InMemory::new()))
    }

    /// Where a store in a local directory keeps a blob: a path below the directory.
    #[must_use]
    pub fn blob_path(digest: &Digest) -> String {
        blob_key(digest).to_string()
    }

    /// Where a store in a local directory keeps a slug's manifest: a path below the directory.
    #[must_use]
    pub fn manifest_path(slug: &SlugDigest) -> String {
        manifest_key(slug).to_string()
    }

    /// Whether the store has the slug's manifest; what it names may still be damaged.
    ///
    /// # Errors
    /// [`SlugError::Store`] when the store does not answer.
    pub async fn contains(&self, slug: &SlugDigest) -> Result<bool, SlugError> {
        Ok(self.size_of(&manifest_key(slug)).await?.is_some())
    }

    pub(super) fn objects(&self) -> &dyn ObjectStore {
        &*self.objects
    }

    /// A nameless temporary file beside the blobs. Blocking.
    pub(super) fn scratch_file(&self) -> Result<File, SlugError> {
        let file = match &self.scratch {
            Some(dir) => tempfile::tempfile_in(dir),
            None => tempfile::tempfile(),
        };
        file.map_err(SlugError::io("make a temporary file for the slug"))
    }

    /// Stores `blob`, whose digest must be `digest`. A blob that is there with the right size is left alone.
    pub(super) async fn put_blob(&self, digest: Digest, blob: Blob) -> Result<(), SlugError> {
        let (key, suspect) = (blob_key(&digest), suspect_key(&digest));
        let there = self.size_of(&key).await? == Some(blob.len());
        let is_suspect = there && self.size_of(&suspect).await?.is_some();
        if there && !is_suspect {
            return Ok(());
        }
        if blob.len() <= PART {
            let bytes = blocking(move || read_verified(&blob, digest)).await?;
            let storing = SlugError::store(format!("store {digest}"));
            self.objects.put(&key, PutPayload::from_bytes(bytes)).await.map_err(storing)?;
        } else {
            self.put_parts(&key, digest, blob).await?;
        }
        if is_suspect {
            let storing = SlugError::store(format!("store {digest}"));
            self.objects.delete(&suspect).await.map_err(storing)?;
        }
        Ok(())
    }

    async fn put_parts(&self, key: &Key, digest: Digest, blob: Blob) -> Result<(), SlugError> {
        let storing = || SlugError::store(format!("store {digest}"));
        let mut upload = self.objects.put_multipart(key).await.map_err(storing())?;
        let sent = send_parts(&mut *upload, digest, blob).await;
        match sent {
            Ok(()) => upload.complete().await.map(drop).map_err(storing()),
            Err(failed) => {
                if let Err(cause) = upload.abort().await {
                    tracing::warn!(%digest, %cause, "could not take back a half-stored blob");
                }
                Err(failed)
            }
        }
    }

    /// The bytes of a blob of `size`, checked against its digest.
    pub(super) async fn read_blob(&self, digest: Digest, size: u64) -> Result<Bytes, SlugError> {
        let blob = self.open_blob(digest, size).await?;
        match blocking(move || read_verified(&blob, digest)).await {
            Err(SlugError::Corrupt { .. }) => Err(self.suspect(digest).await),
            other => other,
        }
    }

    /// Opens a blob of `size` for blocking reads. Its bytes are *not* checked yet: the reader hashes them,
    /// and turns to [`suspect`](Self::suspect) if they are wrong.
    pub(super) async fn open_blob(&self, digest: Digest, size: u64) -> Result<Blob, SlugError> {
        let got = match self.objects.get(&blob_key(&digest)).await {
            Err(object_store::Error::NotFound { .. }) => return Err(SlugError::MissingBlob { blob: digest }),
            got => got.map_err(SlugError::store(format!("read {digest}")))?,
        };
        if got.meta.size != size {
            return Err(SlugError::Corrupt { blob: digest });
        }
        match got {
            GetResult { payload: GetResultPayload::File(file, _), .. } => {
                Ok(Blob::File { file: Arc::new(file), offset: 0, len: size })
            }
            got => self.spool(digest, got).await,
        }
    }

    /// Brings a remote blob to a temporary file, or to memory if it is small.
    async fn spool(&self, digest: Digest, got: GetResult) -> Result<Blob, SlugError> {
        let reading = || SlugError::store(format!("read {digest}"));
        if got.meta.size <= PART {
            return Ok(Blob::Memory(got.bytes().await.map_err(reading())?));
        }
        let store = self.clone();
        let mut file = blocking(move || store.scratch_file()).await?;
        let mut parts = got.into_stream();
        while let Some(part) = parts.try_next().await.map_err(reading())? {
            let writing = SlugError::io("write a temporary file for the slug");
            file = blocking(move || file.write_all(&part).map(|()| file).map_err(writing)).await?;
        }
        Blob::of_file(file)
    }

    /// Marks a blob that failed its checksum, and gives the error that says so.
    pub(super) async fn suspect(&self, digest: Digest) -> SlugError {
        if let Err(cause) = self.objects.put(&suspect_key(&digest), PutPayload::new()).await {
            tracing::warn!(%digest, %cause, "could not mark a damaged blob; remove it by hand");
        }
        SlugError::Corrupt { blob: digest }
    }

    /// Stores a manifest; everything it names must be stored already.
    pub(super) async fn put_manifest(&self, bytes: Bytes) -> Result<SlugDigest, SlugError> {
        let slug = SlugDigest::of_manifest(&bytes);
        let key = manifest_key(&slug);
        let storing = || SlugError::store(format!("store the slug {slug}"));
        if self.size_of(&key).await? == Some(bytes.len() as u64) {
            let there = self.objects.get(&key).await.map_err(storing())?.bytes().await.map_err(storing())?;
            if there == bytes {
                return Ok(slug);
            }
        }
        self.objects.put(&key, PutPayload::from_bytes(bytes)).await.map_err(storing())?;
        Ok(slug)
    }

    /// The bytes of a slug's manifest, checked against its digest.
    pub(super) async fn read_manifest(&self, slug: &SlugDigest) -> Result<Bytes, SlugError> {
        let reading = || SlugError::store(format!("read the slug {slug}"));
        let got = match self.objects.get(&manifest_key(slug)).await {
            Err(object_store::Error::NotFound { .. }) => return Err(SlugError::NoSlug { slug: *slug }),
            got => got.map_err(reading())?,
        };
        if got.meta.size > Manifest::BYTES_LIMIT {
            return Err(SlugError::Corrupt { blob: slug.digest() });
        }
        let bytes = got.bytes().await.map_err(reading())?;
        if SlugDigest::of_manifest(&bytes) != *slug {
            return Err(SlugError::Corrupt { blob: slug.digest() });
        }
        Ok(bytes)
    }

    async fn size_of(&self, key: &Key) -> Result<Option<u64>, SlugError> {
        match self.objects.head(key).await {
            Ok(meta) => Ok(Some(meta.size)),
            Err(object_store::Error::NotFound { .. }) => Ok(None),
            Err(cause) => Err(SlugError::store(format!("look for {key}"))(cause)),
        }
    }

    /// Every key with its size, sorted.
    #[cfg(test)]
    pub(super) async fn keys(&self) -> Vec<(String, u64)> {
        let all: Vec<_> = self.objects.list(None).try_collect().await.expect("listed");
        let mut keys: Vec<_> = all.into_iter().map(|meta| (meta.location.to_string(), meta.size)).collect();
        keys.sort();
        keys
    }
}

pub(super) fn blob_key(digest: &Digest) -> Key {
    let hex = digest.hex();
    Key::from_iter(["blobs", "sha256", &hex[..2], &hex])
}

pub(super) fn suspect_key(digest: &Digest) -> Key {
    Key::from_iter(["suspect", "sha256", &digest.hex()])
}

pub(super) fn manifest_key(slug: &SlugDigest) -> Key {
    Key::from_iter(["slugs", &format!("{}.toml", slug.hex())])
}

fn read_verified(blob: &Blob, digest: Digest) -> Result<Bytes, SlugError> {
    let mut bytes = Vec::with_capacity(usize::try_from(blob.len()).unwrap_or(0));
    let reading = SlugError::io(format!("read {digest}"));
    blob.reader().read_to_end(&mut bytes).map_err(reading)?;
    if Digest::of(&bytes) != digest {
        return Err(SlugError::Corrupt { blob: digest });
    }
    Ok(bytes.into())
}

/// Sends `blob` in parts, hashing on the way: a blob with another digest is never completed.
async fn send_parts(upload: &mut dyn MultipartUpload, digest: Digest, blob: Blob) -> Result<(), SlugError> {
    let mut reader = Hashing::new(blob.reader());
    loop {
        let (back, part) = blocking(move || {
            let mut part = Vec::new();
            let reading = SlugError::io(format!("read {digest}"));
            (&mut reader).take(PART).read_to_end(&mut part).map_err(reading)?;
            Ok((reader, part))
        })
        .await?;
        reader = back;
        if part.is_empty() {
            break;
        }
        upload.put_part(part.into()).await.map_err(SlugError::store(format!("store {digest}")))?;
    }
    let (_, sent, count) = reader.finish();
    if sent != digest || count != blob.len() {
        return Err(SlugError::Corrupt { blob: digest });
    }
    Ok(())
}
