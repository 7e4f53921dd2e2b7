use super::CommandError;

/// A command as written in a Procfile: assignments, then words, with variables still in them.
#[derive(Clone, Debug, Eq, PartialEq)]
pub struct CommandLine {
    pub(super) assignments: Vec<(String, Word)>,
    pub(super) words: Vec<Word>,
}

/// One word: its pieces side by side.
pub(super) type Word = Vec<Piece>;

#[derive(Clone, Debug, Eq, PartialEq)]
pub(super) enum Piece {
    /// Text as it stands; an empty one keeps an empty word (`''`).
    Text(String),
    /// Unquoted white space in a default, which ends a word and begins the next.
    Gap,
    /// A variable. Unquoted, its value is split at white space, as a shell does.
    Variable { name: String, default: Word, quoted: bool },
}

/// A command ready to start.
#[derive(Clone, Eq, PartialEq)]
pub struct Expanded {
    /// What `NAME=value` before the program adds to the environment, in order.
    pub environment: Vec<(String, String)>,
    /// The program and its arguments; never empty.
    pub words: Vec<String>,
}

/// The words may hold values of config vars: only their number is shown.
impl std::fmt::Debug for Expanded {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        let names: Vec<_> = self.environment.iter().map(|(name, _)| name).collect();
        f.debug_struct("Expanded").field("environment", &names).field("words", &self.words.len()).finish()
    }
}

impl CommandLine {
    /// Most bytes of a command as written: 8 KiB.
    pub const BYTES_LIMIT: usize = 8 * 1024;
    /// Most bytes of all words and assignments with their variables in place: 128 KiB.
    pub const EXPANDED_LIMIT: usize = 128 * 1024;

    /// Reads a command: words with `'…'`, `"…"` and `\` as in a shell, `$NAME`, `${NAME}` and
    /// `${NAME:-default}`; `NAME=value` before the program; a leading `exec` or `env` is dropped.
    ///
    /// # Errors
    /// [`CommandError`] says what to write instead of shell syntax.
    pub fn parse(text: &str) -> Result<Self, CommandError> {
        super::parse::parse(text)
    }

    /// Writes words so that [`parse`](Self::parse) reads them back unchanged.
    #[must_use]
    pub fn quote<W: AsRef<str>>(words: impl IntoIterator<Item = W>) -> String {
        super::quote::quote(words)
    }

    /// The program's word, where it is known without any variable.
    #[must_use]
    pub fn program(&self) -> Option<String> {
        self.words
            .first()?
            .iter()
            .map(|piece| match piece {
                Piece::Text(text) => Some(text.as_str()),
                Piece::Gap | Piece::Variable { .. } => None,
            })
            .collect()
    }

    /// Puts the values of variables in place; a variable that is not set is empty.
    ///
    /// # Errors
    /// [`CommandError::Empty`] when no program is left, [`CommandError::ExpandsTooFar`] over 128 KiB,
    /// [`CommandError::Nul`] for a value with a NUL byte.
    pub fn expand(&self, variable: impl Fn(&str) -> Option<String>) -> Result<Expanded, CommandError> {
        let mut expansion = Expansion { variable: &variable, left: Self::EXPANDED_LIMIT };
        let mut environment = Vec::new();
        for (name, value) in &self.assignments {
            let mut text = String::new();
            expansion.join(value, &mut text)?;
            environment.push((name.clone(), text));
        }
        let mut words = Vec::new();
        for word in &self.words {
            let mut fields = Fields::default();
            expansion.fields(word, &mut fields)?;
            words.extend(fields.end());
        }
        match words.first() {
            Some(first) if !first.is_empty() => Ok(Expanded { environment, words }),
            _ => Err(CommandError::Empty),
        }
    }
}

/// Words in the making: an unquoted value may end one and begin the next.
#[derive(Default)]
struct Fields {
    done: Vec<String>,
    open: Option<String>,
}

impl Fields {
    fn push(&mut self, text: &str) {
        self.open.get_or_insert_default().push_str(text);
    }

    fn split(&mut self, text: &str) {
        let space = |c: char| matches!(c, ' ' | '\t' | '\n');
        for (index, field) in text.split(space).enumerate() {
            if index > 0 {
                self.done.extend(self.open.take());
            }
            if !field.is_empty() {
                self.push(field);
            }
        }
    }

    fn end(mut self) -> Vec<String> {
        self.done.extend(self.open.take());
        self.done
    }
}

struct Expansion<'a, F> {
    variable: &'a F,
    left: usize,
}

impl<F: Fn(&str) -> Option<String>> Expansion<'_, F> {
    /// Expands into fields, as outside of quotes.
    fn fields(&mut self, word: &[Piece], fields: &mut Fields) -> Result<(), CommandError> {
        self.spend(1)?;
        for piece in word {
            match piece {
                Piece::Text(text) => {
                    self.spend(text.len())?;
                    fields.push(text);
                }
                Piece::Gap => fields.split(" "),
                Piece::Variable { name, default, quoted } => match (self.value(name)?, quoted) {
                    (Some(value), true) => fields.push(&value),
                    (Some(value), false) => fields.split(&value),
                    (None, true) => {
                        let mut text = String::new();
                        self.join(default, &mut text)?;
                        fields.push(&text);
                    }
                    (None, false) => self.fields(default, fields)?,
                },
            }
        }
        Ok(())
    }

    /// Expands into one text, as inside of quotes and in assignments.
    fn join(&mut self, word: &[Piece], text: &mut String) -> Result<(), CommandError> {
        for piece in word {
            match piece {
                Piece::Text(literal) => {
                    self.spend(literal.len())?;
                    text.push_str(literal);
                }
                Piece::Gap => {
                    self.spend(1)?;
                    text.push(' ');
                }
                Piece::Variable { name, default, .. } => match self.value(name)? {
                    Some(value) => text.push_str(&value),
                    None => self.join(default, text)?,
                },
            }
        }
        Ok(())
    }

    /// The value of a variable, if it is set and not empty.
    fn value(&mut self, name: &str) -> Result<Option<String>, CommandError> {
        let Some(value) = (self.variable)(name).filter(|value| !value.is_empty()) else { return Ok(None) };
        if value.contains('\0') {
            return Err(CommandError::Nul);
        }
        self.spend(value.len())?;
        Ok(Some(value))
    }

    fn spend(&mut self, bytes: usize) -> Result<(), CommandError> {
        self.left = self.left.checked_sub(bytes).ok_or(CommandError::ExpandsTooFar)?;
        Ok(())
    }
}
