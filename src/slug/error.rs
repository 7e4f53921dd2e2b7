use super::{CommandError, Digest, ManifestError, Refusal, Size, SlugDigest};
use crate::name::ProcessType;
use std::{fmt::Write as _, io, path::PathBuf};

/// Why a slug could not be packed, kept, opened or unpacked.
///
/// [`SlugError::is_host_fault`] tells the operator's trouble from the app's.
#[derive(Debug, thiserror::Error)]
#[non_exhaustive]
pub enum SlugError {
    /// The app's fault: a file, link or archive entry may not be in a slug.
    #[error("`{}` is refused: {why}", entry.escape_debug())]
    Refused {
        /// Its path from the app's root.
        entry: String,
        /// What is wrong with it, and what to do.
        why: Refusal,
    },
    /// The app's fault: the slug is larger than its limit.
    #[error(
        "the slug takes at least {}; the limit is {}: leave out files the app does not need when it runs{}",
        Size(*size), Size(*limit), list_biggest(biggest)
    )]
    TooLarge {
        /// Bytes packed when the limit was passed, or in all.
        size: u64,
        /// The most bytes allowed.
        limit: u64,
        /// The largest directories with their bytes before packing, largest first.
        biggest: Vec<(String, u64)>,
    },
    /// The app's fault: the text of a `.wat` program is not WebAssembly.
    #[error("`{}` is not WebAssembly text: {message}", path.escape_debug())]
    Wat {
        /// Its path from the app's root.
        path: String,
        /// What the parser says, with the place.
        message: String,
    },
    /// The app's fault: the program of a web process does not serve requests.
    #[error("{process_type} cannot run {program}: {reason}")]
    Serves {
        /// The process type.
        process_type: ProcessType,
        /// Path of the program.
        program: String,
        /// What it is, what is needed, and what to do.
        reason: String,
    },
    /// The app's fault: the command of a process type cannot be run.
    #[error("process type `{process_type}`: {cause}")]
    Command {
        /// Whose command it is.
        process_type: ProcessType,
        /// What is wrong with it, and what to write instead.
        cause: CommandError,
    },
    /// The manifest is not one, or asks for something this version does not know.
    #[error(transparent)]
    Manifest(#[from] ManifestError),
    /// The app's fault: a file changed while it was being packed.
    #[error("`{}` changed while it was packed: build again when nothing writes to the app", path.escape_debug())]
    Changed {
        /// Its path from the app's root.
        path: String,
    },
    /// A file given as a packed slug is not one.
    #[error("{} is not a slug: {why}", file.display())]
    NotASlug {
        /// The file.
        file: PathBuf,
        /// What is wrong with it.
        why: String,
    },
    /// The tree's archive matches its digest and is still no archive that Hokku packed.
    #[error("the tree {blob} is not an archive of a slug: {why}; build the app again")]
    Archive {
        /// The tree's blob.
        blob: Digest,
        /// What is wrong with it.
        why: String,
    },
    /// A blob or manifest in the store is not what its digest says (`R17`).
    #[error("checksum error: the stored {blob} is damaged: build the app again, which replaces it")]
    Corrupt {
        /// The digest it should have.
        blob: Digest,
    },
    /// A blob that a manifest names is not in the store.
    #[error("the store has no {blob}, which the slug needs: build the app again")]
    MissingBlob {
        /// The digest looked for.
        blob: Digest,
    },
    /// The store has no such slug.
    #[error("the store has no slug {slug}: build the app, or import its file")]
    NoSlug {
        /// The digest looked for.
        slug: SlugDigest,
    },
    /// The host's fault: the object store failed.
    #[error("could not {what}: {cause}")]
    Store {
        /// What was being done.
        what: String,
        /// What the store says.
        cause: object_store::Error,
    },
    /// The host's fault: a file could not be read or written.
    #[error("could not {what}: {cause}")]
    Io {
        /// What was being done.
        what: String,
        /// What the system says.
        cause: io::Error,
    },
    /// The host is shutting down: the work was not begun.
    #[error("stopped before the work began, since the host is shutting down")]
    Stopped,
}

impl SlugError {
    /// Whether the operator must act (a disk, a store, a damaged blob) rather than the app's owner.
    #[must_use]
    pub fn is_host_fault(&self) -> bool {
        use SlugError as E;
        matches!(
            self,
            E::Corrupt { .. } | E::MissingBlob { .. } | E::Store { .. } | E::Io { .. } | E::Stopped
        )
    }

    /// For `map_err`: the host's trouble while doing `what`.
    pub(super) fn io(what: impl Into<String>) -> impl FnOnce(io::Error) -> Self {
        move |cause| Self::Io { what: what.into(), cause }
    }

    /// For `map_err`: the store's trouble while doing `what`.
    pub(super) fn store(what: impl Into<String>) -> impl FnOnce(object_store::Error) -> Self {
        move |cause| Self::Store { what: what.into(), cause }
    }
}

fn list_biggest(biggest: &[(String, u64)]) -> String {
    let mut text = String::new();
    for (index, (path, bytes)) in biggest.iter().enumerate() {
        let lead = if index == 0 { "; largest before packing: " } else { ", " };
        // Writing to a `String` cannot fail.
        let _ = write!(text, "{lead}{} {}", path.escape_debug(), Size(*bytes));
    }
    text
}

/// Runs `work` off the async threads.
///
/// Dropping the future does not stop work that has begun; its result is then lost.
pub(super) async fn blocking<T: Send + 'static>(
    work: impl FnOnce() -> Result<T, SlugError> + Send + 'static,
) -> Result<T, SlugError> {
    match tokio::task::spawn_blocking(work).await {
        Ok(result) => result,
        Err(failed) => match failed.try_into_panic() {
            Ok(panic) => std::panic::resume_unwind(panic),
            Err(_) => Err(SlugError::Stopped),
        },
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_slug_over_its_limit_names_the_largest_directories() {
        let error = SlugError::TooLarge {
            size: 1_200_000_000,
            limit: 1_000_000_000,
            biggest: vec![("node_modules".into(), 2_000_000_000), ("videos".into(), 900_000_000)],
        };
        insta::assert_snapshot!(error, @"the slug takes at least 1.2 GB; the limit is 1.0 GB: leave out files the app does not need when it runs; largest before packing: node_modules 2.0 GB, videos 900.0 MB");
        assert!(!error.is_host_fault());
    }

    #[test]
    fn what_is_missing_or_damaged_is_named() {
        let blob = Digest::of(b"");
        insta::assert_snapshot!(SlugError::Corrupt { blob }, @"checksum error: the stored sha256:e3b0c44298fc1c149afbf4c8996fb92427ae41e4649b934ca495991b7852b855 is damaged: build the app again, which replaces it");
        insta::assert_snapshot!(SlugError::NoSlug { slug: SlugDigest::of_manifest(b"") }, @"the store has no slug sha256:e3b0c44298fc1c149afbf4c8996fb92427ae41e4649b934ca495991b7852b855: build the app, or import its file");
    }
}
