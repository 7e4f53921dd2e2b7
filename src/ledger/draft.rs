use super::{
    AppendError, Batch, Entry, EntryHash, Event, State, Stream, body,
    body::LIMIT,
    chain::{Chains, Link},
    entry_table::StoredEntry,
    keyring::Keyring,
    secret::{DataKey, KeyOwner},
};
use crate::clock::Timestamp;
use std::collections::HashMap;

/// Batches that are about to be committed together, and the state after them.
pub(super) struct Draft<'a> {
    /// What was committed before.
    before: &'a State,
    chains: &'a Chains,
    keyring: &'a Keyring,
    pub(super) state: State,
    /// What was admitted, in clear, to get the state back when a batch is refused half-way.
    admitted: Vec<Entry>,
    pub(super) entries: Vec<StoredEntry>,
    pub(super) links: HashMap<Stream, Link>,
    pub(super) keys: HashMap<KeyOwner, DataKey>,
    /// Whose keys are to be removed.
    pub(super) gone: Vec<KeyOwner>,
}

/// What is sealed of one batch.
#[derive(Default)]
struct SealedBatch {
    entries: Vec<StoredEntry>,
    links: HashMap<Stream, Link>,
    keys: HashMap<KeyOwner, DataKey>,
}

impl<'a> Draft<'a> {
    pub(super) fn new(before: &'a State, chains: &'a Chains, keyring: &'a Keyring) -> Self {
        Self {
            before,
            chains,
            keyring,
            state: before.clone(),
            admitted: Vec::new(),
            entries: Vec::new(),
            links: HashMap::new(),
            keys: HashMap::new(),
            gone: Vec::new(),
        }
    }

    /// Takes the batch up as a whole, or changes nothing.
    pub(super) fn admit(&mut self, batch: Batch, at: Timestamp) -> Result<(), AppendError> {
        self.check_heads(&batch)?;
        let entries = self.number(batch, at);
        let folded = entries.iter().try_for_each(|entry| self.state.apply(entry));
        let sealed = folded.map_err(AppendError::Misfit).and_then(|()| self.seal(&entries));
        match sealed {
            Ok(sealed) => {
                self.entries.extend(sealed.entries);
                self.links.extend(sealed.links);
                self.keys.extend(sealed.keys);
                self.gone.extend(entries.iter().filter_map(|entry| match entry.event {
                    Event::AppDestroyed { app } => Some(KeyOwner::App(app)),
                    Event::AccountRemoved { account } => Some(KeyOwner::Account(account)),
                    _ => None,
                }));
                self.admitted.extend(entries);
                Ok(())
            }
            Err(refused) => {
                self.restore();
                Err(refused)
            }
        }
    }

    fn check_heads(&self, batch: &Batch) -> Result<(), AppendError> {
        for &(stream, expected) in &batch.heads {
            let found = self.state.head(stream);
            if found != expected {
                return Err(AppendError::Conflict { stream, expected, found });
            }
        }
        let headless = |(stream, _): &&(Stream, Event)| !batch.heads.iter().any(|(known, _)| known == stream);
        match batch.events.iter().find(headless) {
            Some(&(stream, _)) => Err(AppendError::NoHead { stream }),
            None => Ok(()),
        }
    }

    /// The batch's entries, each with its place in its stream.
    fn number(&self, batch: Batch, at: Timestamp) -> Vec<Entry> {
        let mut heads: HashMap<Stream, u64> = HashMap::new();
        let entries = batch.events.into_iter().map(|(stream, event)| {
            let head = heads.entry(stream).or_insert_with(|| self.state.head(stream));
            *head += 1;
            Entry { stream, seq: *head, at, actor: batch.actor.clone(), event }
        });
        entries.collect()
    }

    fn seal(&self, entries: &[Entry]) -> Result<SealedBatch, AppendError> {
        let mut sealed = SealedBatch::default();
        for entry in entries {
            if let Event::AppCreated { app, .. } = entry.event {
                sealed.keys.insert(KeyOwner::App(app), DataKey::random()?);
            }
            let owner = key_owner(entry);
            let known = |sealed: &SealedBatch, owner| {
                [&sealed.keys, &self.keys].iter().any(|keys| keys.contains_key(&owner))
                    || self.keyring.get(owner).is_some()
            };
            // An account gets its key with its first password.
            if let Some(account @ KeyOwner::Account(_)) = owner
                && !known(&sealed, account)
            {
                sealed.keys.insert(account, DataKey::random()?);
            }
            let key = owner.and_then(|owner| {
                let new = sealed.keys.get(&owner).or_else(|| self.keys.get(&owner));
                new.or_else(|| self.keyring.get(owner))
            });
            let links = [&sealed.links, &self.links, &self.chains.links];
            let prev = links.iter().find_map(|links| links.get(&entry.stream));
            let body = body::write(entry, prev.map_or(EntryHash::default(), |link| link.hash), key)?;
            if body.len() > LIMIT {
                let kind =
                    body::read_header(&body).map_or_else(|_| String::new(), |header| header.kind.into());
                return Err(AppendError::TooLarge { kind, size: body.len(), limit: LIMIT });
            }
            let hash = EntryHash::of(&body);
            sealed.links.insert(entry.stream, Link { seq: entry.seq, hash });
            sealed.entries.push(StoredEntry { stream: entry.stream, seq: entry.seq, body, hash });
        }
        Ok(sealed)
    }

    /// The state as it was before a batch that was refused half-way. Refusals are rare, and a copy before every batch
    /// would cost as much as the commit.
    fn restore(&mut self) {
        self.state = self.before.clone();
        for entry in &self.admitted {
            let folded = self.state.apply(entry);
            debug_assert!(folded.is_ok(), "{folded:?}: it was folded before");
        }
    }
}

/// Whose key seals the secrets of an entry, if it can hold one.
fn key_owner(entry: &Entry) -> Option<KeyOwner> {
    match (entry.stream, &entry.event) {
        (Stream::App(app), _) => Some(KeyOwner::App(app)),
        (Stream::Platform, Event::PasswordSet { account, .. }) => Some(KeyOwner::Account(*account)),
        (Stream::Platform, _) => None,
    }
}
