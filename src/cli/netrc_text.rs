use std::{fmt, ops::Range};

/// The text of a netrc file, of which every byte that no change is about stays as it is: comments, macros, other
/// machines, blanks, quotes.
///
/// The form is the one that curl, git, Python and Heroku's CLI read: `machine NAME`, `login`, `password` and `account`
/// with a value, `default`, `macdef NAME` with all lines up to an empty one, and `#` before a comment. A value may be
/// quoted, with `\` before a quote in it.
#[derive(Clone, Eq, PartialEq)]
pub(super) struct NetrcText(Vec<u8>);

/// The text ends in the middle of an entry: what is added would become a part of it.
#[derive(Debug, Eq, PartialEq)]
pub(super) struct Unfinished;

/// Who to be at a machine, and with which secret.
#[derive(Clone, Eq, PartialEq)]
pub(super) struct Login {
    pub(super) login: String,
    pub(super) password: String,
}

struct Word {
    span: Range<usize>,
    value: Vec<u8>,
}

/// A `machine`, or without a name the `default`.
struct Section {
    name: Option<Word>,
    span: Range<usize>,
    login: Option<Word>,
    password: Option<Word>,
}

#[derive(Default)]
struct Sections {
    all: Vec<Section>,
    /// The last macro has no empty line after it.
    open_macro: bool,
}

impl fmt::Debug for NetrcText {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str("NetrcText(…)")
    }
}

impl NetrcText {
    pub(super) fn new(bytes: Vec<u8>) -> Self {
        Self(bytes)
    }

    pub(super) fn bytes(&self) -> &[u8] {
        &self.0
    }

    /// The login of the first entry for `machine` that has a password.
    pub(super) fn find(&self, machine: &str) -> Option<Login> {
        let (sections, _) = Scanner::sections(&self.0);
        let mut own = sections.all.into_iter().filter(|section| section.is(machine));
        own.find_map(|section| {
            let text = |word: Word| String::from_utf8(word.value).ok();
            let login = section.login.and_then(text).unwrap_or_default();
            Some(Login { login, password: section.password.and_then(text)? })
        })
    }

    /// The text with exactly one entry for `machine`, and this login in it. Neither value may need quotes.
    pub(super) fn with(&self, machine: &str, login: &Login) -> Result<Self, Unfinished> {
        let sections = self.finished()?;
        let (first, others) = match sections.all.iter().position(|section| section.is(machine)) {
            Some(first) => (&sections.all[first], &sections.all[first + 1..]),
            None => return Ok(self.with_added(machine, login, &sections)),
        };
        let mut text = self.0.clone();
        for other in others.iter().rev().filter(|section| section.is(machine)) {
            text.drain(lines_of(&text, &other.span));
        }
        let after_name = first.name.as_ref().map_or(first.span.end, |name| name.span.end);
        let change = |word: &Option<Word>, key: &str, value: &str| match word {
            Some(word) => (word.span.clone(), value.to_owned()),
            None => (after_name..after_name, format!("\n  {key} {value}")),
        };
        let mut changes = [
            change(&first.login, "login", &login.login),
            change(&first.password, "password", &login.password),
        ];
        // From the back, so that what is before stays where it was. Of two at one place the password comes first.
        changes.sort_by_key(|(span, value)| std::cmp::Reverse((span.start, value.contains("\n  password"))));
        for (span, value) in changes {
            text.splice(span, value.into_bytes());
        }
        Ok(Self(text))
    }

    /// The text without any entry for `machine`.
    pub(super) fn without(&self, machine: &str) -> Result<Self, Unfinished> {
        let mut text = self.0.clone();
        for section in self.finished()?.all.iter().rev().filter(|section| section.is(machine)) {
            text.drain(lines_of(&text, &section.span));
        }
        Ok(Self(text))
    }

    fn finished(&self) -> Result<Sections, Unfinished> {
        match Scanner::sections(&self.0) {
            (sections, Ended::Whole) => Ok(sections),
            (_, Ended::WithinEntry) => Err(Unfinished),
        }
    }

