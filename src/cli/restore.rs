use super::{
    backup::keys_of,
    console::Console,
    data_dir::DataDir,
    interrupt::stop_on_interrupt,
    progress::{Spinner, interrupted},
    up::platform_key,
};
use crate::platform::{self, BackupError, KeyPlace, Restored};
use serde_json::{Value, json};
use std::{
    path::{Path, PathBuf},
    process::ExitCode,
};

/// Bring a platform back from a backup and its keys
///
/// The data directory must be empty, or not be there; a hokku.toml that is there stays. Everything is proved before it is
/// moved into place: the ledger, every key, every slug.
#[derive(Debug, clap::Args)]
#[command(after_help = "Examples:
  hokku restore hokku.backup
  hokku restore /mnt/hokku.backup --keys /root/hokku.keys --data-dir /var/lib/hokku

To roll an upgrade back: stop the platform, move its data directory away, put the older hokku in place, restore.")]
pub(super) struct Restore {
    /// A file that `hokku backup` wrote
    file: PathBuf,
    /// Its keys [default: FILE.keys]
    #[arg(long, value_name = "FILE")]
    keys: Option<PathBuf>,
    /// Print what came back as JSON
    #[arg(long)]
    json: bool,
    #[command(flatten)]
    data_dir: DataDir,
}

impl Restore {
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
        let data_dir = self.data_dir.path()?;
        let restore = platform::Restore {
            keys: self.keys.clone().unwrap_or_else(|| keys_of(&self.file)),
            file: self.file,
            data_dir: data_dir.clone(),
            platform_key: platform_key()?,
        };
        let spinner = Spinner::new("Restoring", console.terminals);
        let ended = tokio::task::spawn_blocking(move || restore.run(&stop, &mut spinner.teller())).await?;
        let restored = match ended {
            Err(BackupError::Interrupted) => return Ok(interrupted(&mut console)?),
            ended => ended?,
        };
        if self.json {
            console.json(&object(&data_dir, &restored))?;
        } else {
            told(&mut console, &data_dir, &restored)?;
        }
        Ok(ExitCode::SUCCESS)
    }
}

fn told(console: &mut Console, data_dir: &Path, restored: &Restored) -> anyhow::Result<()> {
    let Restored { made_at, entries, apps, slugs, repositories, .. } = restored;
    let dir = data_dir.display();
    console.line(format_args!("Restored to {dir}, as it was at {}:", made_at.in_seconds()))?;
    let names: Vec<_> = apps.iter().map(ToString::to_string).collect();
    let names = if names.is_empty() { "none".to_owned() } else { names.join(", ") };
    console.line(format_args!("  apps          {names}"))?;
    console.line(format_args!("  slugs         {slugs}"))?;
    console.line(format_args!("  repositories  {repositories}"))?;
    console.line(format_args!("  ledger        {entries} entries, each proved"))?;
    for app in &restored.without_slug {
        console.note(format_args!(
            " !     The code of {app} was missing when the backup was made. Deploy {app} again."
        ))?;
    }
    if restored.settings {
        console.note(format_args!(
            "Look into {dir}/hokku.toml: it came back as well, with the directories and addresses of then."
        ))?;
    }
    if restored.platform_key == KeyPlace::Elsewhere {
        console.note("Start it with HOKKU_PLATFORM_KEY, as before.")?;
    }
    console.note(format_args!(
        "Next: hokku up --data-dir {dir}, which makes a new token for the owner and prints it once."
    ))?;
    Ok(())
}

fn object(data_dir: &Path, restored: &Restored) -> Value {
    json!({
        "data_dir": data_dir.display().to_string(),
        "platform": restored.platform,
        "made_at": restored.made_at.in_seconds(),
        "entries": restored.entries,
        "apps": restored.apps,
        "slugs": restored.slugs,
        "repositories": restored.repositories,
        "platform_key": restored.platform_key,
        "settings": restored.settings,
        "without_slug": restored.without_slug,
    })
}
