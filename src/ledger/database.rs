//! `SQLite` files as this room keeps them: private, in WAL mode, synced at every commit, marked with their format.

use super::LedgerError;
use rusqlite::{Connection, ErrorCode, OpenFlags};
use std::{
    fs::{self, DirBuilder, OpenOptions, Permissions},
    io,
    os::unix::fs::{DirBuilderExt as _, OpenOptionsExt as _, PermissionsExt as _},
    path::{Path, PathBuf},
    sync::Arc,
};

/// What a file is marked with, and how it is made.
pub(super) struct Kind {
    /// What it is for people: `the ledger`.
    pub(super) what: &'static str,
    /// `PRAGMA application_id`.
    pub(super) application_id: i32,
    /// `PRAGMA user_version`: the format.
    pub(super) format: u32,
    /// What is in a new one.
    pub(super) schema: &'static str,
}

/// An open file.
pub(super) struct Database {
    pub(super) connection: Connection,
    /// Its path, for messages; `:memory:` without one.
    pub(super) file: PathBuf,
}

/// Makes `dir` if it is not there, and takes every right on it from others.
pub(super) fn private_dir(dir: &Path) -> Result<(), LedgerError> {
    let failed = |cause| LedgerError::Directory { path: dir.to_owned(), cause: Arc::new(cause) };
    DirBuilder::new().recursive(true).mode(0o700).create(dir).map_err(failed)?;
    make_private(dir, 0o700).map_err(failed)
}

fn make_private(path: &Path, mode: u32) -> io::Result<()> {
    let present = fs::metadata(path)?.permissions().mode() & 0o7777;
    if present & !mode == 0 {
        Ok(())
    } else {
        fs::set_permissions(path, Permissions::from_mode(present & mode))
    }
}

impl Database {
    /// Opens or makes `file`.
    pub(super) fn open(file: PathBuf, kind: &Kind) -> Result<Self, LedgerError> {
        let failed = |cause| LedgerError::Directory { path: file.clone(), cause: Arc::new(cause) };
        // Made here, so that it, and what SQLite makes beside it, is never open to others.
        match OpenOptions::new().write(true).create_new(true).mode(0o600).open(&file) {
            Err(cause) if cause.kind() != io::ErrorKind::AlreadyExists => return Err(failed(cause)),
            _ => make_private(&file, 0o600).map_err(failed)?,
        }
        let flags = OpenFlags::SQLITE_OPEN_READ_WRITE | OpenFlags::SQLITE_OPEN_NO_MUTEX;
        let connection = Connection::open_with_flags(&file, flags);
        let connection = connection.map_err(|cause| disk_error(&cause, &file, kind))?;
        Self::set_up(connection, file, kind)
    }

    /// One that is gone with the process.
    pub(super) fn in_memory(kind: &Kind) -> Result<Self, LedgerError> {
        let file = PathBuf::from(":memory:");
        let connection = Connection::open_in_memory().map_err(|cause| disk_error(&cause, &file, kind))?;
        Self::set_up(connection, file, kind)
    }

    /// Opens `file` for reading, beside a process that may be writing it.
    pub(super) fn read_only(file: PathBuf, kind: &Kind) -> Result<Self, LedgerError> {
        let failed = |cause| disk_error(&cause, &file, kind);
        if !file.exists() {
            return Err(LedgerError::Missing { file });
        }
        let flags = OpenFlags::SQLITE_OPEN_READ_ONLY | OpenFlags::SQLITE_OPEN_NO_MUTEX;
        let connection = Connection::open_with_flags(&file, flags).map_err(failed)?;
        let database = Self { connection, file };
        let (application_id, format, _) = database.marks(kind)?;
        database.check_marks(kind, application_id, format)?;
        Ok(database)
    }

    /// Writes what it holds at one moment to `file`, private, in the place of what is there. Writers do not wait for it.
    pub(super) fn copy_to(&self, file: &Path, kind: &Kind) -> Result<(), LedgerError> {
        let failed = |cause| LedgerError::Directory { path: file.to_owned(), cause: Arc::new(cause) };
        match fs::remove_file(file) {
            Err(cause) if cause.kind() != io::ErrorKind::NotFound => return Err(failed(cause)),
            _ => {}
        }
        // SQLite takes an empty file as a new one.
        OpenOptions::new().write(true).create_new(true).mode(0o600).open(file).map_err(failed)?;
        let name = file.to_str().ok_or_else(|| failed(io::ErrorKind::InvalidFilename.into()))?;
        let copied = self.connection.execute("VACUUM INTO ?", [name]);
        copied.map(drop).map_err(|cause| disk_error(&cause, file, kind))
    }

    fn set_up(connection: Connection, file: PathBuf, kind: &Kind) -> Result<Self, LedgerError> {
        let mut database = Self { connection, file };
        let (application_id, format, tables) = database.marks(kind)?;
        if (application_id, format, tables) != (0, 0, 0) {
            database.check_marks(kind, application_id, format)?;
        }
        let made = tables == 0;
        database.configure(kind, made).map_err(|cause| disk_error(&cause, &database.file, kind))?;
        Ok(database)
    }

    /// `application_id`, `user_version` and the number of tables, indices and triggers.
    fn marks(&self, kind: &Kind) -> Result<(i32, u32, u32), LedgerError> {
        let sql = "SELECT application_id, user_version, (SELECT count(*) FROM sqlite_schema)
                   FROM pragma_application_id, pragma_user_version";
        let marks = self.connection.query_row(sql, [], |row| Ok((row.get(0)?, row.get(1)?, row.get(2)?)));
        marks.map_err(|cause| disk_error(&cause, &self.file, kind))
    }

    fn check_marks(&self, kind: &Kind, application_id: i32, format: u32) -> Result<(), LedgerError> {
        if application_id != kind.application_id || format == 0 {
            return Err(LedgerError::Unknown { file: self.file.clone(), what: kind.what });
        }
        if format > kind.format {
            return Err(LedgerError::NewerFile {
                file: self.file.clone(),
                found: format,
                known: kind.format,
            });
        }
        Ok(())
    }

    fn configure(&mut self, kind: &Kind, new: bool) -> rusqlite::Result<()> {
        let pragmas = "PRAGMA journal_mode = WAL; PRAGMA synchronous = FULL; PRAGMA secure_delete = ON;
                       PRAGMA temp_store = MEMORY; PRAGMA journal_size_limit = 16777216;
                       PRAGMA trusted_schema = OFF;";
        // Pragmas that answer with a row are skipped over by `execute_batch`.
        self.connection.execute_batch(pragmas)?;
        if new {
            let marked = format!(
                "{}; PRAGMA application_id = {}; PRAGMA user_version = {};",
                kind.schema, kind.application_id, kind.format
            );
            let transaction = self.connection.transaction()?;
            transaction.execute_batch(&marked)?;
            transaction.commit()?;
        }
        Ok(())
    }
}

/// What a failure of `SQLite` means to the operator.
pub(super) fn disk_error(cause: &rusqlite::Error, file: &Path, kind: &Kind) -> LedgerError {
    let file = file.to_owned();
    match cause.sqlite_error_code() {
        Some(ErrorCode::DiskFull) => LedgerError::Full { file },
        Some(ErrorCode::ReadOnly) => LedgerError::ReadOnly { file },
        Some(ErrorCode::NotADatabase) => LedgerError::Unknown { file, what: kind.what },
        _ => LedgerError::Disk { file, reason: cause.to_string() },
    }
}
