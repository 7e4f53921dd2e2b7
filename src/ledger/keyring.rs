use super::{
    LedgerError, PlatformKey, cipher,
    database::{Database, Kind, disk_error},
    secret::{DataKey, KeyOwner},
};
use crate::name::AppId;
use std::{
    collections::{BTreeSet, HashMap, HashSet},
    path::Path,
};

/// The file of the keys of apps and accounts, each wrapped by the platform's key.
const KEYS: Kind = Kind {
    what: "a keyring",
    application_id: i32::from_be_bytes(*b"hokk"),
    format: 1,
    schema: "CREATE TABLE keys (app TEXT PRIMARY KEY, wrapped BLOB NOT NULL) STRICT, WITHOUT ROWID",
};

/// The row that tells whether the platform's key is the right one.
const PROBE: &str = "platform";

/// The keys of apps and accounts. They are in no entry: without its key, what was sealed for an app or an account can
/// never be read again.
pub(super) struct Keyring {
    database: Database,
    platform_key: PlatformKey,
    keys: HashMap<KeyOwner, DataKey>,
    /// Who is gone, with keys that are still to be removed because the disk failed.
    doomed: BTreeSet<KeyOwner>,
}

impl Keyring {
    pub(super) fn open(dir: &Path, platform_key: PlatformKey) -> Result<Self, LedgerError> {
        Self::read(Database::open(dir.join("keys.db"), &KEYS)?, platform_key)
    }

    /// Only to look whether every key opens.
    pub(super) fn read_only(dir: &Path, platform_key: PlatformKey) -> Result<Self, LedgerError> {
        Self::read(Database::read_only(dir.join("keys.db"), &KEYS)?, platform_key)
    }

    pub(super) fn in_memory(platform_key: PlatformKey) -> Result<Self, LedgerError> {
        Self::read(Database::in_memory(&KEYS)?, platform_key)
    }

    fn read(database: Database, platform_key: PlatformKey) -> Result<Self, LedgerError> {
        let mut keyring = Self { database, platform_key, keys: HashMap::new(), doomed: BTreeSet::new() };
        let rows = keyring.rows().map_err(|cause| keyring.error(&cause))?;
        if let Some((_, probe)) = rows.iter().find(|(name, _)| name == PROBE)
            && keyring.unwrap(PROBE, probe).is_none()
        {
            return Err(LedgerError::WrongKey { file: keyring.database.file });
        }
        for (name, wrapped) in rows.iter().filter(|(name, _)| name != PROBE) {
            let Ok(owner) = name.parse() else { continue };
            let key = keyring.unwrap(name, wrapped).ok_or_else(|| keyring.without_key(owner))?;
            keyring.keys.insert(owner, key);
        }
        Ok(keyring)
    }

    fn rows(&self) -> rusqlite::Result<Vec<(String, Vec<u8>)>> {
        rows(&self.database)
    }

    fn unwrap(&self, name: &str, wrapped: &[u8]) -> Option<DataKey> {
        let key = cipher::unseal(&self.platform_key.0, name.as_bytes(), wrapped)?;
        key.try_into().ok().map(DataKey)
    }

    fn without_key(&self, owner: KeyOwner) -> LedgerError {
        LedgerError::NoKey { owner: owner.described(), file: self.database.file.clone() }
    }

    pub(super) fn get(&self, owner: KeyOwner) -> Option<&DataKey> {
        self.keys.get(&owner)
    }

    /// Brings the keys to the apps that there are: each must have one, and those of whom is `gone` are removed. A key of
    /// whom the ledger does not know stays: an older ledger may have been put in the place of the right one.
    pub(super) fn settle(
        &mut self,
        apps: impl IntoIterator<Item = AppId>,
        gone: &HashSet<KeyOwner>,
    ) -> Result<(), LedgerError> {
        for app in apps {
            if !self.keys.contains_key(&KeyOwner::App(app)) {
                return Err(self.without_key(KeyOwner::App(app)));
            }
        }
        let probe = cipher::seal(&self.platform_key.0, PROBE.as_bytes(), &cipher::random::<32>()?)?;
        let sql = "INSERT INTO keys (app, wrapped) VALUES (?, ?) ON CONFLICT DO NOTHING";
        let probed = self.database.connection.execute(sql, (PROBE, probe));
        probed.map_err(|cause| self.error(&cause))?;
        let doomed: Vec<_> = self.keys.keys().copied().filter(|owner| gone.contains(owner)).collect();
        self.forget(doomed)
    }

