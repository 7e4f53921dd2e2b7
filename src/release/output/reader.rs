use super::{blocking::blocking, writer::Progress};
use bytes::Bytes;
use std::{fs::File, os::unix::fs::FileExt as _, sync::Arc};
use tokio::sync::watch;

/// The most bytes that a reader gets at a time.
const CHUNK: usize = 64 << 10;

/// A reader of output: what was written before it came, and what is written from then on.
pub struct Output {
    pub(super) file: Arc<File>,
    pub(super) position: u64,
    pub(super) progress: Option<watch::Receiver<Progress>>,
}

impl Output {
    /// The next bytes; `None` at the end. Cancel safe.
    pub async fn next(&mut self) -> Option<Bytes> {
        loop {
            let known = self.progress.as_mut().map(|progress| *progress.borrow_and_update());
            if known.is_none_or(|known| self.position < known.bytes) {
                let (file, position) = (Arc::clone(&self.file), self.position);
                let read = blocking(move || {
                    let mut chunk = vec![0; CHUNK];
                    let count = file.read_at(&mut chunk, position)?;
                    chunk.truncate(count);
                    Ok(Bytes::from(chunk))
                });
                let chunk = read.await.ok().filter(|chunk| !chunk.is_empty())?;
                self.position += chunk.len() as u64;
                return Some(chunk);
            }
            match &mut self.progress {
                Some(progress) if !known.is_some_and(|known| known.ended) => {
                    // A writer that is gone has ended, or went with its runtime.
                    progress.changed().await.ok()?;
                }
                _ => return None,
            }
        }
    }
}
