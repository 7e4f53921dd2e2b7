use super::{
    Archive, LedgerError, PlatformKey, State,
    keyring::{self, Keyring},
    replay,
    secret::KeyOwner,
};
use std::{collections::HashSet, path::Path};

/// How often a ledger and keys that do not belong together are copied again.
const ATTEMPTS: usize = 10;

impl Archive {
    /// Copies the ledger and the keys in `dir`, which a platform may be writing, to `ledger.db` in `into` and `keys.db` in
    /// `keys_into`, and opens the copied ledger. They belong together: whoever is in the ledger has the key there; keys
    /// stay wrapped. What is in the place of the copies is replaced.
    ///
    /// The ledger is first: a key is on the disk before the first entry that it seals, so that none can be missing but
    /// those of who was removed between the two copies. Then both are taken again.
    ///
    /// # Errors
    /// [`LedgerError`], [`LedgerError::NoKey`] also when a key is missing for good.
    pub fn snapshot(dir: &Path, into: &Path, keys_into: &Path) -> Result<Self, LedgerError> {
        let mut missing = None;
        for _ in 0..ATTEMPTS {
            Self::open(dir)?.entries.copy_to(&into.join("ledger.db"))?;
            let keys = keyring::copy(dir, keys_into)?;
            let copy = Self::open(into)?;
            missing = owners(&copy.state()?).into_iter().find(|owner| !keys.contains(owner));
            if missing.is_none() {
                return Ok(copy);
            }
        }
        let owner = missing.map(KeyOwner::described).unwrap_or_default();
        Err(LedgerError::NoKey { owner, file: dir.join("keys.db") })
    }

    /// Everything but the secrets: no app has config vars, and drains and passwords are empty. Every chain is checked on
    /// the way.
    ///
    /// # Errors
    /// [`LedgerError`] as when the ledger is opened.
    pub fn state(&self) -> Result<State, LedgerError> {
        replay::without_secrets(&self.entries)
    }
}

impl PlatformKey {
    /// Proves that this key opens every key in `keys.db` in `dir`.
    ///
    /// # Errors
    /// [`LedgerError::WrongKey`], [`LedgerError::NoKey`] for a damaged one.
    pub fn check(&self, dir: &Path) -> Result<(), LedgerError> {
        Keyring::read_only(dir, self.clone()).map(drop)
    }
}

/// Whose key must be there.
fn owners(state: &State) -> HashSet<KeyOwner> {
    let apps = state.apps.keys().copied().map(KeyOwner::App);
    let with_password = state.accounts.values().filter(|account| account.password.is_some());
    apps.chain(with_password.map(|account| KeyOwner::Account(account.id))).collect()
}