    /// Keeps new keys; they are on the disk when this returns. A key whose owner is not made after all is harmless.
    pub(super) fn keep(&mut self, keys: &HashMap<KeyOwner, DataKey>) -> Result<(), LedgerError> {
        if keys.is_empty() {
            return Ok(());
        }
        let wrap = |(owner, key): (&KeyOwner, &DataKey)| {
            let name = owner.to_string();
            let wrapped = cipher::seal(&self.platform_key.0, name.as_bytes(), &key.0)?;
            Ok((name, wrapped))
        };
        let rows = keys.iter().map(wrap).collect::<Result<Vec<_>, LedgerError>>()?;
        self.insert(&rows).map_err(|cause| self.error(&cause))?;
        self.keys.extend(keys.iter().map(|(owner, key)| (*owner, key.clone())));
        Ok(())
    }

    fn insert(&mut self, rows: &[(String, Vec<u8>)]) -> rusqlite::Result<()> {
        let transaction = self.database.connection.transaction()?;
        for row in rows {
            transaction
                .execute("INSERT OR REPLACE INTO keys (app, wrapped) VALUES (?, ?)", (&row.0, &row.1))?;
        }
        transaction.commit()
    }

    /// Removes keys for ever, together with those that an earlier call could not remove.
    pub(super) fn forget(&mut self, gone: impl IntoIterator<Item = KeyOwner>) -> Result<(), LedgerError> {
        self.doomed.extend(gone);
        if self.doomed.is_empty() {
            return Ok(());
        }
        self.keys.retain(|owner, _| !self.doomed.contains(owner));
        self.erase().map_err(|cause| self.error(&cause))?;
        self.doomed.clear();
        Ok(())
    }

    /// `secure_delete` overwrites a deleted row, but not the copies that moving rows between pages leaves, and the
    /// log keeps older pages: the file is written anew from what is left, and the log cut off.
    fn erase(&mut self) -> rusqlite::Result<()> {
        let transaction = self.database.connection.transaction()?;
        for owner in &self.doomed {
            transaction.execute("DELETE FROM keys WHERE app = ?", [owner.to_string()])?;
        }
        transaction.commit()?;
        self.database.connection.execute_batch("VACUUM")?;
        let sql = "PRAGMA wal_checkpoint(TRUNCATE)";
        let busy: bool = self.database.connection.query_row(sql, [], |row| row.get(0))?;
        if busy {
            let busy = rusqlite::ffi::Error::new(rusqlite::ffi::SQLITE_BUSY);
            return Err(rusqlite::Error::SqliteFailure(busy, Some("somebody reads the keys".to_owned())));
        }
        Ok(())
    }

    fn error(&self, cause: &rusqlite::Error) -> LedgerError {
        disk_error(cause, &self.database.file, &KEYS)
    }
}

/// Each name with its wrapped key.
fn rows(database: &Database) -> rusqlite::Result<Vec<(String, Vec<u8>)>> {
    let mut statement = database.connection.prepare("SELECT app, wrapped FROM keys")?;
    let rows = statement.query_map([], |row| Ok((row.get(0)?, row.get(1)?)))?;
    rows.collect()
}

/// Copies the keys in `dir`, wrapped as they are, to `into`; tells whose they are. What was deleted is not copied.
pub(super) fn copy(dir: &Path, into: &Path) -> Result<HashSet<KeyOwner>, LedgerError> {
    Database::read_only(dir.join("keys.db"), &KEYS)?.copy_to(&into.join("keys.db"), &KEYS)?;
    let copy = Database::read_only(into.join("keys.db"), &KEYS)?;
    let rows = rows(&copy).map_err(|cause| disk_error(&cause, &copy.file, &KEYS))?;
    Ok(rows.iter().filter_map(|(name, _)| name.parse().ok()).collect())
}
