use super::door::Door;
use crate::dyno::Dyno;
use crate::logplex::AppLog;
use crate::name::AppName;
use std::{collections::HashMap, fmt, sync::Arc};

/// Which app answers at which host: an immutable snapshot, published as a whole with
/// [`Router::publish`](super::Router::publish).
#[derive(Clone, Debug, Default)]
pub struct Routes {
    by_host: HashMap<Box<str>, Destination>,
    default: Option<Destination>,
}

/// Where the requests for one host go.
#[derive(Clone, Debug)]
pub enum Destination {
    /// To an app's dynos.
    App(Arc<Route>),
    /// To another door of the platform, as the control API is.
    Door(Arc<dyn Door>),
}

/// One app as the router sees it.
#[derive(Clone)]
pub struct Route {
    /// The app.
    pub app: AppName,
    /// Where its router lines go.
    pub log: AppLog,
    /// Who answers.
    pub target: Target,
}

/// Who answers an app's requests.
#[derive(Clone)]
pub enum Target {
    /// Web dynos that are up; one is chosen at random for each request. Without any: H14.
    Dynos(Vec<Arc<Dyno>>),
    /// No web dyno is wanted, or none is up: H14.
    NoWeb,
    /// All web dynos have crashed: H10.
    Crashed,
    /// No web dyno is up, but one is being started: requests wait for the next table, at most
    /// [`RouterConfig::boot`](super::RouterConfig::boot); then H20.
    Booting,
    /// The owner closed the app for a while: H80.
    Maintenance,
    /// Nothing was deployed yet: H81.
    Blank,
}

/// The text is not a host.
#[derive(Clone, Debug, Eq, PartialEq, thiserror::Error)]
#[error("`{0}` is not a host: use a domain name or an address, without scheme and path, at most 255 bytes")]
pub struct InvalidHost(String);

impl Routes {
    /// A table without any route: every request meets the 404 page.
    #[must_use]
    pub fn new() -> Self {
        Self::default()
    }

    /// Routes `host` (case, a port and a trailing dot do not matter) to `destination`; of two for one host the later
    /// holds.
    ///
    /// # Errors
    /// [`InvalidHost`] for what no client could send as `Host`.
    pub fn insert(&mut self, host: &str, destination: Destination) -> Result<(), InvalidHost> {
        let name = host_name(host).ok_or_else(|| InvalidHost(host.chars().take(64).collect()))?;
        self.by_host.insert(name.to_ascii_lowercase().into(), destination);
        Ok(())
    }

    /// A table that routes every host without a route of its own to `route`, as `hokku serve` does for its one app.
    #[must_use]
    pub fn only(route: Route) -> Self {
        Self { by_host: HashMap::new(), default: Some(Destination::App(Arc::new(route))) }
    }

    /// Where `host`, which [`host_name`] has cleaned, leads to. Allocates nothing.
    pub(super) fn find(&self, host: &str) -> Option<&Destination> {
        let named = if self.by_host.is_empty() { None } else { self.find_named(host) };
        named.or(self.default.as_ref())
    }

    fn find_named(&self, host: &str) -> Option<&Destination> {
        if !host.bytes().any(|byte| byte.is_ascii_uppercase()) {
            return self.by_host.get(host);
        }
        let mut buffer = [0; MAX_HOST];
        let lower = buffer.get_mut(..host.len())?;
        lower.copy_from_slice(host.as_bytes());
        lower.make_ascii_lowercase();
        self.by_host.get(std::str::from_utf8(lower).ok()?)
    }

    /// Where requests that name no host (HTTP/1.0) lead to.
    pub(super) fn fallback(&self) -> Option<&Destination> {
        self.default.as_ref()
    }
}

impl fmt::Debug for Route {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("Route").field("app", &self.app).field("target", &self.target).finish_non_exhaustive()
    }
}

impl fmt::Debug for Target {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Self::Dynos(dynos) => f.debug_list().entries(dynos.iter().map(|dyno| dyno.name())).finish(),
            Self::NoWeb => f.write_str("NoWeb"),
            Self::Crashed => f.write_str("Crashed"),
            Self::Booting => f.write_str("Booting"),
            Self::Maintenance => f.write_str("Maintenance"),
            Self::Blank => f.write_str("Blank"),
        }
    }
}

/// The longest host name (RFC 1035 allows 253 characters; a bracketed address is shorter).
const MAX_HOST: usize = 255;

