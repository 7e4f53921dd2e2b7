use super::{ClientError, host::Host};
use crate::cli::netrc_text::Login;
use std::fmt;

/// A token of the API. Never shown.
#[derive(Clone)]
struct Token(String);

impl fmt::Debug for Token {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str("Token(…)")
    }
}

/// Where a token was found.
#[derive(Clone, Copy, Debug, Eq, PartialEq)]
pub(super) enum Origin {
    Key,
    Netrc,
    Owner,
}

/// Who to be at a platform.
#[derive(Clone, Debug)]
pub(in crate::cli) struct Credential {
    token: Token,
    pub(super) origin: Origin,
    /// The e-mail address that goes with it, where it is known.
    email: Option<String>,
    /// Others could read the token; what was done about it.
    notice: Option<String>,
}

impl Credential {
    pub(super) fn new(token: String, origin: Origin) -> Self {
        Self { token: Token(token), origin, email: None, notice: None }
    }

    pub(super) fn of_login(login: Login, notice: Option<String>) -> Self {
        let email = Some(login.login).filter(|email| !email.is_empty());
        Self { token: Token(login.password), origin: Origin::Netrc, email, notice }
    }

    /// The token itself.
    pub(in crate::cli) fn reveal(&self) -> &str {
        &self.token.0
    }

    /// Whether it is the token that `hint` tells: its beginning and its end, with at least four stars between.
    pub(super) fn fits(&self, hint: &str) -> bool {
        let Some((start, end)) = hint.split_once("****") else { return hint == self.token.0 };
        let end = end.trim_start_matches('*');
        let told = !start.is_empty() && !end.is_empty() && start.len() + end.len() <= self.token.0.len();
        told && self.token.0.starts_with(start) && self.token.0.ends_with(end)
    }

    /// A name for programs that want one; the platform looks at the token alone.
    pub(in crate::cli) fn name(&self) -> &str {
        self.email.as_deref().unwrap_or("hokku")
    }

    /// What the user must know of the file that the token is from.
    pub(in crate::cli) fn notice(&self) -> Option<&str> {
        self.notice.as_deref()
    }

    /// Whether it is what a login left.
    pub(in crate::cli) fn is_login(&self) -> bool {
        self.origin == Origin::Netrc
    }

    /// Whether it is from the environment, which no login changes.
    pub(in crate::cli) fn is_fixed(&self) -> bool {
        self.origin == Origin::Key
    }
}

/// The words for a 401.
pub(super) fn unauthorized(host: &Host, origin: Option<Origin>) -> ClientError {
    let problem = match origin {
        None => "wants a token",
        Some(Origin::Key) => "does not accept the token in HOKKU_API_KEY",
        Some(Origin::Netrc) => "does not accept the token of your last login, which may have ended",
        Some(Origin::Owner) => "does not accept the owner's token",
    };
    ClientError::Unauthorized { host: host.to_string(), problem }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_missing_token_and_a_wrong_one_are_told_apart() {
        let host = Host::parse("http://paas.example.com").expect("legal");
        let told = |origin| unauthorized(&host, origin).to_string();
        insta::assert_snapshot!(told(None), @"http://paas.example.com wants a token: log in with `hokku login`, or set HOKKU_API_KEY to a token; the owner's is in the file `owner-token` in the platform's data directory");
        insta::assert_snapshot!(told(Some(Origin::Key)), @"http://paas.example.com does not accept the token in HOKKU_API_KEY: log in with `hokku login`, or set HOKKU_API_KEY to a token; the owner's is in the file `owner-token` in the platform's data directory");
        insta::assert_snapshot!(told(Some(Origin::Netrc)), @"http://paas.example.com does not accept the token of your last login, which may have ended: log in with `hokku login`, or set HOKKU_API_KEY to a token; the owner's is in the file `owner-token` in the platform's data directory");
    }

    #[test]
    fn a_token_is_known_by_its_beginning_and_end() {
        let credential = Credential::new("HOKKU-abcdefgh".to_owned(), Origin::Netrc);
        for hint in ["HOKKU-a**********gh", "H****h", "HOKKU-abcdefgh"] {
            assert!(credential.fits(hint), "{hint}");
        }
        for hint in
            ["", "****", "HOKKU-****", "****gh", "HOKKU-a***gh", "HOKKU-x****gh", "HOKKU-abcdefg****gh"]
        {
            assert!(!credential.fits(hint), "{hint}");
        }
    }
}
