use super::{LogLine, LogplexConfig, TailFilter};
use crate::clock::Timestamp;
use std::{
    collections::{BTreeMap, VecDeque},
    sync::Arc,
};

/// The last lines of one app, and how far each of its readers has come. A value: no clock, no lock, no task.
#[derive(Debug)]
pub(super) struct Buffer {
    limits: LogplexConfig,
    lines: VecDeque<Arc<LogLine>>,
    bytes: usize,
    /// The number of the oldest line in `lines`; lines are numbered from 0 as they come.
    oldest: u64,
    readers: BTreeMap<u64, Reader>,
    next_reader: u64,
    closed: bool,
}

/// Where one tail stands.
#[derive(Debug)]
struct Reader {
    filter: TailFilter,
    /// The number of the next line to look at.
    cursor: u64,
    /// Lines from this number on are not for this reader.
    end: u64,
    lost: Option<Lost>,
}

/// Matching lines that left the buffer before their reader came.
#[derive(Clone, Copy, Debug, Eq, PartialEq)]
pub(super) struct Lost {
    pub(super) count: u64,
    pub(super) since: Timestamp,
}

/// What a reader gets when it asks.
#[derive(Debug, Eq, PartialEq)]
pub(super) enum Read {
    Lost(Lost),
    Line(Arc<LogLine>),
    /// Nothing now; ask again after the next write.
    Pending,
    /// Nothing ever again.
    End,
}

impl Buffer {
    pub(super) fn new(limits: LogplexConfig) -> Self {
        Self {
            limits,
            lines: VecDeque::new(),
            bytes: 0,
            oldest: 0,
            readers: BTreeMap::new(),
            next_reader: 0,
            closed: false,
        }
    }

    /// Takes a line in, and lets the oldest ones go until the limits hold. After [`close`](Self::close) nothing
    /// is taken.
    pub(super) fn push(&mut self, line: LogLine) {
        if self.closed {
            return;
        }
        let now = line.at;
        self.bytes += line.weight();
        self.lines.push_back(Arc::new(line));
        while self.lines.len() > self.limits.lines() || self.bytes > self.limits.bytes() {
            self.evict(now);
        }
    }

    /// What the lines take.
    pub(super) fn bytes(&self) -> usize {
        self.bytes
    }

    /// Lets the oldest lines go until the others take at most `bytes`.
    pub(super) fn cut_to(&mut self, bytes: usize, now: Timestamp) {
        if self.bytes <= bytes {
            return;
        }
        while self.bytes > bytes {
            self.evict(now);
        }
        self.lines.shrink_to(self.lines.len() * 2);
    }

    fn evict(&mut self, now: Timestamp) {
        let Some(line) = self.lines.pop_front() else { return };
        self.bytes -= line.weight();
        let number = self.oldest;
        self.oldest += 1;
        for reader in self.readers.values_mut().filter(|reader| reader.cursor <= number) {
            reader.cursor = number + 1;
            if number < reader.end && reader.filter.matches(&line) {
                reader.lost.get_or_insert(Lost { count: 0, since: now }).count += 1;
            }
        }
    }

    fn head(&self) -> u64 {
        self.oldest + self.lines.len() as u64
    }

    /// Registers a reader that starts at the last of the matching lines it asks for.
    pub(super) fn subscribe(&mut self, filter: TailFilter) -> u64 {
        let head = self.head();
        let wanted = filter.lines.unwrap_or(usize::MAX);
        let from_the_newest = (1..).zip(self.lines.iter().rev());
        let matching = from_the_newest.filter(|(_, line)| filter.matches(line));
        let cursor = matching.take(wanted).last().map_or(head, |(back, _): (u64, _)| head - back);
        let end = if filter.follow { u64::MAX } else { head };
        let id = self.next_reader;
        self.next_reader += 1;
        self.readers.insert(id, Reader { filter, cursor, end, lost: None });
        id
    }

    pub(super) fn unsubscribe(&mut self, id: u64) {
        self.readers.remove(&id);
    }

