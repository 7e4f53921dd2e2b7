use bytes::{Bytes, BytesMut};
use std::{
    fmt,
    future::poll_fn,
    io,
    pin::Pin,
    sync::{Arc, Mutex, MutexGuard, PoisonError},
    task::{Context, Poll, Waker},
};
use tokio::io::{AsyncRead, AsyncWrite, ReadBuf};
use wasmtime_wasi::{
    cli::{IsTerminal, StdinStream, StdoutStream},
    p2::{InputStream, OutputStream, Pollable, StreamError, StreamResult},
};

/// What a guest takes its standard streams for.
#[derive(Clone, Copy, Debug, Default, Eq, PartialEq)]
pub enum Look {
    /// Pipes: a program may write in large pieces, and asks nobody.
    #[default]
    Pipe,
    /// A terminal: a program may prompt, and writes at once.
    Terminal,
}

/// Bytes on their way from one end to the other, in order. Who writes too far ahead waits, and nothing is lost when an
/// end goes: what was written before is still read, and who writes to nobody is told.
struct Pipe {
    look: Look,
    state: Mutex<State>,
}

#[derive(Default)]
struct State {
    bytes: BytesMut,
    /// How many bytes were read, ever.
    taken: u64,
    writer_gone: bool,
    reader_gone: bool,
    waiting: Vec<Waker>,
}

impl State {
    fn room(&self) -> usize {
        PipeWriter::CAPACITY.saturating_sub(self.bytes.len())
    }

    fn wait(&mut self, cx: &Context<'_>) {
        if !self.waiting.iter().any(|waker| waker.will_wake(cx.waker())) {
            self.waiting.push(cx.waker().clone());
        }
    }
}

impl Pipe {
    fn state(&self) -> MutexGuard<'_, State> {
        // No code that panics runs under the lock.
        self.state.lock().unwrap_or_else(PoisonError::into_inner)
    }

    /// Changes the state and wakes whoever waits for a change.
    fn change<T>(&self, change: impl FnOnce(&mut State) -> T) -> T {
        let mut state = self.state();
        let result = change(&mut state);
        let waiting = std::mem::take(&mut state.waiting);
        drop(state);
        waiting.into_iter().for_each(Waker::wake);
        result
    }

    fn poll(&self, cx: &Context<'_>, is_met: impl FnOnce(&State) -> bool) -> Poll<()> {
        let mut state = self.state();
        if is_met(&state) {
            return Poll::Ready(());
        }
        state.wait(cx);
        Poll::Pending
    }

    fn poll_readable(&self, cx: &Context<'_>) -> Poll<()> {
        self.poll(cx, |state| !state.bytes.is_empty() || state.writer_gone)
    }

    fn poll_writable(&self, cx: &Context<'_>) -> Poll<()> {
        self.poll(cx, |state| state.room() > 0 || state.reader_gone)
    }

    /// At most `most` bytes, none if there are none yet; `None` at the end.
    fn take(&self, most: usize) -> Option<Bytes> {
        self.change(|state| {
            if state.bytes.is_empty() && state.writer_gone {
                return None;
            }
            let length = most.min(state.bytes.len());
            state.taken = state.taken.saturating_add(length as u64);
            Some(state.bytes.split_to(length).freeze())
        })
    }

    /// Writes as much as there is room for; `None` when nobody reads.
    fn put(&self, bytes: &[u8]) -> Option<usize> {
        self.change(|state| {
            if state.reader_gone {
                return None;
            }
            let length = bytes.len().min(state.room());
            state.bytes.extend_from_slice(&bytes[..length]);
            Some(length)
        })
    }
}

/// The end of a pipe that is read. Clones are one end; with the last of them the pipe is closed for its writer.
#[derive(Clone)]
pub struct PipeReader(Arc<ReadEnd>);

/// The end of a pipe that is written. Clones are one end; with the last of them the reader comes to the end.
#[derive(Clone)]
pub struct PipeWriter(Arc<WriteEnd>);

struct ReadEnd(Arc<Pipe>);
struct WriteEnd(Arc<Pipe>);

