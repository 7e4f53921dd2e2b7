//! The client: how this command line speaks with a platform, over its Platform API v3.
//!
//! # Owns
//! Which platform is meant and with which token, requests and their time limits, pages of lists, streams of text and of
//! log lines, and the words for what goes wrong on the way.
//!
//! # Invariants
//! 1. The owner's token goes to the platform of the data directory, on this machine, and nowhere else; no token is in an
//!    error or in `Debug`.
//! 2. Addresses that the platform gives out (uploads, outputs, logs) hold a secret: they get no token, and no error
//!    shows them.
//!
//! # Not here
//! What is printed: each command's own file.

mod access;
mod api;
#[cfg(test)]
pub(super) mod canned;
mod error;
mod host;
mod objects;
mod resolver;
mod streams;

pub(super) use access::Access;
pub(super) use api::{Client, Range};
pub(super) use error::ClientError;
pub(super) use objects::{
    Answer, App, Build, Buildpack, ConfigVars, Domain, DomainStatus, Dyno, Email, Formation, LogSession,
    Release, Slug, Source, Status,
};
