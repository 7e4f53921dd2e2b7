use std::str::FromStr;

/// A process type of a Procfile: 1 to 63 of `A-Z`, `a-z`, `0-9`, `-` and `_`, starting with a letter or digit.
///
/// `web` takes requests, `release` is the release phase; others are the app's own
/// (Dev Center: "The Procfile").
#[derive(Clone, Eq, Hash, Ord, PartialEq, PartialOrd)]
pub struct ProcessType(String);

super::string_newtype!(ProcessType);

/// The text is not a process type.
#[derive(Clone, Debug, Eq, PartialEq, thiserror::Error)]
#[error("`{0}` is not a process type: use 1 to 63 letters, digits, - and _, starting with a letter or digit")]
pub struct InvalidProcessType(String);

impl FromStr for ProcessType {
    type Err = InvalidProcessType;

    fn from_str(text: &str) -> Result<Self, InvalidProcessType> {
        let valid = (1..=63).contains(&text.len())
            && text.starts_with(|c: char| c.is_ascii_alphanumeric())
            && text.chars().all(|c| c.is_ascii_alphanumeric() || c == '-' || c == '_');
        if valid {
            Ok(Self(text.to_owned()))
        } else {
            Err(InvalidProcessType(text.chars().take(64).collect()))
        }
    }
}

impl ProcessType {
    /// The one type that receives requests.
    #[must_use]
    pub fn web() -> Self {
        Self("web".to_owned())
    }

    /// The release phase: runs once with the new code before a release becomes current.
    #[must_use]
    pub fn release() -> Self {
        Self("release".to_owned())
    }

    /// The type of a one-off dyno.
    #[must_use]
    pub fn run() -> Self {
        Self("run".to_owned())
    }

    /// Whether this is `web`.
    #[must_use]
    pub fn is_web(&self) -> bool {
        self.0 == "web"
    }

    /// Whether this is `release`.
    #[must_use]
    pub fn is_release(&self) -> bool {
        self.0 == "release"
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn legal_types_parse_and_others_do_not() {
        for text in ["web", "worker_2", "Clock-x", "1st"] {
            assert!(text.parse::<ProcessType>().is_ok(), "{text}");
        }
        for text in ["", "-web", "a b", "web.1", "a/b", &"x".repeat(64)] {
            assert!(text.parse::<ProcessType>().is_err(), "{text}");
        }
    }
}
