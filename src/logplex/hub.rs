use super::{
    LogLine, Source, Stream, Tail, TailFilter,
    buffer::{Buffer, Read},
    line::{LINE_LIMIT, lines_of},
};
use crate::clock::Clock;
use crate::name::AppName;
use std::{
    collections::HashMap,
    fmt,
    sync::{Arc, Mutex, MutexGuard, PoisonError},
};
use tokio::sync::Notify;

/// How many lines are written under one hold of an app's mutex.
const BATCH: usize = 64;

/// How much of every app's log is kept for those who come later.
#[derive(Clone, Copy, Debug, Eq, PartialEq, serde::Deserialize, serde::Serialize)]
#[cfg_attr(feature = "platform", derive(documented::DocumentedFields))]
#[serde(default, deny_unknown_fields, rename_all = "kebab-case")]
pub struct LogplexConfig {
    /// The most lines of one app; at least 1 is kept. Default: 1,500, as on Heroku.
    pub lines_per_app: usize,
    /// The most bytes of one app's lines, counted with what holds them; at least one longest line is kept.
    /// Default: 4 MiB.
    pub bytes_per_app: usize,
}

impl Default for LogplexConfig {
    fn default() -> Self {
        Self { lines_per_app: 1500, bytes_per_app: 4 << 20 }
    }
}

impl LogplexConfig {
    pub(super) fn lines(&self) -> usize {
        self.lines_per_app.max(1)
    }

    pub(super) fn bytes(&self) -> usize {
        self.bytes_per_app.max(LINE_LIMIT + 1024)
    }
}

/// The logs of every app. Clones share them.
#[derive(Clone, Debug)]
pub struct Logplex {
    clock: Clock,
    config: LogplexConfig,
    channels: Arc<Mutex<HashMap<AppName, AppLog>>>,
}

impl Logplex {
    /// No logs yet; lines will carry the time of `clock`.
    #[must_use]
    pub fn new(clock: Clock, config: LogplexConfig) -> Self {
        Self { clock, config, channels: Arc::default() }
    }

    /// The log of `app`, made at the first call.
    #[must_use]
    pub fn channel(&self, app: &AppName) -> AppLog {
        let mut channels = lock(&self.channels);
        channels.entry(app.clone()).or_insert_with(|| AppLog::new(self.clock.clone(), self.config)).clone()
    }

    /// Forgets the log of `app`: its tails end, and what is still written to it is not kept.
    pub fn remove(&self, app: &AppName) {
        let removed = lock(&self.channels).remove(app);
        if let Some(log) = removed {
            log.close();
        }
    }

    /// From now on the log of `name` is that of `alias` too, with all that is in it: the first half of a change of
    /// name, [`unname`](Self::unname) is the other.
    pub fn alias(&self, name: &AppName, alias: &AppName) {
        let log = self.channel(name);
        if let Some(other) = lock(&self.channels).insert(alias.clone(), log) {
            other.close();
        }
    }

    /// From now on the log that `name` has is not called so; its tails and its writers go on.
    pub fn unname(&self, name: &AppName) {
        lock(&self.channels).remove(name);
    }

    /// Ends every tail as soon as it has read what is here; for a clean stop after the last line.
    pub fn close(&self) {
        for log in lock(&self.channels).values() {
            log.close();
        }
    }
}

/// The log of one app, to write and to read. Clones share it and are cheap.
#[derive(Clone)]
pub struct AppLog(Arc<Channel>);

struct Channel {
    clock: Clock,
    buffer: Mutex<Buffer>,
    written: Notify,
}

impl fmt::Debug for AppLog {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("AppLog").finish_non_exhaustive()
    }
}

impl AppLog {
    fn new(clock: Clock, config: LogplexConfig) -> Self {
        let buffer = Mutex::new(Buffer::new(config));
        Self(Arc::new(Channel { clock, buffer, written: Notify::new() }))
    }

    /// Writes `text`, as several lines where it has line breaks or more than
    /// [`LINE_LIMIT`](super::LINE_LIMIT) bytes. Never waits for a reader.
    pub fn write(&self, source: Source, process: &str, stream: Stream, text: impl Into<String>) {
        let (process, text) = (Arc::from(process), text.into());
        if text.len() <= LINE_LIMIT && !text.contains(['\n', '\r']) {
            return self.append(source, &process, stream, [text]);
        }
        let mut lines = lines_of(&text).map(str::to_owned).peekable();
        while lines.peek().is_some() {
            self.append(source, &process, stream, lines.by_ref().take(BATCH));
        }
    }

    /// Writes `lines` of one moment together, so that nobody else's line comes between.
    pub(super) fn append(
        &self,
        source: Source,
        process: &Arc<str>,
        stream: Stream,
        lines: impl IntoIterator<Item = String>,
    ) {
        let mut buffer = lock(&self.0.buffer);
        let at = self.0.clock.now();
        for text in lines {
            buffer.push(LogLine { at, source, process: Arc::clone(process), stream, text });
        }
        drop(buffer);
        self.0.written.notify_waiters();
    }

    /// The last lines that `filter` asks for and, if it follows, every later one: no line twice, and none
    /// missing without being told. From now on, also for a tail that is first asked later.
    #[must_use]
    pub fn tail(&self, filter: TailFilter) -> Tail {
        Tail::new(self.clone(), lock(&self.0.buffer).subscribe(filter))
    }

    /// Ends every tail as soon as it has read what is here; later lines are not kept.
    fn close(&self) {
        lock(&self.0.buffer).close();
        self.0.written.notify_waiters();
    }

    pub(super) fn clock(&self) -> &Clock {
        &self.0.clock
    }

    pub(super) fn written(&self) -> &Notify {
        &self.0.written
    }

    pub(super) fn read(&self, reader: u64) -> Read {
        lock(&self.0.buffer).read(reader)
    }

    pub(super) fn unsubscribe(&self, reader: u64) {
        lock(&self.0.buffer).unsubscribe(reader);
    }
}

/// A panic elsewhere leaves every value behind these mutexes whole, so poison is not passed on.
fn lock<T>(mutex: &Mutex<T>) -> MutexGuard<'_, T> {
    mutex.lock().unwrap_or_else(PoisonError::into_inner)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[tokio::test]
    async fn a_log_goes_with_its_app_to_another_name() {
        let logplex = Logplex::new(Clock::system(), LogplexConfig::default());
        let (old, new) = (AppName::like("old"), AppName::like("new"));
        let writer = logplex.channel(&old);
        writer.write(Source::App, "api", Stream::System, "before");
        logplex.alias(&old, &new);
        logplex.unname(&old);
        writer.write(Source::App, "api", Stream::System, "after");
        let mut tail = logplex.channel(&new).tail(TailFilter::default());
        let mut texts = Vec::new();
        while let Some(event) = tail.next().await {
            texts.push(event.line().text.clone());
        }
        assert_eq!(texts, ["before", "after"]);
        assert!(
            logplex.channel(&old).tail(TailFilter::default()).next().await.is_none(),
            "another app's log"
        );
    }
}
