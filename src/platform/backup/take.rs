use super::{
    BackupError, Progress,
    beside::{Beside, parent_of},
    head::{FORMAT, Head, KeyPlace, KeysHead, Tail},
    names, repository, slugs,
    writer::{Watch, Writer},
};
use crate::clock::Clock;
use crate::crash_point;
use crate::ledger::{Archive, PlatformKey, Report, State};
use crate::name::{AppName, PlatformId};
use crate::platform::data_dir::check_format;
use crate::slug::SlugDigest;
use std::{
    collections::HashSet,
    fs::File,
    io::Read as _,
    path::{Path, PathBuf},
};
use tokio_util::sync::CancellationToken;

/// How often everything is copied, where apps go on so fast that slugs of their current releases are removed meanwhile.
const ATTEMPTS: usize = 3;
/// The most bytes of a file of settings or keys.
const TEXT_LIMIT: u64 = 1 << 20;

/// What is to be backed up, and where to.
#[derive(Debug)]
pub struct Backup {
    /// The platform's data directory; the platform may run.
    pub data_dir: PathBuf,
    /// Where the backup goes.
    pub file: PathBuf,
    /// Where the keys go.
    pub keys: PathBuf,
    /// What becomes of files that are there.
    pub existing: Existing,
    /// The platform's key where it is not in the data directory, to prove that it opens what is taken.
    pub platform_key: Option<PlatformKey>,
}

/// What becomes of files that are where a backup is to go.
#[derive(Clone, Copy, Debug, Eq, PartialEq)]
pub enum Existing {
    /// They stay, and nothing is backed up.
    Refuse,
    /// They are replaced when the backup is whole.
    Replace,
}

/// What was backed up.
#[derive(Clone, Debug, Eq, PartialEq)]
pub struct Taken {
    /// Whose it is.
    pub platform: PlatformId,
    /// Entries of the ledger.
    pub entries: u64,
    /// Apps that are not destroyed.
    pub apps: u64,
    /// Slugs, those of older releases among them.
    pub slugs: u64,
    /// Git repositories.
    pub repositories: u64,
    /// Bytes of the backup.
    pub bytes: u64,
    /// Bytes of the keys.
    pub key_bytes: u64,
    /// Where the platform's key is.
    pub platform_key: KeyPlace,
    /// Apps whose current slug is missing or damaged in the store: it could not be taken.
    pub without_slug: Vec<AppName>,
}

impl Backup {
    /// Makes both files. Blocks; `tell` hears often how far it is.
    ///
    /// # Errors
    /// [`BackupError`]; then what was there before is there still, and nothing else.
    pub fn run(self, stop: &CancellationToken, tell: &mut dyn FnMut(Progress)) -> Result<Taken, BackupError> {
        self.check()?;
        let mut watch = Watch { stop, tell, so_far: Progress { what: "ledger", bytes: 0 } };
        let work = Work {
            beside: Beside::new(parent_of(&self.file))?,
            beside_keys: Beside::new(parent_of(&self.keys))?,
            backup: &self,
        };
        let taken = work.take_until_whole(&mut watch)?;
        // The keys first: whoever finds a backup finds what opens it.
        put(&work.beside_keys.join(ARCHIVE), &self.keys)?;
        crash_point::reached("backup.keys-in-place");
        put(&work.beside.join(ARCHIVE), &self.file)?;
        Ok(taken)
    }

    fn check(&self) -> Result<(), BackupError> {
        if self.file == self.keys {
            return Err(BackupError::OneFile { file: self.file.clone() });
        }
        if !self.data_dir.join(names::LEDGER).exists() {
            return Err(BackupError::NoPlatform { path: self.data_dir.clone() });
        }
        if self.data_dir.join(names::FORMAT).exists() {
            check_format(&self.data_dir)?;
        }
        let in_the_way = [&self.file, &self.keys].into_iter().find(|file| file.exists());
        match in_the_way {
            Some(file) if self.existing == Existing::Refuse => {
                Err(BackupError::Exists { file: file.clone() })
            }
            _ => Ok(()),
        }
    }

    fn platform_key(&self) -> Result<Option<PlatformKey>, BackupError> {
        let file = self.data_dir.join(names::PLATFORM_KEY);
        match &self.platform_key {
            Some(key) => Ok(Some(key.clone())),
            None if file.exists() => Ok(Some(PlatformKey::of_file(&file)?)),
            None => Ok(None),
        }
    }
}

