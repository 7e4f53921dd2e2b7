//! The router: from a socket to a dyno of the right app, and back.
//!
//! # Owns
//! Listening sockets and connections (HTTP/1.1 and HTTP/2, over TLS or in clear text on one port, told apart by their
//! first bytes), the table of hosts, the choice of a dyno, the headers that a router adds and takes away, time limits,
//! the error pages with their H-codes, and the `heroku[router]` line of every request. Hosts of the platform itself lead
//! to another [`Door`], connections that are no HTTP to who is [`Greeted`].
//!
//! # Invariants
//! 1. A request reads one published [`Routes`] snapshot; on its way there is no lock shared between cores, no
//!    task of its own (HTTP/1.1) and no buffering of bodies.
//! 2. Every request that found its app ends in exactly one log line, whatever ends it; nothing a client sends
//!    can forge a line or a field of one.
//! 3. What a dyno reads in `X-Forwarded-Proto`, `X-Forwarded-Port`, `X-Request-Id` and the last address of
//!    `X-Forwarded-For` was written or checked here; hop-by-hop headers pass in neither direction.
//! 4. An error page names the code and what the owner can do; it never shows what went wrong inside.
//!
//! # The way of a request
//! `server` accepts · `connection` is one of them from its `opening` to its end, perhaps in the `afterlife` of one that
//! was handed over · `exchange` takes one request through `headers` (checked,
//! forwarded) and [`Routes`] to a dyno and its answer back · `arrival` is its body, read to its end even when nobody
//! wants it · `upload` and `outbound` are the two bodies under the idle rule · `record` becomes the `line` when it is dropped.
//!
//! # Not here
//! Which dynos should run (whoever publishes [`Routes`]), what a dyno does with a request ([`crate::dyno`]), where
//! lines go ([`crate::logplex`]), certificates (whoever gives [`Tls`]), `Upgrade` to an app (refused by leaving the header
//! out, as for any hop-by-hop header; a [`Door`] may).

mod address;
mod afterlife;
mod arrival;
mod config;
mod connection;
mod door;
mod error;
mod exchange;
mod greeting;
mod headers;
mod inherited;
mod line;
mod listen;
mod metered;
mod opening;
mod outbound;
mod page;
mod record;
mod rewound;
mod routes;
mod server;
mod tls;
mod upload;
mod wire;

pub use address::{Address, InvalidAddress};
pub use config::RouterConfig;
pub use door::Door;
pub use error::{InvalidRequest, RouterError};
pub use greeting::{Greeted, RawConnection, RawStream};
pub use inherited::{Inherited, InheritedError};
pub use listen::{BindError, Listen, Listeners, given_out};
pub use routes::{Destination, InvalidHost, Route, Routes, Target};
pub use server::Router;
pub use tls::{ClearText, Tls};

#[cfg(test)]
mod tests;
