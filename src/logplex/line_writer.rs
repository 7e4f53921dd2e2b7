use super::{AppLog, LineSplitter, Source, Stream};
use std::{io, sync::Arc};

/// How many lines are handed on together; also bounds what one chunk full of line breaks costs.
const BATCH: usize = 64;

/// A process's output stream: bytes in, in whatever chunks they come; lines out to an [`AppLog`].
///
/// Lines are cut as [`LineSplitter`] says. What is left without a line break is written at
/// [`finish`](Self::finish) or drop.
#[derive(Debug)]
pub struct LineWriter {
    splitter: LineSplitter,
    out: Out,
}

#[derive(Debug)]
struct Out {
    log: AppLog,
    source: Source,
    process: Arc<str>,
    stream: Stream,
    ready: Vec<String>,
}

impl Out {
    fn take(&mut self, line: String) {
        self.ready.push(line);
        if self.ready.len() >= BATCH {
            self.hand_on();
        }
    }

    fn hand_on(&mut self) {
        if !self.ready.is_empty() {
            self.log.append(self.source, &self.process, self.stream, self.ready.drain(..));
        }
    }
}

impl LineWriter {
    /// Writes to `log` in the name of `process`.
    #[must_use]
    pub fn new(log: AppLog, source: Source, process: &str, stream: Stream) -> Self {
        let out = Out { log, source, process: process.into(), stream, ready: Vec::new() };
        Self { splitter: LineSplitter::default(), out }
    }

    /// Takes the next bytes. Never waits for a reader.
    pub fn write(&mut self, bytes: &[u8]) {
        let Self { splitter, out } = self;
        splitter.write(bytes, &mut |line| out.take(line));
        out.hand_on();
    }

    /// Writes what is left without a line break; later bytes begin a new line.
    pub fn finish(&mut self) {
        let Self { splitter, out } = self;
        splitter.finish(&mut |line| out.take(line));
        out.hand_on();
    }
}

impl io::Write for LineWriter {
    fn write(&mut self, bytes: &[u8]) -> io::Result<usize> {
        Self::write(self, bytes);
        Ok(bytes.len())
    }

    fn flush(&mut self) -> io::Result<()> {
        Ok(()) // an unfinished line waits for its end
    }
}

impl Drop for LineWriter {
    fn drop(&mut self) {
        self.finish();
    }
}

#[cfg(test)]
mod tests {
    use super::{
        super::{Logplex, LogplexConfig, TailFilter},
        *,
    };
    use crate::clock::Clock;
    use crate::name::AppName;

    #[tokio::test]
    async fn a_processs_output_is_in_the_log_and_its_last_words_too() {
        let config = LogplexConfig { lines_per_app: 1000, ..LogplexConfig::default() };
        let log = Logplex::new(Clock::system(), config).channel(&AppName::like("shop"));
        let mut writer = LineWriter::new(log.clone(), Source::App, "web.1", Stream::Stdout);
        writer.write("\n".repeat(3 * BATCH).as_bytes());
        writer.write(b"last ");
        writer.write(b"words");
        drop(writer);
        let mut tail = log.tail(TailFilter::default());
        let mut texts = Vec::new();
        while let Some(event) = tail.next().await {
            texts.push(event.line().text.clone());
        }
        assert_eq!((texts.len(), texts.pop().as_deref()), (3 * BATCH + 1, Some("last words")));
    }
}
