use super::{ClientAddress, Token};
use base64::{Engine as _, engine::general_purpose::STANDARD_PAD_INDIFFERENT as BASE64};
use http::{HeaderMap, header};
use std::fmt;

/// What a request shows to be let in. Never shown.
#[derive(Clone, Eq, PartialEq)]
pub struct Credentials {
    user: Option<String>,
    secret: String,
    from: Option<ClientAddress>,
}

/// What the official command line sends as its token when it has none.
const NO_TOKEN: &str = "undefined";

impl fmt::Debug for Credentials {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str("Credentials(…)")
    }
}

impl Credentials {
    /// `Bearer SECRET`, or `Basic USER:SECRET` (RFC 7617). A password that a page (`Origin`) sends does not count:
    /// browsers add those that they remember to requests of any page, an app's too.
    #[must_use]
    pub fn of(headers: &HeaderMap) -> Option<Self> {
        let value = headers.get(header::AUTHORIZATION)?.to_str().ok()?;
        let (scheme, credentials) = value.trim().split_once(' ')?;
        let credentials = credentials.trim();
        if scheme.eq_ignore_ascii_case("bearer") {
            return Self::some(None, credentials);
        }
        let by_a_program = scheme.eq_ignore_ascii_case("basic") && !headers.contains_key(header::ORIGIN);
        let basic = by_a_program.then(|| BASE64.decode(credentials).ok())??;
        let (user, secret) = std::str::from_utf8(&basic).ok()?.split_once(':')?;
        // Some programs send the token as the user: that is no name, and names are written down.
        let is_name = !user.is_empty() && !Token::is_like(user.trim());
        Self::some(is_name.then(|| user.to_owned()), secret)
    }

    fn some(user: Option<String>, secret: &str) -> Option<Self> {
        let given = !secret.is_empty() && secret != NO_TOKEN;
        given.then(|| Self { user, secret: secret.to_owned(), from: None })
    }

    /// The same, sent from there: failed attempts count for the address, and are noted with it.
    #[must_use]
    pub fn sent_from(self, from: Option<ClientAddress>) -> Self {
        Self { from, ..self }
    }

    /// From where they were sent, as far as it is known.
    #[must_use]
    pub fn address(&self) -> Option<ClientAddress> {
        self.from
    }

    /// Who they say it is. With a token it says nothing: whoever has it is meant.
    #[must_use]
    pub fn user(&self) -> Option<&str> {
        self.user.as_deref()
    }

    /// The token or the password.
    #[must_use]
    pub fn secret(&self) -> &str {
        &self.secret
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use http::HeaderValue;

    fn secret_of(authorization: &'static str) -> Option<String> {
        let mut headers = HeaderMap::new();
        headers.insert(header::AUTHORIZATION, HeaderValue::from_static(authorization));
        Credentials::of(&headers).map(|credentials| credentials.secret)
    }

    #[test]
    fn a_token_comes_as_bearer_or_as_password() {
        for authorization in ["Bearer abc", "bearer  abc ", "Basic bWVAZXhhbXBsZS5jb206YWJj", "basic OmFiYw"]
        {
            assert_eq!(secret_of(authorization).as_deref(), Some("abc"), "{authorization}");
        }
        for authorization in [
            "",
            "abc",
            "Basic",
            "Basic !",
            "Basic YWJj",
            "Digest abc",
            "Bearer undefined",
            "Bearer ",
            "Basic bWU6",
        ] {
            assert_eq!(secret_of(authorization), None, "{authorization}");
        }
    }

    #[test]
    fn a_token_in_the_place_of_a_name_is_no_name() {
        let token = Token::random().expect("random");
        let basic = BASE64.encode(format!("{}:x-oauth-basic", token.reveal()));
        let mut headers = HeaderMap::new();
        headers.insert(header::AUTHORIZATION, format!("Basic {basic}").parse().expect("text"));
        assert_eq!(Credentials::of(&headers).expect("some").user(), None);
    }

    #[test]
    fn a_password_that_a_browser_remembers_is_not_taken_from_a_page() {
        let mut headers = HeaderMap::new();
        headers.insert(header::ORIGIN, HeaderValue::from_static("http://shop.localhost:8080"));
        headers.insert(header::AUTHORIZATION, HeaderValue::from_static("Basic OmFiYw"));
        assert_eq!(Credentials::of(&headers), None);
        headers.insert(header::AUTHORIZATION, HeaderValue::from_static("Bearer abc"));
        let credentials = Credentials::of(&headers).expect("a token");
        assert_eq!((credentials.user(), credentials.secret()), (None, "abc"));
        assert_eq!(format!("{credentials:?}"), "Credentials(…)");
    }
}
