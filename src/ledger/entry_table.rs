use super::{
    EntryHash, LedgerError, Stream,
    database::{Database, Kind, disk_error},
};
use crate::crash_point;
use rusqlite::{Row, TransactionBehavior};
use std::{
    borrow::Cow,
    path::{Path, PathBuf},
};

/// The file of the entries.
const LEDGER: Kind = Kind {
    what: "a ledger",
    application_id: i32::from_be_bytes(*b"hokl"),
    format: 1,
    // The triggers keep also `INSERT OR REPLACE` from changing what is there.
    schema: "
        CREATE TABLE entries (
            position INTEGER PRIMARY KEY,
            stream TEXT NOT NULL,
            seq INTEGER NOT NULL,
            body BLOB NOT NULL,
            hash BLOB NOT NULL
        ) STRICT;
        CREATE UNIQUE INDEX entries_by_stream ON entries (stream, seq);
        CREATE TRIGGER entries_are_not_updated BEFORE UPDATE ON entries
        BEGIN SELECT raise(ABORT, 'an entry is never changed'); END;
        CREATE TRIGGER entries_are_not_deleted BEFORE DELETE ON entries
        BEGIN SELECT raise(ABORT, 'an entry is never deleted'); END;
        CREATE TRIGGER entries_are_not_replaced BEFORE INSERT ON entries
        WHEN EXISTS (SELECT 1 FROM entries WHERE position = new.position)
          OR EXISTS (SELECT 1 FROM entries WHERE stream = new.stream AND seq = new.seq)
        BEGIN SELECT raise(ABORT, 'an entry is never replaced'); END",
};

/// The entries on the disk.
pub(super) struct EntryTable(Database);

/// An entry as it is stored.
pub(super) struct StoredEntry {
    pub(super) stream: Stream,
    pub(super) seq: u64,
    pub(super) body: Vec<u8>,
    pub(super) hash: EntryHash,
}

/// An entry as it is found, before anything about it is believed.
pub(super) struct FoundEntry<'a> {
    pub(super) position: i64,
    pub(super) stream: Cow<'a, str>,
    pub(super) seq: i64,
    pub(super) body: &'a [u8],
    pub(super) hash: &'a [u8],
}

impl<'a> FoundEntry<'a> {
    fn of(row: &'a Row<'_>) -> rusqlite::Result<Self> {
        Ok(Self {
            position: row.get(0)?,
            stream: String::from_utf8_lossy(row.get_ref(1)?.as_bytes()?),
            seq: row.get(2)?,
            body: row.get_ref(3)?.as_blob()?,
            hash: row.get_ref(4)?.as_blob()?,
        })
    }
}

impl EntryTable {
    pub(super) fn open(dir: &Path) -> Result<Self, LedgerError> {
        Database::open(dir.join("ledger.db"), &LEDGER).map(Self)
    }

    pub(super) fn in_memory() -> Result<Self, LedgerError> {
        Database::in_memory(&LEDGER).map(Self)
    }

    /// For reading beside the platform.
    pub(super) fn read_only(dir: &Path) -> Result<Self, LedgerError> {
        Database::read_only(dir.join("ledger.db"), &LEDGER).map(Self)
    }

    /// Copies it to `file` as it is at one moment.
    pub(super) fn copy_to(&self, file: &Path) -> Result<(), LedgerError> {
        self.0.copy_to(file, &LEDGER)
    }

    pub(super) fn file(&self) -> &PathBuf {
        &self.0.file
    }

    pub(super) fn error(&self, cause: &rusqlite::Error) -> LedgerError {
        disk_error(cause, self.file(), &LEDGER)
    }

    /// Every entry, or those of one stream, in the order of their positions.
    pub(super) fn each<E: From<LedgerError>>(
        &self,
        stream: Option<Stream>,
        visit: impl FnMut(FoundEntry<'_>) -> Result<(), E>,
    ) -> Result<(), E> {
        let sql = match stream {
            None => "SELECT position, stream, seq, body, hash FROM entries ORDER BY position",
            Some(_) => "SELECT position, stream, seq, body, hash FROM entries WHERE stream = ? ORDER BY seq",
        };
        self.select(sql, stream.map(|stream| stream.to_string()), visit)
    }

    /// The last entry of each stream.
    pub(super) fn each_head<E: From<LedgerError>>(
        &self,
        visit: impl FnMut(FoundEntry<'_>) -> Result<(), E>,
    ) -> Result<(), E> {
        let sql = "SELECT position, stream, max(seq), body, hash FROM entries GROUP BY stream";
        self.select(sql, None, visit)
    }

    fn select<E: From<LedgerError>>(
        &self,
        sql: &str,
        stream: Option<String>,
        mut visit: impl FnMut(FoundEntry<'_>) -> Result<(), E>,
    ) -> Result<(), E> {
        let failed = |cause: rusqlite::Error| E::from(self.error(&cause));
        let mut statement = self.0.connection.prepare(sql).map_err(failed)?;
        let mut rows = statement.query(rusqlite::params_from_iter(stream)).map_err(failed)?;
        while let Some(row) = rows.next().map_err(failed)? {
            visit(FoundEntry::of(row).map_err(failed)?)?;
        }
        Ok(())
    }

    /// Whether the file is sound, with the index by which streams are read.
    pub(super) fn check_index(&self) -> Result<(), LedgerError> {
        let sql = "PRAGMA integrity_check(1)";
        let answer: rusqlite::Result<String> = self.0.connection.query_row(sql, [], |row| row.get(0));
        match answer.map_err(|cause| self.error(&cause))? {
            sound if sound == "ok" => Ok(()),
            reason => Err(LedgerError::Disk { file: self.file().clone(), reason }),
        }
    }

    /// Writes `entries` after the one at `position`: all of them are on the disk when this returns, or none.
    pub(super) fn append(&mut self, position: i64, entries: &[StoredEntry]) -> rusqlite::Result<()> {
        let transaction = self.0.connection.transaction_with_behavior(TransactionBehavior::Immediate)?;
        let sql = "INSERT INTO entries (position, stream, seq, body, hash) VALUES (?, ?, ?, ?, ?)";
        let mut insert = transaction.prepare(sql)?;
        for (position, entry) in (position + 1..).zip(entries) {
            let seq = i64::try_from(entry.seq).unwrap_or(i64::MAX);
            insert.execute((position, entry.stream.to_string(), seq, &entry.body, entry.hash.0))?;
        }
        drop(insert);
        crash_point::reached("ledger.before-commit");
        transaction.commit()?;
        crash_point::reached("ledger.after-commit");
        Ok(())
    }

    #[cfg(test)]
    pub(super) fn connection(&self) -> &rusqlite::Connection {
        &self.0.connection
    }
}
