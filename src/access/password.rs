use std::fmt;

/// The fewest characters of a new password.
pub(super) const LEAST: usize = 8;

/// The most bytes of one.
pub(super) const MOST: usize = 256;

/// A password as somebody typed it. Never shown, and kept nowhere.
#[derive(Clone)]
pub(super) struct Password(String);

/// The text is no password that an account may have.
#[derive(Clone, Copy, Debug, Eq, PartialEq, thiserror::Error)]
#[non_exhaustive]
pub enum InvalidPassword {
    /// It would be guessed.
    #[error("a password has at least {LEAST} characters; choose a longer one")]
    Short,
    /// It is no password that somebody types.
    #[error("a password has at most {MOST} bytes; choose a shorter one")]
    Long,
}

impl fmt::Debug for Password {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str("Password(…)")
    }
}

impl Password {
    /// One to be set.
    pub(super) fn new(text: &str) -> Result<Self, InvalidPassword> {
        if text.chars().count() < LEAST {
            return Err(InvalidPassword::Short);
        }
        if text.len() > MOST { Err(InvalidPassword::Long) } else { Ok(Self(text.to_owned())) }
    }

    /// One to be checked, whatever it is.
    pub(super) fn given(text: &str) -> Self {
        Self(text.to_owned())
    }

    pub(super) fn reveal(&self) -> &[u8] {
        self.0.as_bytes()
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn lengths_are_bounded_and_told() {
        let refused = |text: &str| Password::new(text).expect_err("refused").to_string();
        insta::assert_snapshot!(refused("seven77"), @"a password has at least 8 characters; choose a longer one");
        insta::assert_snapshot!(refused("äöü"), @"a password has at least 8 characters; choose a longer one");
        insta::assert_snapshot!(refused(&"x".repeat(257)), @"a password has at most 256 bytes; choose a shorter one");
        assert!(Password::new(&"x".repeat(256)).is_ok());
        let password = Password::new("eight888").expect("legal");
        assert_eq!(format!("{password:?}"), "Password(…)");
    }
}
