use anyhow::Context as _;
use clap::builder::{OsStringValueParser, TypedValueParser};
use std::path::PathBuf;

/// Where a platform on this machine keeps what it knows.
#[derive(Debug, clap::Args)]
pub(super) struct DataDir {
    /// Where the platform on this machine keeps its ledger, keys and slugs
    /// [default: ~/.local/share/hokku]
    // A variable that is empty counts as unset, where clap's own parser of paths refuses it.
    #[arg(long, env = "HOKKU_DATA_DIR", hide_env_values = true, value_name = "DIR", value_parser = any_path())]
    data_dir: Option<PathBuf>,
}

fn any_path() -> impl TypedValueParser<Value = PathBuf> {
    OsStringValueParser::new().map(PathBuf::from)
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
        usual().context("there is no home directory for the platform's data: name one with --data-dir")
    }

    /// The directory that was named, if it is another than the usual one.
    pub(super) fn unusual(&self) -> Option<PathBuf> {
        let named = std::path::absolute(self.named()?).ok()?;
        (usual().as_ref() != Some(&named)).then_some(named)
    }
}

/// `$XDG_DATA_HOME/hokku`, else `~/.local/share/hokku`.
fn usual() -> Option<PathBuf> {
    let named = |name| std::env::var_os(name).filter(|value| !value.is_empty()).map(PathBuf::from);
    let data = named("XDG_DATA_HOME").or_else(|| named("HOME").map(|home| home.join(".local/share")));
    data.map(|data| data.join("hokku"))
}

#[cfg(test)]
mod tests {
    use super::*;
    use clap::Parser;

    #[derive(Parser)]
    struct Line {
        #[command(flatten)]
        data_dir: DataDir,
    }

    #[test]
    fn an_empty_directory_is_none() {
        let named = |dir: &str| {
            let line = Line::try_parse_from(["hokku", "--data-dir", dir]).expect("legal");
            line.data_dir.named().cloned()
        };
        assert_eq!(named(""), None);
        assert_eq!(named("x"), Some("x".into()));
    }
}
