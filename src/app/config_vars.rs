use rpds::RedBlackTreeMapSync;
use std::{borrow::Borrow, collections::BTreeMap, fmt, str::FromStr, sync::Arc};

/// The most bytes of keys and values together, with what holds them, that one app may set (Heroku: 64 KiB).
const TOTAL_LIMIT: usize = 64 * 1024;

/// What one var counts besides its text, so that many short ones are not free.
const VAR_COST: usize = 64;

/// The name of a config var: `[A-Za-z_][A-Za-z0-9_]*`, at most 256 bytes.
#[derive(Clone, Debug, Eq, Hash, Ord, PartialEq, PartialOrd)]
pub struct ConfigKey(String);

/// The text is not the name of a config var.
#[derive(Clone, Debug, Eq, PartialEq, thiserror::Error)]
#[error("`{0}` is not a config var: use letters, digits and _, not starting with a digit, at most 256 bytes")]
pub struct InvalidConfigKey(String);

/// The config vars together are not legal.
#[derive(Clone, Debug, Eq, PartialEq, thiserror::Error)]
pub enum InvalidConfigVars {
    /// One value cannot be an environment variable.
    #[error("the value of config var {0} holds a NUL byte; encode it, as base64 for example")]
    Nul(String),
    /// All of them together are too large.
    #[error(
        "config vars take {size} bytes, {VAR_COST} for each var included; the limit is {TOTAL_LIMIT}: keep large values in the app's files"
    )]
    TooLarge {
        /// Bytes of all keys and values, and 64 for each var.
        size: usize,
    },
}

/// A line of a `.env` file that says nothing.
#[derive(Clone, Debug, Eq, PartialEq, thiserror::Error)]
pub enum DotenvError {
    /// The line is no assignment.
    #[error("line {line} is not KEY=VALUE")]
    NotAnAssignment {
        /// Counted from 1.
        line: usize,
    },
    /// The key is not legal.
    #[error("line {line}: {cause}")]
    Key {
        /// Counted from 1.
        line: usize,
        /// What is wrong with it.
        cause: InvalidConfigKey,
    },
    /// A quote is not closed before the file ends.
    #[error("line {line}: the quote is not closed")]
    OpenQuote {
        /// Counted from 1.
        line: usize,
    },
    /// The values are not legal together.
    #[error(transparent)]
    Vars(#[from] InvalidConfigVars),
}

impl FromStr for ConfigKey {
    type Err = InvalidConfigKey;

    fn from_str(text: &str) -> Result<Self, InvalidConfigKey> {
        let valid = (1..=256).contains(&text.len())
            && !text.starts_with(|c: char| c.is_ascii_digit())
            && text.chars().all(|c| c.is_ascii_alphanumeric() || c == '_');
        if valid { Ok(Self(text.to_owned())) } else { Err(InvalidConfigKey(text.chars().take(64).collect())) }
    }
}

impl AsRef<str> for ConfigKey {
    fn as_ref(&self) -> &str {
        &self.0
    }
}

impl Borrow<str> for ConfigKey {
    fn borrow(&self) -> &str {
        &self.0
    }
}

impl fmt::Display for ConfigKey {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(&self.0)
    }
}

/// The config vars of an app. `Debug` shows the keys and never a value.
///
/// Clones, and what [`with`](Self::with) makes, share all that is equal in them: every release has its own.
#[derive(Clone, Default, Eq, PartialEq)]
pub struct ConfigVars {
    vars: RedBlackTreeMapSync<ConfigKey, Arc<str>>,
    /// What they count towards the limit.
    size: usize,
}

impl fmt::Debug for ConfigVars {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_set().entries(self.iter().map(|(key, _)| key)).finish()
    }
}

/// A change of config vars: a new value, or `None` to unset. `Debug` shows the keys and never a value.
#[derive(Clone, Default, Eq, PartialEq)]
pub struct ConfigChanges(BTreeMap<ConfigKey, Option<String>>);

impl fmt::Debug for ConfigChanges {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_map().entries(self.0.iter().map(|(key, value)| (key, value.as_ref().map(|_| "set")))).finish()
    }
}

impl ConfigChanges {
    /// The changes, each for another key.
    #[must_use]
    pub fn new(changes: BTreeMap<ConfigKey, Option<String>>) -> Self {
        Self(changes)
    }

