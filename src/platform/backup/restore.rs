use super::{
    BackupError, KeyPlace, Progress,
    beside::{Beside, sweep},
    head::{Head, KeysHead, Tail},
    names::{self, Named},
    reader::{Item, Reader},
    verify::{self, Unpacked},
    writer::Watch,
};
use crate::clock::Timestamp;
use crate::dyno::make_private;
use crate::ledger::PlatformKey;
use crate::name::{AppName, PlatformId};
use crate::platform::data_dir::{check_format, hold, is_used_otherwise};
use crate::slug::HashingWriter;
use std::{
    ffi::OsString,
    fs::{DirBuilder, File},
    io::{self, Write as _},
    os::unix::fs::{DirBuilderExt as _, OpenOptionsExt as _},
    path::{Path, PathBuf},
};
use tokio_util::sync::CancellationToken;

/// What is to be restored, and where to.
#[derive(Debug)]
pub struct Restore {
    /// The backup.
    pub file: PathBuf,
    /// Its keys.
    pub keys: PathBuf,
    /// The data directory: one that is not there, or empty. A `hokku.toml` that is there stays.
    pub data_dir: PathBuf,
    /// The platform's key where it is not in the keys file.
    pub platform_key: Option<PlatformKey>,
}

/// What came back.
#[derive(Clone, Debug, Eq, PartialEq)]
pub struct Restored {
    /// Whose it is.
    pub platform: PlatformId,
    /// When it was backed up.
    pub made_at: Timestamp,
    /// Entries of the ledger.
    pub entries: u64,
    /// Apps that are not destroyed, by name.
    pub apps: Vec<AppName>,
    /// Slugs, those of older releases among them.
    pub slugs: u64,
    /// Git repositories.
    pub repositories: u64,
    /// Where the platform's key is.
    pub platform_key: KeyPlace,
    /// Whether a `hokku.toml` came back.
    pub settings: bool,
    /// Apps whose current slug was missing already when the backup was made.
    pub without_slug: Vec<AppName>,
}

impl Restore {
    /// Brings a platform back. Blocks; `tell` hears often how far it is.
    ///
    /// Everything is unpacked and proved in a temporary directory within the data directory, which may so be a mount of
    /// its own, and then moved up, the ledger last: without it, no platform takes the directory for one of its own.
    ///
    /// # Errors
    /// [`BackupError`]; then the data directory is as it was.
    pub fn run(
        self,
        stop: &CancellationToken,
        tell: &mut dyn FnMut(Progress),
    ) -> Result<Restored, BackupError> {
        let mut watch = Watch { stop, tell, so_far: Progress { what: "backup", bytes: 0 } };
        let (head, keys_head) = self.heads()?;
        let place = Place::claim(&self.data_dir)?;
        match self.bring_back(head, &keys_head, &place, &mut watch) {
            Ok(restored) => Ok(restored),
            Err(error) => {
                place.give_up();
                Err(error)
            }
        }
    }

    fn bring_back(
        &self,
        head: Head,
        keys_head: &KeysHead,
        place: &Place,
        watch: &mut Watch<'_>,
    ) -> Result<Restored, BackupError> {
        let unpacked = self.unpack(head, place.beside.path(), watch)?;
        watch.begin("proofs");
        let settings =
            unpacked.dir.join(names::SETTINGS).exists() && !self.data_dir.join(names::SETTINGS).exists();
        let state = verify::verify(&unpacked, self.platform_key(&unpacked.dir, keys_head)?)?;
        place.move_in(&unpacked.dir)?;
        Ok(Restored {
            platform: unpacked.head.platform,
            made_at: unpacked.head.made_at,
            entries: unpacked.head.entries,
            apps: state.names.keys().cloned().collect(),
            slugs: unpacked.tail.slugs,
            repositories: unpacked.tail.repositories,
            platform_key: keys_head.platform_key,
            settings,
            without_slug: unpacked.tail.without_slug,
        })
    }

    /// What the two files say that they are.
    fn heads(&self) -> Result<(Head, KeysHead), BackupError> {
        let head: Head = Reader::of_backup(&self.file).head()?;
        if !self.keys.exists() {
            return Err(BackupError::NoKeys { file: self.keys.clone() });
        }
        let keys: KeysHead = Reader::of_keys(&self.keys).head()?;
        if keys.platform != head.platform {
            let (file, found, wanted) = (self.keys.clone(), keys.platform, head.platform);
            return Err(BackupError::OtherPlatform { file, found, wanted });
        }
        if keys.platform_key == KeyPlace::Elsewhere && self.platform_key.is_none() {
            return Err(BackupError::KeyElsewhere { file: self.keys.clone() });
        }
        Ok((head, keys))
    }

    fn platform_key(&self, dir: &Path, keys: &KeysHead) -> Result<PlatformKey, BackupError> {
        match &self.platform_key {
            Some(key) => Ok(key.clone()),
            None if keys.platform_key == KeyPlace::KeysFile && dir.join(names::PLATFORM_KEY).exists() => {
                Ok(PlatformKey::of_file(&dir.join(names::PLATFORM_KEY))?)
            }
            None => Err(BackupError::KeyElsewhere { file: self.keys.clone() }),
        }
    }

