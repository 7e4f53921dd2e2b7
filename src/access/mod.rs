//! Access: who may do what.
//!
//! # Owns
//! Credentials as they come, tokens and passwords as they are checked, what a token's scopes allow, what the owner of an
//! app, its collaborators and strangers may do with it, and what becomes of those who are refused.
//!
//! # Invariants
//! 1. A token or password is in no `Debug`, no error and no log line, and is kept nowhere but hashed.
//! 2. To who may not see an app it does not exist: the refusal is that of an app that is not there.
//! 3. What may be done is a pure function of [`Role`], [`Right`], scopes and [`Need`].
//!
//! # Not here
//! How a refusal is answered (the doors), and what an account is ([`crate::ledger`]).

mod caller;
mod client_address;
mod credentials;
mod doorkeeper;
mod refused;
mod role;
mod scopes;
mod token;

pub use caller::Caller;
pub use client_address::ClientAddress;
pub use credentials::Credentials;
pub use doorkeeper::Doorkeeper;
pub use refused::Refused;
pub use role::{Right, Role};
pub use scopes::{Need, Scopes};
pub use token::{NoRandomness, Token};
