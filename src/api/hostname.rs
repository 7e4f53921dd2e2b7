/// What an app cannot answer at.
#[derive(Debug, Eq, PartialEq, thiserror::Error)]
pub(super) enum InvalidHostname {
    #[error(
        "{0} is not a hostname: use a name of at least two labels, as www.example.com, of letters, digits and -"
    )]
    Shape(String),
    #[error("{0} is an address: use a name, as www.example.com")]
    Address(String),
    #[error("{0} is the platform's own: apps answer there by their names")]
    OfThePlatform(String),
}

/// `text` in lower case and without a final dot, when an app of the platform at `domain` may answer there.
pub(super) fn hostname(text: &str, domain: &str) -> Result<String, InvalidHostname> {
    let host = text.strip_suffix('.').unwrap_or(text).to_ascii_lowercase();
    let shown: String = host.chars().take(64).collect();
    if host.parse::<std::net::IpAddr>().is_ok() {
        return Err(InvalidHostname::Address(shown));
    }
    if host.len() > 253 || !host.contains('.') || !host.split('.').all(is_label) {
        return Err(InvalidHostname::Shape(shown));
    }
    // No top-level domain is of digits alone; what looks like one is a mistyped address.
    if host.rsplit('.').next().is_some_and(|top| top.bytes().all(|c| c.is_ascii_digit())) {
        return Err(InvalidHostname::Address(shown));
    }
    let below = host.strip_suffix(domain).is_some_and(|rest| rest.is_empty() || rest.ends_with('.'));
    if below { Err(InvalidHostname::OfThePlatform(shown)) } else { Ok(host) }
}

fn is_label(label: &str) -> bool {
    (1..=63).contains(&label.len())
        && !label.starts_with('-')
        && !label.ends_with('-')
        && label.bytes().all(|c| c.is_ascii_lowercase() || c.is_ascii_digit() || c == b'-')
}

#[cfg(test)]
mod tests {
    use super::*;

    fn refused(text: &str) -> String {
        hostname(text, "paas.example").expect_err(text).to_string()
    }

    #[test]
    fn hostnames_are_made_plain() {
        assert_eq!(hostname("WWW.Example.com.", "localhost").as_deref(), Ok("www.example.com"));
        assert_eq!(hostname("notpaas.example", "paas.example").as_deref(), Ok("notpaas.example"));
    }

    #[test]
    fn others_are_refused_with_words() {
        insta::assert_snapshot!(refused("example"), @"example is not a hostname: use a name of at least two labels, as www.example.com, of letters, digits and -");
        insta::assert_snapshot!(refused("10.0.0.1"), @"10.0.0.1 is an address: use a name, as www.example.com");
        insta::assert_snapshot!(refused("shop.paas.example"), @"shop.paas.example is the platform's own: apps answer there by their names");
        for text in [
            "",
            ".",
            "a..b",
            "-a.b",
            "a-.b",
            "*.example.com",
            "a b.c",
            "a.b:80",
            "paas.example",
            "1.2.3",
            "[::1]",
            "é.com",
        ] {
            refused(text);
        }
    }
}
