use super::{
    client::{Answer, Transfer as Made},
    session::{AtApp, Session},
};
use serde_json::json;
use std::process::ExitCode;

/// Give an app to another account
///
/// The app, its address and its releases stay as they are. Only its owner can do this, and only the new owner can take
/// it back.
#[derive(Debug, clap::Args)]
#[command(after_help = "Example:
  hokku transfer grace@example.com -a shop")]
pub(super) struct Transfer {
    /// E-mail address of the new owner
    #[arg(value_name = "EMAIL")]
    recipient: String,
    /// Print the transfer as JSON
    #[arg(long)]
    json: bool,
    #[command(flatten)]
    pub(super) at: AtApp,
}

impl Transfer {
    pub(super) async fn run(self, session: &mut Session) -> anyhow::Result<ExitCode> {
        let app = session.app(&self.at)?;
        session.console.begin(format_args!("Transferring ⬢ {app} to {}", self.recipient))?;
        let body = json!({ "app": app, "recipient": self.recipient });
        let made: Answer<Made> = session.client.post(&["account", "app-transfers"], &body).await?;
        session.console.done(match made.state.as_str() {
            "accepted" => "done".to_owned(),
            state => state.to_owned(),
        })?;
        if self.json {
            session.console.json(&made.whole)?;
        }
        Ok(ExitCode::SUCCESS)
    }
}
