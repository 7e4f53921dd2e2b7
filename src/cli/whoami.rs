use super::{
    client::{Account, Answer},
    session::{AtPlatform, Session},
};
use std::process::ExitCode;

/// Show who you are at the platform
#[derive(Debug, clap::Args)]
#[command(after_help = "Examples:
  hokku whoami
  hokku whoami --json | jq -r .email")]
pub(super) struct Whoami {
    /// Print the account as JSON
    #[arg(long)]
    json: bool,
    #[command(flatten)]
    pub(super) platform: AtPlatform,
}

impl Whoami {
    pub(super) async fn run(self, session: &mut Session) -> anyhow::Result<ExitCode> {
        let account: Answer<Account> = session.client.get(&["account"]).await?;
        if self.json {
            session.console.json(&account.whole)?;
        } else {
            session.console.line(&account.email)?;
        }
        Ok(ExitCode::SUCCESS)
    }
}
