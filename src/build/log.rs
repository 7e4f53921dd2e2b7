use crate::logplex::LineSplitter;
use std::collections::VecDeque;
use tokio::sync::mpsc::Sender;

/// The most bytes that the scripts of one build may print before the rest is left out.
const OUTPUT_LIMIT: usize = 10 << 20;

/// How many of the last lines are kept for an error.
const LAST_LINES: usize = 20;

/// What a build says: its own words and its scripts' output, line by line, to whoever watches.
#[derive(Debug)]
pub(super) struct Log {
    watcher: Sender<String>,
    left: Option<usize>,
    last: VecDeque<String>,
    splitter: LineSplitter,
}

impl Log {
    pub(super) fn new(watcher: Sender<String>) -> Self {
        Self { watcher, left: Some(OUTPUT_LIMIT), last: VecDeque::new(), splitter: LineSplitter::default() }
    }

    /// A heading: `-----> Python app detected`.
    pub(super) async fn heading(&mut self, text: &str) {
        self.send(format!("-----> {text}")).await;
    }

    /// A line below a heading, indented as Heroku's.
    pub(super) async fn detail(&mut self, text: &str) {
        self.send(format!("       {text}")).await;
    }

    /// Bytes that a script printed.
    pub(super) async fn relay(&mut self, bytes: &[u8]) {
        let mut lines = Vec::new();
        self.splitter.write(bytes, &mut |line| lines.push(line));
        self.relay_lines(lines).await;
    }

    /// The end of a script's output.
    pub(super) async fn end_of_script(&mut self) {
        let mut lines = Vec::new();
        self.splitter.finish(&mut |line| lines.push(line));
        self.relay_lines(lines).await;
    }

    async fn relay_lines(&mut self, lines: Vec<String>) {
        for line in lines {
            if self.last.len() == LAST_LINES {
                self.last.pop_front();
            }
            self.last.push_back(line.clone());
            let Some(left) = self.left else { continue };
            self.left = left.checked_sub(line.len() + 1);
            if self.left.is_some() {
                self.send(line).await;
            } else {
                self.detail("(the output is longer than 10 MB; the rest is not shown, the build goes on)")
                    .await;
            }
        }
    }

    /// The last lines of the script that ran last.
    pub(super) fn take_last_lines(&mut self) -> Vec<String> {
        self.last.drain(..).collect()
    }

    async fn send(&self, line: String) {
        // A watcher that has gone away is no reason to stop here: it cancels the build by itself.
        self.watcher.send(line).await.ok();
    }
}
