use super::ClientError;
use reqwest::Url;
use std::{
    fmt,
    net::{IpAddr, Ipv4Addr},
};

/// Where a platform is: scheme, name and port.
#[derive(Clone, Eq, PartialEq)]
pub(super) struct Host(Url);

impl Host {
    /// Reads `http://localhost:8080`, `localhost:8080` or `https://hokku.example.com`. Without a scheme a name of this
    /// machine means http, any other https.
    pub(super) fn parse(text: &str) -> Result<Self, ClientError> {
        let bad = || ClientError::BadHost { text: text.chars().take(100).collect() };
        let text = text.trim();
        let with_scheme = if text.contains("://") { text.to_owned() } else { format!("http://{text}") };
        let mut url = Url::parse(&with_scheme).map_err(|_| bad())?;
        if !matches!(url.scheme(), "http" | "https") || url.host_str().is_none_or(str::is_empty) {
            return Err(bad());
        }
        if !url.username().is_empty() || url.password().is_some() {
            return Err(ClientError::HostWithPassword);
        }
        if url.path() != "/" || url.query().is_some() || url.fragment().is_some() || !is_name(&url, text) {
            return Err(bad());
        }
        url.set_path("");
        let host = Self(url);
        let secure = host.0.scheme() == "https" || !text.contains("://") && !host.is_loopback();
        if secure {
            let name = host.0.host_str().unwrap_or_default().to_owned();
            return Err(ClientError::Https { name });
        }
        Ok(host)
    }

    /// Whether it is this machine, by its name or address.
    pub(super) fn is_loopback(&self) -> bool {
        let name = self.0.host_str().unwrap_or_default();
        match name.trim_start_matches('[').trim_end_matches(']').parse::<IpAddr>() {
            Ok(address) => address.is_loopback(),
            Err(_) => is_loopback_name(name),
        }
    }

    /// Whether both are the same port of the same machine.
    pub(super) fn is_same_place(&self, other: &Self) -> bool {
        let (name, others) = (self.0.host_str().unwrap_or_default(), other.0.host_str().unwrap_or_default());
        let same_name = name == others || is_own_name(name) && is_own_name(others);
        same_name
            && self.0.scheme() == other.0.scheme()
            && self.0.port_or_known_default() == other.0.port_or_known_default()
    }

    /// What the platform gave out as `address`, at this host: under which name and port the platform knows itself says
    /// nothing about how it is reached from here.
    pub(super) fn serving(&self, address: &str) -> Result<Url, ClientError> {
        let given = self.0.join(address).map_err(|_| ClientError::BadAddress { host: self.to_string() })?;
        let mut url = self.0.clone();
        url.set_path(given.path());
        url.set_query(given.query());
        Ok(url)
    }

    /// The address of what `segments` name; each is encoded, so that none can lead elsewhere.
    pub(super) fn at(&self, segments: &[&str]) -> Url {
        let mut url = self.0.clone();
        if let Ok(mut path) = url.path_segments_mut() {
            path.clear().extend(segments);
        }
        url
    }
}

/// Whether the host of `url` is one that a person means who writes `text`: no number that happens to be an address.
fn is_name(url: &Url, text: &str) -> bool {
    match url.host_str() {
        Some(name) if name.parse::<Ipv4Addr>().is_ok() => text.contains(name),
        Some(name) if name.starts_with('[') => true,
        Some(name) => name.chars().all(|c| c.is_ascii_alphanumeric() || "-._".contains(c)),
        None => false,
    }
}

/// Whether `name` is this machine's usual one, under which a platform gives itself out.
fn is_own_name(name: &str) -> bool {
    matches!(name, "localhost" | "127.0.0.1" | "[::1]")
}

/// Whether `name` is `localhost` or below it, which by RFC 6761 is this machine.
pub(super) fn is_loopback_name(name: &str) -> bool {
    let name = name.trim_end_matches('.').to_ascii_lowercase();
    name == "localhost" || name.ends_with(".localhost")
}

impl fmt::Display for Host {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(self.0.as_str().trim_end_matches('/'))
    }
}

