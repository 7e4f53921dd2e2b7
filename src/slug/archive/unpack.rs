use super::{
    EntryPath, Refusal, UnpackLimits, UnpackSummary,
    entry_path::{has_extension, is_compiled},
    limits::PATH_BYTES,
    order::{Kind, Order},
};
use crate::slug::digest::Hashing;
use crate::slug::{Digest, SlugError};
use cap_std::fs::{Dir, OpenOptions, OpenOptionsExt};
use std::io::{self, Read, Write};

/// Largest zstd window accepted: 8 MiB, four times what packing uses.
const WINDOW_LOG_MAX: u32 = 23;

/// Where unpacked entries go.
pub(crate) trait Sink {
    /// Makes a directory.
    fn directory(&mut self, path: &str) -> io::Result<()>;
    /// Makes a file; what is written to it are its contents.
    fn file(&mut self, path: &str, executable: bool) -> io::Result<Box<dyn Write + '_>>;
    /// Makes a symbolic link.
    fn link(&mut self, path: &str, target: &str) -> io::Result<()>;
}

/// Unpacks below a directory, and nowhere else.
pub(crate) struct IntoDir(pub(crate) Dir);

impl Sink for IntoDir {
    fn directory(&mut self, path: &str) -> io::Result<()> {
        self.0.create_dir(path)
    }

    fn file(&mut self, path: &str, executable: bool) -> io::Result<Box<dyn Write + '_>> {
        let mut options = OpenOptions::new();
        options.write(true).create_new(true).mode(if executable { 0o755 } else { 0o644 });
        Ok(Box::new(self.0.open_with(path, &options)?))
    }

    fn link(&mut self, path: &str, target: &str) -> io::Result<()> {
        self.0.symlink(target, path)
    }
}

/// Checks everything and keeps nothing.
pub(crate) struct CheckOnly;

impl Sink for CheckOnly {
    fn directory(&mut self, _: &str) -> io::Result<()> {
        Ok(())
    }

    fn file(&mut self, _: &str, _: bool) -> io::Result<Box<dyn Write + '_>> {
        Ok(Box::new(io::sink()))
    }

    fn link(&mut self, _: &str, _: &str) -> io::Result<()> {
        Ok(())
    }
}

/// Why reading an archive ended early.
#[derive(Debug)]
pub(crate) enum Unreadable {
    /// An entry may not be in a slug.
    Refused { entry: String, why: Refusal },
    /// The bytes are not an archive that packing writes.
    Damaged(String),
    /// The sink failed: the host's trouble.
    Sink { path: String, cause: io::Error },
}

impl Unreadable {
    pub(crate) fn of(self, blob: Digest) -> SlugError {
        match self {
            Self::Refused { entry, why } => SlugError::Refused { entry, why },
            Self::Damaged(why) => SlugError::Archive { blob, why },
            Self::Sink { path, cause } => SlugError::Io { what: format!("unpack {path}"), cause },
        }
    }

    fn damaged(cause: impl std::fmt::Display) -> Self {
        Self::Damaged(cause.to_string())
    }
}

/// Reads an archive of `packed` bytes from `blob` into `sink`.
///
/// Always reads `blob` to its end, so that the digest returned is that of the whole, whatever the outcome:
/// the caller tells a damaged blob from a hostile one. What was written before an error stays.
pub(crate) fn read(
    blob: impl Read,
    packed: u64,
    limits: &UnpackLimits,
    sink: &mut dyn Sink,
) -> io::Result<(Result<UnpackSummary, Unreadable>, Digest)> {
    let mut decoder = zstd::Decoder::new(Hashing::new(blob))?.single_frame();
    decoder.window_log_max(WINDOW_LOG_MAX)?;
    let mut archive = tar::Archive::new(decoder);
    let mut reading =
        Reading { packed, limits, sink, order: Order::default(), seen: UnpackSummary::default() };
    let mut outcome = reading.entries(&mut archive);
    let mut decoder = archive.into_inner();
    if outcome.is_ok() {
        outcome = only_padding(&mut decoder).map(|()| reading.seen);
    }
    let mut rest = decoder.finish();
    let trailing = io::copy(&mut rest, &mut io::sink())?;
    if outcome.is_ok() && trailing > 0 {
        outcome = Err(Unreadable::damaged("bytes follow its end"));
    }
    Ok((outcome, rest.into_inner().finish().1))
}

/// After the end of a tar archive come zeros, one more block of them as packing writes it.
fn only_padding(decoder: &mut impl Read) -> Result<(), Unreadable> {
    let mut rest = Vec::new();
    decoder.take(4096).read_to_end(&mut rest).map_err(Unreadable::damaged)?;
    if rest.len() > 1024 || rest.iter().any(|byte| *byte != 0) {
        return Err(Unreadable::damaged("bytes follow its last entry"));
    }
    Ok(())
}

struct Reading<'a> {
    packed: u64,
    limits: &'a UnpackLimits,
    sink: &'a mut dyn Sink,
    order: Order,
    seen: UnpackSummary,
}