/// The host in an authority (`Shop.example.:5000`), without port and trailing dot, in the case it was written;
/// `None` for anything else than a name or an address.
pub(super) fn host_name(authority: &str) -> Option<&str> {
    let (host, rest) = if authority.starts_with('[') {
        authority.split_at(authority.find(']')? + 1)
    } else {
        authority.split_at(authority.find(':').unwrap_or(authority.len()))
    };
    let port = rest.strip_prefix(':').unwrap_or(rest);
    let port_is_legal = port.len() <= 5 && port.bytes().all(|byte| byte.is_ascii_digit());
    if !port_is_legal || (rest == port && !rest.is_empty()) {
        return None;
    }
    let host = host.strip_suffix('.').unwrap_or(host);
    is_host(host).then_some(host)
}

fn is_host(host: &str) -> bool {
    let inner = host.strip_prefix('[').and_then(|rest| rest.strip_suffix(']'));
    let legal = match inner {
        Some(address) => address.bytes().all(|byte| byte.is_ascii_hexdigit() || matches!(byte, b':' | b'.')),
        None => host.bytes().all(|byte| byte.is_ascii_alphanumeric() || matches!(byte, b'-' | b'.' | b'_')),
    };
    let length = inner.unwrap_or(host).len();
    legal && (1..=MAX_HOST - 2).contains(&length)
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::clock::Clock;
    use crate::logplex::{Logplex, LogplexConfig};
    use proptest::prelude::*;

    fn route(app: &str) -> Route {
        let app = AppName::like(app);
        let log = Logplex::new(Clock::system(), LogplexConfig::default()).channel(&app);
        Route { app, log, target: Target::NoWeb }
    }

    fn to(app: &str) -> Destination {
        Destination::App(Arc::new(route(app)))
    }

    fn found(routes: &Routes, authority: &str) -> Option<String> {
        match routes.find(host_name(authority)?)? {
            Destination::App(route) => Some(route.app.to_string()),
            Destination::Door(_) => None,
        }
    }

    #[test]
    fn a_host_is_found_however_it_is_written() {
        let mut routes = Routes::new();
        routes.insert("Shop.Example.", to("shop")).expect("legal");
        routes.insert("[::1]", to("local")).expect("legal");
        for host in
            ["shop.example", "SHOP.example:5000", "shop.example.", "shop.EXAMPLE.:80", "shop.example:"]
        {
            assert_eq!(found(&routes, host).as_deref(), Some("shop"), "{host}");
        }
        for host in ["[::1]", "[::1]:5000"] {
            assert_eq!(found(&routes, host).as_deref(), Some("local"), "{host}");
        }
        for host in ["example", "x.shop.example", "[::2]", "shop.example..", "127.0.0.1"] {
            assert_eq!(found(&routes, host), None, "{host}");
        }
    }

    #[test]
    fn the_default_takes_what_no_other_route_has() {
        let mut routes = Routes::only(route("rest"));
        assert_eq!(found(&routes, "localhost:5000").as_deref(), Some("rest"));
        routes.insert("shop.example", to("shop")).expect("legal");
        assert_eq!(found(&routes, "shop.example").as_deref(), Some("shop"));
        assert_eq!(found(&routes, "127.0.0.1").as_deref(), Some("rest"));
    }

    #[test]
    fn what_is_no_host_is_refused() {
        for host in [
            "", ".", ":80", "a b", "a/b", "u@h", "h:80:90", "h:port", "h:123456", "[::1", "[::1]x", "[]",
            "é", "h\"",
        ] {
            assert_eq!(host_name(host), None, "{host}");
        }
        assert_eq!(host_name(&"a".repeat(254)), None);
        let error = Routes::new().insert("http://shop", to("shop")).expect_err("illegal");
        insta::assert_snapshot!(error, @"`http://shop` is not a host: use a domain name or an address, without scheme and path, at most 255 bytes");
    }

    proptest! {
        #[test]
        fn a_host_never_holds_what_could_forge_a_log_field(text in ".*") {
            if let Some(host) = host_name(&text) {
                prop_assert!(!host.is_empty() && host.len() <= MAX_HOST);
                prop_assert!(host.bytes().all(|b| b.is_ascii_graphic() && !matches!(b, b'"' | b'=' | b'/' | b'\\')));
                prop_assert!(text.contains(host));
            }
        }
    }
}
