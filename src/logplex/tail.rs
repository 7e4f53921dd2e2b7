use super::{AppLog, LogLine, Source, Stream, buffer::Read};
use crate::clock::Timestamp;
use std::{fmt, pin::pin, sync::Arc};

/// Which lines a tail gives. The default: all that are here, then the end.
#[derive(Clone, Debug, Default, Eq, PartialEq)]
pub struct TailFilter {
    /// Only lines of this source.
    pub source: Option<Source>,
    /// Only lines of this process: `web` is every web dyno, `web.1` is one.
    pub process: Option<String>,
    /// How many of the newest matching lines to begin with; `None` is all that are here.
    pub lines: Option<usize>,
    /// Whether to go on with lines that are yet to come.
    pub follow: bool,
}

impl TailFilter {
    /// Whether `line` is asked for.
    #[must_use]
    pub fn matches(&self, line: &LogLine) -> bool {
        self.source.is_none_or(|source| source == line.source)
            && self.process.as_deref().is_none_or(|wanted| is_of(&line.process, wanted))
    }
}

fn is_of(process: &str, wanted: &str) -> bool {
    process.strip_prefix(wanted).is_some_and(|rest| rest.is_empty() || rest.starts_with('.'))
}

/// What a tail gives.
#[derive(Clone, Debug, Eq, PartialEq)]
pub enum TailEvent {
    /// The next matching line.
    Line(Arc<LogLine>),
    /// Matching lines left the buffer before this tail read them.
    Dropped {
        /// When this was told.
        at: Timestamp,
        /// How many lines.
        count: u64,
        /// When the first of them was lost.
        since: Timestamp,
    },
}

impl TailEvent {
    /// The event as a line; a loss as Heroku's L11, said by `heroku[logplex]`.
    #[must_use]
    pub fn line(&self) -> Arc<LogLine> {
        match self {
            Self::Line(line) => Arc::clone(line),
            Self::Dropped { at, count, since } => Arc::new(LogLine {
                at: *at,
                source: Source::Heroku,
                process: "logplex".into(),
                stream: Stream::System,
                text: format!("Error L11 (Tail buffer overflow): {count} messages dropped since {since}."),
            }),
        }
    }
}

impl fmt::Display for TailEvent {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        self.line().fmt(f)
    }
}

/// A reader of one app's log, made by [`AppLog::tail`]. However slow it is, it slows no writer.
#[derive(Debug)]
pub struct Tail {
    log: AppLog,
    reader: u64,
}

impl Tail {
    pub(super) fn new(log: AppLog, reader: u64) -> Self {
        Self { log, reader }
    }

    /// The next event; `None` after the last one: at the end of what was asked for, or when the log is closed.
    ///
    /// Cancel safe: a call that is dropped loses nothing.
    pub async fn next(&mut self) -> Option<TailEvent> {
        // A reader that finds lines each time must leave its thread to others now and then.
        tokio::task::consume_budget().await;
        loop {
            let mut written = pin!(self.log.written().notified());
            written.as_mut().enable(); // before looking, so that no write falls between
            match self.log.read(self.reader) {
                Read::Line(line) => return Some(TailEvent::Line(line)),
                Read::Lost(lost) => {
                    let at = self.log.clock().now();
                    return Some(TailEvent::Dropped { at, count: lost.count, since: lost.since });
                }
                Read::End => return None,
                Read::Pending => written.await,
            }
        }
    }
}

impl Drop for Tail {
    fn drop(&mut self) {
        self.log.unsubscribe(self.reader);
    }
}

#[cfg(test)]
mod tests {
    use super::{
        super::{Logplex, LogplexConfig},
        *,
    };
    use crate::clock::Clock;
    use crate::name::AppName;
    use std::time::Duration;

    fn shop() -> AppName {
        AppName::like("shop")
    }

    fn logplex(lines_per_app: usize) -> (Logplex, Clock) {
        let clock = Clock::standing_at(Timestamp::from_unix_micros(1_795_384_800_000_000));
        let config = LogplexConfig { lines_per_app, ..LogplexConfig::default() };
        (Logplex::new(clock.clone(), config), clock)
    }

    fn say(log: &AppLog, process: &str, text: &str) {
        log.write(Source::App, process, Stream::Stdout, text);
    }

    async fn texts(mut tail: Tail) -> Vec<String> {
        let mut texts = Vec::new();
        while let Some(event) = tail.next().await {
            texts.push(event.line().text.clone());
        }
        texts
    }

