use super::{
    CommandError, CommandLine,
    line::{Piece, Word},
};
use std::{iter::Peekable, str::Chars};

/// How deep defaults may hold defaults.
pub(super) const NESTING: usize = 8;

const RELEASE: &str =
    "put the first command into the release process type, or write a script in your app's language";
const ONE: &str = "give each command a process type of its own, or write a script in your app's language";
const PIPE: &str = "connect the programs in a script of your app's language";
const FILE: &str = "output goes to the app's log by itself; open files in the app";
const BACKGROUND: &str = "give each program a process type of its own";
const RESULT: &str = "use a config var, or compute the value in the app";
const GLOB: &str = "name the files, or quote the character";
const HOME: &str = "write $HOME, or a path from the app's root";
const COMMENT: &str = "remove the comment, or quote the character";
const GROUP: &str = "write one program and its arguments, or quote the character";

/// Reads a whole command; see [`CommandLine::parse`].
pub(super) fn parse(text: &str) -> Result<CommandLine, CommandError> {
    if text.len() > CommandLine::BYTES_LIMIT {
        return Err(CommandError::TooLong { size: text.len() });
    }
    if text.contains('\0') {
        return Err(CommandError::Nul);
    }
    let mut parser = Parser { chars: text.trim_end_matches(['\n', '\r']).chars().peekable() };
    let mut words = Vec::new();
    while let Some(word) = parser.word()? {
        words.push(word);
    }
    line(words)
}

/// A word as read, and how many characters of its start were written without quotes.
struct Read {
    word: Word,
    bare: String,
}

/// Sets what stands before the program apart.
fn line(words: Vec<Read>) -> Result<CommandLine, CommandError> {
    let mut assignments = Vec::new();
    let mut after_env = false;
    let mut words = words.into_iter().peekable();
    while let Some(read) = words.peek() {
        let whole = read.bare_whole();
        if whole && after_env && read.bare.starts_with('-') {
            return Err(CommandError::EnvOption(read.bare.chars().take(40).collect()));
        }
        if whole && matches!(read.bare.as_str(), "exec" | "env") {
            after_env = read.bare == "env";
        } else if let Some(name) = read.assigned() {
            assignments.push((name, read.value()));
        } else {
            break;
        }
        words.next();
    }
    let words: Vec<Word> = words.map(|read| read.word).collect();
    if words.is_empty() {
        return Err(CommandError::Empty);
    }
    Ok(CommandLine { assignments, words })
}

impl Read {
    /// Whether the whole word was written without quotes or variables.
    fn bare_whole(&self) -> bool {
        matches!(self.word.as_slice(), [Piece::Text(text)] if *text == self.bare)
    }

    /// The name before `=`, if this word is an assignment.
    fn assigned(&self) -> Option<String> {
        let (name, _) = self.bare.split_once('=')?;
        is_name(name).then(|| name.to_owned())
    }

    /// What comes after the first `=`, which is in the first piece.
    fn value(&self) -> Word {
        let mut pieces = self.word.clone();
        if let Some(Piece::Text(text)) = pieces.first_mut() {
            *text = text.split_once('=').map_or_else(String::new, |(_, value)| value.to_owned());
        }
        pieces
    }
}

fn is_name(text: &str) -> bool {
    text.starts_with(|c: char| c.is_ascii_alphabetic() || c == '_') && text.chars().all(is_name_char)
}

fn is_name_char(c: char) -> bool {
    c.is_ascii_alphanumeric() || c == '_'
}

struct Parser<'a> {
    chars: Peekable<Chars<'a>>,
}

