use super::SlugError;
use bytes::Bytes;
use std::{
    fs::File,
    io::{self, Read},
    os::unix::fs::FileExt,
    sync::Arc,
};

/// Bytes that go into or come out of the store: a piece of a file, or memory. Cheap to clone.
#[derive(Clone, Debug)]
pub(super) enum Blob {
    File { file: Arc<File>, offset: u64, len: u64 },
    Memory(Bytes),
}

impl Blob {
    /// All of `file`, as long as it is now.
    pub(super) fn of_file(file: File) -> Result<Self, SlugError> {
        let len = file.metadata().map_err(SlugError::io("look at a file"))?.len();
        Ok(Self::File { file: Arc::new(file), offset: 0, len })
    }

    pub(super) fn len(&self) -> u64 {
        match self {
            Self::File { len, .. } => *len,
            Self::Memory(bytes) => bytes.len() as u64,
        }
    }

    /// A reader from the start; readers of one blob do not disturb each other.
    pub(super) fn reader(&self) -> BlobReader {
        BlobReader { blob: self.clone(), position: 0 }
    }
}

/// Reads a [`Blob`] from its start to its end. Blocking.
#[derive(Debug)]
pub(super) struct BlobReader {
    blob: Blob,
    position: u64,
}

impl Read for BlobReader {
    fn read(&mut self, buffer: &mut [u8]) -> io::Result<usize> {
        let left = self.blob.len() - self.position;
        let most = usize::try_from(left).unwrap_or(usize::MAX).min(buffer.len());
        let read = match &self.blob {
            Blob::File { file, offset, .. } => file.read_at(&mut buffer[..most], offset + self.position)?,
            Blob::Memory(bytes) => {
                let start = usize::try_from(self.position).unwrap_or(usize::MAX);
                buffer[..most].copy_from_slice(&bytes[start..start + most]);
                most
            }
        };
        self.position += read as u64;
        Ok(read)
    }
}