    #[tokio::test]
    async fn a_tail_begins_with_the_newest_matching_lines() {
        let log = logplex(100).0.channel(&shop());
        for n in 0..6 {
            say(&log, "web.1", &format!("web {n}"));
            say(&log, "webhook.1", &format!("hook {n}"));
            log.write(Source::Heroku, "router", Stream::System, format!("router {n}"));
        }
        let of = |process: &str| TailFilter {
            process: Some(process.to_owned()),
            lines: Some(2),
            ..TailFilter::default()
        };
        assert_eq!(texts(log.tail(of("web"))).await, ["web 4", "web 5"]);
        assert_eq!(texts(log.tail(of("webhook.1"))).await, ["hook 4", "hook 5"]);
        assert_eq!(texts(log.tail(of("web.2"))).await, Vec::<String>::new());
        let heroku = TailFilter { source: Some(Source::Heroku), lines: Some(1), ..TailFilter::default() };
        assert_eq!(texts(log.tail(heroku)).await, ["router 5"]);
        assert_eq!(texts(log.tail(TailFilter::default())).await.len(), 18);
    }

    #[tokio::test]
    async fn a_following_tail_goes_on_without_gap_or_double() {
        let (logplex, _) = logplex(100);
        let log = logplex.channel(&shop());
        for n in 0..5 {
            say(&log, "web.1", &n.to_string());
        }
        let tail = log.tail(TailFilter { lines: Some(2), follow: true, ..TailFilter::default() });
        let (reading, writing) = tokio::join!(texts(tail), async {
            for n in 5..20 {
                say(&log, "web.1", &n.to_string());
                tokio::task::yield_now().await;
            }
            logplex.close();
        });
        let expected: Vec<_> = (3..20).map(|n: i32| n.to_string()).collect();
        assert_eq!((reading, writing), (expected, ()));
    }

    #[tokio::test]
    async fn writers_on_other_threads_lose_nothing_to_a_reader_that_keeps_up() {
        let (logplex, _) = logplex(100_000);
        let log = logplex.channel(&shop());
        let tail = log.tail(TailFilter { follow: true, ..TailFilter::default() });
        let write = |writer: u32| {
            let log = log.clone();
            move || (0..500).for_each(|n| say(&log, "web.1", &format!("{writer} {n}")))
        };
        let writers: Vec<_> = (0..4).map(|writer| std::thread::spawn(write(writer))).collect();
        let stop = tokio::task::spawn_blocking(move || {
            for writer in writers {
                writer.join().expect("writes");
            }
            logplex.close();
        });
        let read = texts(tail).await;
        stop.await.expect("stops");
        for writer in 0..4 {
            let own: Vec<_> = read.iter().filter(|text| text.starts_with(&format!("{writer} "))).collect();
            assert!(own.iter().enumerate().all(|(n, text)| **text == format!("{writer} {n}")));
            assert_eq!(own.len(), 500);
        }
    }

    #[tokio::test]
    async fn a_reader_that_is_too_slow_is_told_what_it_lost() {
        let (logplex, clock) = logplex(2);
        let log = logplex.channel(&shop());
        let mut tail = log.tail(TailFilter { follow: true, ..TailFilter::default() });
        for text in ["a", "b", "c", "d", "e"] {
            say(&log, "web.1", text);
            clock.advance(Duration::from_secs(1));
        }
        let event = tail.next().await.expect("an event");
        insta::assert_snapshot!(event, @"2026-11-22T22:00:05.000000+00:00 heroku[logplex]: Error L11 (Tail buffer overflow): 3 messages dropped since 2026-11-22T22:00:02.000000+00:00.");
        logplex.close();
        assert_eq!(texts(tail).await, ["d", "e"]);
    }

    #[tokio::test]
    async fn a_removed_app_ends_its_tails_and_starts_anew() {
        let (logplex, _) = logplex(10);
        let log = logplex.channel(&shop());
        say(&log, "web.1", "old");
        let tail = log.tail(TailFilter { follow: true, lines: Some(0), ..TailFilter::default() });
        logplex.remove(&shop());
        say(&log, "web.1", "to nobody");
        assert_eq!(texts(tail).await, Vec::<String>::new());
        assert_eq!(texts(logplex.channel(&shop()).tail(TailFilter::default())).await, Vec::<String>::new());
    }

    #[tokio::test]
    async fn text_with_line_breaks_is_several_lines_kept_together() {
        let log = logplex(1000).0.channel(&shop());
        let forged = "fine\r\n2026-11-22T22:00:00.000000+00:00 heroku[router]: at=info";
        say(&log, "web.1", forged);
        let mut tail = log.tail(TailFilter::default());
        let mut sources = Vec::new();
        while let Some(event) = tail.next().await {
            sources.push(event.line().source);
        }
        assert_eq!(sources, [Source::App, Source::App]);
    }
}