impl Drop for ReadEnd {
    fn drop(&mut self) {
        self.0.change(|state| {
            state.reader_gone = true;
            state.bytes = BytesMut::new();
        });
    }
}

impl Drop for WriteEnd {
    fn drop(&mut self) {
        self.0.change(|state| state.writer_gone = true);
    }
}

impl fmt::Debug for PipeReader {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str("PipeReader")
    }
}

impl fmt::Debug for PipeWriter {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str("PipeWriter")
    }
}

/// Both ends of a new pipe.
pub(super) fn pipe(look: Look) -> (PipeReader, PipeWriter) {
    let pipe = Arc::new(Pipe { look, state: Mutex::default() });
    (PipeReader(Arc::new(ReadEnd(Arc::clone(&pipe)))), PipeWriter(Arc::new(WriteEnd(pipe))))
}

impl PipeWriter {
    /// The most bytes that are written and not read; who writes more waits: 256 KiB.
    pub const CAPACITY: usize = 256 * 1024;

    /// How many bytes were read from the other end, ever: waits until it is another number than `known`. When the
    /// other end is gone it waits for ever.
    ///
    /// Cancel safe.
    pub async fn taken(&self, known: u64) -> u64 {
        let pipe = &self.0.0;
        poll_fn(|cx| pipe.poll(cx, |state| state.taken != known)).await;
        pipe.state().taken
    }
}

impl AsyncRead for PipeReader {
    fn poll_read(
        self: Pin<&mut Self>,
        cx: &mut Context<'_>,
        buffer: &mut ReadBuf<'_>,
    ) -> Poll<io::Result<()>> {
        let pipe = &self.0.0;
        std::task::ready!(pipe.poll_readable(cx));
        if let Some(bytes) = pipe.take(buffer.remaining()) {
            buffer.put_slice(&bytes);
        }
        Poll::Ready(Ok(()))
    }
}

impl AsyncWrite for PipeWriter {
    fn poll_write(self: Pin<&mut Self>, cx: &mut Context<'_>, bytes: &[u8]) -> Poll<io::Result<usize>> {
        let pipe = &self.0.0;
        std::task::ready!(pipe.poll_writable(cx));
        Poll::Ready(pipe.put(bytes).ok_or_else(|| io::ErrorKind::BrokenPipe.into()))
    }

    fn poll_flush(self: Pin<&mut Self>, _: &mut Context<'_>) -> Poll<io::Result<()>> {
        Poll::Ready(Ok(()))
    }

    fn poll_shutdown(self: Pin<&mut Self>, _: &mut Context<'_>) -> Poll<io::Result<()>> {
        self.0.0.change(|state| state.writer_gone = true);
        Poll::Ready(Ok(()))
    }
}

impl IsTerminal for PipeReader {
    fn is_terminal(&self) -> bool {
        self.0.0.look == Look::Terminal
    }
}

impl IsTerminal for PipeWriter {
    fn is_terminal(&self) -> bool {
        self.0.0.look == Look::Terminal
    }
}

impl StdinStream for PipeReader {
    fn p2_stream(&self) -> Box<dyn InputStream> {
        Box::new(self.clone())
    }

    fn async_stream(&self) -> Box<dyn AsyncRead + Send + Sync> {
        Box::new(self.clone())
    }
}

impl StdoutStream for PipeWriter {
    fn p2_stream(&self) -> Box<dyn OutputStream> {
        Box::new(self.clone())
    }

    fn async_stream(&self) -> Box<dyn AsyncWrite + Send + Sync> {
        Box::new(self.clone())
    }
}

/// The most that a guest reads at once.
const CHUNK: usize = 64 * 1024;

impl InputStream for PipeReader {
    fn read(&mut self, size: usize) -> StreamResult<Bytes> {
        self.0.0.take(size.min(CHUNK)).ok_or(StreamError::Closed)
    }
}

impl OutputStream for PipeWriter {
    fn write(&mut self, bytes: Bytes) -> StreamResult<()> {
        match self.0.0.put(&bytes) {
            None => Err(StreamError::Closed),
            Some(length) if length == bytes.len() => Ok(()),
            // A guest with several handles of one stream may have been told of the same room twice.
            Some(_) => Err(StreamError::trap("more was written to a standard stream than there is room for")),
        }
    }

