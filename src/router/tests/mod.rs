//! The router on real sockets, against dynos that are closures.

mod errors;
mod handing_over;
mod harness;
mod headers;
mod hostile;
mod passing;
mod platform;
mod secure;
mod stopping;
