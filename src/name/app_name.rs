use std::str::FromStr;

/// The name of an app: 3 to 30 of `a-z`, `0-9` and `-`, starting with a letter and not ending with `-`.
///
/// It is a DNS label, because `NAME.DOMAIN` is where the app answers (Platform API schema: `app.name`).
#[derive(Clone, Eq, Hash, Ord, PartialEq, PartialOrd)]
pub struct AppName(pub(super) String);

super::string_newtype!(AppName);

/// The text is not an app name.
#[derive(Clone, Debug, Eq, PartialEq, thiserror::Error)]
#[error(
    "`{0}` is not an app name: use 3 to 30 of a-z, 0-9 and -, starting with a letter and not ending with -"
)]
pub struct InvalidAppName(String);

impl FromStr for AppName {
    type Err = InvalidAppName;

    fn from_str(text: &str) -> Result<Self, InvalidAppName> {
        let legal = |c| matches!(c, 'a'..='z' | '0'..='9' | '-');
        let valid = (3..=30).contains(&text.len())
            && text.starts_with(|c: char| c.is_ascii_lowercase())
            && !text.ends_with('-')
            && text.chars().all(legal);
        if valid { Ok(Self(text.to_owned())) } else { Err(InvalidAppName(text.chars().take(64).collect())) }
    }
}

impl AppName {
    /// The nearest legal name to `text` (a directory's name, say): lower case, other characters become `-`.
    ///
    /// Falls back to `app` where nothing of the text can be kept.
    #[must_use]
    pub fn like(text: &str) -> Self {
        let mut name: String = text
            .chars()
            .map(|c| c.to_ascii_lowercase())
            .map(|c| if c.is_ascii_alphanumeric() { c } else { '-' })
            .skip_while(|c| !c.is_ascii_alphabetic())
            .take(30)
            .collect();
        name.truncate(name.trim_end_matches('-').len());
        if !name.is_empty() && name.len() < 3 {
            name.push_str("-app");
        }
        name.parse().unwrap_or_else(|_| Self("app".to_owned()))
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn legal_names_parse_and_others_do_not() {
        for name in ["shop", "a-1", "abc", &"a".repeat(30)] {
            assert!(name.parse::<AppName>().is_ok(), "{name}");
        }
        for name in ["", "ab", "1abc", "Shop", "shop-", "sh op", "../etc", &"a".repeat(31)] {
            assert!(name.parse::<AppName>().is_err(), "{name}");
        }
    }

    #[test]
    fn like_makes_a_legal_name_of_anything() {
        assert_eq!(AppName::like("My Shop_2").as_ref(), "my-shop-2");
        assert_eq!(AppName::like("42").as_ref(), "app");
        assert_eq!(AppName::like("x").as_ref(), "x-app");
        assert_eq!(AppName::like("日本").as_ref(), "app");
    }

    proptest::proptest! {
        #[test]
        fn like_is_always_legal(text in ".*") {
            let name = AppName::like(&text);
            proptest::prop_assert_eq!(name.as_ref().parse::<AppName>(), Ok(name));
        }
    }
}
