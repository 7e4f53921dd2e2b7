use super::{
    check::{Check, Verdict},
    machine::Machine,
};
use crate::cli::{
    cache_dir::CacheDir,
    console::{Console, columns},
    data_dir::DataDir,
};
use std::process::ExitCode;

/// Look at this machine: what a platform needs, what is missing, and how to get it
///
/// Nothing is changed. The exit status is 1 when something is missing that a platform needs.
#[derive(Debug, clap::Args)]
#[command(after_help = "Examples:
  hokku doctor
  hokku doctor --json | jq -r '.[] | select(.verdict != \"ok\") | .remedy'")]
pub(in crate::cli) struct Doctor {
    /// Print the findings as JSON
    #[arg(long)]
    json: bool,
    #[command(flatten)]
    data_dir: DataDir,
    #[command(flatten)]
    cache: CacheDir,
}

impl Doctor {
    pub(in crate::cli) async fn run(self) -> anyhow::Result<ExitCode> {
        let machine = Machine::look(self.data_dir.path()?, self.cache.chosen()?).await;
        let checks = machine.checks();
        let mut console = Console::standard();
        if self.json {
            console.json(&serde_json::to_value(&checks)?)?;
        } else {
            for line in report(&checks) {
                console.line(line)?;
            }
        }
        let missing = checks.iter().any(|check| check.verdict == Verdict::Missing);
        Ok(if missing { ExitCode::FAILURE } else { ExitCode::SUCCESS })
    }
}

/// A line for each finding, below it what to do, and what follows from all of them.
pub(super) fn report(checks: &[Check]) -> Vec<String> {
    let row = |check: &Check| {
        [check.verdict.to_string(), check.name.to_owned(), check.purpose.to_owned(), check.found.clone()]
    };
    let rows = columns(&checks.iter().map(row).collect::<Vec<_>>());
    let mut lines = Vec::new();
    for (row, check) in rows.into_iter().zip(checks) {
        lines.push(row);
        lines.extend(check.remedy.iter().map(|remedy| format!("         → {remedy}")));
    }
    lines.push(String::new());
    lines.push(summary(checks));
    lines
}

fn summary(checks: &[Check]) -> String {
    let count = |verdict| checks.iter().filter(|check| check.verdict == verdict).count();
    match (count(Verdict::Missing), count(Verdict::Warning)) {
        (0, 0) => "All is well.".to_owned(),
        (0, _) => "Nothing is missing that a platform needs.".to_owned(),
        (1, _) => "One thing is missing that a platform needs.".to_owned(),
        (missing, _) => format!("{missing} things are missing that a platform needs."),
    }
}
