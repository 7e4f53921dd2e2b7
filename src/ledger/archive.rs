use super::{
    Actor, EntryHash, Event, Head, LedgerError, Stream,
    body::{self, Header},
    entry_table::{EntryTable, FoundEntry},
    summary,
};
use crate::clock::Timestamp;
use crate::name::{AppId, AppName};
use serde::Deserialize;
use std::{
    collections::HashMap,
    io::{self, Write},
    path::Path,
};

/// The entries without the platform and without a key: what was sealed stays sealed. It can be read while a platform
/// writes.
pub struct Archive {
    pub(super) entries: EntryTable,
}

/// An entry as it is written.
#[derive(Clone, Debug, PartialEq)]
pub struct Record {
    /// Its place in the whole ledger, from 1.
    pub position: u64,
    /// Its chain.
    pub stream: Stream,
    /// Its place in its chain, from 1.
    pub seq: u64,
    /// When it was appended.
    pub at: Timestamp,
    /// Who made the change.
    pub actor: Actor,
    /// What kind of change: `release-created`.
    pub kind: String,
    /// The version of its payload.
    pub version: u32,
    /// The change; secrets are sealed.
    pub payload: serde_json::Value,
    /// The hash that is stored with it.
    pub hash: EntryHash,
}

/// One chain of the ledger.
#[derive(Clone, Debug, Eq, PartialEq)]
pub struct Chain {
    /// Its last entry.
    pub head: Head,
    /// The name of its app, the last one if it was destroyed; `None` for the platform's.
    pub app: Option<AppName>,
}

/// Why the entries were not exported.
#[derive(Debug, thiserror::Error)]
pub enum ExportError {
    /// They cannot be read.
    #[error(transparent)]
    Ledger(#[from] LedgerError),
    /// They cannot be written.
    #[error("cannot write the export: {0}")]
    Write(#[from] io::Error),
}

impl Archive {
    /// Opens the ledger in `dir` for reading. Blocks on the disk, as everything here.
    ///
    /// # Errors
    /// [`LedgerError`] when there is none, or it is of a later format.
    pub fn open(dir: &Path) -> Result<Self, LedgerError> {
        Ok(Self { entries: EntryTable::read_only(dir)? })
    }

    /// Shows every entry to `visit`, or those of one stream, the oldest first. Nothing is proved: see
    /// [`verify`](Self::verify).
    ///
    /// # Errors
    /// [`LedgerError`] when an entry cannot be read, or what `visit` gives.
    pub fn each<E: From<LedgerError>>(
        &self,
        stream: Option<Stream>,
        mut visit: impl FnMut(Record) -> Result<(), E>,
    ) -> Result<(), E> {
        self.entries.each(stream, |found| visit(Record::of(&found)?))
    }

    /// Every chain, the platform's first.
    ///
    /// # Errors
    /// [`LedgerError`] when the ledger cannot be read.
    pub fn chains(&self) -> Result<Vec<Chain>, LedgerError> {
        // The heads first: the app of each of them has its name by now.
        let mut heads = Vec::new();
        self.entries.each_head(|found| {
            let (Ok(stream), Ok(seq)) = (found.stream.parse(), u64::try_from(found.seq)) else {
                return Ok(());
            };
            let head = Head { stream, seq, hash: stored_hash(&found)? };
            heads.push(head);
            Ok::<_, LedgerError>(())
        })?;
        let mut names = AppNames::default();
        self.entries.each(Some(Stream::Platform), |found| {
            names.learn(&read_header(&found)?.kind, found.body);
            Ok::<_, LedgerError>(())
        })?;
        heads.sort_by_key(|head| head.stream);
        Ok(heads.into_iter().map(|head| Chain { head, app: names.of(head.stream) }).collect())
    }

    /// Writes every entry as a line of JSON: `{"hash":"…","body":…}`, where the text of the body is what was hashed.
    /// Secrets stay sealed, and no key is written. Gives the number of entries.
    ///
    /// # Errors
    /// [`ExportError`]
    pub fn export(&self, mut to: impl Write) -> Result<u64, ExportError> {
        let mut count = 0;
        self.entries.each(None, |found| {
            read_header(&found)?;
            write!(to, "{{\"hash\":\"{}\",\"body\":", stored_hash(&found)?)?;
            to.write_all(found.body)?;
            to.write_all(b"}\n")?;
            count += 1;
            Ok::<_, ExportError>(())
        })?;
        to.flush()?;
        Ok(count)
    }
}

impl Record {
    fn of(found: &FoundEntry<'_>) -> Result<Self, LedgerError> {
        #[derive(Deserialize)]
        struct Payload {
            payload: serde_json::Value,
        }
        let header = read_header(found)?;
        let Header { stream, seq, at, version, .. } = header;
        body::check_kind(&header).map_err(|cause| cause.at(stream, seq))?;
        let read: Result<Payload, _> = serde_json::from_slice(found.body);
        let Payload { payload } = read.map_err(|_| broken(found))?;
        let position = u64::try_from(found.position).map_err(|_| broken(found))?;
        let hash = stored_hash(found)?;
        let (actor, kind) = (header.actor, header.kind.into_owned());
        Ok(Self { position, stream, seq, at, actor, kind, version, payload, hash })
    }

    /// The change in a line for people: `v3 Deploy 1a2b3c4d`, `Set GREETING`. It shows no secret.
    #[must_use]
    pub fn summary(&self) -> String {
        summary::of(&self.kind, &self.payload)
    }
}

fn broken(found: &FoundEntry<'_>) -> LedgerError {
    super::Flaw::Body.of(found)
}

fn read_header<'a>(found: &'a FoundEntry<'_>) -> Result<Header<'a>, LedgerError> {
    body::read_header(found.body).map_err(|cause| match (found.stream.parse(), u64::try_from(found.seq)) {
        (Ok(stream), Ok(seq)) => cause.at(stream, seq),
        _ => broken(found),
    })
}

fn stored_hash(found: &FoundEntry<'_>) -> Result<EntryHash, LedgerError> {
    found.hash.try_into().map(EntryHash).map_err(|_| super::Flaw::Hash.of(found))
}

/// What apps are called, as far as the platform's stream was read.
#[derive(Default)]
pub(super) struct AppNames(HashMap<AppId, AppName>);

impl AppNames {
    pub(super) fn learn(&mut self, kind: &str, body: &[u8]) {
        if !matches!(kind, "app-created" | "app-renamed") {
            return;
        }
        // One that cannot be read has no name to tell.
        if let Ok(Event::AppCreated { app, name, .. } | Event::AppRenamed { app, name }) =
            serde_json::from_slice(body)
        {
            self.0.insert(app, name);
        }
    }

    pub(super) fn of(&self, stream: Stream) -> Option<AppName> {
        match stream {
            Stream::Platform => None,
            Stream::App(app) => self.0.get(&app).cloned(),
        }
    }
}
