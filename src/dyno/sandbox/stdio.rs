use super::pipe::{Look, PipeReader, PipeWriter, pipe};
use crate::logplex::{AppLog, LineWriter, Source, Stream};
use bytes::Bytes;
use std::{
    io,
    pin::Pin,
    sync::{Arc, Mutex, PoisonError},
    task::{Context, Poll},
};
use tokio::io::{AsyncWrite, AsyncWriteExt as _};
use wasmtime_wasi::{
    WasiCtxBuilder,
    cli::{IsTerminal, StdoutStream},
    p2::{OutputStream, Pollable, StreamResult},
};

/// Where the standard streams of a dyno lead.
#[derive(Clone, Debug)]
pub enum Stdio {
    /// Output is dropped, input is empty.
    Null,
    /// Output goes to the app's log line by line; input is empty.
    Log(AppLog),
    /// The host process's own streams: a one-off dyno attached to the terminal.
    Inherit,
    /// Pipes to whoever holds the other ends: see [`Stdio::piped`].
    Piped(Pipes),
}

/// The guest's ends of its three pipes.
#[derive(Clone, Debug)]
pub struct Pipes {
    stdin: PipeReader,
    stdout: PipeWriter,
    stderr: PipeWriter,
}

/// The other ends of a guest's three pipes.
#[derive(Debug)]
pub struct PipeEnds {
    /// What the guest reads. When it is dropped, the guest comes to the end of its input.
    pub stdin: PipeWriter,
    /// What the guest writes. When it is dropped, the guest's next write fails.
    pub stdout: PipeReader,
    /// The same for its errors.
    pub stderr: PipeReader,
}

/// The most a guest may write in one call; more comes in further calls.
const CHUNK: usize = 64 * 1024;

impl Stdio {
    /// Three pipes: what a dyno is started with, and the ends for whoever speaks with it. Each holds at most
    /// [`PipeWriter::CAPACITY`] bytes; then who writes waits. The output comes to its end when the guest has.
    ///
    /// ```
    /// use hokku::dyno::{Look, Stdio};
    /// use tokio::io::{AsyncReadExt as _, AsyncWriteExt as _};
    ///
    /// # tokio::runtime::Runtime::new()?.block_on(async {
    /// let (stdio, mut ends) = Stdio::piped(Look::Pipe);
    /// ends.stdin.write_all(b"for the guest").await?;
    /// // No dyno was started with it: its output ends at once.
    /// drop(stdio);
    /// assert_eq!(ends.stdout.read(&mut [0; 10]).await?, 0);
    /// # Ok::<(), std::io::Error>(())
    /// # })?;
    /// # Ok::<(), std::io::Error>(())
    /// ```
    #[must_use]
    pub fn piped(look: Look) -> (Self, PipeEnds) {
        let ((stdin, to_guest), (from_guest, stdout), (errors, stderr)) =
            (pipe(look), pipe(look), pipe(look));
        let ends = PipeEnds { stdin: to_guest, stdout: from_guest, stderr: errors };
        (Self::Piped(Pipes { stdin, stdout, stderr }), ends)
    }

    /// Writes where a guest's errors go what the guest itself cannot say any more: why it trapped. Waits for whoever
    /// reads it.
    pub(in crate::dyno) async fn last_words(&self, process: &str, words: &str) {
        match self {
            Self::Null | Self::Inherit => {}
            Self::Log(log) => {
                for line in words.lines() {
                    log.write(Source::App, process, Stream::Stderr, line);
                }
            }
            // Who does not read any more wants no reason either.
            Self::Piped(pipes) => drop(pipes.stderr.clone().write_all(format!("{words}\n").as_bytes()).await),
        }
    }

    pub(super) fn connect(&self, wasi: &mut WasiCtxBuilder, process: &str) {
        match self {
            Self::Null => {}
            Self::Log(log) => {
                wasi.stdout(LogStream::new(log, process, Stream::Stdout));
                wasi.stderr(LogStream::new(log, process, Stream::Stderr));
            }
            Self::Inherit => {
                wasi.inherit_stdio();
            }
            Self::Piped(Pipes { stdin, stdout, stderr }) => {
                wasi.stdin(stdin.clone()).stdout(stdout.clone()).stderr(stderr.clone());
            }
        }
    }
}

/// One output stream of one guest. Clones write to the same lines.
#[derive(Clone)]
struct LogStream(Arc<Mutex<LineWriter>>);

impl LogStream {
    fn new(log: &AppLog, process: &str, stream: Stream) -> Self {
        Self(Arc::new(Mutex::new(LineWriter::new(log.clone(), Source::App, process, stream))))
    }

    fn push(&self, bytes: &[u8]) {
        self.0.lock().unwrap_or_else(PoisonError::into_inner).write(bytes);
    }
}

impl IsTerminal for LogStream {
    fn is_terminal(&self) -> bool {
        false
    }
}

impl StdoutStream for LogStream {
    fn p2_stream(&self) -> Box<dyn OutputStream> {
        Box::new(self.clone())
    }

    fn async_stream(&self) -> Box<dyn AsyncWrite + Send + Sync> {
        Box::new(self.clone())
    }
}

impl OutputStream for LogStream {
    fn write(&mut self, bytes: Bytes) -> StreamResult<()> {
        self.push(&bytes);
        Ok(())
    }

    fn flush(&mut self) -> StreamResult<()> {
        Ok(())
    }

    fn check_write(&mut self) -> StreamResult<usize> {
        Ok(CHUNK)
    }
}

#[async_trait::async_trait]
impl Pollable for LogStream {
    async fn ready(&mut self) {}
}

impl AsyncWrite for LogStream {
    fn poll_write(self: Pin<&mut Self>, _: &mut Context<'_>, bytes: &[u8]) -> Poll<io::Result<usize>> {
        let bytes = &bytes[..bytes.len().min(CHUNK)];
        self.push(bytes);
        Poll::Ready(Ok(bytes.len()))
    }

    fn poll_flush(self: Pin<&mut Self>, _: &mut Context<'_>) -> Poll<io::Result<()>> {
        Poll::Ready(Ok(()))
    }

    fn poll_shutdown(self: Pin<&mut Self>, _: &mut Context<'_>) -> Poll<io::Result<()>> {
        Poll::Ready(Ok(()))
    }
}