    /// The text with a new entry, before the default: that one must be the last.
    fn with_added(&self, machine: &str, login: &Login, sections: &Sections) -> Self {
        let default = sections.all.iter().find(|section| section.name.is_none());
        let at = default.map_or(self.0.len(), |section| section.span.start);
        let mut entry = String::new();
        if self.0[..at].last().is_some_and(|byte| *byte != b'\n') {
            entry.push('\n');
        }
        if at == self.0.len() && sections.open_macro {
            entry.push('\n');
        }
        let Login { login, password } = login;
        entry = format!("{entry}machine {machine}\n  login {login}\n  password {password}\n");
        let mut text = self.0.clone();
        text.splice(at..at, entry.into_bytes());
        Self(text)
    }
}

impl Section {
    fn is(&self, machine: &str) -> bool {
        self.name.as_ref().is_some_and(|name| name.value == machine.as_bytes())
    }
}

fn is_blank(byte: u8) -> bool {
    matches!(byte, b' ' | b'\t' | b'\r')
}

/// What goes with an entry: its lines, where nothing else is on them.
fn lines_of(text: &[u8], span: &Range<usize>) -> Range<usize> {
    let blanks = text[..span.start].iter().rev().take_while(|byte| is_blank(**byte)).count();
    let line = span.start - blanks;
    let begins_line = line == 0 || text[line - 1] == b'\n';
    let start = if begins_line { line } else { span.start };
    // A macro ends with its lines.
    if text[..span.end].last() == Some(&b'\n') {
        return start..span.end;
    }
    let rest = &text[span.end..];
    let next = rest.iter().position(|byte| !is_blank(*byte)).unwrap_or(rest.len());
    let line_end = rest.iter().position(|byte| *byte == b'\n');
    match rest.get(next) {
        Some(b'\n' | b'#') if !begins_line => start..span.end,
        Some(b'\n' | b'#') | None => start..line_end.map_or(text.len(), |end| span.end + end + 1),
        Some(_) => start..span.end + next,
    }
}

/// Whether the text ended where an entry may.
enum Ended {
    Whole,
    WithinEntry,
}

struct Scanner<'a> {
    text: &'a [u8],
    at: usize,
}

impl<'a> Scanner<'a> {
    fn sections(text: &'a [u8]) -> (Sections, Ended) {
        let mut scanner = Self { text, at: 0 };
        let mut found = Sections::default();
        while let Some(keyword) = scanner.keyword() {
            let start = keyword.span.start;
            match &text[keyword.span] {
                b"machine" => {
                    let Some(name) = scanner.word() else { return (found, Ended::WithinEntry) };
                    let span = start..name.span.end;
                    found.all.push(Section { name: Some(name), span, login: None, password: None });
                }
                b"default" => {
                    found.all.push(Section {
                        name: None,
                        span: start..scanner.at,
                        login: None,
                        password: None,
                    });
                }
                key @ (b"login" | b"password" | b"account") => {
                    let Some(value) = scanner.word() else { return (found, Ended::WithinEntry) };
                    if let Some(section) = found.all.last_mut() {
                        section.span.end = value.span.end;
                        match key {
                            b"login" => section.login = Some(value),
                            b"password" => section.password = Some(value),
                            _ => {}
                        }
                    }
                }
                b"macdef" => {
                    found.open_macro = !scanner.skip_macro();
                    scanner.extend(&mut found);
                }
                _ => scanner.extend(&mut found),
            }
        }
        (found, Ended::Whole)
    }

    /// The last section reaches up to here.
    fn extend(&self, found: &mut Sections) {
        if let Some(section) = found.all.last_mut() {
            section.span.end = self.at;
        }
    }

    /// The next word that is not in a comment.
    fn keyword(&mut self) -> Option<Word> {
        loop {
            let word_start = self.skip_blanks();
            if self.text.get(word_start) != Some(&b'#') {
                return self.word();
            }
            self.at = self.line_end();
        }
    }

