use super::{
    BackupError,
    head::{BYTES_LIMIT, FORMAT},
    names,
};
use serde::{Deserialize, de::DeserializeOwned};
use std::{
    fmt::Display,
    fs::File,
    io::{self, BufReader, Read},
    path::{Path, PathBuf},
};
use tar::{Entry, EntryType};

/// How a zstd archive begins.
const MAGIC: [u8; 4] = [0x28, 0xb5, 0x2f, 0xfd];
/// The most bytes after the last entry.
const END: u64 = 64 * 1024;

type Decoder = zstd::Decoder<'static, BufReader<File>>;

/// An archive that is read from its start to its end.
pub(super) struct Reader {
    file: PathBuf,
    what: &'static str,
    /// The name of its first entry.
    first: &'static str,
}

/// An entry: a name that tar can have, which is still to be judged, and its bytes.
pub(super) struct Item<'a> {
    pub(super) name: String,
    pub(super) size: u64,
    reader: &'a mut dyn Read,
    file: &'a Path,
}

impl Item<'_> {
    /// Its next bytes.
    pub(super) fn read(&mut self, buffer: &mut [u8]) -> Result<usize, BackupError> {
        self.reader.read(buffer).map_err(|cause| damaged(self.file, cause))
    }

    /// All of it, as TOML.
    pub(super) fn toml<T: DeserializeOwned>(&mut self) -> Result<T, BackupError> {
        let text = self.text()?;
        toml::from_str(&text)
            .map_err(|cause| damaged(self.file, format!("{}: {}", self.name, cause.message())))
    }

    fn text(&mut self) -> Result<String, BackupError> {
        if self.size > BYTES_LIMIT {
            return Err(damaged(self.file, format!("{} has {} bytes", self.name, self.size)));
        }
        let mut text = String::new();
        self.reader.read_to_string(&mut text).map_err(|cause| damaged(self.file, cause))?;
        Ok(text)
    }
}

impl Reader {
    pub(super) fn of_backup(file: &Path) -> Self {
        Self { file: file.to_owned(), what: "a backup", first: names::HEAD }
    }

    pub(super) fn of_keys(file: &Path) -> Self {
        Self { file: file.to_owned(), what: "a keys file", first: names::KEYS_HEAD }
    }

    /// The first entry, which tells what the file is.
    pub(super) fn head<T: DeserializeOwned>(&self) -> Result<T, BackupError> {
        #[derive(Deserialize)]
        struct Format {
            format: u32,
        }
        let mut archive = self.open()?;
        let mut entries = archive.entries().map_err(|cause| self.damaged(cause))?.raw(true);
        let mut first = entries.next().transpose().ok().flatten().ok_or_else(|| self.foreign())?;
        let mut head = self.item(&mut first)?;
        if head.name != self.first {
            return Err(self.foreign());
        }
        let text = head.text()?;
        match toml::from_str(&text) {
            Ok(Format { format }) if format > FORMAT => {
                Err(BackupError::Newer { file: self.file.clone(), found: format })
            }
            _ => toml::from_str(&text).map_err(|cause| self.damaged(cause.message())),
        }
    }

    /// Shows every entry after the first to `visit`, and then proves the checksum of the whole.
    pub(super) fn each(
        &self,
        mut visit: impl FnMut(Item<'_>) -> Result<(), BackupError>,
    ) -> Result<(), BackupError> {
        let mut archive = self.open()?;
        for entry in archive.entries().map_err(|cause| self.damaged(cause))?.raw(true).skip(1) {
            let mut entry = entry.map_err(|cause| self.damaged(cause))?;
            visit(self.item(&mut entry)?)?;
        }
        let rest = io::copy(&mut archive.into_inner().take(END), &mut io::sink());
        match rest.map_err(|cause| self.damaged(cause))? {
            END => Err(self.damaged("there is more after its end")),
            _ => Ok(()),
        }
    }

    fn open(&self) -> Result<tar::Archive<Decoder>, BackupError> {
        let reading = || BackupError::io("read", &self.file);
        let mut file = File::open(&self.file).map_err(reading())?;
        let mut magic = [0; 4];
        match file.read_exact(&mut magic) {
            Ok(()) if magic == MAGIC => {}
            Err(cause) if cause.kind() != io::ErrorKind::UnexpectedEof => return Err(reading()(cause)),
            _ => return Err(self.foreign()),
        }
        io::Seek::rewind(&mut file).map_err(reading())?;
        Ok(tar::Archive::new(Decoder::new(file).map_err(reading())?))
    }

    fn item<'a>(&'a self, entry: &'a mut Entry<'_, Decoder>) -> Result<Item<'a>, BackupError> {
        let name = entry.path_bytes().into_owned();
        let name = String::from_utf8(name).ok().filter(|name| name.len() <= names::LIMIT);
        match name {
            Some(name) if entry.header().entry_type() == EntryType::Regular => {
                Ok(Item { name, size: entry.size(), reader: entry, file: &self.file })
            }
            _ => Err(self.damaged("it holds something else than files")),
        }
    }

    fn foreign(&self) -> BackupError {
        let why = format!("it does not begin with {}", self.first);
        BackupError::Foreign { file: self.file.clone(), what: self.what, why }
    }

    pub(super) fn damaged(&self, why: impl Display) -> BackupError {
        damaged(&self.file, why)
    }
}

fn damaged(file: &Path, why: impl Display) -> BackupError {
    BackupError::Damaged { file: file.to_owned(), why: format!("{why}") }
}
