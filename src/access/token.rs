use crate::slug::Digest;
use base64::{Engine as _, engine::general_purpose::URL_SAFE_NO_PAD};
use std::fmt;

/// A new token: 256 random bits. It is shown by [`reveal`](Self::reveal) and by nothing else.
#[derive(Clone, Eq, PartialEq)]
pub struct Token(String);

/// The system gives no random numbers.
#[derive(Clone, Debug, thiserror::Error)]
#[error("the system gives no random numbers: {0}")]
pub struct NoRandomness(String);

impl fmt::Debug for Token {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str("Token(…)")
    }
}

impl Token {
    /// One that nobody can guess. Its beginning tells what it is, to people and to programs that look for leaked secrets.
    ///
    /// # Errors
    /// [`NoRandomness`].
    pub fn random() -> Result<Self, NoRandomness> {
        let mut bits = [0; 32];
        getrandom::fill(&mut bits).map_err(|error| NoRandomness(error.to_string()))?;
        Ok(Self(format!("HOKKU-{}", URL_SAFE_NO_PAD.encode(bits))))
    }

    /// The token that somebody wrote down.
    #[must_use]
    pub fn given(text: &str) -> Self {
        Self(text.trim().to_owned())
    }

    /// Its text.
    #[must_use]
    pub fn reveal(&self) -> &str {
        &self.0
    }

    /// How the ledger knows it.
    #[must_use]
    pub fn digest(&self) -> Digest {
        Digest::of(self.0.as_bytes())
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_token_is_long_and_hides_itself() {
        let token = Token::random().expect("random");
        assert_eq!(token.reveal().len(), "HOKKU-".len() + 43);
        assert_eq!(format!("{token:?}"), "Token(…)");
        assert_eq!(Token::given(&format!("{}\n", token.reveal())), token);
        assert_ne!(Token::random().expect("random").digest(), token.digest());
    }
}
