use super::{
    client::Credential,
    session::{AtPlatform, Session},
};
use anyhow::{Context as _, bail};
use std::process::ExitCode;

/// Log out: revoke the token of the login, and forget it
#[derive(Debug, clap::Args)]
#[command(after_help = "Example:
  hokku logout")]
pub(super) struct Logout {
    #[command(flatten)]
    pub(super) platform: AtPlatform,
}

impl Logout {
    pub(super) async fn run(self, session: &mut Session) -> anyhow::Result<ExitCode> {
        let host = session.client.host();
        if session.client.credential().is_some_and(Credential::is_fixed) {
            bail!("the token is the one in HOKKU_API_KEY, not a login's: unset it to log out");
        }
        if !session.client.credential().is_some_and(Credential::is_login) {
            session.console.note(format_args!("You are not logged in to {host}."))?;
            return Ok(ExitCode::SUCCESS);
        }
        session.console.begin(format_args!("Logging out of {host}"))?;
        let revoked = session.client.revoke_own().await;
        // Whether it was revoked or not: it shall not be here any longer.
        let netrc = session.desk.netrc.as_ref().context("there is no netrc file")?;
        netrc.forget(&session.client.machine())?;
        if let Err(error) = revoked {
            let kept = "the token is forgotten here, but may still be valid: see `hokku authorizations`";
            return Err(anyhow::Error::new(error).context(kept));
        }
        session.console.done("done")?;
        Ok(ExitCode::SUCCESS)
    }
}
