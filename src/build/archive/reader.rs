use super::{
    error::{ArchiveError, EntryRefusal},
    extended::Extended,
    metered::{Metered, is_bomb},
    path::{above, entry_path, link_target},
};
use crate::slug::Digest;
use cap_std::fs::{Dir, OpenOptions, OpenOptionsExt as _};
use std::{
    borrow::Cow,
    collections::HashSet,
    fs::File,
    io::{self, Read, Seek as _},
};
use tar::EntryType;
use tokio_util::sync::CancellationToken;

/// Most bytes of one extended header: a long name, a pax record.
pub(super) const HEADER_LIMIT: u64 = 64 << 10;
/// Bytes of the archive itself that an entry may cost: its headers, and the padding of its contents.
const ENTRY_OVERHEAD: u64 = 4096;

/// Bytes of a block of a tar archive; one of zeros, at least, is its end.
const BLOCK: u64 = 512;

/// How much an archive of source may hold.
#[derive(Clone, Copy, Debug)]
pub struct ArchiveLimits {
    /// Most bytes of the archive as it was uploaded, and of all files in it together.
    pub bytes: u64,
    /// Most files, directories and links.
    pub entries: u64,
}

/// Unpacks the archive in `file` into the empty directory `into`, after comparing it with `checksum`. Executable bits
/// are kept; owners and times are not. Blocks; ends early when `stop` is cancelled.
///
/// # Errors
/// [`ArchiveError`]; what was unpacked before stays.
pub fn unpack_archive(
    mut file: File,
    into: &Dir,
    limits: ArchiveLimits,
    checksum: Option<Digest>,
    stop: &CancellationToken,
) -> Result<(), ArchiveError> {
    let io = |cause| ArchiveError::Io { entry: ".".to_owned(), cause };
    if file.metadata().map_err(io)?.len() > limits.bytes {
        return Err(ArchiveError::TooLarge { entry: ".".to_owned(), limit: limits.bytes });
    }
    file.rewind().map_err(io)?;
    if let Some(expected) = checksum {
        compare(&mut file, expected, stop)?;
    }
    let mut magic = Vec::new();
    (&mut file).take(2).read_to_end(&mut magic).map_err(io)?;
    file.rewind().map_err(io)?;
    let packed = io::BufReader::with_capacity(64 << 10, file);
    let bytes: Box<dyn Read> = if magic == [0x1f, 0x8b] {
        Box::new(flate2::bufread::MultiGzDecoder::new(packed))
    } else {
        Box::new(packed)
    };
    let most = limits.bytes.saturating_add(limits.entries.saturating_mul(ENTRY_OVERHEAD));
    let archive = tar::Archive::new(Metered { bytes, left: most, zeros: 0, stop: stop.clone() });
    Unpacking {
        into,
        limits,
        stop,
        left: limits.bytes,
        count: 0,
        links: HashSet::new(),
        next: Extended::default(),
    }
    .run(archive)
}

fn compare(file: &mut File, expected: Digest, stop: &CancellationToken) -> Result<(), ArchiveError> {
    let io = |cause| ArchiveError::Io { entry: ".".to_owned(), cause };
    let metered = Metered { bytes: Box::new(&*file), left: u64::MAX, zeros: 0, stop: stop.clone() };
    let mut hashing = crate::slug::Hashing::new(metered);
    let read = io::copy(&mut hashing, &mut io::sink());
    if stop.is_cancelled() {
        return Err(ArchiveError::Cancelled);
    }
    read.map_err(io)?;
    let found = hashing.finish().1;
    if found != expected {
        return Err(ArchiveError::Checksum { expected, found });
    }
    file.rewind().map_err(io)
}

struct Unpacking<'a> {
    into: &'a Dir,
    limits: ArchiveLimits,
    stop: &'a CancellationToken,
    left: u64,
    count: u64,
    /// Everything that is no directory: nothing may lie below it.
    links: HashSet<String>,
    next: Extended,
}

type Entry<'a, 'b> = tar::Entry<'a, Metered<'b>>;

