use super::plain_text::plain;
use crate::logplex::{LogLine, Source, Stream, Tail};
use anstyle::{AnsiColor, Style};
use futures_util::FutureExt as _;
use std::{
    collections::HashMap,
    io::{self, IsTerminal as _, Write},
};

/// How log lines are shown.
#[derive(Clone, Copy, Debug, Eq, PartialEq)]
pub(super) enum LogFormat {
    /// One column of process names, in colours.
    Coloured,
    /// The same without colours.
    Plain,
    /// A JSON object a line.
    Json,
}

impl LogFormat {
    /// JSON if asked for; colours only for a terminal that may have them.
    pub(super) fn choose(json: bool) -> Self {
        let colours = io::stdout().is_terminal() && std::env::var_os("NO_COLOR").is_none_or(|v| v.is_empty());
        match (json, colours) {
            (true, _) => Self::Json,
            (false, true) => Self::Coloured,
            (false, false) => Self::Plain,
        }
    }
}

/// The colours of processes, in the order of their appearance.
const PALETTE: [AnsiColor; 6] = [
    AnsiColor::Cyan,
    AnsiColor::Yellow,
    AnsiColor::Green,
    AnsiColor::Magenta,
    AnsiColor::Blue,
    AnsiColor::BrightCyan,
];

/// Gives each process a colour of its own, as long as there are enough.
#[derive(Default)]
pub(super) struct Palette(HashMap<String, AnsiColor>);

impl Palette {
    pub(super) fn of(&mut self, process: &str) -> AnsiColor {
        let next = PALETTE[self.0.len() % PALETTE.len()];
        *self.0.entry(process.to_owned()).or_insert(next)
    }
}

/// Writes log lines for a person or a program.
pub(super) struct LogView<W> {
    format: LogFormat,
    out: W,
    palette: Palette,
    width: usize,
}

impl<W: Write> LogView<W> {
    pub(super) fn new(format: LogFormat, out: W) -> Self {
        Self { format, out, palette: Palette::default(), width: 8 }
    }

    /// Shows all that `tail` gives, to its end.
    pub(super) async fn follow(&mut self, mut tail: Tail) -> io::Result<()> {
        loop {
            // What is there at once is written at once: under load that is many lines.
            let event = if let Some(event) = tail.next().now_or_never() {
                event
            } else {
                self.out.flush()?;
                tail.next().await
            };
            let Some(event) = event else { return self.out.flush() };
            self.show(&event.line())?;
        }
    }

    fn show(&mut self, line: &LogLine) -> io::Result<()> {
        if self.format == LogFormat::Json {
            serde_json::to_writer(&mut self.out, line)?;
            return writeln!(self.out);
        }
        let process = &*line.process;
        self.width = self.width.max(process.len());
        let time = &line.at.to_string()[11..19];
        let width = self.width;
        if self.format == LogFormat::Plain {
            writeln!(self.out, "{time} {process:width$} | {}", plain(&line.text))?;
        } else {
            let colour = self.palette.of(process);
            let (name, text) = (Style::new().fg_color(Some(colour.into())), text_style(line));
            writeln!(
                self.out,
                "{name}{time} {process:width$} |{name:#} {text}{}{text:#}",
                plain(&line.text)
            )?;
        }
        Ok(())
    }
}

fn text_style(line: &LogLine) -> Style {
    match (line.source, line.stream) {
        (Source::App, Stream::Stderr) => Style::new().fg_color(Some(AnsiColor::Red.into())),
        (Source::Heroku, _) => Style::new().dimmed(),
        _ => Style::new(),
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::clock::{Clock, Timestamp};
    use crate::logplex::{Logplex, LogplexConfig, TailFilter};

    async fn shown(format: LogFormat) -> String {
        let clock = Clock::standing_at(Timestamp::from_unix_micros(1_795_384_800_000_042));
        let logplex = Logplex::new(clock, LogplexConfig::default());
        let log = logplex.channel(&"shop".parse().expect("name"));
        log.write(Source::Heroku, "web.1", Stream::System, "State changed from starting to up");
        log.write(Source::App, "worker.1", Stream::Stdout, "hello \u{1b}]0;title\u{7}");
        log.write(Source::App, "web.1", Stream::Stderr, "oh");
        let mut out = Vec::new();
        let filter = TailFilter { follow: false, ..TailFilter::default() };
        LogView::new(format, &mut out).follow(log.tail(filter)).await.expect("written");
        String::from_utf8(out).expect("text")
    }

    #[tokio::test]
    async fn lines_are_shown_in_columns() {
        insta::assert_snapshot!(shown(LogFormat::Plain).await);
    }

    #[tokio::test]
    async fn colours_tell_processes_apart_and_escapes_of_guests_are_dropped() {
        insta::assert_snapshot!(shown(LogFormat::Coloured).await.replace('\u{1b}', "ESC"));
    }

    #[tokio::test]
    async fn json_is_an_object_a_line() {
        insta::assert_snapshot!(shown(LogFormat::Json).await);
    }
}
