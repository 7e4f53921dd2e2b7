//! What builds and release phases say: written once to a file, read by whoever comes, whenever.
//!
//! A reader owns no copy and costs the one it reads from nothing: it reads the file, and waits on a `watch` for more.

mod blocking;
mod id;
mod outputs;
mod reader;
#[cfg(test)]
mod tests;
mod writer;

pub use id::OutputId;
pub(super) use outputs::Outputs;
pub use reader::Output;
pub(super) use writer::OutputWriter;
