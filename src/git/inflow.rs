use super::refusal::Refusal;
use axum::{
    body::Body,
    http::{HeaderMap, HeaderValue, header},
};
use flate2::write::MultiGzDecoder;
use http_body_util::BodyExt as _;
use std::{io::Write as _, time::Duration};
use tokio::{
    io::{AsyncWrite, AsyncWriteExt as _},
    time::timeout,
};
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
        let unpacker = match headers.get(header::CONTENT_ENCODING).map(HeaderValue::as_bytes) {
            None | Some(b"identity") => None,
            Some(b"gzip" | b"x-gzip") => Some(MultiGzDecoder::new(Vec::new())),
            Some(_) => return Err(Refusal::Malformed("A body is sent as it is, or packed with gzip.")),
        };
        Ok(Self { body, unpacker, left: most, stop })
    }

    /// Hands everything on. What git does not take any more is read all the same, so that the client comes to read its
    /// answer. One that is cut off, stands still or is too long just ends: git says what it misses.
    pub(super) async fn pump(mut self, git: impl AsyncWrite + Unpin) {
        let mut git = Some(git);
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

    async fn hand_on(&mut self, data: &[u8], git: &mut Option<impl AsyncWrite + Unpin>) -> Option<()> {
        if self.unpacker.is_none() {
            return self.give(data, git).await;
        }
        for piece in data.chunks(PIECE) {
            let unpacker = self.unpacker.as_mut()?;
            unpacker.write_all(piece).ok()?;
            let bytes = std::mem::take(unpacker.get_mut());
            self.give(&bytes, git).await?;
        }
        Some(())
    }

    async fn give(&mut self, bytes: &[u8], git: &mut Option<impl AsyncWrite + Unpin>) -> Option<()> {
        self.left = self.left.checked_sub(bytes.len() as u64)?;
        if let Some(stdin) = git
            && stdin.write_all(bytes).await.is_err()
        {
            *git = None;
        }
        Some(())
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use axum::body::Bytes;
    use flate2::{Compression, write::GzEncoder};
    use futures_util::stream;

    fn headers(coding: Option<&'static str>) -> HeaderMap {
        coding
            .map(|coding| (header::CONTENT_ENCODING, HeaderValue::from_static(coding)))
            .into_iter()
            .collect()
    }

    async fn handed_on(coding: Option<&'static str>, body: Body, most: u64) -> Vec<u8> {
        let inflow = Inflow::new(&headers(coding), body, most, CancellationToken::new()).expect("legal");
        let mut git = Vec::new();
        inflow.pump(&mut git).await;
        git
    }

    fn packed(bytes: &[u8]) -> Vec<u8> {
        let mut packer = GzEncoder::new(Vec::new(), Compression::best());
        packer.write_all(bytes).expect("packed");
        packer.finish().expect("packed")
    }

    #[tokio::test]
    async fn a_packed_body_is_unpacked_however_it_comes() {
        let text: Vec<u8> = (0..100_000_u32).flat_map(u32::to_le_bytes).collect();
        assert_eq!(handed_on(None, Body::from(text.clone()), 1 << 20).await, text);
        assert_eq!(handed_on(Some("gzip"), Body::from(packed(&text)), 1 << 20).await, text);
        let bytes =
            packed(b"0032want").into_iter().map(|byte| Ok::<_, std::io::Error>(Bytes::from(vec![byte])));
        assert_eq!(handed_on(Some("x-gzip"), Body::from_stream(stream::iter(bytes)), 100).await, b"0032want");
        let refused = Inflow::new(&headers(Some("br")), Body::empty(), 1, CancellationToken::new());
        assert!(matches!(refused, Err(Refusal::Malformed(_))));
    }

    #[tokio::test]
    async fn a_bomb_ends_at_its_limit() {
        let bomb = packed(&vec![0; 100 << 20]);
        let got = handed_on(Some("gzip"), Body::from(bomb), 1 << 20).await;
        assert!(got.len() <= 1 << 20, "{}", got.len());
        assert!(handed_on(None, Body::from(vec![0; 2 << 20]), 1 << 20).await.len() <= 1 << 20);
        assert!(handed_on(Some("gzip"), Body::from("no gzip at all"), 100).await.is_empty());
    }

    #[tokio::test(start_paused = true)]
    async fn a_body_that_stands_still_or_breaks_off_just_ends() {
        let begun = || stream::iter([Ok::<_, std::io::Error>(Bytes::from_static(b"0000"))]);
        let stuck = stream::StreamExt::chain(begun(), stream::pending());
        assert_eq!(handed_on(None, Body::from_stream(stuck), 100).await, b"0000");
        let broken = stream::StreamExt::chain(begun(), stream::iter([Err(std::io::Error::other("gone"))]));
        assert_eq!(handed_on(None, Body::from_stream(broken), 100).await, b"0000");
        let stop = CancellationToken::new();
        stop.cancel();
        let inflow = Inflow::new(&headers(None), Body::from("late"), 100, stop).expect("legal");
        let mut git = Vec::new();
        inflow.pump(&mut git).await;
        assert!(git.is_empty());
    }
}