    fn unpack(&self, head: Head, into: &Path, watch: &mut Watch<'_>) -> Result<Unpacked, BackupError> {
        let dir = into.join("data");
        private_dir(&dir)?;
        let reader = Reader::of_backup(&self.file);
        let (mut files, mut tail) = (0, None);
        reader.each(|mut item| {
            if item.name == names::TAIL && tail.is_none() {
                tail = Some(item.toml::<Tail>()?);
                return Ok(());
            }
            files += 1;
            match names::in_backup(&item.name) {
                Some(named) if tail.is_none() => write(item, named, &dir, watch),
                _ => Err(reader.damaged(format!("it holds {:?}, which no backup has there", item.name))),
            }
        })?;
        let tail = tail.filter(|tail| tail.files == files);
        let tail = tail.ok_or_else(|| reader.damaged("files are missing at its end"))?;
        check_format(&dir)?;
        let reader = Reader::of_keys(&self.keys);
        reader.each(|item| match names::in_keys(&item.name) {
            Some(named) => write(item, named, &dir, watch),
            None => Err(reader.damaged(format!("it holds {:?}, which no keys file has", item.name))),
        })?;
        make_repositories_whole(&dir)?;
        Ok(Unpacked { file: self.file.clone(), dir, head, tail })
    }
}

/// Unpacks one file. A blob or manifest that is not what its name says is left out.
fn write(mut item: Item<'_>, named: Named, dir: &Path, watch: &mut Watch<'_>) -> Result<(), BackupError> {
    let path = dir.join(&item.name);
    let failed = || BackupError::io("write", &path);
    private_dir(path.parent().unwrap_or(dir))?;
    let file = File::options().write(true).create_new(true).mode(0o600).open(&path).map_err(failed())?;
    let (mut to, mut buffer) = (HashingWriter::new(file), vec![0; 256 * 1024]);
    loop {
        let read = item.read(&mut buffer)?;
        watch.passed(read).map_err(failed())?;
        if read == 0 {
            break;
        }
        to.write_all(&buffer[..read]).map_err(failed())?;
    }
    let (_, found, _) = to.finish();
    let right = match named {
        Named::File => true,
        Named::Blob(digest) => digest == found,
        Named::Manifest(slug) => slug.digest() == found,
    };
    if right { Ok(()) } else { std::fs::remove_file(&path).map_err(failed()) }
}

fn private_dir(dir: &Path) -> Result<(), BackupError> {
    DirBuilder::new().recursive(true).mode(0o700).create(dir).map_err(BackupError::io("make", dir))
}

/// Git knows a repository by its directories, of which an archive of files has none that are empty. One without a
/// `HEAD` was about to be made or removed: the next push makes it anew.
fn make_repositories_whole(dir: &Path) -> Result<(), BackupError> {
    let repositories = dir.join(names::REPOSITORIES);
    for name in names_in(&repositories)? {
        let repository = repositories.join(&name);
        if !repository.join("HEAD").is_file() {
            std::fs::remove_dir_all(&repository).map_err(BackupError::io("remove", &repository))?;
            continue;
        }
        for needed in ["refs/heads", "refs/tags", "objects/info", "objects/pack"] {
            private_dir(&repository.join(needed))?;
        }
    }
    Ok(())
}

/// The names in a directory; none when it is not there.
fn names_in(dir: &Path) -> Result<Vec<OsString>, BackupError> {
    let read = || match std::fs::read_dir(dir) {
        Ok(entries) => entries.map(|entry| Ok(entry?.file_name())).collect(),
        Err(cause) if cause.kind() == io::ErrorKind::NotFound => Ok(Vec::new()),
        Err(cause) => Err(cause),
    };
    read().map_err(BackupError::io("read", dir))
}

/// An empty data directory, held by this process.
struct Place {
    path: PathBuf,
    /// Where everything is until it is proved.
    beside: Beside,
    /// Whether it was not there before.
    made: bool,
    _held: File,
}

impl Place {
    fn claim(path: &Path) -> Result<Self, BackupError> {
        let failed = || BackupError::io("use", path);
        let made = !path.exists();
        if !made {
            sweep(path).map_err(failed())?;
            if is_used_otherwise(path).map_err(failed())? {
                // That a platform runs there says more.
                if path.join(names::FORMAT).exists() {
                    hold(path)?;
                }
                return Err(BackupError::NotEmpty { path: path.to_owned() });
            }
        }
        make_private(path).map_err(failed())?;
        let held = hold(path)?;
        Ok(Self { path: path.to_owned(), beside: Beside::new(path)?, made, _held: held })
    }

    /// Leaves the directory as it was.
    fn give_up(self) {
        let Self { path, beside, made, _held } = self;
        drop(beside);
        // What stays is an empty directory, which is no harm.
        let _ = std::fs::remove_file(path.join("lock"));
        if made {
            let _ = std::fs::remove_dir(&path);
        }
    }

    /// Moves everything in `dir` to its place, for good.
    fn move_in(&self, dir: &Path) -> Result<(), BackupError> {
        let failed = || BackupError::io("write to", &self.path);
        // The files were not synced one by one.
        rustix::fs::sync();
        let mut all = names_in(dir)?;
        all.retain(|name| name != names::SETTINGS || !self.path.join(name).exists());
        // The ledger makes it a data directory.
        all.sort_by_key(|name| name == "ledger");
        for name in all {
            std::fs::rename(dir.join(&name), self.path.join(&name)).map_err(failed())?;
        }
        File::open(&self.path).and_then(|dir| dir.sync_all()).map_err(failed())
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_repository_that_was_removed_meanwhile_does_not_come_back_in_part() {
        let dir = tempfile::tempdir().expect("a directory");
        let repositories = dir.path().join(names::REPOSITORIES);
        for file in ["whole.git/HEAD", "part.git/objects/00/11"] {
            let path = repositories.join(file);
            std::fs::create_dir_all(path.parent().expect("below")).expect("made");
            std::fs::write(path, "ref: refs/heads/main\n").expect("written");
        }
        make_repositories_whole(dir.path()).expect("made whole");
        assert_eq!(names_in(&repositories).expect("read"), ["whole.git"]);
        assert!(repositories.join("whole.git/refs/heads").is_dir());
    }
}