    /// The next thing for reader `id`, which then has it.
    pub(super) fn read(&mut self, id: u64) -> Read {
        let head = self.head();
        let Some(reader) = self.readers.get_mut(&id) else { return Read::End };
        if let Some(lost) = reader.lost.take() {
            return Read::Lost(lost);
        }
        let stop = head.min(reader.end);
        while reader.cursor < stop {
            let index = usize::try_from(reader.cursor - self.oldest).ok();
            reader.cursor += 1;
            if let Some(line) = index.and_then(|index| self.lines.get(index))
                && reader.filter.matches(line)
            {
                return Read::Line(Arc::clone(line));
            }
        }
        if self.closed || reader.cursor >= reader.end { Read::End } else { Read::Pending }
    }

    /// Takes no further line; readers end when they have read what is here.
    pub(super) fn close(&mut self) {
        self.closed = true;
    }
}

#[cfg(test)]
mod tests {
    use super::{
        super::{Source, Stream},
        *,
    };
    use proptest::prelude::*;

    fn line(text: &str) -> LogLine {
        LogLine {
            at: Timestamp::from_unix_micros(7),
            source: Source::App,
            process: "web.1".into(),
            stream: Stream::Stdout,
            text: text.to_owned(),
        }
    }

    fn limits(lines_per_app: usize) -> LogplexConfig {
        LogplexConfig { lines_per_app, ..LogplexConfig::default() }
    }

    proptest! {
        #[test]
        fn the_bounds_hold_whatever_is_printed(sizes in proptest::collection::vec(0_usize..10_000, 0..60), lines in 1_usize..20) {
            let limits = LogplexConfig { lines_per_app: lines, bytes_per_app: 0, ..LogplexConfig::default() };
            let mut buffer = Buffer::new(limits);
            buffer.subscribe(TailFilter { follow: true, ..TailFilter::default() });
            for size in sizes {
                buffer.push(line(&"x".repeat(size)));
                let bytes: usize = buffer.lines.iter().map(|line| line.weight()).sum();
                prop_assert_eq!(bytes, buffer.bytes);
                prop_assert!(bytes <= limits.bytes());
                prop_assert!((1..=lines).contains(&buffer.lines.len()));
            }
        }

        #[test]
        fn a_reader_gets_each_line_once_and_in_order_or_is_told(writes in proptest::collection::vec(any::<bool>(), 0..200), capacity in 1_usize..10) {
            let mut buffer = Buffer::new(limits(capacity));
            let reader = buffer.subscribe(TailFilter { follow: true, ..TailFilter::default() });
            let (mut written, mut expected) = (0_u64, 0_u64);
            let mut drain_one = |buffer: &mut Buffer| match buffer.read(reader) {
                Read::Line(line) => { assert_eq!(line.text, expected.to_string()); expected += 1; true }
                Read::Lost(lost) => { expected += lost.count; true }
                Read::Pending | Read::End => false,
            };
            for write in writes {
                if write {
                    buffer.push(line(&written.to_string()));
                    written += 1;
                } else {
                    drain_one(&mut buffer);
                }
            }
            while drain_one(&mut buffer) {}
            prop_assert_eq!(written, expected);
        }
    }

    #[test]
    fn only_matching_lines_count_as_lost() {
        let mut buffer = Buffer::new(limits(1));
        let filter = TailFilter { process: Some("worker".to_owned()), follow: true, ..TailFilter::default() };
        let reader = buffer.subscribe(filter);
        buffer.push(line("a"));
        buffer.push(LogLine { process: "worker.1".into(), ..line("b") });
        buffer.push(line("c"));
        assert_eq!(buffer.read(reader), Read::Lost(Lost { count: 1, since: Timestamp::from_unix_micros(7) }));
        assert_eq!(buffer.read(reader), Read::Pending);
    }

    #[test]
    fn a_closed_buffer_gives_what_it_has_and_ends() {
        let mut buffer = Buffer::new(limits(9));
        let reader = buffer.subscribe(TailFilter { follow: true, ..TailFilter::default() });
        buffer.push(line("a"));
        buffer.close();
        buffer.push(line("too late"));
        assert!(matches!(buffer.read(reader), Read::Line(line) if line.text == "a"));
        assert_eq!(buffer.read(reader), Read::End);
    }
}
