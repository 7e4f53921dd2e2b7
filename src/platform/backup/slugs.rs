use super::{
    BackupError, names,
    writer::{Watch, Writer},
};
use crate::slug::{Digest, Hashing, Manifest, SlugDigest};
use std::{
    collections::{HashMap, HashSet},
    fs::File,
    io::{self, Read as _},
    path::Path,
};

/// Takes every slug that is whole; gives which. A slug may be removed meanwhile, and a blob may be damaged already: then
/// it is not among them.
pub(super) fn take(
    data: &Path,
    writer: &mut Writer,
    watch: &mut Watch<'_>,
) -> Result<HashSet<SlugDigest>, BackupError> {
    let (mut blobs, mut taken) = (HashMap::new(), HashSet::new());
    for slug in listed(data)? {
        let Some((text, manifest)) = read_manifest(data, &slug)? else { continue };
        let mut whole = true;
        for (digest, size) in manifest.blobs() {
            let known = match blobs.get(&digest) {
                Some(known) => *known,
                None => take_blob(data, digest, size, writer, watch)?,
            };
            blobs.insert(digest, known);
            whole &= known;
        }
        if whole {
            writer.bytes(&names::manifest(&slug), &text)?;
            taken.insert(slug);
        } else {
            tracing::warn!(%slug, "a slug with a missing or damaged blob is not backed up");
        }
    }
    Ok(taken)
}

fn listed(data: &Path) -> Result<Vec<SlugDigest>, BackupError> {
    let dir = data.join("slugs/slugs");
    let digest =
        |name: std::ffi::OsString| format!("sha256:{}", name.to_str()?.strip_suffix(".toml")?).parse().ok();
    let list = || match std::fs::read_dir(&dir) {
        Ok(entries) => entries.map(|entry| Ok(digest(entry?.file_name()))).collect::<io::Result<Vec<_>>>(),
        Err(cause) if cause.kind() == io::ErrorKind::NotFound => Ok(Vec::new()),
        Err(cause) => Err(cause),
    };
    let mut slugs: Vec<SlugDigest> =
        list().map_err(BackupError::io("read", &dir))?.into_iter().flatten().collect();
    // The order of a directory changes; that of a backup need not.
    slugs.sort_unstable();
    Ok(slugs)
}

/// A manifest, if it is there and what its name says.
fn read_manifest(data: &Path, slug: &SlugDigest) -> Result<Option<(Vec<u8>, Manifest)>, BackupError> {
    let path = data.join(names::manifest(slug));
    let Some(file) = open(&path)? else { return Ok(None) };
    let mut bytes = Vec::new();
    file.take(Manifest::BYTES_LIMIT + 1).read_to_end(&mut bytes).map_err(BackupError::io("read", &path))?;
    if SlugDigest::of_manifest(&bytes) != *slug {
        return Ok(None);
    }
    let manifest = std::str::from_utf8(&bytes).ok().and_then(|text| Manifest::from_toml(text).ok());
    Ok(manifest.map(|manifest| (bytes, manifest)))
}

/// Copies a blob; `false` when it is not there, or not what its name says.
fn take_blob(
    data: &Path,
    digest: Digest,
    size: u64,
    writer: &mut Writer,
    watch: &mut Watch<'_>,
) -> Result<bool, BackupError> {
    let name = names::blob(&digest);
    let path = data.join(&name);
    let Some(file) = open(&path)? else { return Ok(false) };
    if file.metadata().map_err(BackupError::io("read", &path))?.len() != size {
        return Ok(false);
    }
    let mut hashing = Hashing::new(file);
    writer.file(&name, &mut hashing, size, watch)?;
    Ok(hashing.finish().1 == digest)
}

/// Opens a file; `None` when it is not there (any more).
pub(super) fn open(path: &Path) -> Result<Option<File>, BackupError> {
    match File::open(path) {
        Ok(file) => Ok(Some(file)),
        Err(cause) if cause.kind() == io::ErrorKind::NotFound => Ok(None),
        Err(cause) => Err(BackupError::io("read", path)(cause)),
    }
}
