use super::GitError;
use std::io::BufRead;

/// The most that git asks.
const QUESTION_LIMIT: u64 = 64 * 1024;

/// The host for which git asks a password, in the protocol of its credential helpers: lines of `KEY=VALUE`.
#[derive(Debug, Default, Eq, PartialEq)]
pub(in crate::cli) struct Asked {
    /// `https`.
    pub(in crate::cli) protocol: String,
    /// With the port, where it is not the usual one.
    pub(in crate::cli) host: String,
}

impl Asked {
    /// Reads what git asks, up to an empty line or the end.
    pub(in crate::cli) fn read(input: impl BufRead) -> Result<Self, GitError> {
        let mut asked = Self::default();
        for line in input.take(QUESTION_LIMIT).lines() {
            let line = line.map_err(|_| GitError::BadQuestion)?;
            match line.split_once('=') {
                Some(("protocol", value)) => value.clone_into(&mut asked.protocol),
                Some(("host", value)) => value.clone_into(&mut asked.host),
                Some(_) => {}
                None if line.is_empty() => break,
                None => return Err(GitError::BadQuestion),
            }
        }
        Ok(asked)
    }

    /// Whether it is of a kind that platforms are.
    pub(in crate::cli) fn is_http(&self) -> bool {
        matches!(self.protocol.as_str(), "http" | "https") && !self.host.is_empty()
    }

    /// What git is told; `None` if a value cannot be told.
    pub(in crate::cli) fn answer(name: &str, password: &str) -> Option<String> {
        let one_line = |text: &str| !text.is_empty() && !text.contains(['\n', '\r', '\0']);
        (one_line(name) && one_line(password)).then(|| format!("username={name}\npassword={password}\n"))
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn read(text: &str) -> Result<Asked, GitError> {
        Asked::read(text.as_bytes())
    }

    #[test]
    fn a_question_of_git_is_read() {
        let asked = read("protocol=http\nhost=localhost:8080\nwwwauth[]=Basic realm=\"Heroku\"\n\nhost=x\n");
        let wanted = Asked { protocol: "http".to_owned(), host: "localhost:8080".to_owned() };
        assert_eq!(asked.expect("legal"), wanted);
        assert!(wanted.is_http());
        assert!(!read("protocol=ssh\nhost=localhost\n").expect("legal").is_http());
        assert!(!read("protocol=https\n").expect("legal").is_http());
        assert!(!read("").expect("legal").is_http());
        assert!(read("GET / HTTP/1.1\n").is_err());
    }

    #[test]
    fn no_value_begins_a_line_of_its_own() {
        assert_eq!(
            Asked::answer("ada@example.com", "t0ken").as_deref(),
            Some("username=ada@example.com\npassword=t0ken\n")
        );
        assert_eq!(Asked::answer("ada\nquit=1", "t0ken"), None);
        assert_eq!(Asked::answer("ada", "t0ken\rx"), None);
        assert_eq!(Asked::answer("ada", ""), None);
    }
}
