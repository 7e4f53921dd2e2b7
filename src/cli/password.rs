use base64::{Engine as _, engine::general_purpose::URL_SAFE_NO_PAD};
use std::fmt;

/// A password. Never shown by itself.
#[derive(Clone, Eq, PartialEq)]
pub(super) struct Password(String);

impl Password {
    pub(super) fn new(text: String) -> Self {
        Self(text)
    }

    /// One that nobody can guess: 144 random bits as 24 letters, digits, `-` and `_`.
    pub(super) fn random() -> anyhow::Result<Self> {
        let mut bits = [0; 18];
        getrandom::fill(&mut bits)?;
        Ok(Self(URL_SAFE_NO_PAD.encode(bits)))
    }

    pub(super) fn reveal(&self) -> &str {
        &self.0
    }
}

impl fmt::Debug for Password {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str("Password(…)")
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_random_password_is_long_and_hides_itself() {
        let password = Password::random().expect("random");
        assert_eq!(password.reveal().len(), 24);
        assert!(Password::random().expect("random") != password);
        assert_eq!(format!("{password:?}"), "Password(…)");
    }
}
