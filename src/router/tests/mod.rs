//! The router on real sockets, against dynos that are closures.

mod errors;
mod harness;
mod headers;
mod hostile;
mod passing;
mod platform;
mod stopping;