    fn flush(&mut self) -> StreamResult<()> {
        Ok(())
    }

    fn check_write(&mut self) -> StreamResult<usize> {
        let state = self.0.0.state();
        if state.reader_gone { Err(StreamError::Closed) } else { Ok(state.room()) }
    }
}

#[async_trait::async_trait]
impl Pollable for PipeReader {
    async fn ready(&mut self) {
        poll_fn(|cx| self.0.0.poll_readable(cx)).await;
    }
}

#[async_trait::async_trait]
impl Pollable for PipeWriter {
    async fn ready(&mut self) {
        poll_fn(|cx| self.0.0.poll_writable(cx)).await;
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use proptest::prelude::*;
    use tokio::io::{AsyncReadExt, AsyncWriteExt as _};

    fn runtime() -> tokio::runtime::Runtime {
        tokio::runtime::Builder::new_current_thread().build().expect("a runtime")
    }

    proptest! {
        #[test]
        fn what_is_written_is_read_whatever_the_pieces(
            pieces in prop::collection::vec(prop::collection::vec(any::<u8>(), 0..90_000), 0..12),
            size in 1_usize..100_000,
        ) {
            let (mut reader, mut writer) = pipe(Look::Pipe);
            let whole = pieces.concat();
            let read = runtime().block_on(async {
                let write = async move {
                    for piece in &pieces {
                        writer.write_all(piece).await.expect("somebody reads");
                    }
                };
                let read = async {
                    let (mut all, mut buffer) = (Vec::new(), vec![0; size]);
                    loop {
                        match AsyncReadExt::read(&mut reader, &mut buffer).await.expect("reads") {
                            0 => break all,
                            length => all.extend_from_slice(&buffer[..length]),
                        }
                    }
                };
                tokio::join!(write, read).1
            });
            prop_assert_eq!(read, whole);
        }

        #[test]
        fn no_more_is_held_than_there_is_room_for(sizes in prop::collection::vec(0_usize..200_000, 0..10)) {
            let (mut reader, mut writer) = pipe(Look::Pipe);
            for size in sizes {
                let room = writer.check_write().expect("somebody reads");
                prop_assert!(room <= PipeWriter::CAPACITY);
                let fits = size <= room;
                prop_assert_eq!(OutputStream::write(&mut writer, Bytes::from(vec![0; size])).is_ok(), fits);
                InputStream::read(&mut reader, size / 2).expect("not at the end");
            }
        }
    }

    #[tokio::test]
    async fn who_writes_too_far_ahead_waits_for_the_reader() {
        let (mut reader, mut writer) = pipe(Look::Pipe);
        writer.write_all(&vec![1; PipeWriter::CAPACITY]).await.expect("room");
        assert_eq!(writer.check_write().expect("open"), 0);
        let mut more = Box::pin(writer.write_all(&[2]));
        assert!(futures_util::poll!(&mut more).is_pending());
        assert_eq!(InputStream::read(&mut reader, 10).expect("bytes").len(), 10);
        more.await.expect("written");
        assert_eq!(writer.taken(0).await, 10);
    }

    #[tokio::test]
    async fn an_end_that_goes_is_seen_at_the_other() {
        let (mut reader, mut writer) = pipe(Look::Pipe);
        writer.write_all(b"last words").await.expect("room");
        drop(writer);
        reader.ready().await;
        assert_eq!(InputStream::read(&mut reader, 100).expect("bytes"), "last words");
        assert!(matches!(InputStream::read(&mut reader, 100), Err(StreamError::Closed)));
        let (reader, mut writer) = pipe(Look::Terminal);
        assert!(writer.is_terminal());
        writer.write_all(&vec![1; PipeWriter::CAPACITY]).await.expect("room");
        tokio::join!(async { drop(reader) }, writer.ready());
        assert!(matches!(writer.check_write(), Err(StreamError::Closed)));
        let error = writer.write_all(b"x").await.expect_err("nobody reads");
        assert_eq!(error.kind(), io::ErrorKind::BrokenPipe);
    }
}