impl Parser<'_> {
    /// The next word outside of quotes, or `None` at the end.
    fn word(&mut self) -> Result<Option<Read>, CommandError> {
        while self.chars.next_if(|c| matches!(c, ' ' | '\t' | '\r')).is_some() {}
        let mut word = Word::new();
        let mut bare = None::<String>;
        let mut text = String::new();
        let Some(first) = self.chars.peek() else { return Ok(None) };
        match first {
            '~' => return Err(operator("`~`", HOME)),
            '#' => return Err(operator("`#`", COMMENT)),
            _ => {}
        }
        while let Some(c) = self.chars.next_if(|c| !matches!(c, ' ' | '\t' | '\r')) {
            if matches!(c, '\'' | '"' | '\\' | '$') {
                bare.get_or_insert_with(|| text.clone());
            }
            match c {
                '\'' => {
                    self.single_quoted(&mut text)?;
                    push_text(&mut word, &mut text, true);
                }
                '"' => self.double_quoted(&mut word, &mut text)?,
                '\\' => match self.chars.next().ok_or(CommandError::TrailingBackslash)? {
                    '\n' => {}
                    c => text.push(c),
                },
                '$' => self.dollar(&mut word, &mut text, false, 0)?,
                c => {
                    self.refuse_operator(c)?;
                    text.push(c);
                }
            }
        }
        let bare = bare.unwrap_or_else(|| text.clone());
        push_text(&mut word, &mut text, false);
        Ok(Some(Read { word, bare }))
    }

    fn single_quoted(&mut self, text: &mut String) -> Result<(), CommandError> {
        loop {
            match self.chars.next().ok_or(CommandError::OpenQuote('\''))? {
                '\'' => return Ok(()),
                c => text.push(c),
            }
        }
    }

    fn double_quoted(&mut self, word: &mut Word, text: &mut String) -> Result<(), CommandError> {
        let empty_before = word.len();
        loop {
            match self.chars.next().ok_or(CommandError::OpenQuote('"'))? {
                '"' => break,
                '$' => self.dollar(word, text, true, 0)?,
                '`' => return Err(operator("a backtick", RESULT)),
                '\\' => self.escape_in_double(text)?,
                c => text.push(c),
            }
        }
        // `""` is a word; `"$X"` is one by its variable.
        push_text(word, text, word.len() == empty_before);
        Ok(())
    }

    fn escape_in_double(&mut self, text: &mut String) -> Result<(), CommandError> {
        match self.chars.next().ok_or(CommandError::OpenQuote('"'))? {
            '\n' => {}
            c @ ('"' | '\\' | '$' | '`') => text.push(c),
            c => text.extend(['\\', c]),
        }
        Ok(())
    }

    /// What follows a `$`.
    fn dollar(
        &mut self,
        word: &mut Word,
        text: &mut String,
        quoted: bool,
        depth: usize,
    ) -> Result<(), CommandError> {
        let (name, default) = match self.chars.peek().copied() {
            Some('(') => return Err(operator("`$(…)`", RESULT)),
            Some('{') => {
                self.chars.next();
                self.braced(quoted, depth)?
            }
            Some(c) if c.is_ascii_alphabetic() || c == '_' => (self.name(), Word::new()),
            Some(c @ ('0'..='9' | '@' | '*' | '#' | '?' | '!' | '$')) => {
                return Err(CommandError::Parameter(c));
            }
            Some('-') => return Err(CommandError::Parameter('-')),
            Some('\'' | '"') if !quoted => return Err(operator("`$'…'`", "write the quote without $")),
            _ => {
                text.push('$');
                return Ok(());
            }
        };
        push_text(word, text, false);
        word.push(Piece::Variable { name, default, quoted });
        Ok(())
    }

    fn name(&mut self) -> String {
        std::iter::from_fn(|| self.chars.next_if(|c| is_name_char(*c))).collect()
    }

    /// `NAME}` or `NAME:-default}`, after `${`.
    fn braced(&mut self, quoted: bool, depth: usize) -> Result<(String, Word), CommandError> {
        let name = self.name();
        let rest: String = self.chars.clone().take(2).collect();
        let odd = || CommandError::Expansion(format!("{name}{rest}"));
        match rest.as_str() {
            _ if rest.is_empty() => Err(CommandError::OpenBrace),
            _ if !is_name(&name) => Err(odd()),
            _ if rest.starts_with('}') => {
                self.chars.next();
                Ok((name, Word::new()))
            }
            ":-" => {
                self.chars.nth(1);
                let default = self.default(quoted, depth + 1)?;
                Ok((name, default))
            }
            _ => Err(odd()),
        }
    }

    /// The default of a variable, up to its `}`.
    fn default(&mut self, quoted: bool, depth: usize) -> Result<Word, CommandError> {
        if depth > NESTING {
            return Err(CommandError::TooDeep);
        }
        let (mut word, mut text) = (Word::new(), String::new());
        loop {
            match self.chars.next().ok_or(CommandError::OpenBrace)? {
                '}' => break,
                '$' => self.dollar(&mut word, &mut text, quoted, depth)?,
                '`' => return Err(operator("a backtick", RESULT)),
                '"' if quoted => return Err(CommandError::OpenBrace),
                '\\' => text.push(self.chars.next().ok_or(CommandError::OpenBrace)?),
                '\'' if !quoted => {
                    self.single_quoted(&mut text)?;
                    push_text(&mut word, &mut text, true);
                }
                '"' => self.double_quoted(&mut word, &mut text)?,
                ' ' | '\t' | '\n' if !quoted => {
                    push_text(&mut word, &mut text, false);
                    word.push(Piece::Gap);
                }
                c => text.push(c),
            }
        }
        push_text(&mut word, &mut text, false);
        Ok(word)
    }

    /// Refuses `c` if it is an operator of a shell; `c` has been taken, what follows has not.
    fn refuse_operator(&mut self, c: char) -> Result<(), CommandError> {
        let next = self.chars.peek().copied();
        let (name, instead) = match (c, next) {
            ('&', Some('&')) => ("`&&`", RELEASE),
            ('|', Some('|')) => ("`||`", RELEASE),
            (';' | '\n', _) => (if c == ';' { "`;`" } else { "a line break" }, ONE),
            ('|', _) => ("`|`", PIPE),
            ('>', _) => ("`>`", FILE),
            ('<', _) => ("`<`", FILE),
            ('&', _) => ("`&`", BACKGROUND),
            ('`', _) => ("a backtick", RESULT),
            ('*', _) => ("`*`", GLOB),
            ('?', _) => ("`?`", GLOB),
            ('(', _) => ("`(`", GROUP),
            (')', _) => ("`)`", GROUP),
            _ => return Ok(()),
        };
        Err(operator(name, instead))
    }
}

fn operator(operator: &'static str, instead: &'static str) -> CommandError {
    CommandError::Operator { operator, instead }
}

/// Ends a run of text; `even_empty` keeps an empty one, which quotes make.
fn push_text(word: &mut Word, text: &mut String, even_empty: bool) {
    if !text.is_empty() || even_empty {
        word.push(Piece::Text(std::mem::take(text)));
    }
}
