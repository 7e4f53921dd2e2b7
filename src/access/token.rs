use crate::slug::Digest;
use base64::{Engine as _, engine::general_purpose::URL_SAFE_NO_PAD};
use std::fmt;

/// What every token begins with.
const BEGINNING: &str = "HOKKU-";

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
        Ok(Self(format!("{BEGINNING}{}", URL_SAFE_NO_PAD.encode(bits))))
    }

    /// Whether `text` looks like one, so that it is no password.
    pub(super) fn is_like(text: &str) -> bool {
        text.len() == BEGINNING.len() + 43 && text.starts_with(BEGINNING)
    }

    /// Its beginning and end, by which whoever has it knows it again, as Heroku writes them. Empty for what is like none.
    pub(super) fn hint(&self) -> String {
        let edges = Some(&self.0).filter(|text| Self::is_like(text));
        let edges = edges.and_then(|text| Some((text.get(..10)?, text.get(text.len() - 4..)?)));
        edges.map(|(beginning, end)| format!("{beginning}**********{end}")).unwrap_or_default()
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
        let text = token.reveal();
        assert_eq!(token.hint(), format!("{}**********{}", &text[..10], &text[45..]));
        assert_eq!(Token::given("ä short one").hint(), "");
        assert_ne!(Token::random().expect("random").digest(), token.digest());
    }
}