    fn skip_blanks(&mut self) -> usize {
        let rest = &self.text[self.at..];
        self.at += rest.iter().take_while(|byte| is_blank(**byte) || **byte == b'\n').count();
        self.at
    }

    /// Behind the line that this is in.
    fn line_end(&self) -> usize {
        let rest = &self.text[self.at..];
        rest.iter().position(|byte| *byte == b'\n').map_or(self.text.len(), |end| self.at + end + 1)
    }

    fn word(&mut self) -> Option<Word> {
        let start = self.skip_blanks();
        let rest = &self.text[start..];
        let (length, value) = quoted(rest).or_else(|| {
            let length = rest.iter().take_while(|byte| !is_blank(**byte) && **byte != b'\n').count();
            (length > 0).then(|| (length, rest[..length].to_vec()))
        })?;
        self.at = start + length;
        Some(Word { span: start..self.at, value })
    }

    /// Goes behind the empty line that ends a macro; whether there is one.
    fn skip_macro(&mut self) -> bool {
        self.at = self.line_end();
        while self.at < self.text.len() {
            let end = self.line_end();
            let line = &self.text[self.at..end];
            self.at = end;
            if line == b"\n" || line == b"\r\n" {
                return true;
            }
        }
        false
    }
}

/// The length and the value of a quoted word, if `text` begins with one that ends on its line.
fn quoted(text: &[u8]) -> Option<(usize, Vec<u8>)> {
    let inner = text.strip_prefix(b"\"")?;
    let mut value = Vec::new();
    let mut bytes = inner.iter().enumerate();
    while let Some((at, byte)) = bytes.next() {
        match byte {
            b'"' => return Some((at + 2, value)),
            b'\n' => return None,
            b'\\' => value.push(*bytes.next().filter(|(_, byte)| **byte != b'\n')?.1),
            other => value.push(*other),
        }
    }
    None
}

#[cfg(test)]
mod tests {
    use super::*;
    use proptest::prelude::*;

    const FULL: &str = "# my machines\n\nmachine api.heroku.com\n\tlogin me@example.com\n\tpassword \"a \\\"b\"\n\n\
                        machine ftp login x password y # the old one\n  macdef init\nput a\nmachine trap\n\n\
                        default login anonymous password me\n";

    fn text(text: &str) -> NetrcText {
        NetrcText::new(text.as_bytes().to_vec())
    }

    fn login(login: &str, password: &str) -> Login {
        Login { login: login.to_owned(), password: password.to_owned() }
    }

    fn shown(text: &NetrcText) -> String {
        String::from_utf8(text.bytes().to_vec()).expect("text")
    }

    fn found(text: &NetrcText, machine: &str) -> Option<(String, String)> {
        text.find(machine).map(|login| (login.login, login.password))
    }

    #[test]
    fn logins_are_found_by_exactly_their_machine() {
        let pair = |login: &str, password: &str| Some((login.to_owned(), password.to_owned()));
        assert_eq!(found(&text(FULL), "api.heroku.com"), pair("me@example.com", "a \"b"));
        assert_eq!(found(&text(FULL), "ftp"), pair("x", "y"));
        for machine in ["trap", "heroku.com", "default", "", "api.heroku.com:443"] {
            assert_eq!(found(&text(FULL), machine), None, "{machine}");
        }
        assert_eq!(found(&text("machine a\nmachine a password p"), "a"), pair("", "p"));
    }

