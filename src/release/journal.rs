use super::{output::OutputWriter, words::who};
use crate::ledger::{Actor, Release};
use crate::logplex::{AppLog, Source, Stream};

/// What a deploy says, to who watches it and to the app's log.
pub(super) struct Journal {
    out: OutputWriter,
    log: AppLog,
    /// The beginning of a line whose end is yet to come.
    begun: String,
}

impl Journal {
    pub(super) fn new(out: OutputWriter, log: AppLog) -> Self {
        Self { out, log, begun: String::new() }
    }

    pub(super) fn log(&self) -> &AppLog {
        &self.log
    }

    /// A line of the build's, as it is.
    pub(super) fn relay(&mut self, line: &str) {
        self.out.relay(line);
        self.to_log(line);
    }

    /// A line of the release phase's, which is in the log already.
    pub(super) fn relay_logged(&mut self, line: &str) {
        self.out.relay(line);
    }

    /// `-----> Launching...`
    pub(super) fn heading(&mut self, text: &str) {
        self.say(&format!("-----> {text}"));
    }

    /// Lines below a heading.
    pub(super) fn detail(&mut self, text: &str) {
        text.lines().for_each(|line| self.say(&format!("       {line}")));
    }

    /// What went wrong.
    pub(super) fn fault(&mut self, text: &str) {
        text.lines().for_each(|line| self.say(&format!(" !     {line}")));
    }

    /// The beginning of a line, which whoever watches sees while they wait for its [`end`](Self::end).
    pub(super) fn begin(&mut self, text: &str) {
        text.clone_into(&mut self.begun);
        self.out.begin(text);
    }

    /// `Verifying deploy... done.`
    pub(super) fn end(&mut self, text: &str) {
        self.out.say(&format!(" {text}"));
        let line = format!("{} {text}", std::mem::take(&mut self.begun));
        self.to_log(&line);
    }

    fn say(&mut self, line: &str) {
        self.out.say(line);
        self.to_log(line);
    }

    fn to_log(&self, line: &str) {
        self.log.write(Source::Heroku, "build", Stream::System, line);
    }
}

/// A line of the control API about a change, as `app[api]`.
pub(super) fn tell(log: &AppLog, text: impl Into<String>) {
    log.write(Source::App, "api", Stream::System, text);
}

/// The lines about a new release.
pub(super) fn tell_release(log: &AppLog, release: &Release, actor: &Actor) {
    let who = who(actor);
    tell(log, format!("{} by user {who}", release.description));
    tell(log, format!("Release {} created by user {who}", release.version));
}
