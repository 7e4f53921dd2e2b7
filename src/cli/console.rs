use super::plain_text::plain;
use serde_json::Value;
use std::{
    fmt::{Display, Write as _},
    io::{self, IsTerminal as _, Write},
};

/// Where a command that speaks with a platform prints: results on standard output, the rest on standard error. Whatever
/// goes to a terminal is [`plain`].
pub(super) struct Console {
    out: Box<dyn Write + Send>,
    err: Box<dyn Write + Send>,
    pub(super) terminals: Terminals,
    /// Whether colours are wanted on standard output.
    pub(super) colours: bool,
    /// Whether a line on standard error waits for its end.
    unfinished: bool,
}

/// Which of the standard streams a person sits at.
#[derive(Clone, Copy, Debug, Default)]
pub(super) struct Terminals {
    pub(super) output: bool,
    pub(super) error: bool,
    pub(super) input: bool,
}

impl Console {
    pub(super) fn standard() -> Self {
        let output = io::stdout().is_terminal();
        let colours = output && std::env::var_os("NO_COLOR").is_none_or(|value| value.is_empty());
        let (error, input) = (io::stderr().is_terminal(), io::stdin().is_terminal());
        let terminals = Terminals { output, error, input };
        Self { colours, ..Self::new(Box::new(io::stdout()), Box::new(io::stderr()), terminals) }
    }

    pub(super) fn new(out: Box<dyn Write + Send>, err: Box<dyn Write + Send>, terminals: Terminals) -> Self {
        Self { out, err, terminals, colours: false, unfinished: false }
    }

    /// A line of the result.
    pub(super) fn line(&mut self, text: impl Display) -> io::Result<()> {
        writeln!(self.out, "{}", plain(&text.to_string()))?;
        self.out.flush()
    }

    /// A line with styles of our own; what came from elsewhere must be plain already.
    pub(super) fn styled_line(&mut self, text: &str) -> io::Result<()> {
        writeln!(self.out, "{text}")?;
        self.out.flush()
    }

    /// A value for a program: as it is, unless a terminal would take it for commands.
    pub(super) fn value(&mut self, text: &str) -> io::Result<()> {
        if self.terminals.output { self.line(text) } else { self.styled_line(text) }
    }

    /// An object or a list of them.
    pub(super) fn json(&mut self, value: &Value) -> io::Result<()> {
        self.styled_line(&json_text(value))
    }

    /// Standard output itself, for what is written as it is.
    pub(super) fn output(&mut self) -> &mut (dyn Write + Send) {
        &mut *self.out
    }

    /// A line about the work itself.
    pub(super) fn note(&mut self, text: impl Display) -> io::Result<()> {
        writeln!(self.err, "{}", plain(&text.to_string()))
    }

    /// Says what is being done; [`done`](Self::done) ends the line.
    pub(super) fn begin(&mut self, text: impl Display) -> io::Result<()> {
        write!(self.err, "{}... ", plain(&text.to_string()))?;
        self.unfinished = true;
        self.err.flush()
    }

    pub(super) fn done(&mut self, text: impl Display) -> io::Result<()> {
        self.unfinished = false;
        self.note(text)
    }

    /// The line that [`begin`](Self::begin) began was ended by whoever answered.
    pub(super) fn answered(&mut self) {
        self.unfinished = false;
    }

    /// Ends a line that [`begin`](Self::begin) began and nothing ended.
    pub(super) fn break_off(&mut self, word: &str) {
        if std::mem::take(&mut self.unfinished) {
            // The error that follows says more, and goes the same way.
            drop(writeln!(self.err, "{word}"));
        }
    }
}

/// JSON that a terminal takes for text: control characters are escaped, which changes no value.
pub(super) fn json_text(value: &Value) -> String {
    let mut safe = String::new();
    for c in format!("{value:#}").chars() {
        if c.is_control() && c != '\n' {
            // Writing to a string cannot fail.
            let _ = write!(safe, "\\u{:04x}", u32::from(c));
        } else {
            safe.push(c);
        }
    }
    safe
}

/// Lines of `KEY: value` with the values below each other.
pub(super) fn aligned<'a>(pairs: impl IntoIterator<Item = (&'a str, &'a str)>) -> Vec<String> {
    let pairs: Vec<_> = pairs.into_iter().collect();
    let width = pairs.iter().map(|(key, _)| key.chars().count() + 1).max().unwrap_or(0);
    pairs.iter().map(|(key, value)| format!("{:width$} {value}", format!("{key}:"))).collect()
}

/// Lines of cells with two blanks between the columns.
pub(super) fn columns<const N: usize>(rows: &[[String; N]]) -> Vec<String> {
    let width = |column: usize| rows.iter().map(|row| row[column].chars().count()).max().unwrap_or(0);
    let widths: [usize; N] = std::array::from_fn(width);
    let line = |row: &[String; N]| {
        let cells: Vec<_> = row.iter().zip(widths).map(|(cell, width)| format!("{cell:width$}")).collect();
        cells.join("  ").trim_end().to_owned()
    };
    rows.iter().map(line).collect()
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn json_keeps_its_values_and_loses_its_commands() {
        let value = serde_json::json!({"A": "x\u{1b}[2J\u{9b}31m\u{7f}\n"});
        let text = json_text(&value);
        assert!(text.chars().all(|c| !c.is_control() || c == '\n'), "{text}");
        assert_eq!(serde_json::from_str::<Value>(&text).expect("JSON"), value);
    }

    #[test]
    fn columns_and_values_stand_below_each_other() {
        let rows = [["v1", "Initial release"], ["v12", "Deploy"]].map(|row| row.map(str::to_owned));
        insta::assert_snapshot!(columns(&rows).join("\n"), @r"
        v1   Initial release
        v12  Deploy
        ");
        insta::assert_snapshot!(aligned([("A", "1"), ("LONGER", "2")]).join("\n"), @r"
        A:      1
        LONGER: 2
        ");
    }
}
