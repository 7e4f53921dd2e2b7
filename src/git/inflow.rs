use super::refusal::Refusal;
use axum::{
    body::Body,
    http::{HeaderMap, header},
};
use flate2::write::MultiGzDecoder;
use http_body_util::BodyExt as _;
use std::{io::Write as _, time::Duration};
use tokio::{io::AsyncWriteExt as _, process::ChildStdin, time::timeout};
use tokio_util::sync::CancellationToken;

/// How long a request, or an answer, may stand still.
pub(super) const PATIENCE: Duration = Duration::from_secs(55);
/// How many packed bytes are unpacked at a time: what comes of them is held in memory.
const PIECE: usize = 4096;

/// What a client sends, on its way to git.
pub(super) struct Inflow {
    body: Body,
    unpacker: Option<MultiGzDecoder<Vec<u8>>>,
    /// How many bytes more git gets.
    left: u64,
    stop: CancellationToken,
}

impl Inflow {
    /// The body of a request, of which git gets at most `most` bytes. It ends when the platform stops.
    ///
    /// # Errors
    /// [`Refusal::Malformed`] when it is packed as git packs nothing.
    pub(super) fn new(
        headers: &HeaderMap,
        body: Body,
        most: u64,
        stop: CancellationToken,
    ) -> Result<Self, Refusal> {
        let unpacker = match headers.get(header::CONTENT_ENCODING).map(|coding| coding.as_bytes()) {
            None | Some(b"identity") => None,
            Some(b"gzip" | b"x-gzip") => Some(MultiGzDecoder::new(Vec::new())),
            Some(_) => return Err(Refusal::Malformed("A body is sent as it is, or packed with gzip.")),
        };
        Ok(Self { body, unpacker, left: most, stop })
    }

    /// Hands everything on. What git does not take any more is read all the same, so that the client comes to read its
    /// answer. One that is cut off, stands still or is too long just ends: git says what it misses.
    pub(super) async fn pump(mut self, git: Option<ChildStdin>) {
        let mut git = git;
        let stop = self.stop.clone();
        while let Some(Ok(Some(Ok(frame)))) =
            stop.run_until_cancelled(timeout(PATIENCE, self.body.frame())).await
        {
            let Ok(data) = frame.into_data() else { continue };
            if self.hand_on(&data, &mut git).await.is_none() {
                return;
            }
        }
        if let Some(rest) = self.unpacker.take().and_then(|unpacker| unpacker.finish().ok()) {
            self.give(&rest, &mut git).await;
        }
    }

    async fn hand_on(&mut self, data: &[u8], git: &mut Option<ChildStdin>) -> Option<()> {
        if self.unpacker.is_none() {
            return self.give(data, git).await;
        }
        for piece in data.chunks(PIECE) {
            let unpacker = self.unpacker.as_mut()?;
            unpacker.write_all(piece).ok()?;
            let unpacked = std::mem::take(unpacker.get_mut());
            self.give(&unpacked, git).await?;
        }
        Some(())
    }

    async fn give(&mut self, bytes: &[u8], git: &mut Option<ChildStdin>) -> Option<()> {
        self.left = self.left.checked_sub(bytes.len() as u64)?;
        if let Some(stdin) = git
            && stdin.write_all(bytes).await.is_err()
        {
            *git = None;
        }
        Some(())
    }
}
