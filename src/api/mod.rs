//! The control API: Heroku's Platform API v3 in front of the ledger and what follows from it.
//!
//! # Owns
//! Paths and shapes of the API, who may see and change what, how a fault of any room becomes a status, an id and a
//! message, ranges of lists, and the secret addresses: uploads, log sessions, output
//! streams, attachments of one-off dynos.
//!
//! # Invariants
//! 1. What GET answers, dynos and the rate limit aside, is a function of the ledger's [`State`](crate::ledger::State)
//!    and of [`ApiConfig`]: the same before and after a restart. Of tokens it also tells how long they last still.
//! 2. A resource has every property that Heroku's schema names and no other; what is not there is `null`.
//! 3. A change that has begun runs to its end, whether its client waits or not; [`Api::close`] waits for all of them.
//! 4. No token, config value or host path is in an error, a log line or a `Debug` text.
//! 5. An app that is not the caller's is answered like one that does not exist.
//!
//! # The way of a request
//! `envelope` gives it an id and lets changes run to their end · `caller` finds out who asks and how often · a file
//! for each resource reads it (`fields`, `scope`), asks or changes the rooms below, and answers in the resource's
//! shape · `pages` cuts lists · `error` turns faults into answers · `envelope` tags what is answered.
//!
//! # Not here
//! Sockets, TLS and which hosts are the API's (`platform`); how a change becomes a release ([`crate::release`]) and
//! what runs ([`crate::formation`]).

mod absent;
mod account;
mod accounts;
mod allowance;
mod app;
mod app_transfer;
mod attachment;
mod authorization;
mod build;
mod buildpack;
mod caller;
mod collaborator;
mod config;
mod config_var;
mod domain;
mod door;
mod dyno;
mod dyno_size;
mod envelope;
mod error;
mod fields;
mod formation;
mod hostname;
mod log_session;
mod one_off;
mod output_stream;
mod pages;
mod parts;
mod range;
mod region;
mod release;
mod scope;
mod secrets;
mod slug;
mod slug_blob;
mod source;
mod stack;
mod upload;

#[cfg(test)]
mod tests;

pub use attachment::{BadFrame, Frame};
pub use config::{ApiConfig, ApiLimits};
pub use door::{Api, Rooms};
pub use secrets::ApiSecret;
