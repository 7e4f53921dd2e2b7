use crate::access::ClientAddress;
use futures_util::future::BoxFuture;
use std::fmt;
use tokio::io::{AsyncRead, AsyncWrite};

/// A connection after its first line.
pub type RawStream = Box<dyn RawConnection>;

/// Both directions of a connection that is no HTTP.
pub trait RawConnection: AsyncRead + AsyncWrite + Send + Unpin {}

impl<S: AsyncRead + AsyncWrite + Send + Unpin> RawConnection for S {}

/// Who takes connections that are no HTTP: their first line begins with `rendezvous-` instead of a method (Heroku's
/// protocol for the terminal of a dyno). They may come over TLS or in clear text.
pub trait Greeted: Send + Sync {
    /// Takes the connection whose first line was `line` (visible ASCII, without its `\r\n`, at most 510 bytes).
    ///
    /// It may be silent for long. It keeps its place among the connections until `stream` is dropped, and is cut when the
    /// router has stopped and the grace is over: reading and writing fail then.
    fn greeted(&self, line: String, stream: RawStream, client: ClientAddress) -> BoxFuture<'static, ()>;
}

impl fmt::Debug for dyn Greeted {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str("Greeted")
    }
}
