use super::{ReleaseError, error::io_error};
use crate::build::{ArchiveError, ArchiveLimits, unpack_archive};
use crate::slug::Digest;
use cap_std::{ambient_authority, fs::Dir};
use std::path::{Path, PathBuf};
use tokio_util::sync::CancellationToken;

/// The most files, directories and links of an app's source.
const ENTRIES: u64 = 200_000;

/// An unpacked source, removed when this is dropped; off the async threads.
pub(super) struct Unpacked(Option<tempfile::TempDir>);

impl Unpacked {
    /// Unpacks `archive` into a directory of its own below `dir`, and removes the archive.
    pub(super) async fn new(
        archive: tempfile::NamedTempFile,
        dir: PathBuf,
        bytes: u64,
        checksum: Option<Digest>,
        stop: CancellationToken,
    ) -> Result<Self, ArchiveError> {
        let unpack = move || {
            let io = |cause| ArchiveError::Io { entry: ".".to_owned(), cause };
            let into = tempfile::Builder::new().prefix("source-").tempdir_in(&dir).map_err(io)?;
            let handle = Dir::open_ambient_dir(into.path(), ambient_authority()).map_err(io)?;
            let file = archive.reopen().map_err(io)?;
            unpack_archive(file, &handle, ArchiveLimits { bytes, entries: ENTRIES }, checksum, &stop)?;
            Ok(Self(Some(into)))
        };
        tokio::task::spawn_blocking(unpack).await.unwrap_or(Err(ArchiveError::Cancelled))
    }

    pub(super) fn path(&self) -> PathBuf {
        self.0.as_ref().map(|dir| dir.path().to_owned()).unwrap_or_default()
    }
}

impl Drop for Unpacked {
    fn drop(&mut self) {
        let Some(dir) = self.0.take() else { return };
        match tokio::runtime::Handle::try_current() {
            // What it does not remove, because the platform stops, the next start does.
            Ok(runtime) => drop(runtime.spawn_blocking(move || drop(dir))),
            Err(_) => drop(dir),
        }
    }
}

/// The checksum as clients write it.
pub(super) fn parse_checksum(text: &str) -> Result<Digest, ReleaseError> {
    let hex = text.get(..7).filter(|prefix| prefix.eq_ignore_ascii_case("sha256:")).map(|_| &text[7..]);
    let digest = hex.and_then(|hex| format!("sha256:{}", hex.to_ascii_lowercase()).parse().ok());
    digest.ok_or_else(|| ReleaseError::InvalidChecksum(text.chars().take(80).collect()))
}

/// Makes `dir` anew and empty: nothing in it outlives the platform's run. Blocks.
pub(super) fn empty_dir(dir: &Path) -> Result<(), ReleaseError> {
    match std::fs::remove_dir_all(dir) {
        Err(error) if error.kind() != std::io::ErrorKind::NotFound => {
            return Err(io_error("empty", dir)(error));
        }
        _ => {}
    }
    crate::dyno::make_private(dir).map_err(io_error("make", dir))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn checksums_are_read_as_clients_write_them() {
        let digest = Digest::of(b"source");
        assert_eq!(parse_checksum(&format!("SHA256:{}", digest.hex())).ok(), Some(digest));
        assert_eq!(parse_checksum(&digest.to_string()).ok(), Some(digest));
        for text in ["", "SHA256:", "MD5:d41d8cd98f00b204e9800998ecf8427e", "SHA256é:00"] {
            assert!(parse_checksum(text).is_err(), "{text}");
        }
    }
}
