use crate::clock::Timestamp;
use serde::{Serialize, Serializer};
use std::{fmt, sync::Arc};

/// The most bytes of text in one line; what is longer becomes several lines (compatibility notes, F3).
pub const LINE_LIMIT: usize = 10_000;

/// Who speaks: the app itself, or the platform about it.
#[derive(Clone, Copy, Debug, Eq, Hash, PartialEq, Serialize)]
#[serde(rename_all = "lowercase")]
pub enum Source {
    /// The app's own output.
    App,
    /// The platform: builds, router, dyno manager, logplex.
    Heroku,
}

impl fmt::Display for Source {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.pad(match self {
            Self::App => "app",
            Self::Heroku => "heroku",
        })
    }
}

/// Where a line came out.
#[derive(Clone, Copy, Debug, Eq, Hash, PartialEq, Serialize)]
#[serde(rename_all = "lowercase")]
pub enum Stream {
    /// A process's standard output.
    Stdout,
    /// A process's standard error.
    Stderr,
    /// The platform's own words.
    System,
}

/// One line of an app's log.
///
/// `Display` is the line as `heroku logs` shows it; serde gives one JSON object with `at` in RFC 3339.
#[derive(Clone, Debug, Eq, PartialEq, Serialize)]
pub struct LogLine {
    /// When it was written; never earlier than the line before it, as long as the clock does not go back.
    #[serde(serialize_with = "as_text")]
    pub at: Timestamp,
    /// Who speaks.
    pub source: Source,
    /// The process that speaks: `web.1`, `router`, `build`.
    #[serde(serialize_with = "as_text")]
    pub process: Arc<str>,
    /// Where the line came out.
    pub stream: Stream,
    /// The text, without a line break and at most [`LINE_LIMIT`] bytes.
    pub text: String,
}

fn as_text<S: Serializer>(value: &impl fmt::Display, serializer: S) -> Result<S::Ok, S::Error> {
    serializer.collect_str(value)
}

impl LogLine {
    /// Bytes this line takes of its app's buffer: its text and process name, and what holds them.
    pub(super) fn weight(&self) -> usize {
        size_of::<Self>() + self.text.len() + self.process.len()
    }
}

impl fmt::Display for LogLine {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let Self { at, source, process, text, .. } = self;
        write!(f, "{at} {source}[{process}]: {text}")
    }
}

/// `text` as lines that may be logged: cut at line breaks and after [`LINE_LIMIT`] bytes.
pub(super) fn lines_of(text: &str) -> impl Iterator<Item = &str> {
    let whole = if text.is_empty() { "\n" } else { text };
    whole.split_terminator('\n').map(|line| line.strip_suffix('\r').unwrap_or(line)).flat_map(pieces)
}

/// `line` in pieces of at most [`LINE_LIMIT`] bytes; one empty piece where it is empty.
pub(super) fn pieces(line: &str) -> impl Iterator<Item = &str> {
    let mut rest = Some(line);
    std::iter::from_fn(move || {
        let line = rest?;
        let (piece, after) = line.split_at(line.floor_char_boundary(LINE_LIMIT));
        rest = Some(after).filter(|after| !after.is_empty());
        Some(piece)
    })
}

#[cfg(test)]
mod tests {
    use super::*;

    fn line() -> LogLine {
        LogLine {
            at: Timestamp::from_unix_micros(1_795_384_800_000_042),
            source: Source::App,
            process: "web.1".into(),
            stream: Stream::Stderr,
            text: "say \"hi\"".to_owned(),
        }
    }

    #[test]
    fn a_line_is_written_as_heroku_logs_shows_it() {
        insta::assert_snapshot!(line(), @r#"2026-11-22T22:00:00.000042+00:00 app[web.1]: say "hi""#);
    }

    #[test]
    fn a_line_is_one_json_object() {
        let json = serde_json::to_string(&line()).expect("serializes");
        insta::assert_snapshot!(json, @r#"{"at":"2026-11-22T22:00:00.000042+00:00","source":"app","process":"web.1","stream":"stderr","text":"say \"hi\""}"#);
    }

    #[test]
    fn text_is_cut_at_line_breaks() {
        let lines = |text| lines_of(text).collect::<Vec<_>>();
        assert_eq!(lines("a\r\nb\n\nc\n"), ["a", "b", "", "c"]);
        assert_eq!(lines(""), [""]);
        assert_eq!(lines("\n"), [""]);
    }

    #[test]
    fn long_text_is_cut_between_characters() {
        let text = format!("x{}", "é".repeat(LINE_LIMIT / 2));
        let lengths: Vec<_> = lines_of(&text).map(str::len).collect();
        assert_eq!(lengths, [LINE_LIMIT - 1, 2]);
    }
}
