//! The client: how this command line speaks with a platform, over its Platform API v3.
//!
//! # Owns
//! Which platform is meant, with which token and by which authority it is known, requests and their time limits, pages
//! of lists, streams of text and of log lines, the streams of one-off dynos, and the words for what goes wrong on the way.
//!
//! # Invariants
//! 1. Each token goes to its own platform and nowhere else: the owner's to the one of the data directory, on this
//!    machine; that of a login to exactly the host and port of its netrc entry; `HOKKU_API_KEY` to the platform that the
//!    environment means. No token is in an error or in `Debug`.
//! 2. Addresses that the platform gives out (uploads, outputs, logs) hold a secret: they get no token, and no error
//!    shows them.
//!
//! # Not here
//! What is printed: each command's own file.

mod access;
mod api;
mod attach;
mod authorities;
#[cfg(test)]
pub(super) mod canned;
mod credential;
mod error;
mod host;
mod objects;
mod resolver;
mod streams;

pub(super) use access::Access;
pub(super) use api::{Client, Range};
pub(super) use credential::Credential;
pub(super) use error::ClientError;
pub(super) use objects::{
    Account, Answer, App, Authorization, Build, Buildpack, Collaborator, ConfigVars, Domain, DomainStatus,
    Dyno, Email, Formation, LogSession, OneOff, Release, Slug, Source, Status, Transfer,
};
