use super::{
    LogLine, Source, Stream, Tail, TailFilter,
    budget::Budget,
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
    /// The most bytes of all apps' lines together; the largest logs give first. Default: 256 MiB.
    pub bytes: usize,
}

impl Default for LogplexConfig {
    fn default() -> Self {
        Self { lines_per_app: 1500, bytes_per_app: 4 << 20, bytes: 256 << 20 }
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
    budget: Arc<Budget>,
    channels: Arc<Mutex<HashMap<AppName, AppLog>>>,
}

impl Logplex {
    /// No logs yet; lines will carry the time of `clock`.
    #[must_use]
    pub fn new(clock: Clock, config: LogplexConfig) -> Self {
        Self { clock, config, budget: Arc::new(Budget::new(config.bytes)), channels: Arc::default() }
    }

    /// The log of `app`, made at the first call.
    #[must_use]
    pub fn channel(&self, app: &AppName) -> AppLog {
        let mut channels = lock(&self.channels);
        channels.entry(app.clone()).or_insert_with(|| AppLog::new(self)).clone()
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

pub(super) struct Channel {
    clock: Clock,
    buffer: Mutex<Buffer>,
    written: Notify,
    budget: Arc<Budget>,
    /// Its number in the budget.
    number: u64,
}

impl Channel {
    /// What its lines take.
    pub(super) fn bytes(&self) -> usize {
        lock(&self.buffer).bytes()
    }

    /// Lets the oldest lines go until the others take at most `bytes`.
    pub(super) fn cut_to(&self, bytes: usize) {
        self.change(|buffer| buffer.cut_to(bytes, self.clock.now()));
    }

    /// Changes the buffer, and tells the budget.
    fn change(&self, change: impl FnOnce(&mut Buffer)) {
        let mut buffer = lock(&self.buffer);
        let before = buffer.bytes();
        change(&mut buffer);
        self.budget.note(before, buffer.bytes());
    }
}

impl Drop for Channel {
    fn drop(&mut self) {
        self.budget.leave(self.number, self.bytes());
    }
}

impl fmt::Debug for Channel {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("Channel").finish_non_exhaustive()
    }
}

impl fmt::Debug for AppLog {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("AppLog").finish_non_exhaustive()
    }
}

impl AppLog {
    fn new(logplex: &Logplex) -> Self {
        let Logplex { clock, config, budget, .. } = logplex;
        Self(budget.enter(|number| Channel {
            clock: clock.clone(),
            buffer: Mutex::new(Buffer::new(*config)),
            written: Notify::new(),
            budget: Arc::clone(budget),
            number,
        }))
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
        self.0.change(|buffer| {
            let at = self.0.clock.now();
            for text in lines {
                buffer.push(LogLine { at, source, process: Arc::clone(process), stream, text });
            }
        });
        self.0.written.notify_waiters();
        self.0.budget.keep();
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
pub(super) fn lock<T>(mutex: &Mutex<T>) -> MutexGuard<'_, T> {
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

    async fn texts(log: &AppLog) -> Vec<String> {
        let mut tail = log.tail(TailFilter::default());
        let mut texts = Vec::new();
        while let Some(event) = tail.next().await {
            texts.push(event.line().text.clone());
        }
        texts
    }

    #[tokio::test]
    async fn all_logs_together_have_a_limit_and_the_largest_give() {
        let config = LogplexConfig { bytes: 64 << 10, ..LogplexConfig::default() };
        let logplex = Logplex::new(Clock::system(), config);
        let say = |log: &AppLog, text: String| log.write(Source::App, "web.1", Stream::Stdout, text);
        let quiet = logplex.channel(&AppName::like("quiet"));
        say(&quiet, "kept".to_owned());
        let loud: Vec<_> = (0..9).map(|n| logplex.channel(&AppName::like(&format!("loud-{n}")))).collect();
        for n in 0..500 {
            for log in &loud {
                say(log, n.to_string());
            }
            let held: usize = loud.iter().chain([&quiet]).map(|log| log.0.bytes()).sum();
            assert_eq!(held, logplex.budget.held());
            assert!(held <= config.bytes, "{held}");
        }
        assert_eq!(texts(&quiet).await, ["kept"]);
        for log in &loud {
            let texts = texts(log).await;
            let first = 500 - texts.len();
            assert!(texts.len() > 30, "each has its share: {}", texts.len());
            assert!(texts.iter().zip(first..).all(|(text, n)| *text == n.to_string()), "the oldest went");
        }
    }

    #[test]
    fn a_log_that_is_gone_counts_no_longer() {
        let logplex = Logplex::new(Clock::system(), LogplexConfig::default());
        let name = AppName::like("shop");
        logplex.channel(&name).write(Source::App, "web.1", Stream::Stdout, "line");
        assert_ne!(logplex.budget.held(), 0);
        logplex.remove(&name);
        assert_eq!(logplex.budget.held(), 0);
    }
}
