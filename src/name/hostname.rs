use std::str::FromStr;

/// The name of a host in lower case: labels of 1 to 63 of `a-z`, `0-9` and `-`, joined by dots, at most 253 bytes
/// (RFC 1123). Not an address, not a wildcard.
#[derive(Clone, Eq, Hash, Ord, PartialEq, PartialOrd)]
pub struct Hostname(String);

super::string_newtype!(Hostname);

/// The text is not the name of a host.
#[derive(Clone, Debug, Eq, PartialEq, thiserror::Error)]
#[error("`{0}` is not a host name: write it as paas.example.com, without scheme, port and path")]
pub struct InvalidHostname(String);

impl FromStr for Hostname {
    type Err = InvalidHostname;

    /// Reads a name in any letter case, with or without the dot of the root.
    fn from_str(text: &str) -> Result<Self, InvalidHostname> {
        let name = text.strip_suffix('.').unwrap_or(text).to_ascii_lowercase();
        let label = |label: &str| {
            (1..=63).contains(&label.len())
                && label
                    .bytes()
                    .all(|byte| byte.is_ascii_lowercase() || byte.is_ascii_digit() || byte == b'-')
                && !label.starts_with('-')
                && !label.ends_with('-')
        };
        let last = name.rsplit('.').next().unwrap_or_default();
        let valid =
            name.len() <= 253 && name.split('.').all(label) && !last.bytes().all(|b| b.is_ascii_digit());
        if valid { Ok(Self(name)) } else { Err(InvalidHostname(text.chars().take(80).collect())) }
    }
}

impl Hostname {
    /// `localhost`.
    #[must_use]
    pub fn localhost() -> Self {
        Self("localhost".to_owned())
    }

    /// Whether this is `domain` or a name below it.
    #[must_use]
    pub fn is_within(&self, domain: &Self) -> bool {
        self.0.strip_suffix(&domain.0).is_some_and(|rest| rest.is_empty() || rest.ends_with('.'))
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn names_are_read_in_any_case_and_others_are_refused() {
        let read = |text: &str| text.parse::<Hostname>().map(|name| name.to_string());
        assert_eq!(read("Paas.Example.com."), Ok("paas.example.com".to_owned()));
        assert_eq!(read("localhost"), Ok("localhost".to_owned()));
        for text in
            ["", ".", "a..b", "-a.b", "a-.b", "*.b", "a b", "a:80", "http://a", "127.0.0.1", "[::1]", "é.b"]
        {
            assert!(read(text).is_err(), "{text}");
        }
        assert!(read(&"a.".repeat(127)).is_ok() && read(&"a.".repeat(128)).is_err());
        assert!(read(&"a".repeat(64)).is_err());
    }

    #[test]
    fn a_name_is_within_its_domain_only() {
        let name = |text: &str| text.parse::<Hostname>().expect("legal");
        assert!(name("a.b.c").is_within(&name("b.c")));
        assert!(name("b.c").is_within(&name("b.c")));
        assert!(!name("ab.c").is_within(&name("b.c")));
        assert!(!name("c").is_within(&name("b.c")));
    }
}
