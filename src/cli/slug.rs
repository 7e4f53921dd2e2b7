use super::plain_text::plain;
use crate::slug::{Manifest, PackedSlug, Size, SlugDigest};
use std::{
    io::{self, Write as _},
    path::PathBuf,
    process::ExitCode,
};

/// Look into slugs.
#[derive(Debug, clap::Args)]
pub(super) struct SlugCommand {
    #[command(subcommand)]
    command: Inspect,
}

#[derive(Debug, clap::Subcommand)]
enum Inspect {
    /// Check a slug file and show what it holds
    Inspect {
        /// A file that `hokku build` wrote
        file: PathBuf,
        /// Print the manifest as JSON
        #[arg(long)]
        json: bool,
    },
}

impl SlugCommand {
    pub(super) async fn run(self) -> anyhow::Result<ExitCode> {
        let Inspect::Inspect { file, json } = self.command;
        let packed = PackedSlug::open(&file).await?;
        packed.verify().await?;
        let (digest, manifest) = (packed.digest(), packed.manifest());
        let shown = if json {
            let mut value = serde_json::to_value(manifest)?;
            value["slug"] = digest.to_string().into();
            value.to_string()
        } else {
            describe(digest, manifest)
        };
        writeln!(io::stdout(), "{}", plain(&shown))?;
        Ok(ExitCode::SUCCESS)
    }
}

/// What a person wants to know of a slug.
fn describe(digest: &SlugDigest, manifest: &Manifest) -> String {
    let buildpacks: Vec<_> =
        manifest.buildpacks.iter().map(|stamp| format!("{} {}", stamp.name, stamp.version)).collect();
    let tree = &manifest.tree;
    let mut lines = vec![
        format!("slug:       {digest}"),
        format!("stack:      {}", manifest.stack),
        format!("made by:    {}", manifest.created_by),
        format!("buildpacks: {}", buildpacks.join(", ")),
        format!(
            "tree:       {} files and directories, {} unpacked, {} packed",
            tree.entries,
            Size(tree.unpacked),
            Size(tree.size)
        ),
        format!("path:       {}", manifest.path.join(":")),
    ];
    lines.extend(manifest.programs.iter().map(|p| format!("program:    {} ({})", p.path, Size(p.size))));
    lines.extend(manifest.processes.iter().map(|(process_type, process)| {
        let serves = process.serves.map_or_else(String::new, |serves| format!(" (serves {serves})"));
        format!("process:    {process_type}: {}{serves}", process.command)
    }));
    lines.join("\n")
}