impl Unpacking<'_> {
    fn run(mut self, mut archive: tar::Archive<Metered<'_>>) -> Result<(), ArchiveError> {
        let mut last = None;
        let entries = archive.entries().map_err(|cause| self.unreadable(last.as_deref(), &cause))?.raw(true);
        // Headers alone may not go on for ever either: the meter ends them.
        for entry in entries {
            let mut entry = entry.map_err(|cause| self.unreadable(last.as_deref(), &cause))?;
            if !self.header(&mut entry)? {
                last = Some(self.entry(&mut entry)?);
            }
        }
        if self.count == 0 {
            return Err(ArchiveError::Empty);
        }
        self.check_end(archive.into_inner())
    }

    /// Reads what follows the last entry: a cut-off archive has no end, and a damaged one a wrong checksum there.
    fn check_end(&self, mut rest: Metered<'_>) -> Result<(), ArchiveError> {
        io::copy(&mut rest, &mut io::sink()).map_err(|cause| self.unreadable(Some("."), &cause))?;
        if rest.zeros < BLOCK {
            return Err(ArchiveError::Damaged("its end is missing".to_owned()));
        }
        Ok(())
    }

    /// Whose fault it is that the next header cannot be read; `last` is the entry before it.
    fn unreadable(&self, last: Option<&str>, cause: &io::Error) -> ArchiveError {
        if self.stop.is_cancelled() {
            return ArchiveError::Cancelled;
        }
        if is_bomb(cause) {
            let entry = last.unwrap_or(".").to_owned();
            return ArchiveError::TooLarge { entry, limit: self.limits.bytes };
        }
        match last {
            None => ArchiveError::NotAnArchive(cause.to_string()),
            Some(_) => ArchiveError::Damaged(cause.to_string()),
        }
    }

    /// Takes a header that speaks of the entry after it; `false` when `entry` is an entry itself.
    fn header(&mut self, entry: &mut Entry<'_, '_>) -> Result<bool, ArchiveError> {
        match entry.header().entry_type() {
            EntryType::GNULongName => self.next.path = Some(without_nul(self.small(entry)?)),
            EntryType::GNULongLink => self.next.link = Some(without_nul(self.small(entry)?)),
            EntryType::XHeader => {
                let records = self.small(entry)?;
                self.next.read_pax(&records).ok_or_else(|| refused(entry, EntryRefusal::Header))?;
            }
            // What holds for all entries is nothing that is of use here: `git archive` names its commit so.
            EntryType::XGlobalHeader => {}
            _ => return Ok(false),
        }
        Ok(true)
    }

    /// The contents of an extended header.
    fn small(&self, entry: &mut Entry<'_, '_>) -> Result<Vec<u8>, ArchiveError> {
        let mut bytes = Vec::new();
        let read = entry.by_ref().take(HEADER_LIMIT + 1).read_to_end(&mut bytes);
        read.map_err(|cause| self.unreadable(Some("."), &cause))?;
        if bytes.len() as u64 > HEADER_LIMIT {
            return Err(refused(entry, EntryRefusal::Header));
        }
        Ok(bytes)
    }

    fn entry(&mut self, entry: &mut Entry<'_, '_>) -> Result<String, ArchiveError> {
        let extended = std::mem::take(&mut self.next);
        let shown = extended.path.unwrap_or_else(|| entry.path_bytes().into_owned());
        let name = String::from_utf8_lossy(&shown[..shown.len().min(200)]).into_owned();
        let refuse = |why| ArchiveError::Refused { entry: name.clone(), why };
        let path = entry_path(&shown).map_err(refuse)?;
        self.count += 1;
        if self.count > self.limits.entries {
            return Err(ArchiveError::TooMany { limit: self.limits.entries });
        }
        let kind = entry.header().entry_type();
        if path.is_empty() {
            return if kind.is_dir() { Ok(name) } else { Err(refuse(EntryRefusal::Name)) };
        }
        // A size that only the extended header can hold is of a file beyond any limit.
        if extended.size.is_some_and(|size| entry.header().entry_size().ok() != Some(size)) {
            return Err(refuse(EntryRefusal::Header));
        }
        if let Some(link) = above(&path).find(|above| self.links.contains(*above)) {
            return Err(refuse(EntryRefusal::BelowLink(link.to_owned())));
        }
        let made = match kind {
            EntryType::Directory => self.directory(&path),
            EntryType::Regular | EntryType::Continuous => {
                self.make_room(&path).and_then(|()| self.file(&path, entry))
            }
            EntryType::Symlink => {
                let target = extended.link.or_else(|| entry.link_name_bytes().map(Cow::into_owned));
                let target = link_target(&path, &target.unwrap_or_default()).map_err(refuse)?;
                self.make_room(&path).and_then(|()| Ok(self.into.symlink(target, &path)?))
            }
            kind => return Err(refuse(EntryRefusal::Kind(kind_name(kind)))),
        };
        made.map_err(|failed| self.failed(failed, &name))?;
        if !kind.is_dir() {
            self.links.insert(path);
        }
        Ok(name)
    }

    fn directory(&self, path: &str) -> Result<(), Failed> {
        if self.links.contains(path) {
            return Err(Failed::Twice);
        }
        Ok(self.into.create_dir_all(path)?)
    }

    /// Makes the directories that an entry lies in: not every client writes them.
    fn make_room(&self, path: &str) -> Result<(), Failed> {
        match path.rsplit_once('/') {
            Some((parent, _)) => Ok(self.into.create_dir_all(parent)?),
            None => Ok(()),
        }
    }

    fn file(&mut self, path: &str, entry: &mut Entry<'_, '_>) -> Result<(), Failed> {
        let executable = entry.header().mode().is_ok_and(|mode| mode & 0o111 != 0);
        let mut options = OpenOptions::new();
        options.write(true).create_new(true).mode(if executable { 0o755 } else { 0o644 });
        let mut file = self.into.open_with(path, &options)?.into_std();
        let mut chunk = vec![0; 64 << 10];
        loop {
            let read = entry.read(&mut chunk).map_err(Failed::Read)?;
            if read == 0 {
                return Ok(());
            }
            self.left = self.left.checked_sub(read as u64).ok_or(Failed::TooLarge)?;
            io::Write::write_all(&mut file, &chunk[..read])?;
        }
    }

    fn failed(&self, failed: Failed, name: &str) -> ArchiveError {
        let entry = name.to_owned();
        match failed {
            Failed::Read(cause) => self.unreadable(Some(name), &cause),
            Failed::TooLarge => ArchiveError::TooLarge { entry, limit: self.limits.bytes },
            Failed::Twice => ArchiveError::Refused { entry, why: EntryRefusal::Twice },
            Failed::Write(cause) if cause.kind() == io::ErrorKind::AlreadyExists => {
                ArchiveError::Refused { entry, why: EntryRefusal::Twice }
            }
            Failed::Write(cause) => ArchiveError::Io { entry, cause },
        }
    }
}

/// Why one entry was not unpacked.
enum Failed {
    Read(io::Error),
    Write(io::Error),
    TooLarge,
    Twice,
}

impl From<io::Error> for Failed {
    fn from(cause: io::Error) -> Self {
        Self::Write(cause)
    }
}

fn refused(entry: &Entry<'_, '_>, why: EntryRefusal) -> ArchiveError {
    let bytes = entry.path_bytes();
    ArchiveError::Refused { entry: String::from_utf8_lossy(&bytes[..bytes.len().min(200)]).into_owned(), why }
}

fn without_nul(mut bytes: Vec<u8>) -> Vec<u8> {
    while bytes.last() == Some(&0) {
        bytes.pop();
    }
    bytes
}

fn kind_name(kind: EntryType) -> &'static str {
    match kind {
        EntryType::Link => "hard link",
        EntryType::Char | EntryType::Block => "device",
        EntryType::Fifo => "FIFO",
        EntryType::GNUSparse => "sparse file",
        _ => "entry of an unknown kind",
    }
}
