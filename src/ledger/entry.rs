use super::{Actor, Event, Stream};
use crate::clock::Timestamp;
use serde::{Deserialize, Serialize};
use sha2::{Digest as _, Sha256};
use std::{borrow::Cow, fmt, str::FromStr};

/// One entry, in clear: what the fold takes.
#[derive(Clone, Debug, Eq, PartialEq)]
pub struct Entry {
    /// Its chain.
    pub stream: Stream,
    /// Its place there, from 1.
    pub seq: u64,
    /// When it was appended.
    pub at: Timestamp,
    /// Who made the change.
    pub actor: Actor,
    /// What changed.
    pub event: Event,
}

/// The SHA-256 of an entry's bytes, written as 64 hexadecimal digits; zeros before the first entry.
#[derive(Clone, Copy, Default, Eq, Hash, PartialEq)]
pub struct EntryHash(pub(super) [u8; 32]);

/// The text is not the hash of an entry.
#[derive(Clone, Debug, Eq, PartialEq, thiserror::Error)]
#[error("`{0}` is not the hash of an entry: write 64 digits of 0-9 and a-f")]
pub struct InvalidEntryHash(String);

impl EntryHash {
    /// The hash of an entry's bytes.
    #[must_use]
    pub fn of(body: &[u8]) -> Self {
        Self(Sha256::digest(body).into())
    }
}

impl fmt::Display for EntryHash {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let mut digits = [0; 64];
        // Twice as many digits as bytes: it always fits.
        hex::encode_to_slice(self.0, &mut digits).map_err(|_| fmt::Error)?;
        f.write_str(std::str::from_utf8(&digits).map_err(|_| fmt::Error)?)
    }
}

impl fmt::Debug for EntryHash {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        fmt::Display::fmt(self, f)
    }
}

impl FromStr for EntryHash {
    type Err = InvalidEntryHash;

    fn from_str(text: &str) -> Result<Self, InvalidEntryHash> {
        let mut bytes = [0; 32];
        let lower = !text.bytes().any(|digit| digit.is_ascii_uppercase());
        match hex::decode_to_slice(text, &mut bytes) {
            Ok(()) if lower => Ok(Self(bytes)),
            _ => Err(InvalidEntryHash(text.chars().take(80).collect())),
        }
    }
}

impl Serialize for EntryHash {
    fn serialize<S: serde::Serializer>(&self, serializer: S) -> Result<S::Ok, S::Error> {
        serializer.collect_str(self)
    }
}

impl<'de> Deserialize<'de> for EntryHash {
    fn deserialize<D: serde::Deserializer<'de>>(deserializer: D) -> Result<Self, D::Error> {
        let text = <Cow<'de, str>>::deserialize(deserializer)?;
        text.parse().map_err(serde::de::Error::custom)
    }
}
