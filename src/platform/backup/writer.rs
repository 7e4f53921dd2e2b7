use super::{BackupError, Progress, head::BYTES_LIMIT, names};
use std::{
    fs::File,
    io::{self, BufWriter, Read, Write as _},
    os::unix::fs::OpenOptionsExt as _,
    path::{Path, PathBuf},
};
use tar::{Builder, EntryType, Header};
use tokio_util::sync::CancellationToken;
use zstd::Encoder;

/// How hard zstd tries: what is large in a slug is packed already.
const LEVEL: i32 = 3;
/// Bytes between two looks whether to stop.
const CHUNK: usize = 256 * 1024;

/// Who is told how far it is, and who may break it off.
pub(super) struct Watch<'a> {
    pub(super) stop: &'a CancellationToken,
    pub(super) tell: &'a mut dyn FnMut(Progress),
    pub(super) so_far: Progress,
}

impl Watch<'_> {
    pub(super) fn begin(&mut self, what: &'static str) {
        self.so_far.what = what;
        (self.tell)(self.so_far);
    }

    /// `count` more bytes were copied.
    pub(super) fn passed(&mut self, count: usize) -> io::Result<()> {
        if self.stop.is_cancelled() {
            return Err(io::ErrorKind::Interrupted.into());
        }
        self.so_far.bytes += count as u64;
        (self.tell)(self.so_far);
        Ok(())
    }

    /// Copies everything from `from`; gives its size. [`io::copy`] would take an interruption for a signal.
    pub(super) fn copy(&mut self, from: &mut impl Read, to: &mut impl io::Write) -> io::Result<u64> {
        let (mut buffer, mut size) = (vec![0; CHUNK], 0);
        loop {
            let read = from.read(&mut buffer)?;
            self.passed(read)?;
            if read == 0 {
                return Ok(size);
            }
            to.write_all(&buffer[..read])?;
            size += read as u64;
        }
    }
}

/// An archive that is being written.
pub(super) struct Writer {
    path: PathBuf,
    tar: Builder<Encoder<'static, BufWriter<File>>>,
    files: u64,
}

impl Writer {
    /// A new file at `at`, private; errors call it `path`, which it becomes.
    pub(super) fn create(at: &Path, path: PathBuf) -> Result<Self, BackupError> {
        let create = || {
            let file = File::options().write(true).create(true).truncate(true).mode(0o600).open(at)?;
            let mut encoder = Encoder::new(BufWriter::with_capacity(CHUNK, file), LEVEL)?;
            encoder.include_checksum(true)?;
            Ok(Builder::new(encoder))
        };
        let tar = create().map_err(BackupError::io("write", &path))?;
        Ok(Self { path, tar, files: 0 })
    }

    /// How many entries there are.
    pub(super) fn files(&self) -> u64 {
        self.files
    }

    /// An entry of our own.
    pub(super) fn toml(&mut self, name: &str, value: &impl serde::Serialize) -> Result<(), BackupError> {
        let text = toml::to_string(value).map_err(io::Error::other);
        let text = text.map_err(BackupError::io("write", &self.path))?;
        debug_assert!(text.len() as u64 <= BYTES_LIMIT);
        self.begin(name, text.len() as u64)?;
        self.write(text.as_bytes())?;
        self.end(text.len() as u64)
    }

    /// An entry of bytes in memory.
    pub(super) fn bytes(&mut self, name: &str, bytes: &[u8]) -> Result<(), BackupError> {
        self.begin(name, bytes.len() as u64)?;
        self.write(bytes)?;
        self.end(bytes.len() as u64)
    }

    /// An entry of a file of `size` bytes, which does not change.
    pub(super) fn file(
        &mut self,
        name: &str,
        from: &mut impl Read,
        size: u64,
        watch: &mut Watch<'_>,
    ) -> Result<(), BackupError> {
        self.begin(name, size)?;
        let copied = watch.copy(&mut from.take(size), self.tar.get_mut());
        let copied = copied.map_err(BackupError::io("copy to", &self.path))?;
        if copied != size {
            let cause = io::Error::other(format!("{name} became shorter while it was copied"));
            return Err(BackupError::Io { action: "write", path: self.path.clone(), cause });
        }
        self.end(size)
    }

    fn begin(&mut self, name: &str, size: u64) -> Result<(), BackupError> {
        debug_assert!(name.len() <= names::LIMIT, "{name}");
        let header = header(name, size).map_err(BackupError::io("write", &self.path))?;
        self.write(header.as_bytes())?;
        self.files += 1;
        Ok(())
    }

    /// Entries are filled up to blocks of 512 bytes.
    fn end(&mut self, size: u64) -> Result<(), BackupError> {
        let filled = usize::try_from(size.next_multiple_of(512) - size).unwrap_or(0);
        self.write(&[0; 512][..filled])
    }

    fn write(&mut self, bytes: &[u8]) -> Result<(), BackupError> {
        self.tar.get_mut().write_all(bytes).map_err(BackupError::io("write", &self.path))
    }

    /// Ends the archive; it is on the disk when this returns. Gives its size.
    pub(super) fn finish(self) -> Result<u64, BackupError> {
        let finish = || {
            let file =
                self.tar.into_inner()?.finish()?.into_inner().map_err(io::IntoInnerError::into_error)?;
            file.sync_all()?;
            Ok(file.metadata()?.len())
        };
        finish().map_err(BackupError::io("write", &self.path))
    }
}

fn header(name: &str, size: u64) -> io::Result<Header> {
    let mut header = Header::new_ustar();
    header.set_path(Path::new(name))?;
    header.set_entry_type(EntryType::Regular);
    header.set_size(size);
    header.set_mode(0o600);
    header.set_mtime(0);
    header.set_cksum();
    Ok(header)
}