/// The archive in a temporary directory, until it is whole.
const ARCHIVE: &str = "archive";

/// Moves a file into its place, for good.
fn put(from: &Path, to: &Path) -> Result<(), BackupError> {
    let put = || {
        std::fs::rename(from, to)?;
        File::open(parent_of(to))?.sync_all()
    };
    put().map_err(BackupError::io("write", to))
}

/// A backup that is being made.
struct Work<'a> {
    backup: &'a Backup,
    beside: Beside,
    beside_keys: Beside,
}

/// What the copied ledger says.
struct Snapshot {
    platform: PlatformId,
    state: State,
    report: Report,
}

impl Work<'_> {
    fn take_until_whole(&self, watch: &mut Watch<'_>) -> Result<Taken, BackupError> {
        let mut attempt = 1;
        loop {
            let taken = self.take(watch)?;
            if taken.without_slug.is_empty() || attempt == ATTEMPTS || !self.went_on(&taken)? {
                return Ok(taken);
            }
            attempt += 1;
        }
    }

    /// Whether an app whose slug could not be taken has another one by now: then it was removed, not damaged.
    fn went_on(&self, taken: &Taken) -> Result<bool, BackupError> {
        let then = Archive::open(self.beside.path())?.state()?;
        let now = Archive::open(&self.backup.data_dir.join("ledger"))?.state()?;
        let slug = |state: &State, app: &AppName| {
            state.app(app.as_ref()).and_then(|app| app.current_slug().cloned())
        };
        Ok(taken.without_slug.iter().any(|app| slug(&then, app) != slug(&now, app)))
    }

    fn take(&self, watch: &mut Watch<'_>) -> Result<Taken, BackupError> {
        watch.begin("ledger");
        let snapshot = self.snapshot()?;
        let (platform_key, key_bytes) = self.write_keys(&snapshot, watch)?;
        let (tail, bytes) = self.write_backup(&snapshot, watch)?;
        crash_point::reached("backup.written");
        Ok(Taken {
            platform: snapshot.platform,
            entries: snapshot.report.entries,
            apps: snapshot.state.apps.len() as u64,
            slugs: tail.slugs,
            repositories: tail.repositories,
            bytes,
            key_bytes,
            platform_key,
            without_slug: tail.without_slug,
        })
    }

    /// Copies ledger and keys, and proves both as far as the platform's key is known.
    fn snapshot(&self) -> Result<Snapshot, BackupError> {
        let data = &self.backup.data_dir;
        let (into, keys_into) = (self.beside.path(), self.beside_keys.path());
        let archive = Archive::snapshot(&data.join("ledger"), into, keys_into)?;
        let (state, report) = (archive.state()?, archive.verify(&[])?);
        let platform = state.platform.ok_or_else(|| BackupError::NoPlatform { path: data.clone() })?;
        if let Some(key) = self.backup.platform_key()? {
            key.check(keys_into)?;
        }
        Ok(Snapshot { platform, state, report })
    }

    fn write_keys(&self, snapshot: &Snapshot, watch: &mut Watch<'_>) -> Result<(KeyPlace, u64), BackupError> {
        let data = &self.backup.data_dir;
        let mut writer = Writer::create(&self.beside_keys.join(ARCHIVE), self.backup.keys.clone())?;
        let key = text(&data.join(names::PLATFORM_KEY))?;
        let platform_key = if key.is_some() { KeyPlace::KeysFile } else { KeyPlace::Elsewhere };
        let (platform, made_at) = (snapshot.platform, Clock::system().now());
        writer.toml(names::KEYS_HEAD, &KeysHead { format: FORMAT, platform, made_at, platform_key })?;
        copy(&self.beside_keys.join("keys.db"), names::KEYRING, &mut writer, watch)?;
        if let Some(key) = key {
            writer.bytes(names::PLATFORM_KEY, &key)?;
        }
        for name in names::AUTHORITY {
            if let Some(bytes) = text(&data.join(name))? {
                writer.bytes(name, &bytes)?;
            }
        }
        Ok((platform_key, writer.finish()?))
    }

    fn write_backup(&self, snapshot: &Snapshot, watch: &mut Watch<'_>) -> Result<(Tail, u64), BackupError> {
        let data = &self.backup.data_dir;
        let mut writer = Writer::create(&self.beside.join(ARCHIVE), self.backup.file.clone())?;
        writer.toml(names::HEAD, &snapshot.head())?;
        copy(&self.beside.join("ledger.db"), names::LEDGER, &mut writer, watch)?;
        for name in [names::FORMAT, names::SETTINGS] {
            if let Some(bytes) = text(&data.join(name))? {
                writer.bytes(name, &bytes)?;
            }
        }
        watch.begin("slugs");
        let taken = slugs::take(data, &mut writer, watch)?;
        watch.begin("repositories");
        let repositories = self.take_repositories(snapshot, &mut writer, watch)?;
        watch.begin("outputs of builds");
        self.take_outputs(snapshot, &mut writer, watch)?;
        let files = writer.files() - 1;
        let without_slug = snapshot.without_slug(&taken);
        let tail = Tail { files, slugs: taken.len() as u64, repositories, without_slug };
        writer.toml(names::TAIL, &tail)?;
        Ok((tail, writer.finish()?))
    }

    fn take_repositories(
        &self,
        snapshot: &Snapshot,
        writer: &mut Writer,
        watch: &mut Watch<'_>,
    ) -> Result<u64, BackupError> {
        let mut count = 0;
        for app in snapshot.state.apps.keys() {
            let name = format!("{}/{app}.git", names::REPOSITORIES);
            count += u64::from(repository::take(&self.backup.data_dir.join(&name), &name, writer, watch)?);
        }
        Ok(count)
    }

    /// What builds and release phases said, as far as they have ended.
    fn take_outputs(
        &self,
        snapshot: &Snapshot,
        writer: &mut Writer,
        watch: &mut Watch<'_>,
    ) -> Result<(), BackupError> {
        for app in snapshot.state.apps.keys() {
            let name = format!("{}/{app}", names::OUTPUTS);
            let Ok(outputs) = std::fs::read_dir(self.backup.data_dir.join(&name)) else { continue };
            for output in outputs.flatten().filter_map(|output| output.file_name().into_string().ok()) {
                if names::is_output_file(&output) {
                    let name = format!("{name}/{output}");
                    copy(&self.backup.data_dir.join(&name), &name, writer, watch)?;
                }
            }
        }
        Ok(())
    }
}

