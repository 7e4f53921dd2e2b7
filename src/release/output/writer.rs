use super::blocking::blocking;
use bytes::{BufMut as _, Bytes, BytesMut};
use std::{fs::File, os::unix::fs::FileExt as _, sync::Arc};
use tokio::sync::{mpsc, watch};

/// The most bytes of one output, without the platform's own few lines.
pub(super) const LIMIT: usize = 10 << 20;
/// About how many bytes are written at a time.
const BATCH: usize = 64 << 10;

/// How far the file is written.
#[derive(Clone, Copy, Default)]
pub(super) struct Progress {
    pub(super) bytes: u64,
    pub(super) ended: bool,
}

/// Writes one output, which ends when this is dropped.
pub(in crate::release) struct OutputWriter {
    pub(super) sender: mpsc::UnboundedSender<Bytes>,
    pub(super) left: usize,
}

impl OutputWriter {
    /// A line of somebody else's; after [`LIMIT`] bytes of them they are left out.
    pub(in crate::release) fn relay(&mut self, line: &str) {
        let cost = line.len() + 1;
        if cost <= self.left {
            self.left -= cost;
            self.say(line);
        } else if self.left > 0 {
            self.left = 0;
            self.say("       (the output is longer than 10 MB; the rest is not shown)");
        }
    }

    /// The beginning of a line of the platform's own, without its end.
    pub(in crate::release) fn begin(&self, text: &str) {
        self.sender.send(text.to_owned().into()).ok();
    }

    /// A line of the platform's own.
    pub(in crate::release) fn say(&self, line: &str) {
        // Whoever writes the file has gone only with the runtime.
        self.sender.send(format!("{line}\n").into()).ok();
    }
}

/// Writes what comes until nobody sends any more. What a full disk does not take is lost, and the work goes on.
pub(super) async fn write_lines(
    file: Arc<File>,
    mut lines: mpsc::UnboundedReceiver<Bytes>,
    progress: &watch::Sender<Progress>,
) {
    let mut position = 0;
    while let Some(line) = lines.recv().await {
        let mut batch = BytesMut::from(&line[..]);
        while batch.len() < BATCH
            && let Ok(line) = lines.try_recv()
        {
            batch.put(line);
        }
        let (file, length) = (Arc::clone(&file), batch.len() as u64);
        match blocking(move || file.write_all_at(&batch, position)).await {
            Ok(()) => position += length,
            Err(cause) => tracing::warn!(%cause, "a build's or release's output could not be written"),
        }
        progress.send_modify(|progress| progress.bytes = position);
    }
}
