use super::path::{DEPTH, NAME_BYTES, PATH_BYTES};
use crate::slug::{Digest, Size};
use std::io;

/// Why an archive of source was not unpacked.
#[derive(Debug, thiserror::Error)]
#[non_exhaustive]
pub enum ArchiveError {
    /// The caller's fault: it is no tar archive, packed or not.
    #[error("the source is not a tar archive ({0}): upload a .tar or .tar.gz of the app's directory")]
    NotAnArchive(String),
    /// The caller's fault: it breaks off or its bytes are wrong.
    #[error("the source archive is damaged or cut off ({0}): upload it again")]
    Damaged(String),
    /// The caller's fault: nothing is in it.
    #[error("the source archive is empty: upload the app's directory")]
    Empty,
    /// The caller's fault: the archive has another digest than was told.
    #[error("the source archive has the checksum SHA256:{}, not SHA256:{}: upload it again", found.hex(), expected.hex())]
    Checksum {
        /// What the caller told.
        expected: Digest,
        /// What it is.
        found: Digest,
    },
    /// The caller's fault: an entry may not be in source.
    #[error("`{}` in the source archive is refused: {why}", entry.escape_debug())]
    Refused {
        /// Its name, as the archive has it.
        entry: String,
        /// What is wrong with it.
        why: EntryRefusal,
    },
    /// The caller's fault: there is more in it than is allowed.
    #[error("the source is larger than {}, counted to `{}`: leave out what the app does not need", Size(*limit), entry.escape_debug())]
    TooLarge {
        /// Where the limit was passed.
        entry: String,
        /// Bytes.
        limit: u64,
    },
    /// The caller's fault: there are more entries than is allowed.
    #[error("the source has more than {limit} files and directories: leave out what the app does not need")]
    TooMany {
        /// Entries.
        limit: u64,
    },
    /// The unpacking was stopped.
    #[error("the unpacking of the source was cancelled")]
    Cancelled,
    /// The host's fault: the disk failed or is full.
    #[error("could not unpack `{}` of the source: {cause}", entry.escape_debug())]
    Io {
        /// Which entry.
        entry: String,
        /// What the system says.
        cause: io::Error,
    },
}

/// What is wrong with an entry.
#[derive(Clone, Debug, Eq, PartialEq, thiserror::Error)]
#[non_exhaustive]
pub enum EntryRefusal {
    /// Its name cannot be a file's here.
    #[error("its name is not UTF-8 or holds a NUL byte")]
    Name,
    /// It names a place by its root.
    #[error("its path is absolute")]
    Absolute,
    /// It goes up.
    #[error("its path has a `..` component")]
    Parent,
    /// It is too long or too deep.
    #[error(
        "its path is too long: at most {PATH_BYTES} bytes, {NAME_BYTES} in a name, {DEPTH} directories deep"
    )]
    TooLong,
    /// It is no file, directory or link.
    #[error("it is a {0}: source holds only files, directories and symbolic links")]
    Kind(&'static str),
    /// Its link leads out of the app.
    #[error("it links to `{0}`, which is outside of the app")]
    LinkLeaves(String),
    /// It lies below a link.
    #[error("it lies below `{0}`, which is no directory")]
    BelowLink(String),
    /// It comes a second time.
    #[error("it is in the archive twice")]
    Twice,
    /// Its extended header cannot be read.
    #[error("its header is too large or damaged")]
    Header,
}
