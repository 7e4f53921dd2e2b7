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
//! 4. Who guesses passwords or tokens is slowed down; who has a valid token never is.
//! 5. Whether there is an account is told neither by the words nor by the time of a refused login.
//! 6. Every refusal is in the ledger or counted by an entry of it, and nobody fills the ledger by being refused.
//!
//! # Inside
//! `doorkeeper` lets in, with `hashing` and `throttle` · `caller` decides a `deed` · `audit` writes what `audit_budget`
//! lets through · `accounts`, `tokens` and `places` are what the doorkeeper changes.
//!
//! # Not here
//! How a refusal is answered (the doors), and what an account is ([`crate::ledger`]).

mod account_error;
mod accounts;
mod audit;
mod audit_budget;
mod caller;
mod client_address;
mod credentials;
mod deed;
mod doorkeeper;
mod email;
mod hashing;
mod password;
mod places;
mod refused;
mod role;
mod scopes;
#[cfg(test)]
mod tests;
mod throttle;
mod token;
mod tokens;

pub use account_error::AccountError;
pub use caller::Caller;
pub use client_address::ClientAddress;
pub use credentials::Credentials;
pub use deed::Deed;
pub use doorkeeper::Doorkeeper;
pub use email::InvalidEmail;
pub use password::InvalidPassword;
pub use refused::Refused;
pub use role::{Right, Role};
pub use scopes::{Need, Scopes};
pub use token::{NoRandomness, Token};
pub use tokens::TokenWish;