impl Reading<'_> {
    fn entries(&mut self, archive: &mut tar::Archive<impl Read>) -> Result<UnpackSummary, Unreadable> {
        let (mut long_path, mut long_target) = (None, None);
        // Raw: the library would read a long name of any size into memory, and apply PAX overrides.
        for entry in archive.entries().map_err(Unreadable::damaged)?.raw(true) {
            let mut entry = entry.map_err(Unreadable::damaged)?;
            let kind = entry.header().entry_type();
            if kind.is_gnu_longname() && long_path.is_none() {
                long_path = Some(long_name(&mut entry)?);
            } else if kind.is_gnu_longlink() && long_target.is_none() {
                long_target = Some(long_name(&mut entry)?);
            } else {
                let path = long_path.take().unwrap_or_else(|| entry.header().path_bytes().into_owned());
                let target = long_target
                    .take()
                    .or_else(|| entry.header().link_name_bytes().map(std::borrow::Cow::into_owned));
                self.entry(&mut entry, &path, target.as_deref().unwrap_or_default())?;
            }
        }
        if long_path.is_some() || long_target.is_some() {
            return Err(Unreadable::damaged("it ends after a long name"));
        }
        Ok(self.seen)
    }

    fn entry(
        &mut self,
        entry: &mut tar::Entry<'_, impl Read>,
        path: &[u8],
        target: &[u8],
    ) -> Result<(), Unreadable> {
        let shown = || String::from_utf8_lossy(path).into_owned();
        let refuse = |why| Unreadable::Refused { entry: shown(), why };
        let kind = kind(entry.header()).map_err(refuse)?;
        let path = EntryPath::parse(path).map_err(refuse)?;
        self.order.take(&path, kind).map_err(refuse)?;
        self.seen.entries += 1;
        let size = entry.header().entry_size().map_err(Unreadable::damaged)?;
        let promised = self.seen.bytes.saturating_add(size);
        self.limits.check(promised, self.seen.entries, Some(self.packed)).map_err(refuse)?;
        if kind != Kind::File && size != 0 {
            return Err(refuse(Refusal::Header("contents where there are none")));
        }
        let failed = |cause| Unreadable::Sink { path: shown(), cause };
        match kind {
            Kind::Directory => self.sink.directory(path.as_str()).map_err(failed)?,
            Kind::Link => {
                let target = path.check_link(target).map_err(refuse)?;
                if has_extension(&target, "cwasm") {
                    return Err(refuse(Refusal::Compiled));
                }
                self.sink.link(path.as_str(), &target).map_err(failed)?;
            }
            Kind::File => self.contents(entry, &path, size)?,
        }
        Ok(())
    }

    fn contents<R: Read>(
        &mut self,
        entry: &mut tar::Entry<'_, R>,
        path: &EntryPath,
        size: u64,
    ) -> Result<(), Unreadable> {
        let failed = |cause| Unreadable::Sink { path: path.as_str().to_owned(), cause };
        let executable = entry.header().mode().is_ok_and(|mode| mode & 0o100 != 0);
        let mut file = self.sink.file(path.as_str(), executable).map_err(failed)?;
        let mut buffer = vec![0; 1 << 16];
        let (mut done, mut head) = (0_u64, Vec::new());
        loop {
            let read = match entry.read(&mut buffer) {
                Ok(0) => break,
                Ok(read) => read,
                Err(cause) if cause.kind() == io::ErrorKind::Interrupted => continue,
                Err(cause) => return Err(Unreadable::damaged(cause)),
            };
            if head.len() < 8 {
                head.extend(&buffer[..read.min(8)]);
                if is_compiled(&head) {
                    let entry = path.as_str().to_owned();
                    return Err(Unreadable::Refused { entry, why: Refusal::Compiled });
                }
            }
            file.write_all(&buffer[..read]).map_err(failed)?;
            done += read as u64;
        }
        if done != size {
            return Err(Unreadable::damaged(format!("it ends within {}", path.as_str())));
        }
        self.seen.bytes += done;
        file.flush().map_err(failed)
    }
}

/// The contents of a GNU long-name entry, which end with a NUL.
fn long_name(entry: &mut tar::Entry<'_, impl Read>) -> Result<Vec<u8>, Unreadable> {
    let size = entry.header().entry_size().map_err(Unreadable::damaged)?;
    if size > PATH_BYTES as u64 + 1 {
        let mut start = Vec::new();
        entry.take(80).read_to_end(&mut start).map_err(Unreadable::damaged)?;
        let why = Refusal::TooLong { length: usize::try_from(size).unwrap_or(usize::MAX) };
        return Err(Unreadable::Refused { entry: String::from_utf8_lossy(&start).into(), why });
    }
    let mut name = Vec::new();
    entry.read_to_end(&mut name).map_err(Unreadable::damaged)?;
    if name.last() == Some(&0) {
        name.pop();
    }
    Ok(name)
}

/// What the header says an entry is, if it may be in a slug.
fn kind(header: &tar::Header) -> Result<Kind, Refusal> {
    use tar::EntryType as T;
    match header.entry_type() {
        T::Regular => Ok(Kind::File),
        T::Directory => Ok(Kind::Directory),
        T::Symlink => Ok(Kind::Link),
        T::Link => Err(Refusal::HardLink),
        T::Char | T::Block => Err(Refusal::Special("device")),
        T::Fifo => Err(Refusal::Special("FIFO")),
        T::XHeader | T::XGlobalHeader => Err(Refusal::Header("a PAX header")),
        T::GNUSparse => Err(Refusal::Header("a sparse file")),
        T::GNULongName | T::GNULongLink => Err(Refusal::Header("a second long name")),
        _ => Err(Refusal::Header("a type of its own")),
    }
}
