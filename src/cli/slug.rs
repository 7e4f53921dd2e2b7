use crate::slug::{PackedSlug, Size};
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
        let mut out = io::stdout().lock();
        if json {
            let mut value = serde_json::to_value(manifest)?;
            value["slug"] = digest.to_string().into();
            writeln!(out, "{value}")?;
            return Ok(ExitCode::SUCCESS);
        }
        writeln!(out, "slug:       {digest}")?;
        writeln!(out, "stack:      {}", manifest.stack)?;
        writeln!(out, "made by:    {}", manifest.created_by)?;
        let buildpacks: Vec<_> =
            manifest.buildpacks.iter().map(|stamp| format!("{} {}", stamp.name, stamp.version)).collect();
        writeln!(out, "buildpacks: {}", buildpacks.join(", "))?;
        let tree = &manifest.tree;
        writeln!(
            out,
            "tree:       {} files and directories, {} unpacked, {} packed",
            tree.entries,
            Size(tree.unpacked),
            Size(tree.size)
        )?;
        writeln!(out, "path:       {}", manifest.path.join(":"))?;
        for program in &manifest.programs {
            writeln!(out, "program:    {} ({})", program.path, Size(program.size))?;
        }
        for (process_type, process) in &manifest.processes {
            writeln!(out, "process:    {process_type}: {}", process.command)?;
        }
        Ok(ExitCode::SUCCESS)
    }
}
