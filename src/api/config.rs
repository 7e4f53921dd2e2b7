use super::ApiSecret;
use crate::name::{AppName, Scheme};
use std::time::Duration;

/// How the API is seen from outside, and what it allows.
#[derive(Clone, Debug)]
pub struct ApiConfig {
    /// The platform's domain: apps are below it. Default: `localhost`.
    pub domain: String,
    /// How clients reach the platform. Default: `http`.
    pub scheme: Scheme,
    /// On which port clients reach it. Default: 8080.
    pub port: u16,
    /// What the addresses of output streams are derived from.
    pub secret: ApiSecret,
    /// What the operator may set.
    pub limits: ApiLimits,
    /// The most bytes of an uploaded source or slug. Default: 1 GB.
    pub upload_limit: u64,
}

/// What one caller may take of the API.
#[derive(
    Clone, Copy, Debug, Eq, PartialEq, documented::DocumentedFields, serde::Deserialize, serde::Serialize,
)]
#[serde(default, deny_unknown_fields, rename_all = "kebab-case")]
pub struct ApiLimits {
    /// The most bytes of a JSON body. Default: 1 MiB.
    pub json_limit: usize,
    /// How long an upload address is valid. Default: 1 h.
    #[serde(with = "crate::clock::duration_text")]
    pub upload_life: Duration,
    /// How long a log session may wait for its first or next reader. Default: 5 min.
    #[serde(with = "crate::clock::duration_text")]
    pub session_life: Duration,
    /// How many requests an account may make at once after a pause. Default: 4,500, as on Heroku.
    pub requests_at_once: u32,
    /// How many more it may make each minute. Default: 75, as on Heroku.
    pub requests_per_minute: u32,
}

impl Default for ApiLimits {
    fn default() -> Self {
        Self {
            json_limit: 1 << 20,
            upload_life: Duration::from_hours(1),
            session_life: Duration::from_mins(5),
            requests_at_once: 4500,
            requests_per_minute: 75,
        }
    }
}

impl ApiConfig {
    /// The defaults, for `http://localhost:8080`.
    #[must_use]
    pub fn new(secret: ApiSecret) -> Self {
        Self {
            domain: "localhost".to_owned(),
            scheme: Scheme::Http,
            port: 8080,
            secret,
            limits: ApiLimits::default(),
            upload_limit: 1_000_000_000,
        }
    }

    /// The host at which `app` always answers.
    pub(super) fn app_host(&self, app: &AppName) -> String {
        format!("{app}.{}", self.domain)
    }

    /// Where `app` answers: `http://shop.localhost:8080/`.
    #[must_use]
    pub fn web_url(&self, app: &AppName) -> String {
        self.address(&self.app_host(app), "/")
    }

    pub(super) fn git_url(&self, app: &AppName) -> String {
        self.address(&self.domain, &format!("/{app}.git"))
    }

    /// The address of `path` at the API itself.
    pub(super) fn own(&self, path: &str) -> String {
        self.address(&self.domain, path)
    }

    fn address(&self, host: &str, path: &str) -> String {
        let Self { scheme, port, .. } = self;
        if *port == scheme.default_port() {
            format!("{scheme}://{host}{path}")
        } else {
            format!("{scheme}://{host}:{port}{path}")
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn addresses_leave_the_usual_port_out() {
        let name: AppName = "shop".parse().expect("legal");
        let mut config = ApiConfig::new(ApiSecret::from_bytes([7; 32]));
        insta::assert_snapshot!(config.web_url(&name), @"http://shop.localhost:8080/");
        (config.domain, config.scheme, config.port) = ("paas.example".to_owned(), Scheme::Https, 443);
        insta::assert_snapshot!(config.web_url(&name), @"https://shop.paas.example/");
        insta::assert_snapshot!(config.git_url(&name), @"https://paas.example/shop.git");
    }

    #[test]
    fn the_secret_is_not_shown() {
        let config = ApiConfig::new(ApiSecret::from_bytes([7; 32]));
        assert!(format!("{config:?}").contains("ApiSecret(…)"));
    }
}