    #[test]
    fn a_new_entry_comes_before_the_default_and_leaves_again() {
        let with = text(FULL).with("localhost:8080", &login("me", "t0ken")).expect("finished");
        insta::assert_snapshot!(shown(&with), @r#"
        # my machines

        machine api.heroku.com
        	login me@example.com
        	password "a \"b"

        machine ftp login x password y # the old one
          macdef init
        put a
        machine trap

        machine localhost:8080
          login me
          password t0ken
        default login anonymous password me
        "#);
        assert_eq!(shown(&with.without("localhost:8080").expect("finished")), FULL);
    }

    #[test]
    fn only_the_values_of_an_entry_change() {
        let changed = |before: &str| shown(&text(before).with("a", &login("L", "P")).expect("finished"));
        assert_eq!(changed("machine a password x login \"y z\" # c"), "machine a password P login L # c");
        assert_eq!(changed("machine a # c\n"), "machine a\n  login L\n  password P # c\n");
        assert_eq!(changed("machine a password x"), "machine a\n  login L password P");
        assert_eq!(
            changed("machine a password x\nmachine b\nmachine a password y\n#\n"),
            "machine a\n  login L password P\nmachine b\n#\n"
        );
        assert_eq!(changed(""), "machine a\n  login L\n  password P\n");
        assert_eq!(
            changed("macdef x\nmachine a"),
            "macdef x\nmachine a\n\nmachine a\n  login L\n  password P\n"
        );
    }

    #[test]
    fn an_entry_goes_with_its_lines_alone() {
        let left = |before: &str| shown(&text(before).without("a").expect("finished"));
        assert_eq!(left("# c\n  machine a\n  login x\n# d\nmachine b"), "# c\n# d\nmachine b");
        assert_eq!(
            left("machine b login x machine a login y\nmachine c\n"),
            "machine b login x \nmachine c\n"
        );
        assert_eq!(left("machine a login y machine b\n"), "machine b\n");
        assert_eq!(left("machine a login y # mine\n\n"), "\n");
        assert_eq!(left("machine a macdef init\nput\n\n  machine b"), "  machine b");
    }

    #[test]
    fn what_ends_within_an_entry_is_left_alone() {
        for unfinished in ["machine", "machine b login", "default password \n# no comment, "] {
            let whole = unfinished.starts_with("default");
            assert_eq!(text(unfinished).with("a", &login("L", "P")).is_ok(), whole, "{unfinished}");
            assert_eq!(text(unfinished).without("b").is_ok(), whole, "{unfinished}");
        }
    }

    fn piece() -> impl Strategy<Value = String> {
        let pieces = [
            "machine", "default", "login", "password", "account", "macdef", "a", "b", "a:1", "#", "\"", "\\",
            "\"a b\"", " ", " ", "\t", "\n", "\n", "\r\n", "\n\n", "é",
        ];
        proptest::sample::select(pieces.to_vec()).prop_map(str::to_owned)
    }

    /// Name, login and password of every other machine.
    fn others(text: &NetrcText) -> Vec<[Option<Vec<u8>>; 3]> {
        let value = |word: Option<Word>| word.map(|word| word.value);
        let (sections, _) = Scanner::sections(&text.0);
        let all = sections.all.into_iter().filter(|section| !section.is("a"));
        all.map(|section| [section.name, section.login, section.password].map(value)).collect()
    }

    proptest! {
        #[test]
        fn a_change_reaches_one_machine_only(pieces in proptest::collection::vec(piece(), 0..40)) {
            let before = NetrcText::new(pieces.concat().into_bytes());
            let Ok(with) = before.with("a", &login("L", "P")) else { return Ok(()) };
            prop_assert_eq!(found(&with, "a"), Some(("L".to_owned(), "P".to_owned())));
            prop_assert_eq!(others(&with), others(&before));
            let twice = with.with("a", &login("L", "P")).expect("finished");
            prop_assert!(twice == with, "the same once more changes nothing");
            let without = with.without("a").expect("finished");
            prop_assert_eq!(found(&without, "a"), None);
            prop_assert_eq!(others(&without), others(&before));
        }

        #[test]
        fn what_was_added_leaves_no_trace(pieces in proptest::collection::vec(piece(), 0..40)) {
            let before = NetrcText::new(format!("{}\n\n", pieces.concat()).into_bytes());
            let Ok(with) = before.with("new", &login("L", "P")) else { return Ok(()) };
            let without = with.without("new").expect("finished");
            let added = without.bytes().len() - before.bytes().len();
            prop_assert!(added <= 1, "at most the line break before a default in the middle of a line");
            if added == 0 {
                prop_assert_eq!(without.bytes(), before.bytes());
            }
        }
    }
}
