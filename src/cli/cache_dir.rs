use anyhow::{Context as _, bail};
use std::path::{Path, PathBuf};

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

    /// The same for work on the app in `app_dir`, which must not hold the cache: a build would take it for a part of the
    /// app.
    pub(super) fn path_beside(&self, app_dir: &Path) -> anyhow::Result<PathBuf> {
        let dir = self.path()?;
        if let (Ok(cache), Ok(app)) = (dir.canonicalize(), app_dir.canonicalize())
            && cache.starts_with(&app)
        {
            bail!(
                "the cache directory {} lies in the app's directory; choose another with --cache-dir",
                dir.display()
            );
        }
        Ok(dir)
    }

    /// The same, whether it is there or not.
    pub(super) fn chosen(&self) -> anyhow::Result<PathBuf> {
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
