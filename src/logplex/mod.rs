//! The logplex: lines from everywhere to everyone who listens.
//!
//! # Owns
//! What a log line is and how it is written, the buffer of an app's last lines, tails over it with their
//! filters, and the way from a guest's bytes to lines.
//!
//! # Invariants
//! 1. Writing never waits for a reader: a writer takes its app's mutex for a few lines' work and awaits nothing.
//! 2. An app's buffer holds at most [`LogplexConfig::lines_per_app`] lines and
//!    [`LogplexConfig::bytes_per_app`] bytes, whatever the app prints. Tails own no copy: each is a cursor into
//!    the one buffer. When all buffers together pass [`LogplexConfig::bytes`](field@LogplexConfig::bytes), the largest
//!    give.
//! 3. A tail sees every matching line once and in order, or is told how many it lost.
//! 4. A line holds no line break and at most [`LINE_LIMIT`] bytes, so no guest can forge another's line.
//!
//! # Not here
//! Colours and columns of a terminal: see the `cli` room. What is worth a line: the room where it happens.

mod budget;
mod buffer;
mod hub;
mod line;
mod line_splitter;
mod line_writer;
mod tail;

pub use hub::{AppLog, Logplex, LogplexConfig};
pub use line::{LINE_LIMIT, LogLine, Source, Stream};
pub use line_splitter::LineSplitter;
pub use line_writer::LineWriter;
pub use tail::{Tail, TailEvent, TailFilter};