impl Snapshot {
    fn head(&self) -> Head {
        Head {
            format: FORMAT,
            platform: self.platform,
            made_at: Clock::system().now(),
            made_by: format!("hokku {}", env!("CARGO_PKG_VERSION")),
            entries: self.report.entries,
            apps: self.state.apps.len() as u64,
            heads: self.report.chains.iter().map(|chain| chain.head.to_string()).collect(),
        }
    }

    /// The apps whose current slug is not among those that were taken, by name.
    fn without_slug(&self, taken: &HashSet<SlugDigest>) -> Vec<AppName> {
        let missing = |id| {
            let app = self.state.apps.get(id)?;
            let slug = app.current_slug()?;
            (!taken.contains(&slug.digest)).then(|| app.name.clone())
        };
        self.state.names.values().filter_map(missing).collect()
    }
}

/// Copies a file that does not change; one that is not there (any more) is left out.
fn copy(from: &Path, name: &str, writer: &mut Writer, watch: &mut Watch<'_>) -> Result<(), BackupError> {
    let Some(mut file) = slugs::open(from)? else { return Ok(()) };
    let size = file.metadata().map_err(BackupError::io("read", from))?.len();
    writer.file(name, &mut file, size, watch)
}

/// A small file; `None` when it is not there.
fn text(path: &Path) -> Result<Option<Vec<u8>>, BackupError> {
    let Some(file) = slugs::open(path)? else { return Ok(None) };
    let mut bytes = Vec::new();
    let read = file.take(TEXT_LIMIT + 1).read_to_end(&mut bytes).map_err(BackupError::io("read", path))?;
    if read as u64 > TEXT_LIMIT {
        let cause = std::io::Error::other(format!("it has more than {TEXT_LIMIT} bytes"));
        return Err(BackupError::io("read", path)(cause));
    }
    Ok(Some(bytes))
}
