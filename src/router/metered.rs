use super::{afterlife::Side, wire::Wire};
use std::{
    io,
    pin::Pin,
    sync::Arc,
    task::{Context, Poll, ready},
};
use tokio::{
    io::{AsyncRead, AsyncWrite, ReadBuf},
    net::TcpStream,
};

/// A socket which tells its [`Wire`] how much went through, and when it is closed.
pub(super) struct Metered {
    pub(super) socket: TcpStream,
    pub(super) wire: Arc<Wire>,
}

impl Metered {
    fn check(&self, side: Side, cx: &Context<'_>) -> io::Result<()> {
        self.wire.afterlife.check(side, cx.waker())
    }

    fn written(&self, result: Poll<io::Result<usize>>) -> Poll<io::Result<usize>> {
        self.wire.was_written(match &result {
            Poll::Ready(Ok(count)) => Some(*count),
            Poll::Ready(Err(_)) => Some(0),
            Poll::Pending => None,
        });
        result
    }
}

impl Drop for Metered {
    fn drop(&mut self) {
        self.wire.afterlife.end();
    }
}

impl AsyncRead for Metered {
    fn poll_read(
        mut self: Pin<&mut Self>,
        cx: &mut Context<'_>,
        buf: &mut ReadBuf<'_>,
    ) -> Poll<io::Result<()>> {
        self.check(Side::Reader, cx)?;
        let before = buf.filled().len();
        ready!(Pin::new(&mut self.socket).poll_read(cx, buf))?;
        self.wire.was_read(buf.filled().len() - before);
        Poll::Ready(Ok(()))
    }
}

impl AsyncWrite for Metered {
    fn poll_write(mut self: Pin<&mut Self>, cx: &mut Context<'_>, buf: &[u8]) -> Poll<io::Result<usize>> {
        self.check(Side::Writer, cx)?;
        let result = Pin::new(&mut self.socket).poll_write(cx, buf);
        self.written(result)
    }

    fn poll_flush(mut self: Pin<&mut Self>, cx: &mut Context<'_>) -> Poll<io::Result<()>> {
        Pin::new(&mut self.socket).poll_flush(cx)
    }

    fn poll_shutdown(mut self: Pin<&mut Self>, cx: &mut Context<'_>) -> Poll<io::Result<()>> {
        Pin::new(&mut self.socket).poll_shutdown(cx)
    }

    fn poll_write_vectored(
        mut self: Pin<&mut Self>,
        cx: &mut Context<'_>,
        bufs: &[io::IoSlice<'_>],
    ) -> Poll<io::Result<usize>> {
        self.check(Side::Writer, cx)?;
        let result = Pin::new(&mut self.socket).poll_write_vectored(cx, bufs);
        self.written(result)
    }

    fn is_write_vectored(&self) -> bool {
        self.socket.is_write_vectored()
    }
}
