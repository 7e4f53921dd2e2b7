use std::fmt;

/// The most bytes of an e-mail address (RFC 5321).
const MOST: usize = 254;

/// An e-mail address that an account may have. Nothing is ever sent there: it is a name to log in with.
#[derive(Clone, Debug, Eq, PartialEq)]
pub(super) struct Email(String);

/// The text is not one.
#[derive(Clone, Debug, Eq, PartialEq, thiserror::Error)]
#[error(
    "`{0}` is not an e-mail address: write it as name@example.com, in at most {MOST} ASCII characters, without spaces, \
     quotes, slashes, colons, commas and angle brackets"
)]
pub struct InvalidEmail(String);

impl Email {
    pub(super) fn new(text: &str) -> Result<Self, InvalidEmail> {
        let legal = |c: char| c.is_ascii_graphic() && !":/\\\"<>,;".contains(c);
        let whole = text.split_once('@').is_some_and(|(name, host)| {
            !name.is_empty() && !host.is_empty() && !host.contains('@') && !host.starts_with('.')
        });
        if whole && text.len() <= MOST && text.chars().all(legal) {
            return Ok(Self(text.to_owned()));
        }
        Err(InvalidEmail(shown(text, 64)))
    }
}

impl fmt::Display for Email {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(&self.0)
    }
}

/// What somebody sent, short and without control characters.
pub(super) fn shown(text: &str, most: usize) -> String {
    text.chars().filter(|c| !c.is_control()).take(most).collect()
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn an_address_has_one_at_sign_and_plain_characters() {
        for text in ["a@b", "owner@localhost", "first.last+tag@Example.com"] {
            assert_eq!(Email::new(text).expect(text).to_string(), text);
        }
        let long = format!("{}@example.com", "x".repeat(250));
        let illegal =
            ["", "@", "a@", "@b", "a@b@c", "a b@c", "a:b@c", "a/b@c", "ä@b", "a@b\n", "a@.b", "no", &long];
        for text in illegal {
            Email::new(text).expect_err(text);
        }
        let refused = Email::new("no\u{7}body").expect_err("no address");
        insta::assert_snapshot!(refused, @"`nobody` is not an e-mail address: write it as name@example.com, in at most 254 ASCII characters, without spaces, quotes, slashes, colons, commas and angle brackets");
    }
}
