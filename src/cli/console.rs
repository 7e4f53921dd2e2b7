use super::plain_text::plain;
use serde_json::Value;
use std::{
    fmt::{Display, Write as _},
    io::{self, IsTerminal as _, Read, Write},
};

/// Where a command that speaks with a platform prints: results on standard output, the rest on standard error. Whatever
/// goes to a terminal is [`plain`].
pub(super) struct Console {
    out: Box<dyn Write + Send>,
    err: Box<dyn Write + Send>,
    /// What standard input holds, if not the process's own is meant.
    input: Option<Box<dyn Read + Send>>,
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
        Self { out, err, input: None, terminals, colours: false, unfinished: false }
    }

    /// The same with another standard input.
    #[cfg(test)]
    pub(super) fn with_input(self, input: impl Read + Send + 'static) -> Self {
        Self { input: Some(Box::new(input)), ..self }
    }

    /// Standard input, to be read to its end.
    pub(super) fn take_input(&mut self) -> Box<dyn Read + Send> {
        self.input.take().unwrap_or_else(|| Box::new(io::stdin()))
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

    /// Asks something of who sits at the terminal; [`answered`](Self::answered) when they have.
    pub(super) fn ask(&mut self, question: impl Display) -> io::Result<()> {
        write!(self.err, "{}: ", plain(&question.to_string()))?;
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

/// The most characters of a column that others follow.
pub(super) const COLUMN: usize = 60;

/// Lines of `KEY: value` with the values below each other, unless a key is longer than a column.
pub(super) fn aligned<'a>(pairs: impl IntoIterator<Item = (&'a str, &'a str)>) -> Vec<String> {
    let pairs: Vec<_> = pairs.into_iter().collect();
    let width = pairs.iter().map(|(key, _)| key.chars().count() + 1).max().unwrap_or(0).min(COLUMN);
    pairs.iter().map(|(key, value)| format!("{:width$} {value}", format!("{key}:"))).collect()
}

/// A line for each row, with two blanks between the columns. All but the last column are cut to [`COLUMN`].
pub(super) fn columns<const N: usize>(rows: &[[String; N]]) -> Vec<String> {
    let shown = |row: &[String; N]| -> [String; N] {
        let cell =
            |column: usize| if column + 1 < N { cut(&row[column], COLUMN) } else { flat(&row[column]) };
        std::array::from_fn(cell)
    };
    let rows: Vec<_> = rows.iter().map(shown).collect();
    let last = N.saturating_sub(1);
    let longest = |column: usize| rows.iter().map(|row| row[column].chars().count()).max().unwrap_or(0);
    let width = |column| if column < last { longest(column) } else { 0 };
    let widths: [usize; N] = std::array::from_fn(width);
    let line = |row: &[String; N]| {
        let cells: Vec<_> = row.iter().zip(widths).map(|(cell, width)| format!("{cell:width$}")).collect();
        cells.join("  ").trim_end().to_owned()
    };
    rows.iter().map(line).collect()
}

/// `text` on one line, with at most `width` characters.
pub(super) fn cut(text: &str, width: usize) -> String {
    let text = flat(text);
    if text.chars().count() <= width {
        return text;
    }
    let kept: String = text.chars().take(width.saturating_sub(1)).collect();
    format!("{}…", kept.trim_end())
}

/// `text` on one line: what would begin another one forges it.
fn flat(text: &str) -> String {
    let breaks = |c: char| c.is_control() && c.is_whitespace() || matches!(c, '\u{2028}' | '\u{2029}');
    plain(&text.replace(breaks, " "))
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

    #[test]
    fn a_long_cell_is_cut_unless_it_is_the_last() {
        let long = "x".repeat(70_000);
        let lines = columns(&[[long.clone(), "a".to_owned()], ["b".to_owned(), long.clone()]]);
        assert_eq!(lines[0], format!("{}…  a", "x".repeat(59)));
        assert_eq!(lines[1], format!("b{}{long}", " ".repeat(61)));
        assert_eq!(aligned([(&*long, "1"), ("A", "2")])[1], format!("A:{} 2", " ".repeat(58)));
    }

    #[test]
    fn a_cell_begins_no_line() {
        let rows = [["v1", "one\r\ntwo\u{1b}[2J", "x"], ["v2", "b", "three\u{2028}four\tfive"]];
        insta::assert_snapshot!(columns(&rows.map(|row| row.map(str::to_owned))).join("\n"), @r"
        v1  one  two  x
        v2  b         three four five
        ");
    }
}