    /// Every key with its new value, in the order of the keys.
    pub fn iter(&self) -> impl Iterator<Item = (&ConfigKey, Option<&str>)> {
        self.0.iter().map(|(key, value)| (key, value.as_deref()))
    }

    /// Whether nothing is changed.
    #[must_use]
    pub fn is_empty(&self) -> bool {
        self.0.is_empty()
    }
}

impl ConfigVars {
    /// What these become with `changes`, which is all that it costs.
    ///
    /// # Errors
    /// As [`new`](Self::new).
    pub fn with(&self, changes: &ConfigChanges) -> Result<Self, InvalidConfigVars> {
        let mut vars = self.clone();
        for (key, value) in changes.iter() {
            match value {
                Some(value) => vars.set(key, value)?,
                None => vars.unset(key),
            }
        }
        vars.within_limit()
    }

    /// Checks and keeps `vars`; of two values for one key the later holds.
    ///
    /// # Errors
    /// [`InvalidConfigVars`] for a value with a NUL byte, or more than 64 KiB in all, where each var counts 64 bytes
    /// besides its text.
    pub fn new(vars: impl IntoIterator<Item = (ConfigKey, String)>) -> Result<Self, InvalidConfigVars> {
        let mut kept = Self::default();
        for (key, value) in vars {
            kept.set(&key, &value)?;
        }
        kept.within_limit()
    }

    fn set(&mut self, key: &ConfigKey, value: &str) -> Result<(), InvalidConfigVars> {
        if value.contains('\0') {
            return Err(InvalidConfigVars::Nul(key.to_string()));
        }
        self.unset(key);
        self.size += cost(key, value);
        self.vars.insert_mut(key.clone(), value.into());
        Ok(())
    }

    fn unset(&mut self, key: &ConfigKey) {
        if let Some(value) = self.vars.get(key) {
            self.size -= cost(key, value);
            self.vars.remove_mut(key);
        }
    }

    fn within_limit(self) -> Result<Self, InvalidConfigVars> {
        if self.size > TOTAL_LIMIT { Err(InvalidConfigVars::TooLarge { size: self.size }) } else { Ok(self) }
    }

    /// Reads the text of a `.env` file: `KEY=VALUE` lines, `#` comments, an optional leading `export`, values
    /// bare, in `'…'` (taken as they stand) or in `"…"` (with `\n`, `\"`, `\\` and line breaks).
    ///
    /// # Errors
    /// [`DotenvError`] names the line; it never shows a value.
    pub fn from_dotenv(text: &str) -> Result<Self, DotenvError> {
        let mut vars = Vec::new();
        let mut lines = text.lines().enumerate();
        while let Some((index, line)) = lines.next() {
            let line_number = index + 1;
            let trimmed = line.trim_start();
            if trimmed.is_empty() || trimmed.starts_with('#') {
                continue;
            }
            let assignment = trimmed.strip_prefix("export ").unwrap_or(trimmed);
            let (key, value) =
                assignment.split_once('=').ok_or(DotenvError::NotAnAssignment { line: line_number })?;
            let key = key.trim().parse().map_err(|cause| DotenvError::Key { line: line_number, cause })?;
            let mut value = value.trim_start().to_owned();
            let value = match value.chars().next() {
                Some(quote @ ('"' | '\'')) => loop {
                    if let Some(inner) = quoted(&value, quote) {
                        break inner;
                    }
                    let (_, next) = lines.next().ok_or(DotenvError::OpenQuote { line: line_number })?;
                    value.push('\n');
                    value.push_str(next);
                },
                _ => value.split(" #").next().unwrap_or_default().trim_end().to_owned(),
            };
            vars.push((key, value));
        }
        Ok(Self::new(vars)?)
    }

    /// Every key with its value, in the order of the keys.
    pub fn iter(&self) -> impl Iterator<Item = (&str, &str)> {
        self.vars.iter().map(|(key, value)| (key.as_ref(), value.as_ref()))
    }

    /// The value of `key`.
    #[must_use]
    pub fn get(&self, key: &str) -> Option<&str> {
        self.vars.get(key).map(AsRef::as_ref)
    }

    /// Whether none is set.
    #[must_use]
    pub fn is_empty(&self) -> bool {
        self.vars.is_empty()
    }
}

