use anyhow::Context as _;
use std::path::PathBuf;

/// Where this user's slugs, compiled code and build caches are kept.
#[derive(Debug, clap::Args)]
pub(super) struct CacheDir {
    /// Where slugs, compiled code and build caches are kept; may be deleted while no hokku runs
    /// [default: ~/.cache/hokku]
    #[arg(long, env = "HOKKU_CACHE_DIR", hide_env_values = true, value_name = "DIR")]
    cache_dir: Option<PathBuf>,
}

impl CacheDir {
    /// The directory of the flag or the environment, else `$XDG_CACHE_HOME/hokku`, else `~/.cache/hokku`; made so that
    /// only this user may write in it.
    pub(super) fn path(&self) -> anyhow::Result<PathBuf> {
        let dir = self.chosen()?;
        crate::dyno::make_private(&dir)
            .with_context(|| format!("cannot use the cache directory {}", dir.display()))?;
        Ok(dir)
    }

    fn chosen(&self) -> anyhow::Result<PathBuf> {
        if let Some(dir) = &self.cache_dir {
            return std::path::absolute(dir).context("cannot find the cache directory");
        }
        let named = |name| std::env::var_os(name).filter(|value| !value.is_empty()).map(PathBuf::from);
        named("XDG_CACHE_HOME")
            .or_else(|| named("HOME").map(|home| home.join(".cache")))
            .map(|caches| caches.join("hokku"))
            .context("there is no home directory for the cache: name one with --cache-dir")
    }
}
