//! Command lines: words, quoting and variables as a POSIX shell reads them, and nothing else of a shell.
//!
//! # Owns
//! How the text of a command becomes words when a dyno starts, and what to write instead of shell syntax.
//!
//! # Not here
//! Which program the first word names: see [`super::Manifest::lookup`].

mod error;
mod line;
mod parse;
mod quote;
#[cfg(test)]
mod tests;

pub use error::CommandError;
pub use line::{CommandLine, Expanded};
