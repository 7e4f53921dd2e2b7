use crate::logplex::{AppLog, LineWriter, Source, Stream};
use bytes::Bytes;
use std::{
    io,
    pin::Pin,
    sync::{Arc, Mutex, PoisonError},
    task::{Context, Poll},
};
use tokio::io::AsyncWrite;
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
}

/// The most a guest may write in one call; more comes in further calls.
const CHUNK: usize = 64 * 1024;

impl Stdio {
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
