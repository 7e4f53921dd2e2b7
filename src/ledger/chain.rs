use super::{
    EntryHash, LedgerError, Stream,
    body::{self, Header, Unreadable},
    entry_table::FoundEntry,
};
use std::collections::HashMap;

/// The last entry of a chain.
#[derive(Clone, Copy, Default)]
pub(super) struct Link {
    pub(super) seq: u64,
    pub(super) hash: EntryHash,
}

/// Every chain up to some position.
#[derive(Default)]
pub(super) struct Chains {
    pub(super) links: HashMap<Stream, Link>,
    /// The position of the last entry; positions are dense.
    pub(super) position: i64,
}

/// What is wrong with an entry.
#[derive(Clone, Debug, Eq, PartialEq, thiserror::Error)]
#[non_exhaustive]
pub enum Flaw {
    /// The bytes were changed, or the hash was.
    #[error("does not have the hash that is stored with it")]
    Hash,
    /// The bytes are something else.
    #[error("is not the JSON of an entry")]
    Body,
    /// The bytes are of a later format.
    #[error("is {0}, made by a newer hokku: upgrade")]
    Newer(String),
    /// The columns beside the bytes say something else than the bytes.
    #[error("says that it is entry {seq} of {stream}")]
    Columns {
        /// The stream in the bytes.
        stream: Stream,
        /// The sequence number in the bytes.
        seq: u64,
    },
    /// An entry was taken out or put in.
    #[error("is at position {found} of the ledger, where {expected} should be")]
    Position {
        /// The position after the last one.
        expected: i64,
        /// The entry's.
        found: i64,
    },
    /// An entry of the stream was taken out or put in.
    #[error("comes after entry {0} of its stream")]
    Seq(u64),
    /// An entry before it was replaced.
    #[error("was made after another entry than the one before it")]
    Prev,
}

impl Chains {
    /// Checks everything of an entry that can be checked without a key: its hash, its columns, its place.
    pub(super) fn follow<'a>(&mut self, found: &'a FoundEntry<'_>) -> Result<Header<'a>, Flaw> {
        let hash = EntryHash::of(found.body);
        if hash.0 != found.hash {
            return Err(Flaw::Hash);
        }
        let header = body::read_header(found.body).map_err(|cause| match cause {
            Unreadable::Newer(what) => Flaw::Newer(what),
            Unreadable::Damaged(_) => Flaw::Body,
        })?;
        let Header { stream, seq, prev, .. } = header;
        if u64::try_from(found.seq) != Ok(seq) || found.stream.parse() != Ok(stream) {
            return Err(Flaw::Columns { stream, seq });
        }
        let expected = self.position + 1;
        if found.position != expected {
            return Err(Flaw::Position { expected, found: found.position });
        }
        let last = self.links.entry(stream).or_default();
        if seq != last.seq + 1 {
            return Err(Flaw::Seq(last.seq));
        }
        if prev != last.hash {
            return Err(Flaw::Prev);
        }
        *last = Link { seq, hash };
        self.position = found.position;
        Ok(header)
    }
}

impl Flaw {
    /// The flaw of `found`, as one that keeps the ledger from being opened.
    pub(super) fn of(self, found: &FoundEntry<'_>) -> LedgerError {
        if let (Self::Newer(what), Ok(stream), Ok(seq)) = (&self, found.stream.parse(), found.seq.try_into())
        {
            return LedgerError::NewerEntry { stream, seq, what: what.clone() };
        }
        let (stream, seq) = (found.stream.chars().take(64).collect(), found.seq);
        LedgerError::Broken { stream, seq, what: self.to_string() }
    }
}
