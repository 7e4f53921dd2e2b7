use super::{
    BackupError,
    head::{Head, Tail},
    names,
};
use crate::clock::Clock;
use crate::ledger::{Archive, Ledger, LedgerConfig, PlatformKey, State};
use crate::slug::{Manifest, SlugDigest};
use std::{
    path::{Path, PathBuf},
    sync::Arc,
};

/// A backup in a directory, before anything about it is believed.
pub(super) struct Unpacked {
    /// Where it came from, for messages.
    pub(super) file: PathBuf,
    pub(super) dir: PathBuf,
    pub(super) head: Head,
    pub(super) tail: Tail,
}

/// Proves that the ledger is the one that was backed up, that `key` opens every secret in it, and that the slug of every
/// current release is there, but for those that were missing already.
pub(super) fn verify(unpacked: &Unpacked, key: PlatformKey) -> Result<Arc<State>, BackupError> {
    let Unpacked { dir, head, tail, .. } = unpacked;
    let heads = head.chain_heads().ok_or_else(|| unpacked.damaged("it names heads that are none"))?;
    let report = Archive::open(&dir.join("ledger"))?.verify(&heads)?;
    if report.entries != head.entries {
        return Err(unpacked.damaged(&format!("{} of {} entries are there", report.entries, head.entries)));
    }
    let ledger = Ledger::open(LedgerConfig { dir: dir.join("ledger"), key }, Clock::system())?;
    let state = ledger.state();
    drop(ledger);
    if state.platform != Some(head.platform) {
        return Err(unpacked.damaged("its ledger is another platform's"));
    }
    for app in state.apps.values() {
        let whole = app.current_slug().is_none_or(|slug| is_whole(dir, &slug.digest));
        if !whole && !tail.without_slug.contains(&app.name) {
            return Err(unpacked.damaged(&format!("the slug of app {} is missing or damaged", app.name)));
        }
    }
    Ok(state)
}

impl Unpacked {
    fn damaged(&self, why: &str) -> BackupError {
        BackupError::Damaged { file: self.file.clone(), why: why.to_owned() }
    }
}

/// Whether a slug is there with everything that it needs. Digests were compared when it was unpacked.
fn is_whole(dir: &Path, slug: &SlugDigest) -> bool {
    let manifest = std::fs::read_to_string(dir.join(names::manifest(slug))).ok();
    let manifest = manifest.and_then(|text| Manifest::from_toml(&text).ok());
    manifest.is_some_and(|manifest| {
        let there = |(digest, size)| {
            std::fs::metadata(dir.join(names::blob(&digest))).is_ok_and(|blob| blob.len() == size)
        };
        manifest.blobs().into_iter().all(there)
    })
}
