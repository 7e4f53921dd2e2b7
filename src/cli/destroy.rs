use super::{
    client::{Answer, App},
    session::{AtApp, Session},
};
use anyhow::{Context as _, bail};
use std::process::ExitCode;

/// Destroy an app: its dynos, releases, config vars and address
///
/// This cannot be taken back, so the app's name must be given twice: on the command line, or at the prompt.
#[derive(Debug, clap::Args)]
#[command(after_help = "Examples:
  hokku destroy shop                       asks for the name once more
  hokku destroy shop --confirm shop        for scripts")]
pub(super) struct Destroy {
    /// Name of the app [default: -a]
    name: Option<String>,
    /// The app's name once more, instead of the question
    #[arg(long, short, value_name = "APP")]
    confirm: Option<String>,
    #[command(flatten)]
    pub(super) at: AtApp,
}

impl Destroy {
    pub(super) async fn run(self, session: &mut Session) -> anyhow::Result<ExitCode> {
        let meant = self.meant(session)?;
        session.is_about(&meant);
        let app: Answer<App> = session.client.get(&["apps", &meant]).await?;
        let name = app.name.clone();
        let confirmed = match self.confirm {
            Some(confirmed) => confirmed,
            None if session.terminals_can_ask() => asked(session, &name).await?,
            None => bail!("this destroys {name} for good; to do so add --confirm {name}"),
        };
        if confirmed != name {
            bail!("`{confirmed}` is not {name}: nothing was destroyed");
        }
        session.console.begin(format_args!("Destroying ⬢ {name}"))?;
        session.client.delete(&["apps", &name]).await?;
        session.console.done("done")?;
        Ok(ExitCode::SUCCESS)
    }
}

impl Destroy {
    /// The app that was named: that the remotes of git lead to one is not enough here, unless one of them was chosen.
    fn meant(&self, session: &mut Session) -> anyhow::Result<String> {
        if let Some(name) = &self.name {
            return Ok(name.clone());
        }
        if self.at.is_chosen() {
            return session.app(&self.at);
        }
        self.confirm.clone().context("which app? Name it with -a APP, or set HOKKU_APP")
    }
}

/// What the person at the terminal types.
async fn asked(session: &mut Session, name: &str) -> anyhow::Result<String> {
    session
        .console
        .note(format_args!(" !     This destroys {name} with its releases and config vars, for good."))?;
    session.ask(&format!(" !     To go on, type {name}")).await
}
