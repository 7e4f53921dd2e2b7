use super::{
    console::Console,
    data_dir::DataDir,
    interrupt::stop_on_interrupt,
    progress::{Spinner, interrupted},
    up::platform_key,
};
use crate::platform::{self, BackupError, Existing, KeyPlace, Taken};
use crate::slug::Size;
use serde_json::{Value, json};
use std::{
    ffi::OsString,
    path::{Path, PathBuf},
    process::ExitCode,
};

/// Write all that this machine's platform knows to a file, and its keys to another
///
/// The platform may run, and deploys may go on. FILE holds the ledger, slugs, git repositories and outputs of builds;
/// config values in it are sealed. FILE.keys holds what opens them: keep it elsewhere. The exit status is 1 when the code
/// of an app was missing in the store already; all else is backed up then.
#[derive(Debug, clap::Args)]
#[command(after_help = "Examples:
  hokku backup hokku.backup
  hokku backup /mnt/hokku.backup --keys /root/hokku.keys --force
  hokku backup \"/mnt/hokku-$(date +%F).backup\" --json | jq .bytes

The key of an app that is destroyed later stays in older keys files: remove those that you do not need.")]
pub(super) struct Backup {
    /// Where the backup goes
    file: PathBuf,
    /// Where the keys go [default: FILE.keys]
    #[arg(long, value_name = "FILE")]
    keys: Option<PathBuf>,
    /// Replace files that are there
    #[arg(long)]
    force: bool,
    /// Print what was backed up as JSON
    #[arg(long)]
    json: bool,
    #[command(flatten)]
    data_dir: DataDir,
}

impl Backup {
    pub(super) async fn run(self) -> anyhow::Result<ExitCode> {
        let (stop, _listening) = stop_on_interrupt()?;
        self.run_at(Console::standard(), stop).await
    }

    /// Runs the command on a thread that may wait for the disk.
    pub(super) async fn run_at(
        self,
        mut console: Console,
        stop: tokio_util::sync::CancellationToken,
    ) -> anyhow::Result<ExitCode> {
        let keys = self.keys.clone().unwrap_or_else(|| keys_of(&self.file));
        let existing = if self.force { Existing::Replace } else { Existing::Refuse };
        let backup = platform::Backup {
            data_dir: self.data_dir.path()?,
            file: self.file.clone(),
            keys: keys.clone(),
            existing,
            platform_key: platform_key()?,
        };
        let spinner = Spinner::new("Backing up", console.terminals);
        let ended = tokio::task::spawn_blocking(move || backup.run(&stop, &mut spinner.teller())).await?;
        let taken = match ended {
            Err(BackupError::Interrupted) => return Ok(interrupted(&mut console)?),
            ended => ended?,
        };
        if self.json {
            console.json(&object(&self.file, &keys, &taken))?;
        } else {
            told(&mut console, &self.file, &keys, &taken)?;
        }
        warn(&mut console, &taken)?;
        Ok(if taken.without_slug.is_empty() { ExitCode::SUCCESS } else { ExitCode::FAILURE })
    }
}

/// The keys file of a backup.
pub(super) fn keys_of(file: &Path) -> PathBuf {
    let mut name = OsString::from(file);
    name.push(".keys");
    name.into()
}

fn counted(count: u64, one: &str, many: &str) -> String {
    format!("{count} {}", if count == 1 { one } else { many })
}

fn told(console: &mut Console, file: &Path, keys: &Path, taken: &Taken) -> anyhow::Result<()> {
    let Taken { entries, apps, slugs, repositories, .. } = taken;
    console.line(format_args!(
        "Backed up {}, {}, {} and {} of the ledger:",
        counted(*apps, "app", "apps"),
        counted(*slugs, "slug", "slugs"),
        counted(*repositories, "git repository", "git repositories"),
        counted(*entries, "entry", "entries"),
    ))?;
    console.line(format_args!("  {}  {}", file.display(), Size(taken.bytes)))?;
    console.line(format_args!(
        "  {}  {}, opens the secrets: keep it elsewhere",
        keys.display(),
        Size(taken.key_bytes)
    ))?;
    if taken.platform_key == KeyPlace::Elsewhere {
        console.note("The platform's key is not among them: it is not in the data directory. Keep HOKKU_PLATFORM_KEY as well.")?;
    }
    Ok(())
}

fn warn(console: &mut Console, taken: &Taken) -> anyhow::Result<()> {
    for app in &taken.without_slug {
        console.note(format_args!(
            " !     The code of {app} is not in the backup: it is missing or damaged in the store. Deploy {app} again."
        ))?;
    }
    Ok(())
}

fn object(file: &Path, keys: &Path, taken: &Taken) -> Value {
    json!({
        "file": file.display().to_string(),
        "keys": keys.display().to_string(),
        "platform": taken.platform,
        "entries": taken.entries,
        "apps": taken.apps,
        "slugs": taken.slugs,
        "repositories": taken.repositories,
        "bytes": taken.bytes,
        "key_bytes": taken.key_bytes,
        "platform_key": taken.platform_key,
        "without_slug": taken.without_slug,
    })
}