impl fmt::Debug for Host {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        fmt::Display::fmt(self, f)
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_host_is_read_with_and_without_a_scheme() {
        let read = |text: &str| Host::parse(text).expect("legal").to_string();
        assert_eq!(read("http://localhost:8080"), "http://localhost:8080");
        assert_eq!(read("localhost:8080/"), "http://localhost:8080");
        assert_eq!(read("[::1]:9"), "http://[::1]:9");
        assert_eq!(read("http://paas.example.com/"), "http://paas.example.com");
        assert_eq!(read("http://10.0.0.1:80"), "http://10.0.0.1");
    }

    #[test]
    fn only_this_machine_is_loopback() {
        let loopback = |text: &str| Host::parse(text).expect("legal").is_loopback();
        for text in
            ["localhost", "http://api.localhost:1", "127.0.0.1:8080", "127.9.9.9", "[::1]", "LOCALHOST."]
        {
            assert!(loopback(text), "{text}");
        }
        for text in ["http://localhost.example.com", "http://10.0.0.1", "http://[::2]", "http://notlocalhost"]
        {
            assert!(!loopback(text), "{text}");
        }
    }

    #[test]
    fn what_is_no_host_says_what_to_do() {
        let error = |text: &str| Host::parse(text).expect_err("illegal").to_string();
        insta::assert_snapshot!(error("paas.example.com"), @"this hokku speaks no https, so it cannot reach paas.example.com: open a tunnel with `ssh -L 8080:localhost:8080 paas.example.com` and set HOKKU_HOST=http://localhost:8080");
        insta::assert_snapshot!(error("https://localhost:8080"), @"this hokku speaks no https, so it cannot reach localhost: open a tunnel with `ssh -L 8080:localhost:8080 localhost` and set HOKKU_HOST=http://localhost:8080");
        insta::assert_snapshot!(error("ftp://x"), @"`ftp://x` is no host: set HOKKU_HOST to something like http://localhost:8080");
        for text in
            ["7001", "http://7001", "ht!tp", "localhost/path", "http://localhost?x", "localhost#x", "", ":80"]
        {
            let no_host =
                format!("`{text}` is no host: set HOKKU_HOST to something like http://localhost:8080");
            assert_eq!(error(text), no_host);
        }
        insta::assert_snapshot!(error("http://user:secret@localhost"), @"HOKKU_HOST holds a name or password: put the token into HOKKU_API_KEY instead");
    }

    #[test]
    fn addresses_of_the_platform_are_reached_at_the_same_host() {
        let host = Host::parse("localhost:7001").expect("legal");
        let at = |address: &str| host.serving(address).expect("legal").to_string();
        assert_eq!(
            at("http://paas.example.com:80/sources/a%2Fb?x=%20"),
            "http://localhost:7001/sources/a%2Fb?x=%20"
        );
        assert_eq!(at("/logs/1"), "http://localhost:7001/logs/1");
        let error = host.serving("http://[").expect_err("illegal").to_string();
        insta::assert_snapshot!(error, @"http://localhost:7001 gave out an address that is none: is HOKKU_HOST right?");
    }

    #[test]
    fn the_same_place_has_three_names() {
        let same = |one: &str, other: &str| {
            let read = |text: &str| Host::parse(text).expect("legal");
            read(one).is_same_place(&read(other))
        };
        for other in ["localhost:8080", "127.0.0.1:8080", "[::1]:8080", "http://LOCALHOST:8080/"] {
            assert!(same("http://localhost:8080", other), "{other}");
        }
        for other in
            ["localhost", "localhost:8081", "127.0.0.2:8080", "x.localhost:8080", "http://10.0.0.1:8080"]
        {
            assert!(!same("http://localhost:8080", other), "{other}");
        }
    }

    #[test]
    fn a_segment_cannot_leave_its_place() {
        let host = Host::parse("localhost").expect("legal");
        assert_eq!(
            host.at(&["apps", "a/../b?x#y", "dynos"]).as_str(),
            "http://localhost/apps/a%2F..%2Fb%3Fx%23y/dynos"
        );
    }
}
