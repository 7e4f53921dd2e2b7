use super::session::Session;
use crate::slug::Size;
use futures_util::TryStreamExt as _;
use indicatif::{ProgressBar, ProgressStyle};
use std::fs::File;
use tokio_util::io::ReaderStream;

/// How much is read and sent at a time.
const CHUNK: usize = 64 * 1024;

impl Session {
    /// Sends `size` bytes of `file` to an address that the platform gave out, with a progress bar on a terminal.
    pub(super) async fn upload(&mut self, address: &str, file: File, size: u64) -> anyhow::Result<()> {
        let bar = self.bar(size)?;
        let counted = bar.clone();
        let bytes = ReaderStream::with_capacity(tokio::fs::File::from_std(file), CHUNK)
            .inspect_ok(move |chunk| counted.inc(chunk.len() as u64));
        let sent = self.client.put(address, size, bytes).await;
        bar.finish_and_clear();
        sent?;
        if self.console.terminals.error {
            self.console.note(format_args!("Uploaded {}", Size(size)))?;
        } else {
            self.console.done("done")?;
        }
        Ok(())
    }

    fn bar(&mut self, size: u64) -> anyhow::Result<ProgressBar> {
        if !self.console.terminals.error {
            self.console.begin(format_args!("Uploading {}", Size(size)))?;
            return Ok(ProgressBar::hidden());
        }
        let style = ProgressStyle::with_template("Uploading {bar:30} {bytes} of {total_bytes}, {eta} left")?;
        Ok(ProgressBar::new(size).with_style(style))
    }
}
