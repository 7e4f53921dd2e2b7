use super::{
    EntryPath, Refusal,
    entry_path::is_compiled,
    scan::{Found, FoundKind},
};
use crate::slug::{Digest, HashingWriter, SlugError, SlugError as E};
use cap_std::fs::Dir;
use std::{
    collections::HashSet,
    fs::File,
    io::{self, BufWriter, Read, Write},
};

/// Fast, and within a few per cent of what the slower levels reach on source trees.
const ZSTD_LEVEL: i32 = 3;

/// A tree packed into a file, not yet in a store.
#[derive(Debug)]
pub(crate) struct PackedTree {
    pub(crate) file: File,
    pub(crate) digest: Digest,
    /// Bytes of the archive.
    pub(crate) size: u64,
    /// Bytes of all files in it.
    pub(crate) unpacked: u64,
    pub(crate) entries: u64,
}

/// Packs `found` of `tree`, without the files named in `left_out`, into `file`.
///
/// Stops early when the archive passes `limit` bytes; then the returned size is over the limit.
pub(crate) fn pack(
    tree: &Dir,
    found: &[Found],
    left_out: &HashSet<String>,
    limit: u64,
    file: File,
) -> Result<PackedTree, SlugError> {
    let writing = || SlugError::io("write the archive of the tree");
    let hashing = HashingWriter::new(BufWriter::with_capacity(1 << 16, file));
    let zstd = zstd::Encoder::new(hashing, ZSTD_LEVEL).map_err(writing())?;
    let mut tar = tar::Builder::new(zstd);
    let (mut unpacked, mut entries) = (0, 0);
    for found in found.iter().filter(|found| !left_out.contains(found.path.as_str())) {
        unpacked += append(&mut tar, tree, found)?;
        entries += 1;
        if tar.get_ref().get_ref().count() > limit {
            break;
        }
    }
    let hashing = tar.into_inner().and_then(zstd::Encoder::finish).map_err(writing())?;
    let (buffer, digest, size) = hashing.finish();
    let file = buffer.into_inner().map_err(|failed| writing()(failed.into_error()))?;
    Ok(PackedTree { file, digest, size, unpacked, entries })
}

/// Appends one entry; returns the bytes of its contents.
fn append(tar: &mut tar::Builder<impl Write>, tree: &Dir, found: &Found) -> Result<u64, SlugError> {
    let path = found.path.as_str();
    let writing = || SlugError::io(format!("pack {path}"));
    match &found.kind {
        FoundKind::Directory => {
            let mut header = header(tar::EntryType::Directory, 0o755, 0);
            tar.append_data(&mut header, path, io::empty()).map_err(writing())?;
            Ok(0)
        }
        FoundKind::Link { target } => {
            let mut header = header(tar::EntryType::Symlink, 0o777, 0);
            tar.append_link(&mut header, path, target).map_err(writing())?;
            Ok(0)
        }
        FoundKind::File { executable, size } => {
            let file = tree.open(path).map_err(writing())?;
            let mode = if *executable { 0o755 } else { 0o644 };
            let mut header = header(tar::EntryType::Regular, mode, *size);
            let mut contents = Contents { inner: file, head: Vec::new(), left: *size };
            tar.append_data(&mut header, path, &mut contents).map_err(writing())?;
            contents.check(&found.path)?;
            Ok(*size)
        }
    }
}

fn header(kind: tar::EntryType, mode: u32, size: u64) -> tar::Header {
    let mut header = tar::Header::new_gnu();
    header.set_entry_type(kind);
    header.set_mode(mode);
    header.set_uid(0);
    header.set_gid(0);
    header.set_mtime(0);
    header.set_size(size);
    header
}

/// Exactly the bytes that the header promised, and the first of them kept to see what the file is.
struct Contents<R> {
    inner: R,
    head: Vec<u8>,
    left: u64,
}

impl<R: Read> Read for Contents<R> {
    fn read(&mut self, buffer: &mut [u8]) -> io::Result<usize> {
        let most = usize::try_from(self.left).unwrap_or(usize::MAX).min(buffer.len());
        let read = self.inner.read(&mut buffer[..most])?;
        self.left -= read as u64;
        let head = 8_usize.saturating_sub(self.head.len()).min(read);
        self.head.extend(&buffer[..head]);
        Ok(read)
    }
}

impl<R: Read> Contents<R> {
    fn check(&self, path: &EntryPath) -> Result<(), SlugError> {
        if is_compiled(&self.head) {
            return Err(E::Refused { entry: path.as_str().to_owned(), why: Refusal::Compiled });
        }
        if self.left > 0 {
            return Err(E::Changed { path: path.as_str().to_owned() });
        }
        Ok(())
    }
}
