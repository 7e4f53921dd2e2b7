use super::ClientError;
use crate::name::AppName;
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
        let text = text.trim();
        if text.contains("://") {
            return Self::of_url(text, text);
        }
        let here = Self::of_url(&format!("http://{text}"), text)?;
        if here.is_loopback() { Ok(here) } else { Self::of_url(&format!("https://{text}"), text) }
    }

    /// The host of `url`, which stands for what a person wrote as `text`.
    fn of_url(url: &str, text: &str) -> Result<Self, ClientError> {
        let bad = || ClientError::BadHost { text: text.chars().take(100).collect() };
        let mut url = Url::parse(url).map_err(|_| bad())?;
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
        Ok(Self(url))
    }

    pub(super) fn is_https(&self) -> bool {
        self.0.scheme() == "https"
    }

    /// Name and port, as a netrc file has them: no port where it is the usual one.
    pub(super) fn machine(&self) -> String {
        let name = self.0.host_str().unwrap_or_default();
        self.0.port().map_or_else(|| name.to_owned(), |port| format!("{name}:{port}"))
    }

    /// Whether it is this machine, by its name or address.
    pub(super) fn is_loopback(&self) -> bool {
        let name = self.0.host_str().unwrap_or_default();
        match name.trim_start_matches('[').trim_end_matches(']').parse::<IpAddr>() {
            Ok(address) => address.is_loopback(),
            Err(_) => is_loopback_name(name),
        }
    }

    /// Whether both are the same port of the same machine. One port speaks http and https.
    pub(super) fn is_same_place(&self, other: &Self) -> bool {
        let (name, others) = (self.0.host_str().unwrap_or_default(), other.0.host_str().unwrap_or_default());
        let same_name = name == others || is_own_name(name) && is_own_name(others);
        same_name && self.0.port_or_known_default() == other.0.port_or_known_default()
    }

    /// Whether a token for this host may go to `other`: the same place, and no less secret on the way.
    pub(super) fn shares_token_with(&self, other: &Self) -> bool {
        self.is_same_place(other) && (other.is_https() || !self.is_https() || other.is_loopback())
    }

    /// Where git finds the app's repository.
    pub(super) fn repository(&self, app: &str) -> String {
        self.at(&[&format!("{app}.git")]).to_string()
    }

    /// The app whose repository at this host is at `address`.
    pub(super) fn app_at(&self, address: &str) -> Option<AppName> {
        let mut url = Url::parse(address).ok()?;
        let path = url.path().trim_start_matches('/').to_owned();
        let app = path.strip_suffix(".git").unwrap_or(&path).parse().ok()?;
        // A name in the address is git's, and of no meaning here.
        url.set_username("").and_then(|()| url.set_password(None)).ok()?;
        url.set_path("");
        let host = Self::of_url(url.as_str(), url.as_str()).ok()?;
        host.is_same_place(self).then_some(app)
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
        assert_eq!(read("paas.example.com"), "https://paas.example.com");
        assert_eq!(read("paas.example.com:80"), "https://paas.example.com:80");
        assert_eq!(read("https://localhost:8080"), "https://localhost:8080");
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
        for other in [
            "localhost:8080",
            "127.0.0.1:8080",
            "[::1]:8080",
            "http://LOCALHOST:8080/",
            "https://localhost:8080",
        ] {
            assert!(same("http://localhost:8080", other), "{other}");
        }
        for other in
            ["localhost", "localhost:8081", "127.0.0.2:8080", "x.localhost:8080", "http://10.0.0.1:8080"]
        {
            assert!(!same("http://localhost:8080", other), "{other}");
        }
        assert!(!same("http://localhost", "https://localhost"));
    }

    #[test]
    fn a_token_goes_from_https_to_http_on_this_machine_only() {
        let shares = |one: &str, other: &str| {
            let read = |text: &str| Host::parse(text).expect("legal");
            read(one).shares_token_with(&read(other))
        };
        assert!(shares("http://localhost:8080", "https://localhost:8080"));
        assert!(shares("https://localhost:8080", "http://localhost:8080"));
        assert!(shares("http://paas.example.com:8080", "https://paas.example.com:8080"));
        assert!(!shares("https://paas.example.com:8080", "http://paas.example.com:8080"));
        assert!(!shares("https://paas.example.com", "https://example.com"));
    }

    #[test]
    fn a_machine_is_named_as_in_netrc_files() {
        let machine = |text: &str| Host::parse(text).expect("legal").machine();
        assert_eq!(machine("localhost:8080"), "localhost:8080");
        assert_eq!(machine("https://paas.example.com:443"), "paas.example.com");
        assert_eq!(machine("[::1]:8080"), "[::1]:8080");
    }

    #[test]
    fn repositories_lead_to_apps_and_back() {
        let host = Host::parse("localhost:8080").expect("legal");
        assert_eq!(host.repository("shop"), "http://localhost:8080/shop.git");
        let app = |address: &str| host.app_at(address).map(|app| app.to_string());
        for address in [
            "http://localhost:8080/shop.git",
            "https://me:secret@localhost:8080/shop.git",
            "http://127.0.0.1:8080/shop",
        ] {
            assert_eq!(app(address).as_deref(), Some("shop"), "{address}");
        }
        for address in [
            "http://localhost:8081/shop.git",
            "http://localhost:8080/a/shop.git",
            "http://localhost:8080/-x.git",
            "https://example.com/shop.git",
            "git@localhost:shop.git",
            "../shop.git",
        ] {
            assert_eq!(app(address), None, "{address}");
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
