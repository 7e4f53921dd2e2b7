use std::net::IpAddr;

/// Where a request comes from: an extension of every request that the router hands to another door.
#[derive(Clone, Copy, Debug, Eq, Hash, PartialEq)]
pub struct ClientAddress(pub IpAddr);
