//! The fold: what each entry means.
//!
//! # Invariants
//! 1. It is pure: the state after it depends on the state before it and on the entry alone.
//! 2. An entry that does not fit changes nothing: every check comes before the first change.
//! 3. Only what an entry touches is copied; the rest stays shared with earlier states.

mod app;
mod platform;
mod release;
#[cfg(test)]
mod tests;

use super::{Entry, Misfit, State, Stream, misfit::Unfit};

impl State {
    /// The state after `entry`.
    ///
    /// # Errors
    /// [`Misfit`] when the entry has no meaning here; nothing has changed then.
    pub fn apply(&mut self, entry: &Entry) -> Result<(), Misfit> {
        let applied = match entry.stream {
            Stream::Platform => platform::apply(self, entry),
            Stream::App(app) => app::apply(self, app, entry),
        };
        applied.map_err(|reason| Misfit { stream: entry.stream, seq: entry.seq, reason })
    }
}

/// Entries of a stream follow each other without a gap.
fn follows(head: u64, entry: &Entry) -> Result<(), Unfit> {
    if head.checked_add(1) == Some(entry.seq) { Ok(()) } else { Err(Unfit::Seq(head)) }
}
