use crate::name::{InvalidProcessType, ProcessType};

/// The process types of an app and the command of each, in the order they are written.
#[derive(Clone, Debug, Default, Eq, PartialEq)]
pub struct Procfile(Vec<(ProcessType, String)>);

/// The text is not a Procfile: the app's fault.
#[derive(Clone, Debug, Eq, PartialEq, thiserror::Error)]
#[non_exhaustive]
pub enum ProcfileError {
    /// The text is too large.
    #[error(
        "the Procfile has {size} bytes; the limit is {}: move long commands into scripts",
        Procfile::BYTES_LIMIT
    )]
    TooLarge {
        /// Bytes of the text.
        size: usize,
    },
    /// There are too many types.
    #[error("the Procfile has more than {} process types: remove some", Procfile::TYPES_LIMIT)]
    TooManyTypes,
    /// A line is no process type.
    #[error("Procfile line {line}: write TYPE: COMMAND, as `web: gunicorn app:app`")]
    NotAProcess {
        /// Counted from 1.
        line: usize,
    },
    /// The name of a type is not legal.
    #[error("Procfile line {line}: {cause}")]
    Type {
        /// Counted from 1.
        line: usize,
        /// What is wrong with it.
        cause: InvalidProcessType,
    },
    /// A type has no command.
    #[error("Procfile line {line}: process type `{process_type}` has no command: write one after the colon")]
    NoCommand {
        /// Counted from 1.
        line: usize,
        /// The type.
        process_type: ProcessType,
    },
    /// A type is there twice.
    #[error("Procfile line {line}: process type `{process_type}` is there twice: keep one of them")]
    Duplicate {
        /// Counted from 1.
        line: usize,
        /// The type.
        process_type: ProcessType,
    },
}

impl Procfile {
    /// Most bytes of a Procfile: 64 KiB.
    pub const BYTES_LIMIT: usize = 64 * 1024;
    /// Most process types of an app.
    pub const TYPES_LIMIT: usize = 100;

    /// Reads lines of `TYPE: COMMAND`. Empty lines and lines that start with `#` are skipped.
    ///
    /// Commands are kept as they are written; [`super::CommandLine::parse`] reads them.
    ///
    /// # Errors
    /// [`ProcfileError`] names the line.
    pub fn parse(text: &str) -> Result<Self, ProcfileError> {
        if text.len() > Self::BYTES_LIMIT {
            return Err(ProcfileError::TooLarge { size: text.len() });
        }
        let mut processes = Vec::new();
        for (index, text) in text.strip_prefix('\u{feff}').unwrap_or(text).lines().enumerate() {
            let text = text.trim();
            if text.is_empty() || text.starts_with('#') {
                continue;
            }
            let (process_type, command) = parse_line(text, index + 1)?;
            if processes.iter().any(|(other, _)| *other == process_type) {
                return Err(ProcfileError::Duplicate { line: index + 1, process_type });
            }
            if processes.len() == Self::TYPES_LIMIT {
                return Err(ProcfileError::TooManyTypes);
            }
            processes.push((process_type, command));
        }
        Ok(Self(processes))
    }

    /// Every process type with its command, in the order they are written.
    pub fn iter(&self) -> impl Iterator<Item = (&ProcessType, &str)> {
        self.0.iter().map(|(process_type, command)| (process_type, command.as_str()))
    }

    /// The command of one type.
    #[must_use]
    pub fn command(&self, process_type: &ProcessType) -> Option<&str> {
        self.iter().find(|(other, _)| *other == process_type).map(|(_, command)| command)
    }

    /// Whether no type is declared.
    #[must_use]
    pub fn is_empty(&self) -> bool {
        self.0.is_empty()
    }
}

fn parse_line(text: &str, line: usize) -> Result<(ProcessType, String), ProcfileError> {
    let (process_type, command) = text.split_once(':').ok_or(ProcfileError::NotAProcess { line })?;
    let process_type: ProcessType =
        process_type.trim_end().parse().map_err(|cause| ProcfileError::Type { line, cause })?;
    match command.trim() {
        "" => Err(ProcfileError::NoCommand { line, process_type }),
        command => Ok((process_type, command.to_owned())),
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn error(text: &str) -> String {
        Procfile::parse(text).expect_err("illegal").to_string()
    }

    #[test]
    fn a_procfile_is_read_in_order() {
        let text = "\u{feff}# types\r\nworker: python worker.py\r\n\nweb:gunicorn app:app --bind :$PORT  \n";
        let procfile = Procfile::parse(text).expect("legal");
        let read: Vec<_> = procfile.iter().map(|(name, command)| (name.as_ref(), command)).collect();
        assert_eq!(read, [("worker", "python worker.py"), ("web", "gunicorn app:app --bind :$PORT")]);
        assert_eq!(procfile.command(&ProcessType::web()), Some("gunicorn app:app --bind :$PORT"));
        assert!(Procfile::parse("").is_ok_and(|procfile| procfile.is_empty()));
    }

    #[test]
    fn errors_name_the_line() {
        insta::assert_snapshot!(error("web: a\ngunicorn app"), @"Procfile line 2: write TYPE: COMMAND, as `web: gunicorn app:app`");
        insta::assert_snapshot!(error("my web: a"), @"Procfile line 1: `my web` is not a process type: use 1 to 63 letters, digits, - and _, starting with a letter or digit");
        insta::assert_snapshot!(error("web:  "), @"Procfile line 1: process type `web` has no command: write one after the colon");
        insta::assert_snapshot!(error("web: a\n\nweb: b"), @"Procfile line 3: process type `web` is there twice: keep one of them");
        insta::assert_snapshot!(error(&"#".repeat(70_000)), @"the Procfile has 70000 bytes; the limit is 65536: move long commands into scripts");
        let many = (0..101).map(|n| format!("t{n}: x")).collect::<Vec<_>>().join("\n");
        insta::assert_snapshot!(error(&many), @"the Procfile has more than 100 process types: remove some");
    }

    proptest::proptest! {
        #[test]
        fn any_text_is_read_without_panic(text in "(?s).*") {
            let _ = Procfile::parse(&text);
        }

        #[test]
        fn what_is_written_is_read(commands in proptest::collection::vec("[a-z][ -~]{0,20}[a-z]", 0..9)) {
            let lines: Vec<_> = commands.iter().enumerate().map(|(n, c)| format!("t{n}: {c}")).collect();
            let procfile = Procfile::parse(&lines.join("\n")).expect("legal");
            proptest::prop_assert!(procfile.iter().map(|(_, command)| command).eq(commands.iter()));
        }
    }
}
