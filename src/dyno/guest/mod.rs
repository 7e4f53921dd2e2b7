//! Guests: what runs inside a dyno, by the way it serves.
//!
//! # Owns
//! The store data that host functions see ([`GuestState`]); [`HttpGuest`], which answers requests with warm
//! instances; [`run_command`], which runs a program to its end.
//!
//! # Seam
//! wasmtime-wasi-http appears only in `http` and `state`: own server-side `wasi:http` hosts take its place there.

mod command;
mod http;
mod slots;
mod state;

pub use command::Exit;
pub(super) use command::run_command;
pub(super) use http::HttpGuest;
pub use http::InstanceCounts;
pub(super) use state::GuestState;
