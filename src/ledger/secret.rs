use super::{DrainUrl, Event, LedgerError, PasswordHash, Stream, cipher};
use crate::app::{ConfigChanges, ConfigKey};
use crate::name::{AccountId, AppId, DrainId, InvalidId};
use base64::{Engine as _, engine::general_purpose::STANDARD};
use serde::{Deserialize, Serialize};
use std::{collections::BTreeMap, fmt, str::FromStr};

/// Whose secrets a key seals.
#[derive(Clone, Copy, Debug, Eq, Hash, Ord, PartialEq, PartialOrd)]
pub(super) enum KeyOwner {
    /// An app's. Written as its id.
    App(AppId),
    /// An account's. Written as its id after `account:`.
    Account(AccountId),
}

impl fmt::Display for KeyOwner {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Self::App(app) => app.fmt(f),
            Self::Account(account) => write!(f, "account:{account}"),
        }
    }
}

impl KeyOwner {
    /// For people: `app 1a2b…`.
    pub(super) fn described(self) -> String {
        match self {
            Self::App(app) => format!("app {app}"),
            Self::Account(account) => format!("account {account}"),
        }
    }
}

impl FromStr for KeyOwner {
    type Err = InvalidId;

    fn from_str(text: &str) -> Result<Self, InvalidId> {
        match text.strip_prefix("account:") {
            Some(account) => account.parse().map(Self::Account),
            None => text.parse().map(Self::App),
        }
    }
}

/// The key of one app's or account's secrets: 256 bits. Never shown.
#[derive(Clone)]
pub(super) struct DataKey(pub(super) [u8; 32]);

impl fmt::Debug for DataKey {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str("DataKey(…)")
    }
}

impl DataKey {
    pub(super) fn random() -> Result<Self, LedgerError> {
        cipher::random().map(Self)
    }
}

/// The kinds that hold secrets, as they are written. The other kinds are written as [`Event`] says.
#[derive(Debug, Deserialize, Serialize)]
#[serde(tag = "kind", content = "payload", rename_all = "kebab-case", rename_all_fields = "kebab-case")]
pub(super) enum SealedEvent {
    ConfigSet { changes: BTreeMap<String, Option<Sealed>> },
    DrainAdded { drain: DrainId, url: Sealed },
    PasswordSet { account: AccountId, password: Sealed },
}

/// A sealed value: base64 of nonce and ciphertext.
#[derive(Debug, Deserialize, Serialize)]
#[serde(transparent)]
pub(super) struct Sealed(String);

/// Where a value stands and what opens it. A value that was moved to another entry or another name does not open.
pub(super) struct Seal<'a> {
    pub(super) key: &'a DataKey,
    pub(super) stream: Stream,
    pub(super) seq: u64,
}

impl Seal<'_> {
    fn context(&self, name: &str) -> Vec<u8> {
        format!("{}\n{}\n{name}", self.stream, self.seq).into_bytes()
    }

    fn close(&self, name: &str, value: &str) -> Result<Sealed, LedgerError> {
        let sealed = cipher::seal(&self.key.0, &self.context(name), value.as_bytes())?;
        Ok(Sealed(STANDARD.encode(sealed)))
    }

    fn open(&self, name: &str, Sealed(text): &Sealed) -> Option<String> {
        let sealed = STANDARD.decode(text).ok()?;
        String::from_utf8(cipher::unseal(&self.key.0, &self.context(name), &sealed)?).ok()
    }
}

impl SealedEvent {
    /// `event` with its secrets sealed; `None` when its kind has none.
    pub(super) fn of(event: &Event, seal: &Seal<'_>) -> Result<Option<Self>, LedgerError> {
        Ok(Some(match event {
            Event::ConfigSet { changes } => {
                let sealed = changes.iter().map(|(key, value)| {
                    let value = value.map(|value| seal.close(key.as_ref(), value)).transpose()?;
                    Ok((key.to_string(), value))
                });
                Self::ConfigSet { changes: sealed.collect::<Result<_, LedgerError>>()? }
            }
            Event::DrainAdded { drain, url } => {
                Self::DrainAdded { drain: *drain, url: seal.close("url", url.reveal())? }
            }
            Event::PasswordSet { account, password: Some(password) } => {
                Self::PasswordSet { account: *account, password: seal.close("password", password.reveal())? }
            }
            _ => return Ok(None),
        }))
    }

    /// The event without its secrets: no config var is set, a drain leads nowhere, a password fits nothing.
    pub(super) fn blank(&self) -> Event {
        match self {
            Self::ConfigSet { .. } => Event::ConfigSet { changes: ConfigChanges::new(BTreeMap::new()) },
            Self::DrainAdded { drain, .. } => {
                Event::DrainAdded { drain: *drain, url: DrainUrl::new(String::new()) }
            }
            Self::PasswordSet { account, .. } => {
                let password = Some(PasswordHash::new(String::new()));
                Event::PasswordSet { account: *account, password }
            }
        }
    }

    /// The event with its secrets in clear; `None` when they do not open.
    pub(super) fn reveal(&self, seal: &Seal<'_>) -> Option<Event> {
        Some(match self {
            Self::ConfigSet { changes } => {
                let clear = changes.iter().map(|(name, value)| {
                    let key: ConfigKey = name.parse().ok()?;
                    let value = value.as_ref().map(|value| seal.open(name, value).ok_or(())).transpose();
                    Some((key, value.ok()?))
                });
                Event::ConfigSet { changes: ConfigChanges::new(clear.collect::<Option<_>>()?) }
            }
            Self::DrainAdded { drain, url } => {
                Event::DrainAdded { drain: *drain, url: DrainUrl::new(seal.open("url", url)?) }
            }
            Self::PasswordSet { account, password } => {
                let password = Some(PasswordHash::new(seal.open("password", password)?));
                Event::PasswordSet { account: *account, password }
            }
        })
    }
}
