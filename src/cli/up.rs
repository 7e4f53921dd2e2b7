use super::{data_dir::DataDir, interrupt::stop_on_interrupt, serve::own_compiler, unit::Unit};
use crate::ledger::PlatformKey;
use crate::platform::{Config, LogConfig, LogFormat, Platform, Settings};
use crate::router::Inherited;
use anyhow::Context as _;
use std::{
    io::{self, Write as _},
    path::PathBuf,
    process::ExitCode,
};
use tracing_subscriber::EnvFilter;

/// Run a platform: router, control API and dyno manager on one port.
///
/// Apps live in the data directory and come back at the next start. The first start makes the owner's account and prints
/// its token once; commands on this machine find it in the data directory by themselves. SIGTERM and Ctrl-C let running
/// requests end; a second one does not wait for them.
#[derive(Debug, clap::Args)]
#[command(after_help = "Examples:
  hokku up                                        on http://localhost:8080
  hokku up --listen 0.0.0.0:80 --domain paas.example.com
  hokku up --listen 0.0.0.0:80 --listen 0.0.0.0:443
  hokku up --print-config > hokku.toml            every key with what it means
  hokku up --print-unit service                   to be started by systemd

Each key of hokku.toml is also a variable: `idle` of [router] is HOKKU_ROUTER_IDLE.
HOKKU_PLATFORM_KEY (64 hexadecimal digits) takes the place of the file platform.key.")]
pub(super) struct Up {
    #[command(flatten)]
    data_dir: DataDir,
    /// Where to listen: localhost:8080, 0.0.0.0:80, [::]:80; may be given several times
    #[arg(long, short, value_name = "ADDRESS")]
    listen: Vec<String>,
    /// Apps answer below this domain, as NAME.DOMAIN
    #[arg(long)]
    domain: Option<String>,
    /// Read this file instead of hokku.toml in the data directory
    #[arg(long, value_name = "FILE", env = "HOKKU_CONFIG", hide_env_values = true)]
    config: Option<PathBuf>,
    /// Print the configuration as it would run, with comments, and exit
    #[arg(long)]
    print_config: bool,
    /// Print a unit for systemd, which says how it is installed, and exit
    #[arg(long, value_name = "KIND", conflicts_with = "print_config")]
    print_unit: Option<Unit>,
}

impl Up {
    pub(super) async fn run(self, inherited: Inherited) -> anyhow::Result<ExitCode> {
        if let Some(unit) = self.print_unit {
            write!(io::stdout(), "{}", unit.text())?;
            return Ok(ExitCode::SUCCESS);
        }
        let config = self.read()?;
        if self.print_config {
            write!(io::stdout(), "{}", config.to_toml())?;
            return Ok(ExitCode::SUCCESS);
        }
        log_to_stderr(&config.log)?;
        let (stop, _listening) = stop_on_interrupt()?;
        let starting = Platform::start(config, own_compiler()?, platform_key()?, inherited);
        let Some(platform) = stop.run_until_cancelled(starting).await.transpose()? else {
            return Ok(ExitCode::SUCCESS);
        };
        greet(&platform)?;
        let cut = platform.run(stop).await;
        if cut > 0 {
            tracing::warn!(cut, "requests were cut");
        }
        Ok(ExitCode::SUCCESS)
    }

    /// The configuration of file, environment and flags.
    fn read(&self) -> anyhow::Result<Config> {
        let data_dir = self.data_dir.path();
        let beside = data_dir.as_ref().ok().map(|dir| dir.join("hokku.toml")).filter(|file| file.exists());
        let file = self.config.clone().or(beside);
        let mut settings = file.map_or_else(|| Ok(Settings::default()), |file| Settings::of_file(&file))?;
        settings.environment(std::env::vars_os())?;
        let listen = (!self.listen.is_empty()).then(|| self.listen.join(", "));
        for (key, value) in [("listen", &listen), ("domain", &self.domain)] {
            if let Some(value) = value {
                settings.flag(key, value)?;
            }
        }
        let mut config = settings.config()?;
        if self.data_dir.named().is_some() || config.data_dir.as_os_str().is_empty() {
            config.data_dir = data_dir?;
        }
        Ok(config)
    }
}

/// The platform's key, where the operator keeps it in the environment.
pub(super) fn platform_key() -> anyhow::Result<Option<PlatformKey>> {
    let Some(text) = std::env::var_os("HOKKU_PLATFORM_KEY").filter(|text| !text.is_empty()) else {
        return Ok(None);
    };
    let text = text.to_str().context("HOKKU_PLATFORM_KEY is not text")?;
    Ok(Some(PlatformKey::from_hex(text.trim())?))
}

fn log_to_stderr(config: &LogConfig) -> anyhow::Result<()> {
    let simple = config.level.parse::<tracing::Level>().is_ok();
    let directives = if simple { format!("warn,hokku={}", config.level) } else { config.level.clone() };
    let filter = match EnvFilter::try_from_env("HOKKU_LOG") {
        Ok(filter) => filter,
        Err(_) => EnvFilter::try_new(&directives).context("log.level")?,
    };
    let log = tracing_subscriber::fmt().with_env_filter(filter).with_writer(io::stderr);
    match config.format {
        LogFormat::Text => log.init(),
        LogFormat::Json => log.json().init(),
    }
    Ok(())
}

fn greet(platform: &Platform) -> io::Result<()> {
    let mut out = io::stdout().lock();
    let data = platform.data_dir().path().display();
    if let Some(token) = platform.new_token() {
        writeln!(out, "The owner's token, shown this once (and kept in {data}/owner-token):")?;
        writeln!(out, "    {token}")?;
    }
    writeln!(out, "Data directory: {data}")?;
    writeln!(out, "Listening on {}", platform.url())?;
    out.flush()
}
