use crate::clock::Timestamp;
use crate::ledger::Head as ChainHead;
use crate::name::{AppName, PlatformId};
use serde::{Deserialize, Serialize};

/// The format of backups that this version writes, and the newest that it reads.
pub(super) const FORMAT: u32 = 1;
/// The most bytes of a head or a tail.
pub(super) const BYTES_LIMIT: u64 = 64 << 20;

/// The first entry of `FILE`: what it is, and what the ledger says.
#[derive(Debug, Deserialize, Serialize)]
#[serde(deny_unknown_fields, rename_all = "kebab-case")]
pub(super) struct Head {
    pub(super) format: u32,
    pub(super) platform: PlatformId,
    pub(super) made_at: Timestamp,
    pub(super) made_by: String,
    /// Entries of the ledger.
    pub(super) entries: u64,
    /// Apps that are not destroyed.
    pub(super) apps: u64,
    /// The last entry of every chain, as `hokku ledger verify` prints it.
    pub(super) heads: Vec<String>,
}

/// The last entry of `FILE`: what was taken. A file without it was cut off.
#[derive(Clone, Debug, Default, Deserialize, Eq, PartialEq, Serialize)]
#[serde(deny_unknown_fields, rename_all = "kebab-case")]
pub(super) struct Tail {
    /// Entries of the archive between head and tail.
    pub(super) files: u64,
    pub(super) slugs: u64,
    pub(super) repositories: u64,
    /// Apps whose current slug was missing or damaged in the store already.
    pub(super) without_slug: Vec<AppName>,
}

/// The first entry of `FILE.keys`.
#[derive(Debug, Deserialize, Serialize)]
#[serde(deny_unknown_fields, rename_all = "kebab-case")]
pub(super) struct KeysHead {
    pub(super) format: u32,
    pub(super) platform: PlatformId,
    pub(super) made_at: Timestamp,
    pub(super) platform_key: KeyPlace,
}

/// Where the platform's key is kept.
#[derive(Clone, Copy, Debug, Deserialize, Eq, PartialEq, Serialize)]
#[serde(rename_all = "kebab-case")]
pub enum KeyPlace {
    /// In the keys file.
    KeysFile,
    /// With the operator, as `HOKKU_PLATFORM_KEY`.
    Elsewhere,
}

impl Head {
    /// The heads as they are proved; `None` when one cannot be read.
    pub(super) fn chain_heads(&self) -> Option<Vec<ChainHead>> {
        self.heads.iter().map(|head| head.parse().ok()).collect()
    }
}
