use super::TlsConfig;
use crate::api::ApiLimits;
use crate::build::BuilderConfig;
use crate::dyno::EngineConfig;
use crate::formation::FormationConfig;
use crate::git::GitConfig;
use crate::logplex::LogplexConfig;
use crate::name::Hostname;
use crate::release::ReleaseConfig;
use crate::router::{Listen, RouterConfig};
use documented::DocumentedFields;
use serde::{Deserialize, Serialize};
use std::{path::PathBuf, time::Duration};

/// Everything that can be set about a platform: `hokku.toml`. Each section is the config of a room.
#[derive(Clone, Debug, Deserialize, DocumentedFields, Serialize)]
#[serde(default, deny_unknown_fields, rename_all = "kebab-case")]
pub struct Config {
    /// Where everything is kept; only this user may write here. Default: ~/.local/share/hokku.
    pub data_dir: PathBuf,
    /// Where compiled code, unpacked slugs and builds are kept; may be deleted while the platform is stopped. For this
    /// platform alone: it removes what its slugs do not need. Default: cache in the data directory.
    pub cache_dir: PathBuf,
    /// Where to listen, for apps and control API alike: `localhost:8080`, `0.0.0.0:80`, `[::]:80` (IPv4 as well), or several
    /// with commas, of which the first is given out in addresses. Sockets of a socket unit go before it.
    pub listen: Listen,
    /// The domain below which apps answer, as NAME.DOMAIN. The domain itself and api.DOMAIN are the control API.
    pub domain: Hostname,
    /// The e-mail address of the owner's account, which is made at the first start.
    pub owner: String,
    /// How long running requests may take to end when the platform stops.
    #[serde(with = "crate::clock::duration_text")]
    pub grace: Duration,
    /// The platform's own log, on standard error.
    pub log: LogConfig,
    /// How requests reach dynos.
    pub router: RouterConfig,
    /// Certificates for https, which is spoken on the same port as http.
    pub tls: TlsConfig,
    /// The machinery that runs guests.
    pub dyno: EngineConfig,
    /// The dyno manager.
    pub formation: FormationConfig,
    /// Builds.
    pub builds: BuilderConfig,
    /// Releases, and what is kept of them.
    pub releases: ReleaseConfig,
    /// The logs of apps.
    pub logplex: LogplexConfig,
    /// The control API.
    pub api: ApiLimits,
    /// Pushes and fetches with git.
    pub git: GitConfig,
}

impl Default for Config {
    fn default() -> Self {
        Self {
            data_dir: PathBuf::new(),
            cache_dir: PathBuf::new(),
            listen: Listen::localhost(8080),
            domain: Hostname::localhost(),
            owner: "owner@localhost".to_owned(),
            grace: Duration::from_secs(30),
            log: LogConfig::default(),
            router: RouterConfig::default(),
            tls: TlsConfig::default(),
            dyno: EngineConfig::default(),
            formation: FormationConfig::default(),
            builds: BuilderConfig::default(),
            releases: ReleaseConfig::default(),
            logplex: LogplexConfig::default(),
            api: ApiLimits::default(),
            git: GitConfig::default(),
        }
    }
}

/// The platform's own log.
#[derive(Clone, Debug, Deserialize, DocumentedFields, Eq, PartialEq, Serialize)]
#[serde(default, deny_unknown_fields, rename_all = "kebab-case")]
pub struct LogConfig {
    /// How lines look: text, or json with an object a line.
    pub format: LogFormat,
    /// What is logged: error, warn, info, debug or trace, or directives as `warn,hokku::router=debug`.
    /// `HOKKU_LOG` goes before it.
    pub level: String,
}

impl Default for LogConfig {
    fn default() -> Self {
        Self { format: LogFormat::Text, level: "info".to_owned() }
    }
}

/// How lines of the platform's own log look.
#[derive(Clone, Copy, Debug, Default, Deserialize, Eq, PartialEq, Serialize)]
#[serde(rename_all = "kebab-case")]
pub enum LogFormat {
    /// For people.
    #[default]
    Text,
    /// An object a line.
    Json,
}

/// A section of the file: its name, empty for the keys above all sections, with each key's field and what it means.
pub(super) type Section = (&'static str, &'static [&'static str], &'static [&'static str]);

/// Every section in the order of the file.
pub(super) const SECTIONS: [Section; 11] = [
    ("", Config::FIELD_NAMES, Config::FIELD_DOCS),
    ("log", LogConfig::FIELD_NAMES, LogConfig::FIELD_DOCS),
    ("router", RouterConfig::FIELD_NAMES, RouterConfig::FIELD_DOCS),
    ("tls", TlsConfig::FIELD_NAMES, TlsConfig::FIELD_DOCS),
    ("dyno", EngineConfig::FIELD_NAMES, EngineConfig::FIELD_DOCS),
    ("formation", FormationConfig::FIELD_NAMES, FormationConfig::FIELD_DOCS),
    ("builds", BuilderConfig::FIELD_NAMES, BuilderConfig::FIELD_DOCS),
    ("releases", ReleaseConfig::FIELD_NAMES, ReleaseConfig::FIELD_DOCS),
    ("logplex", LogplexConfig::FIELD_NAMES, LogplexConfig::FIELD_DOCS),
    ("api", ApiLimits::FIELD_NAMES, ApiLimits::FIELD_DOCS),
    ("git", GitConfig::FIELD_NAMES, GitConfig::FIELD_DOCS),
];
