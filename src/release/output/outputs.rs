use super::{
    Output, OutputId,
    blocking::blocking,
    writer::{LIMIT, OutputWriter, Progress, write_lines},
};
use crate::name::AppId;
use std::{
    collections::{HashMap, VecDeque},
    fs::File,
    io::{self, Write as _},
    path::{Path, PathBuf},
    sync::{Arc, Mutex, MutexGuard, PoisonError},
    time::SystemTime,
};
use tokio::sync::{mpsc, watch};
use tokio_util::task::TaskTracker;

/// How many outputs of one app are kept.
pub(super) const KEPT: usize = 20;
/// How the name of a file ends while its output goes on.
const UNFINISHED: &str = "part";
const STOPPED: &str = " !     The platform was stopped before this ended.\n";

/// What builds and release phases say: a file for each, `APP/build-ID`, and who still writes to it.
pub(in crate::release) struct Outputs {
    dir: PathBuf,
    list: Mutex<List>,
    writers: TaskTracker,
}

#[derive(Default)]
struct List {
    outputs: HashMap<OutputId, Listed>,
    /// Each app's, the oldest first.
    apps: HashMap<AppId, VecDeque<OutputId>>,
}

#[derive(Clone)]
enum Listed {
    Live { file: Arc<File>, progress: watch::Receiver<Progress>, path: PathBuf },
    Ended { path: PathBuf },
}

impl Outputs {
    /// Lists what is in `dir`, and ends what a stop left unfinished. Blocks.
    pub(in crate::release) fn open(dir: PathBuf) -> io::Result<Arc<Self>> {
        std::fs::create_dir_all(&dir)?;
        let mut list = List::default();
        for app in std::fs::read_dir(&dir)? {
            let path = app?.path();
            let Some(Ok(app)) = path.file_name().and_then(|name| name.to_str()).map(str::parse) else {
                continue;
            };
            list.apps.insert(app, list_app(&path, &mut list.outputs)?);
        }
        Ok(Arc::new(Self { dir, list: Mutex::new(list), writers: TaskTracker::new() }))
    }

    /// Begins an output of `app`, and removes the app's oldest when there are too many.
    pub(in crate::release) async fn begin(
        self: &Arc<Self>,
        app: AppId,
        of: OutputId,
    ) -> io::Result<OutputWriter> {
        let dir = self.dir.join(app.to_string());
        let ended = dir.join(of.file_name());
        let path = ended.with_extension(UNFINISHED);
        let made = path.clone();
        let open = move || {
            std::fs::create_dir_all(&dir)?;
            File::options().read(true).write(true).create(true).truncate(true).open(&made)
        };
        let file = Arc::new(blocking(open).await?);
        let (progress, watched) = watch::channel(Progress::default());
        let pushed_out = {
            let mut list = self.list();
            list.outputs
                .insert(of, Listed::Live { file: Arc::clone(&file), progress: watched, path: path.clone() });
            let ids = list.apps.entry(app).or_default();
            ids.push_back(of);
            let count = ids.len().saturating_sub(KEPT);
            let old: Vec<_> = ids.drain(..count).collect();
            old.iter().filter_map(|id| list.outputs.remove(id)).collect::<Vec<_>>()
        };
        for old in pushed_out {
            remove(old.path()).await;
        }
        let (sender, lines) = mpsc::unbounded_channel();
        let outputs = Arc::clone(self);
        self.writers.spawn(async move {
            write_lines(file, lines, &progress).await;
            outputs.end(of, &path, ended).await;
            progress.send_modify(|progress| progress.ended = true);
        });
        Ok(OutputWriter { sender, left: LIMIT })
    }

    async fn end(&self, of: OutputId, path: &Path, ended: PathBuf) {
        if tokio::fs::rename(path, &ended).await.is_err() {
            return; // it was removed when the app went, or was pushed out
        }
        let listed = match self.list().outputs.get_mut(&of) {
            Some(listed) => {
                *listed = Listed::Ended { path: ended.clone() };
                true
            }
            None => false,
        };
        if !listed {
            remove(&ended).await;
            // Where the app went meanwhile, its directory could not go before this file. Others' outputs keep it.
            if let Some(dir) = ended.parent() {
                tokio::fs::remove_dir(dir).await.ok();
            }
        }
    }

    /// A reader from the first byte on.
    pub(in crate::release) async fn read(&self, of: OutputId) -> Option<Output> {
        let listed = self.list().outputs.get(&of).cloned()?;
        match listed {
            Listed::Live { file, progress, .. } => {
                Some(Output { file, position: 0, progress: Some(progress) })
            }
            Listed::Ended { path } => {
                let file = Arc::new(blocking(move || File::open(path)).await.ok()?);
                Some(Output { file, position: 0, progress: None })
            }
        }
    }

    /// The apps that have outputs.
    pub(in crate::release) fn apps(&self) -> Vec<AppId> {
        self.list().apps.keys().copied().collect()
    }

    /// Removes every output of `app`.
    pub(in crate::release) async fn forget(&self, app: AppId) {
        {
            let mut list = self.list();
            for id in list.apps.remove(&app).into_iter().flatten() {
                list.outputs.remove(&id);
            }
        }
        let dir = self.dir.join(app.to_string());
        let removed = blocking(move || std::fs::remove_dir_all(dir)).await;
        warn_unless_gone(removed, "an app's output");
    }

    /// Waits until everything is written.
    pub(in crate::release) async fn close(&self) {
        self.writers.close();
        self.writers.wait().await;
    }

    fn list(&self) -> MutexGuard<'_, List> {
        self.list.lock().unwrap_or_else(PoisonError::into_inner)
    }
}

impl Listed {
    fn path(&self) -> &Path {
        match self {
            Self::Live { path, .. } | Self::Ended { path } => path,
        }
    }
}

/// Lists one app's outputs, the oldest first.
fn list_app(dir: &Path, outputs: &mut HashMap<OutputId, Listed>) -> io::Result<VecDeque<OutputId>> {
    let mut found: Vec<(SystemTime, OutputId)> = Vec::new();
    for entry in std::fs::read_dir(dir)? {
        let mut path = entry?.path();
        let modified = std::fs::metadata(&path)?.modified()?;
        let Some(id) = path.file_stem().and_then(|name| name.to_str()).and_then(OutputId::of_file_name)
        else {
            continue;
        };
        if path.extension().is_some() {
            File::options().append(true).open(&path)?.write_all(STOPPED.as_bytes())?;
            let ended = path.with_extension("");
            std::fs::rename(&path, &ended)?;
            path = ended;
        }
        outputs.insert(id, Listed::Ended { path });
        found.push((modified, id));
    }
    found.sort_by_key(|(modified, _)| *modified);
    Ok(found.into_iter().map(|(_, id)| id).collect())
}

async fn remove(path: &Path) {
    warn_unless_gone(tokio::fs::remove_file(path).await, "an old output");
}

fn warn_unless_gone(removed: io::Result<()>, what: &str) {
    if let Err(cause) = removed
        && cause.kind() != io::ErrorKind::NotFound
    {
        tracing::warn!(%cause, "{what} could not be removed");
    }
}
