use rustls::{ProtocolVersion, ServerConfig};
use std::{fmt, io, sync::Arc};
use tokio::io::{AsyncRead, AsyncWrite};
use tokio_rustls::{TlsAcceptor, server::TlsStream};

/// How the router speaks TLS on its port.
pub struct Tls {
    config: Arc<ServerConfig>,
    clear_text: ClearText,
}

/// What becomes of requests for apps that come in clear text all the same. Other doors answer them in any case.
#[derive(Clone, Copy, Debug, Default, Eq, PartialEq)]
pub enum ClearText {
    /// They are answered.
    #[default]
    Answered,
    /// They are sent on to `https` (308).
    Redirected {
        /// The port of `https`.
        port: u16,
    },
}

impl Tls {
    /// TLS with the certificates of `config`, which offers the protocols that the router speaks.
    #[must_use]
    pub fn new(mut config: ServerConfig, clear_text: ClearText) -> Self {
        config.alpn_protocols = vec![b"h2".to_vec(), b"http/1.1".to_vec()];
        Self { config: Arc::new(config), clear_text }
    }

    pub(super) fn clear_text(&self) -> ClearText {
        self.clear_text
    }

    /// Shakes hands.
    pub(super) async fn accept<S: AsyncRead + AsyncWrite + Unpin>(
        &self,
        stream: S,
    ) -> io::Result<TlsStream<S>> {
        TlsAcceptor::from(Arc::clone(&self.config)).accept(stream).await
    }
}

/// The version that was agreed on, as log lines name it.
pub(super) fn version_of<S>(stream: &TlsStream<S>) -> &'static str {
    match stream.get_ref().1.protocol_version() {
        Some(ProtocolVersion::TLSv1_2) => "tls1.2",
        _ => "tls1.3",
    }
}

impl fmt::Debug for Tls {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("Tls").field("clear_text", &self.clear_text).finish_non_exhaustive()
    }
}
