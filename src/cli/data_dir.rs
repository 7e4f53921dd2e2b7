use anyhow::Context as _;
use std::path::PathBuf;

/// Where a platform on this machine keeps what it knows.
#[derive(Debug, clap::Args)]
pub(super) struct DataDir {
    /// Where the platform on this machine keeps its ledger, keys and slugs
    /// [default: ~/.local/share/hokku]
    #[arg(long, env = "HOKKU_DATA_DIR", hide_env_values = true, value_name = "DIR")]
    data_dir: Option<PathBuf>,
}

impl DataDir {
    /// The directory of the flag or the environment.
    pub(super) fn named(&self) -> Option<&PathBuf> {
        self.data_dir.as_ref().filter(|dir| !dir.as_os_str().is_empty())
    }

    /// The directory of the flag or the environment, else `$XDG_DATA_HOME/hokku`, else `~/.local/share/hokku`. It need
    /// not be there.
    pub(super) fn path(&self) -> anyhow::Result<PathBuf> {
        if let Some(dir) = self.named() {
            return std::path::absolute(dir).context("cannot find the data directory");
        }
        let named = |name| std::env::var_os(name).filter(|value| !value.is_empty()).map(PathBuf::from);
        named("XDG_DATA_HOME")
            .or_else(|| named("HOME").map(|home| home.join(".local/share")))
            .map(|data| data.join("hokku"))
            .context("there is no home directory for the platform's data: name one with --data-dir")
    }
}
