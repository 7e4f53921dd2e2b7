use super::session::{AtApp, Session};
use serde_json::{Value, json};
use std::process::ExitCode;

/// Stop a one-off dyno, or all of one type
///
/// A dyno of the formation is started again, as by `hokku restart`; `hokku scale web=0` stops it for good.
#[derive(Debug, clap::Args)]
#[command(after_help = "Examples:
  hokku stop run.4821 -a shop
  hokku stop run -a shop       all one-off dynos
  hokku stop worker.1 -a shop  a fresh one takes its place")]
pub(super) struct Stop {
    /// A dyno like run.4821, or a type like run
    #[arg(value_name = "DYNO|TYPE")]
    dynos: String,
    #[command(flatten)]
    pub(super) at: AtApp,
}

impl Stop {
    pub(super) async fn run(self, session: &mut Session) -> anyhow::Result<ExitCode> {
        let app = session.app(&self.at)?;
        let dynos = &*self.dynos;
        let (words, collection) = if dynos.contains('.') {
            (dynos.to_owned(), "dynos")
        } else {
            (format!("all {dynos} dynos"), "formations")
        };
        session.console.begin(format_args!("Stopping {words} on ⬢ {app}"))?;
        let path = ["apps", &*app, collection, dynos, "actions", "stop"];
        let _: Value = session.client.post(&path, &json!({})).await?;
        session.console.done("done")?;
        Ok(ExitCode::SUCCESS)
    }
}
