use crate::name::{AppId, BuildId, ReleaseId};
use bytes::{BufMut as _, Bytes, BytesMut};
use std::{
    collections::{HashMap, VecDeque},
    fs::File,
    io::{self, Write as _},
    os::unix::fs::FileExt as _,
    path::{Path, PathBuf},
    sync::{Arc, Mutex, MutexGuard, PoisonError},
    time::SystemTime,
};
use tokio::sync::{mpsc, watch};
use tokio_util::task::TaskTracker;

/// The most bytes of one output, without the platform's own few lines.
const LIMIT: usize = 10 << 20;
/// How many outputs of one app are kept.
const KEPT: usize = 20;
/// The most bytes that a reader gets at a time.
const CHUNK: usize = 64 << 10;
/// How the name of a file ends while its output goes on.
const UNFINISHED: &str = "part";
const STOPPED: &str = " !     The platform was stopped before this ended.\n";

/// What output is of.
#[derive(Clone, Copy, Debug, Eq, Hash, PartialEq)]
pub enum OutputId {
    /// A build.
    Build(BuildId),
    /// A release's release phase.
    Release(ReleaseId),
}

impl OutputId {
    fn file_name(self) -> String {
        match self {
            Self::Build(id) => format!("build-{id}"),
            Self::Release(id) => format!("release-{id}"),
        }
    }

    fn of_file_name(name: &str) -> Option<Self> {
        match name.split_once('-')? {
            ("build", id) => id.parse().ok().map(Self::Build),
            ("release", id) => id.parse().ok().map(Self::Release),
            _ => None,
        }
    }
}

/// What builds and release phases say: a file for each, `APP/build-ID`, and who still writes to it.
pub(super) struct Outputs {
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

/// How far the file is written.
#[derive(Clone, Copy, Default)]
struct Progress {
    bytes: u64,
    ended: bool,
}

impl Outputs {
    /// Lists what is in `dir`, and ends what a stop left unfinished. Blocks.
    pub(super) fn open(dir: PathBuf) -> io::Result<Arc<Self>> {
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
    pub(super) async fn begin(self: &Arc<Self>, app: AppId, of: OutputId) -> io::Result<OutputWriter> {
        let dir = self.dir.join(app.to_string());
        let ended = dir.join(of.file_name());
        let path = ended.with_extension(UNFINISHED);
        let made = path.clone();
        let make = move || {
            std::fs::create_dir_all(&dir)?;
            File::options().read(true).write(true).create(true).truncate(true).open(&made)
        };
        let file = Arc::new(blocking(make).await?);
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
        }
    }