/// What a var counts towards the limit.
fn cost(key: &ConfigKey, value: &str) -> usize {
    key.0.len() + value.len() + VAR_COST
}

/// What stands between `quote` and its closing twin at the start of `text`; `None` while it is not closed.
fn quoted(text: &str, quote: char) -> Option<String> {
    let mut inner = String::new();
    let mut chars = text.chars().skip(1);
    while let Some(c) = chars.next() {
        match c {
            c if c == quote => return Some(inner),
            '\\' if quote == '"' => match chars.next()? {
                'n' => inner.push('\n'),
                't' => inner.push('\t'),
                c @ ('"' | '\\' | '$') => inner.push(c),
                other => inner.extend(['\\', other]),
            },
            c => inner.push(c),
        }
    }
    None
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_dotenv_file_is_read_as_people_write_it() {
        let text =
            "# greeting\nGREETING=hi there # really\n\nexport A='x # $y'\nB=\"two\\nlines\nthree\"\nEMPTY=\n";
        let vars = ConfigVars::from_dotenv(text).expect("legal");
        let read: Vec<_> = vars.iter().collect();
        assert_eq!(
            read,
            [("A", "x # $y"), ("B", "two\nlines\nthree"), ("EMPTY", ""), ("GREETING", "hi there")]
        );
    }

    #[test]
    fn errors_name_the_line_and_no_value() {
        let error = |text| ConfigVars::from_dotenv(text).expect_err("illegal").to_string();
        insta::assert_snapshot!(error("A=1\nsecret"), @"line 2 is not KEY=VALUE");
        insta::assert_snapshot!(error("A-B=secret"), @"line 1: `A-B` is not a config var: use letters, digits and _, not starting with a digit, at most 256 bytes");
        insta::assert_snapshot!(error("A=\"secret"), @"line 1: the quote is not closed");
    }

    #[test]
    fn too_much_is_refused_with_the_limit() {
        let error = ConfigVars::from_dotenv(&format!("A={}", "x".repeat(70_000))).expect_err("too large");
        insta::assert_snapshot!(error, @"config vars take 70065 bytes, 64 for each var included; the limit is 65536: keep large values in the app's files");
    }

    fn numbered(count: usize) -> Result<ConfigVars, InvalidConfigVars> {
        ConfigVars::new((0..count).map(|n| (format!("K{n:03}").parse().expect("legal"), String::new())))
    }

    #[test]
    fn many_short_ones_are_too_much_as_well() {
        assert!(numbered(963).is_ok());
        let error = numbered(964).expect_err("too large");
        insta::assert_snapshot!(error, @"config vars take 65552 bytes, 64 for each var included; the limit is 65536: keep large values in the app's files");
    }

    fn changes(changes: &[(&str, Option<&str>)]) -> ConfigChanges {
        let change =
            |(key, value): &(&str, Option<&str>)| (key.parse().expect("legal"), value.map(str::to_owned));
        ConfigChanges::new(changes.iter().map(change).collect())
    }

    #[test]
    fn a_change_shares_what_it_does_not_change() {
        let before = numbered(900).expect("legal");
        let after = before.with(&changes(&[("K450", Some("new"))])).expect("legal");
        let shared = before.iter().zip(after.iter()).filter(|(old, new)| std::ptr::eq(old.0, new.0));
        assert_eq!(shared.count(), 899);
        assert_eq!((before.get("K450"), after.get("K450")), (Some(""), Some("new")));
    }

    #[test]
    fn what_is_unset_or_set_anew_counts_no_longer() {
        let vars = numbered(963).expect("legal");
        let one_more = [("K", Some("x"))];
        assert!(vars.with(&changes(&one_more)).is_err());
        let vars = vars.with(&changes(&[("K000", None), ("K001", Some("")), ("NONE", None)])).expect("legal");
        let vars = vars.with(&changes(&one_more)).expect("room for one");
        assert_eq!(
            vars,
            ConfigVars::new(vars.iter().map(|(k, v)| (k.parse().expect("legal"), v.to_owned())))
                .expect("legal")
        );
    }

    #[test]
    fn debug_shows_keys_and_never_a_value() {
        let vars = ConfigVars::from_dotenv("TOKEN=hunter2").expect("legal");
        assert_eq!(format!("{vars:?}"), r#"{"TOKEN"}"#);
    }
}
