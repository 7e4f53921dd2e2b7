use super::{Misfit, Stream};
use std::{io, path::PathBuf, sync::Arc};

/// Why the ledger cannot be used: the operator's fault. One failed commit is told to everyone who waited for it.
#[derive(Clone, Debug, thiserror::Error)]
#[non_exhaustive]
pub enum LedgerError {
    /// The directory cannot be made, or not be kept from others.
    #[error("cannot use {} for the ledger: {cause}; choose another data directory", path.display())]
    Directory {
        /// The directory, or the file in it.
        path: PathBuf,
        /// The system's words.
        #[source]
        cause: Arc<io::Error>,
    },
    /// The platform's key cannot be read or made.
    #[error("cannot use the platform's key in {}: {cause}", file.display())]
    KeyFile {
        /// Where it is kept.
        file: PathBuf,
        /// The system's words.
        #[source]
        cause: Arc<io::Error>,
    },
    /// Others may read the platform's key.
    #[error("{} can be read by others; make it yours alone: chmod 600 {}", file.display(), file.display())]
    KeyOpenToOthers {
        /// Where it is kept.
        file: PathBuf,
    },
    /// The text is no platform key.
    #[error("{from} is not a platform key: it must be 64 hexadecimal digits")]
    KeyText {
        /// Where the text came from; the text itself is not shown.
        from: String,
    },
    /// The platform's key is not the one that the apps' keys were wrapped with.
    #[error("the platform's key does not open {}; start with the key that this ledger was made with", file.display())]
    WrongKey {
        /// The file of the apps' keys.
        file: PathBuf,
    },
    /// The key of an app or account is not there or damaged.
    #[error("{} has no usable key for {owner}; put back the copy of it that belongs to this ledger", file.display())]
    NoKey {
        /// Whose key it is.
        owner: String,
        /// The file of the keys.
        file: PathBuf,
    },
    /// The system gives no random bytes.
    #[error("the system gives no random bytes for a key: {0}")]
    Randomness(#[source] Arc<io::Error>),
    /// There is nothing to read.
    #[error("there is no ledger at {}; `hokku up` makes one, and --data-dir says where it is", file.display())]
    Missing {
        /// Where it should be.
        file: PathBuf,
    },
    /// The file is something else.
    #[error("{} is not {what} of hokku; choose another data directory", file.display())]
    Unknown {
        /// The file.
        file: PathBuf,
        /// What it should be.
        what: &'static str,
    },
    /// The file is of a later version.
    #[error("{} has format {found}, made by a newer hokku: upgrade (this one knows format {known})", file.display())]
    NewerFile {
        /// The file.
        file: PathBuf,
        /// Its format.
        found: u32,
        /// The last format known here.
        known: u32,
    },
    /// An entry is of a later version.
    #[error("entry {seq} of {stream} is {what}, made by a newer hokku: upgrade")]
    NewerEntry {
        /// Its stream.
        stream: Stream,
        /// Its sequence number.
        seq: u64,
        /// Its kind and version, or its format.
        what: String,
    },
    /// An entry is not what was appended.
    #[error(
        "entry {seq} of {stream} {what}; `hokku ledger verify` tells more; put back a copy of the ledger"
    )]
    Broken {
        /// Its stream, as far as it can be read.
        stream: String,
        /// Its sequence number, as it is stored.
        seq: i64,
        /// What is wrong with it.
        what: String,
    },
    /// An entry on the disk does not fit those before it.
    #[error(transparent)]
    Misfit(Misfit),
    /// The disk is full.
    #[error("no space left for {}; free some and try again; nothing was changed", file.display())]
    Full {
        /// What was to be written.
        file: PathBuf,
    },
    /// The disk, the directory or the file cannot be written.
    #[error("{} is read-only; make it and its directory writable and try again; nothing was changed", file.display())]
    ReadOnly {
        /// What was to be written.
        file: PathBuf,
    },
    /// The disk fails, or `SQLite` does.
    #[error("cannot use {}: {reason}; see to the disk and try again", file.display())]
    Disk {
        /// What was read or written.
        file: PathBuf,
        /// `SQLite`'s words.
        reason: String,
    },
    /// The writer cannot be started.
    #[error("cannot start the ledger's writer: {0}")]
    Thread(#[source] Arc<io::Error>),
}

/// Why a batch was not appended. Nothing of it is there.
#[derive(Debug, thiserror::Error)]
#[non_exhaustive]
pub enum AppendError {
    /// Another writer was first: decide again.
    #[error("{stream} has {found} entries; the change was made for {expected}")]
    Conflict {
        /// The stream.
        stream: Stream,
        /// Its head when the change was decided.
        expected: u64,
        /// Its head now.
        found: u64,
    },
    /// The writer's fault: the batch changes a stream and does not say which head it was decided for.
    #[error("the batch changes {stream} and names no head for it")]
    NoHead {
        /// The stream.
        stream: Stream,
    },
    /// The change does not fit what is there: the writer did not check, or another stream changed meanwhile.
    #[error(transparent)]
    Misfit(Misfit),
    /// The caller's fault: an entry would be too large.
    #[error(
        "a `{kind}` entry would take {size} bytes; the limit is {limit}: make the change in smaller parts"
    )]
    TooLarge {
        /// The entry's kind.
        kind: String,
        /// Its size.
        size: usize,
        /// The most bytes of one entry.
        limit: usize,
    },
    /// The operator's fault.
    #[error(transparent)]
    Ledger(#[from] LedgerError),
    /// The ledger is closed: the platform stops.
    #[error("the platform is stopping; try again when it is back")]
    Closed,
}

/// Why a change was not made.
#[derive(Debug, thiserror::Error)]
pub enum ChangeError<E> {
    /// The change itself may not be.
    #[error(transparent)]
    Refused(E),
    /// It could not be recorded.
    #[error(transparent)]
    Append(AppendError),
}
