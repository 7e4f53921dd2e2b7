use super::Event;
use crate::name::{AccountId, AppId};
use serde::{Deserialize, Serialize};
use std::{borrow::Cow, fmt, str::FromStr};

/// Who made a change.
#[derive(Clone, Debug, Deserialize, Eq, PartialEq, Serialize)]
#[serde(rename_all = "kebab-case")]
pub enum Actor {
    /// The platform itself, for what follows from a change or from a restart.
    Platform,
    /// Somebody with an account.
    Account {
        /// The account.
        id: AccountId,
        /// Its e-mail address at that time.
        email: String,
    },
}

/// One chain of entries. Written `platform`, or the app's id.
#[derive(Clone, Copy, Debug, Eq, Hash, Ord, PartialEq, PartialOrd)]
pub enum Stream {
    /// Accounts, tokens, and which apps there are.
    Platform,
    /// Everything of one app.
    App(AppId),
}

impl fmt::Display for Stream {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Self::Platform => f.write_str("platform"),
            Self::App(app) => app.fmt(f),
        }
    }
}

impl FromStr for Stream {
    type Err = crate::name::InvalidId;

    fn from_str(text: &str) -> Result<Self, Self::Err> {
        if text == "platform" { Ok(Self::Platform) } else { text.parse().map(Self::App) }
    }
}

impl Serialize for Stream {
    fn serialize<S: serde::Serializer>(&self, serializer: S) -> Result<S::Ok, S::Error> {
        serializer.collect_str(self)
    }
}

impl<'de> Deserialize<'de> for Stream {
    fn deserialize<D: serde::Deserializer<'de>>(deserializer: D) -> Result<Self, D::Error> {
        let text = <Cow<'de, str>>::deserialize(deserializer)?;
        text.parse().map_err(serde::de::Error::custom)
    }
}

/// Changes that are made together: all of them are appended, in this order, or none.
#[derive(Clone, Debug)]
pub struct Batch {
    /// Who makes them.
    pub actor: Actor,
    /// Each stream that is changed, with the sequence number of its last entry when the changes were decided; 0 for a
    /// stream without entries. An append whose stream has another head is refused.
    pub heads: Vec<(Stream, u64)>,
    /// What changes.
    pub events: Vec<(Stream, Event)>,
}
