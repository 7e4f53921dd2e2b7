use super::{Address, InvalidAddress};
use crate::name::Scheme;
use std::{fmt, io, str::FromStr};
use tokio::net::TcpListener;

/// Where to listen: one address or several, as `localhost:8080` or `0.0.0.0:80, 0.0.0.0:443`.
#[derive(Clone, Debug, Eq, PartialEq)]
pub struct Listen(Vec<Address>);

/// One of the addresses is taken, or not allowed.
#[derive(Debug, thiserror::Error)]
#[error("{address}: {cause}")]
pub struct BindError {
    /// Which.
    pub address: Address,
    /// The system's words.
    #[source]
    pub cause: io::Error,
}

/// Open sockets.
#[derive(Debug)]
pub struct Listeners {
    /// The sockets; localhost has two.
    pub sockets: Vec<TcpListener>,
    /// The port of each address, in the order in which they were written; never empty.
    pub ports: Vec<u16>,
}

impl Listen {
    /// `port` of localhost, `127.0.0.1` and `::1`; 0 lets the system choose.
    #[must_use]
    pub fn localhost(port: u16) -> Self {
        Self(vec![Address::localhost(port)])
    }

    /// Opens the sockets of all addresses, or none.
    ///
    /// # Errors
    /// [`BindError`] names the address, as when its port is taken or not allowed.
    pub async fn bind(&self) -> Result<Listeners, BindError> {
        let mut bound = Listeners { sockets: Vec::new(), ports: Vec::new() };
        for address in &self.0 {
            let taken = |cause| BindError { address: *address, cause };
            let (sockets, port) = address.bind().await.map_err(taken)?;
            bound.sockets.extend(sockets);
            bound.ports.push(port);
        }
        Ok(bound)
    }
}

/// The port that is given out in addresses of apps: the first, but with `https` 443 where it is among them.
#[must_use]
pub fn given_out(ports: &[u16], scheme: Scheme) -> u16 {
    let first = ports.first().copied().unwrap_or_default();
    match scheme {
        Scheme::Https if ports.contains(&scheme.default_port()) => scheme.default_port(),
        Scheme::Https | Scheme::Http => first,
    }
}

impl fmt::Display for Listen {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        for (index, address) in self.0.iter().enumerate() {
            let comma = if index == 0 { "" } else { ", " };
            write!(f, "{comma}{address}")?;
        }
        Ok(())
    }
}

impl FromStr for Listen {
    type Err = InvalidAddress;

    fn from_str(text: &str) -> Result<Self, InvalidAddress> {
        text.split(',').map(|address| address.trim().parse()).collect::<Result<_, _>>().map(Self)
    }
}

crate::name::serde_as_text!(Listen);

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn several_addresses_are_read_as_they_are_written() {
        for text in ["localhost:8080", "0.0.0.0:80, 0.0.0.0:443", "[::]:80, localhost:0"] {
            assert_eq!(text.parse::<Listen>().map(|listen| listen.to_string()), Ok(text.to_owned()));
        }
        assert_eq!("8080".parse(), Ok(Listen::localhost(8080)));
        assert_eq!("80,443".parse::<Listen>().expect("legal").to_string(), "localhost:80, localhost:443");
        for text in ["", ",", "80,", "80 443", "0.0.0.0:80, web"] {
            assert!(text.parse::<Listen>().is_err(), "{text}");
        }
    }

    #[tokio::test]
    async fn every_address_has_its_port_and_a_taken_one_is_named() {
        let two: Listen = "localhost:0, 127.0.0.1:0".parse().expect("legal");
        let Listeners { sockets, ports } = two.bind().await.expect("bound");
        assert_eq!(ports.len(), 2);
        assert_ne!(ports[0], ports[1]);
        for port in &ports {
            assert!(sockets.iter().any(|socket| socket.local_addr().expect("bound").port() == *port));
        }
        let taken = format!("127.0.0.1:0, 127.0.0.1:{}", ports[1]).parse::<Listen>().expect("legal");
        let refused = taken.bind().await.expect_err("taken");
        assert_eq!(refused.cause.kind(), io::ErrorKind::AddrInUse);
        assert!(refused.to_string().starts_with(&format!("127.0.0.1:{}: ", ports[1])), "{refused}");
    }

    #[test]
    fn https_goes_to_its_own_port_where_there_is_one() {
        assert_eq!(given_out(&[80, 443], Scheme::Http), 80);
        assert_eq!(given_out(&[80, 443], Scheme::Https), 443);
        assert_eq!(given_out(&[8080, 8443], Scheme::Https), 8080);
    }
}