    /// A reader from the first byte on.
    pub(super) async fn read(&self, of: OutputId) -> Option<Output> {
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
    pub(super) fn apps(&self) -> Vec<AppId> {
        self.list().apps.keys().copied().collect()
    }

    /// Removes every output of `app`.
    pub(super) async fn forget(&self, app: AppId) {
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
    pub(super) async fn close(&self) {
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

/// Writes what comes until nobody sends any more. What a full disk does not take is lost, and the work goes on.
async fn write_lines(
    file: Arc<File>,
    mut lines: mpsc::UnboundedReceiver<Bytes>,
    progress: &watch::Sender<Progress>,
) {
    let mut position = 0;
    while let Some(line) = lines.recv().await {
        let mut batch = BytesMut::from(&line[..]);
        while batch.len() < CHUNK
            && let Ok(line) = lines.try_recv()
        {
            batch.put(line);
        }
        let (file, length) = (Arc::clone(&file), batch.len() as u64);
        match blocking(move || file.write_all_at(&batch, position)).await {
            Ok(()) => position += length,
            Err(cause) => tracing::warn!(%cause, "a build's or release's output could not be written"),
        }
        progress.send_modify(|progress| progress.bytes = position);
    }
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

async fn blocking<T: Send + 'static>(work: impl FnOnce() -> io::Result<T> + Send + 'static) -> io::Result<T> {
    tokio::task::spawn_blocking(work).await.unwrap_or_else(|failed| Err(io::Error::other(failed)))
}

/// Writes one output, which ends when this is dropped.
pub(super) struct OutputWriter {
    sender: mpsc::UnboundedSender<Bytes>,
    left: usize,
}

impl OutputWriter {
    /// A line of somebody else's; after [`LIMIT`] bytes of them they are left out.
    pub(super) fn relay(&mut self, line: &str) {
        let cost = line.len() + 1;
        if cost <= self.left {
            self.left -= cost;
            self.say(line);
        } else if self.left > 0 {
            self.left = 0;
            self.say("       (the output is longer than 10 MB; the rest is not shown)");
        }
    }

    /// A line of the platform's own.
    pub(super) fn say(&self, line: &str) {
        // Whoever writes the file has gone only with the runtime.
        self.sender.send(format!("{line}\n").into()).ok();
    }
}

/// A reader of output: what was written before it came, and what is written from then on.
pub struct Output {
    file: Arc<File>,
    position: u64,
    progress: Option<watch::Receiver<Progress>>,
}

impl Output {
    /// The next bytes; `None` at the end. Cancel safe.
    pub async fn next(&mut self) -> Option<Bytes> {
        loop {
            let known = self.progress.as_mut().map(|progress| *progress.borrow_and_update());
            if known.is_none_or(|known| self.position < known.bytes) {
                let (file, position) = (Arc::clone(&self.file), self.position);
                let read = blocking(move || {
                    let mut chunk = vec![0; CHUNK];
                    let count = file.read_at(&mut chunk, position)?;
                    chunk.truncate(count);
                    Ok(Bytes::from(chunk))
                });
                let chunk = read.await.ok().filter(|chunk| !chunk.is_empty())?;
                self.position += chunk.len() as u64;
                return Some(chunk);
            }
            match &mut self.progress {
                Some(progress) if !known.is_some_and(|known| known.ended) => {
                    // A writer that is gone has ended, or went with its runtime.
                    progress.changed().await.ok()?;
                }
                _ => return None,
            }
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use futures_util::FutureExt as _;

    async fn text(mut output: Output) -> String {
        let mut text = Vec::new();
        while let Some(bytes) = output.next().await {
            text.extend(bytes);
        }
        String::from_utf8(text).expect("UTF-8")
    }

    fn open(dir: &tempfile::TempDir) -> Arc<Outputs> {
        Outputs::open(dir.path().to_owned()).expect("opened")
    }

    #[tokio::test]
    async fn every_reader_gets_everything_whenever_it_comes() {
        let dir = tempfile::tempdir().expect("a directory");
        let outputs = open(&dir);
        let (app, id) = (AppId::random(), OutputId::Build(BuildId::random()));
        assert!(outputs.read(id).await.is_none());
        let writer = outputs.begin(app, id).await.expect("begun");
        let mut early = outputs.read(id).await.expect("there");
        writer.say("one");
        assert_eq!(early.next().await.as_deref(), Some(&b"one\n"[..]));
        assert!(early.next().now_or_never().is_none(), "it waits for more");
        let middle = outputs.read(id).await.expect("there");
        writer.say("two");
        drop(writer);
        assert_eq!((text(early).await.as_str(), text(middle).await.as_str()), ("two\n", "one\ntwo\n"));
        outputs.close().await;
        assert_eq!(text(outputs.read(id).await.expect("kept")).await, "one\ntwo\n");
        // And after a restart.
        assert_eq!(text(open(&dir).read(id).await.expect("kept")).await, "one\ntwo\n");
        outputs.forget(app).await;
        assert!(outputs.read(id).await.is_none() && open(&dir).read(id).await.is_none());
    }

    #[tokio::test]
    async fn what_a_kill_cut_off_says_so_once() {
        let dir = tempfile::tempdir().expect("a directory");
        let outputs = open(&dir);
        let id = OutputId::Release(ReleaseId::random());
        let writer = outputs.begin(AppId::random(), id).await.expect("begun");
        writer.say("one");
        outputs.read(id).await.expect("there").next().await.expect("written");
        drop(open(&dir));
        let next = open(&dir);
        insta::assert_snapshot!(text(next.read(id).await.expect("kept")).await, @r"
        one
         !     The platform was stopped before this ended.
        ");
    }

    #[tokio::test]
    async fn only_an_apps_last_outputs_are_kept() {
        let dir = tempfile::tempdir().expect("a directory");
        let outputs = open(&dir);
        let app = AppId::random();
        let ids: Vec<_> = (0..KEPT + 2).map(|_| OutputId::Build(BuildId::random())).collect();
        for id in &ids {
            outputs.begin(app, *id).await.expect("begun");
        }
        outputs.close().await;
        assert!(outputs.read(ids[1]).await.is_none() && outputs.read(ids[2]).await.is_some());
        let files = std::fs::read_dir(dir.path().join(app.to_string())).expect("read").count();
        assert_eq!(files, KEPT);
    }

    #[tokio::test]
    async fn a_flood_is_cut_and_the_last_words_are_there() {
        let dir = tempfile::tempdir().expect("a directory");
        let outputs = open(&dir);
        let id = OutputId::Build(BuildId::random());
        let mut writer = outputs.begin(AppId::random(), id).await.expect("begun");
        let line = "x".repeat(99_999);
        for _ in 0..200 {
            writer.relay(&line);
        }
        writer.say("Released");
        drop(writer);
        let text = text(outputs.read(id).await.expect("there")).await;
        assert!(text.len() <= LIMIT + 100, "{}", text.len());
        assert!(
            text.ends_with("       (the output is longer than 10 MB; the rest is not shown)\nReleased\n")
        );
    }
}
