use std::{
    fmt, io,
    net::{IpAddr, Ipv4Addr, Ipv6Addr, SocketAddr},
    str::FromStr,
};
use tokio::net::TcpListener;

/// An address to listen on: `localhost:8080` (both of the machine's loopback addresses), `0.0.0.0:80`, `[::]:80`, or a
/// bare port for localhost.
#[derive(Clone, Copy, Debug, Eq, PartialEq)]
pub struct Address {
    /// `None` is localhost.
    host: Option<IpAddr>,
    port: u16,
}

/// The text is not an address to listen on.
#[derive(Clone, Debug, Eq, PartialEq, thiserror::Error)]
#[error("`{0}` is not an address to listen on: write localhost:8080, 0.0.0.0:80 or [::]:80")]
pub struct InvalidAddress(String);

impl Address {
    pub(super) fn localhost(port: u16) -> Self {
        Self { host: None, port }
    }

    /// Opens the sockets, and tells the port: on localhost it is one port of both addresses, where the machine has both.
    pub(super) async fn bind(&self) -> io::Result<(Vec<TcpListener>, u16)> {
        if let Some(host) = self.host {
            let listener = TcpListener::bind(SocketAddr::from((host, self.port))).await?;
            let port = listener.local_addr()?.port();
            return Ok((vec![listener], port));
        }
        let v4 = TcpListener::bind(SocketAddr::from((Ipv4Addr::LOCALHOST, self.port))).await?;
        let chosen = v4.local_addr()?.port();
        let mut listeners = vec![v4];
        match TcpListener::bind(SocketAddr::from((Ipv6Addr::LOCALHOST, chosen))).await {
            Ok(v6) => listeners.push(v6),
            // Another program has the port there: `localhost` would lead browsers to it.
            Err(cause) if cause.kind() == io::ErrorKind::AddrInUse && self.port != 0 => return Err(cause),
            Err(_) => {}
        }
        Ok((listeners, chosen))
    }
}

impl fmt::Display for Address {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self.host {
            None => write!(f, "localhost:{}", self.port),
            Some(host) => SocketAddr::from((host, self.port)).fmt(f),
        }
    }
}

impl FromStr for Address {
    type Err = InvalidAddress;

    fn from_str(text: &str) -> Result<Self, InvalidAddress> {
        let local = text.strip_prefix("localhost:").unwrap_or(text).parse().map(Self::localhost);
        local
            .or_else(|_| text.parse().map(|at: SocketAddr| Self { host: Some(at.ip()), port: at.port() }))
            .map_err(|_| InvalidAddress(text.chars().take(80).collect()))
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn addresses_are_read_as_they_are_written() {
        for text in ["localhost:8080", "0.0.0.0:80", "[::]:80", "127.0.0.1:0"] {
            assert_eq!(text.parse::<Address>().map(|address| address.to_string()), Ok(text.to_owned()));
        }
        assert_eq!("8080".parse(), Ok(Address::localhost(8080)));
        for text in ["", "localhost", "example.org:80", "0.0.0.0", "70000", "::1:80:90:x"] {
            assert!(text.parse::<Address>().is_err(), "{text}");
        }
        insta::assert_snapshot!("web".parse::<Address>().expect_err("illegal"), @"`web` is not an address to listen on: write localhost:8080, 0.0.0.0:80 or [::]:80");
    }

    #[tokio::test]
    async fn a_port_of_ones_own_is_told() {
        let (listeners, port) = Address::localhost(0).bind().await.expect("bound");
        assert_eq!(listeners[0].local_addr().expect("bound").port(), port);
        let taken = Address::localhost(port).bind().await.expect_err("taken");
        assert_eq!(taken.kind(), io::ErrorKind::AddrInUse);
    }
}
