use super::{
    Entry, EntryHash, LedgerError, State, Stream,
    body::{self, Header},
    entry_table::{EntryTable, FoundEntry},
    keyring::Keyring,
};
use std::collections::HashMap;

/// What the entries on the disk say.
#[derive(Default)]
pub(super) struct Replay {
    pub(super) state: State,
    /// The last entry of each stream.
    pub(super) chains: HashMap<Stream, Link>,
    /// The position of the last entry.
    pub(super) position: i64,
}

/// The last entry of a chain.
#[derive(Clone, Copy, Default)]
pub(super) struct Link {
    pub(super) seq: u64,
    pub(super) hash: EntryHash,
}

/// Reads every entry once: checks its chain, and folds it.
pub(super) fn replay(entries: &EntryTable, keyring: &Keyring) -> Result<Replay, LedgerError> {
    let mut replay = Replay::default();
    entries.each(None, |found| replay.take(&found, keyring))?;
    let destroyed = &replay.state.destroyed;
    replay.chains.retain(|stream, _| !matches!(stream, Stream::App(app) if destroyed.contains(app)));
    Ok(replay)
}

impl Replay {
    fn take(&mut self, found: &FoundEntry<'_>, keyring: &Keyring) -> Result<(), LedgerError> {
        let header = self.link(found)?;
        self.position = found.position;
        let key = match header.stream {
            Stream::Platform => None,
            Stream::App(app) => match keyring.get(app) {
                // A destroyed app's secrets are gone, and nothing of it is in the state: only its chain counts.
                None => return Ok(()),
                key => key,
            },
        };
        let Header { stream, seq, at, .. } = header;
        let event = body::read_event(found.body, &header, key).map_err(|cause| cause.at(stream, seq))?;
        let entry = Entry { stream, seq, at, actor: header.actor, event };
        self.state.apply(&entry).map_err(LedgerError::Misfit)
    }

    /// Checks that the entry is the next of its chain.
    fn link<'a>(&mut self, found: &FoundEntry<'a>) -> Result<Header<'a>, LedgerError> {
        let broken = |what: &str| LedgerError::Broken {
            stream: found.stream.chars().take(64).collect(),
            seq: u64::try_from(found.seq).unwrap_or(0),
            what: what.to_owned(),
        };
        let hash = EntryHash::of(found.body);
        if hash.0 != found.hash {
            return Err(broken("does not have the hash that is stored with it"));
        }
        let header = body::read_header(found.body).map_err(|cause| match found.stream.parse() {
            Ok(stream) => cause.at(stream, u64::try_from(found.seq).unwrap_or(0)),
            Err(_) => broken("is in a stream that there cannot be"),
        })?;
        let last = self.chains.entry(header.stream).or_default();
        if header.prev != last.hash || header.seq != last.seq + 1 {
            return Err(broken("does not follow the entry before it"));
        }
        *last = Link { seq: header.seq, hash };
        Ok(header)
    }
}
