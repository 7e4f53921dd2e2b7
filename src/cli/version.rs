use super::console::json_text;
use serde_json::json;
use std::{
    env::consts::{ARCH, OS},
    io::{self, Write as _},
    process::ExitCode,
};

/// Print the version of this program
#[derive(Debug, clap::Args)]
#[command(after_help = "Examples:
  hokku version                         hokku/0.1.0 linux-x86_64
  hokku version --json | jq -r .version")]
pub(super) struct Version {
    /// Print version and machine as JSON
    #[arg(long)]
    json: bool,
}

impl Version {
    pub(super) fn run(&self) -> anyhow::Result<ExitCode> {
        let version = env!("CARGO_PKG_VERSION");
        if self.json {
            let whole = json!({ "arch": ARCH, "os": OS, "version": version });
            writeln!(io::stdout(), "{}", json_text(&whole))?;
        } else {
            writeln!(io::stdout(), "hokku/{version} {OS}-{ARCH}")?;
        }
        Ok(ExitCode::SUCCESS)
    }
}
