use super::{
    client::{Answer, App},
    session::{AtApp, AtPlatform, Session},
};
use clap::{Args, Subcommand};
use serde_json::json;
use std::process::ExitCode;

/// Show whether an app is in maintenance mode, and switch it
///
/// In maintenance mode every request to the app is answered with a page that says so. Its dynos go on running: scale them
/// down if they shall not.
#[derive(Debug, Args)]
#[command(
    args_conflicts_with_subcommands = true,
    after_help = "Examples:
  hokku maintenance -a shop            prints on or off
  hokku maintenance on -a shop
  hokku run -a shop python migrate.py && hokku maintenance off -a shop"
)]
pub(super) struct Maintenance {
    #[command(subcommand)]
    action: Option<Action>,
    #[command(flatten)]
    show: Show,
}

#[derive(Debug, Subcommand)]
enum Action {
    On(On),
    Off(Off),
}

#[derive(Debug, Args)]
struct Show {
    /// Print the app as JSON
    #[arg(long)]
    json: bool,
    #[command(flatten)]
    at: AtApp,
}

/// Answer requests with a page that says that the app is in maintenance
#[derive(Debug, Args)]
#[command(after_help = "Example:
  hokku maintenance on -a shop")]
struct On {
    #[command(flatten)]
    at: AtApp,
}

/// Let the app answer again
#[derive(Debug, Args)]
#[command(after_help = "Example:
  hokku maintenance off -a shop")]
struct Off {
    #[command(flatten)]
    at: AtApp,
}

/// Whether it is on.
#[derive(Clone, Copy, Debug)]
enum Mode {
    On,
    Off,
}

impl Maintenance {
    pub(super) fn platform(&self) -> &AtPlatform {
        match &self.action {
            None => &self.show.at.platform,
            Some(Action::On(on)) => &on.at.platform,
            Some(Action::Off(off)) => &off.at.platform,
        }
    }

    pub(super) async fn run(self, session: &mut Session) -> anyhow::Result<ExitCode> {
        match self.action {
            None => self.show.run(session).await,
            Some(Action::On(on)) => switch(session, &on.at, Mode::On).await,
            Some(Action::Off(off)) => switch(session, &off.at, Mode::Off).await,
        }
    }
}

impl Show {
    async fn run(self, session: &mut Session) -> anyhow::Result<ExitCode> {
        let name = session.app(&self.at)?;
        let app: Answer<App> = session.client.get(&["apps", &name]).await?;
        if self.json {
            session.console.json(&app.whole)?;
        } else {
            session.console.line(if app.maintenance { "on" } else { "off" })?;
        }
        Ok(ExitCode::SUCCESS)
    }
}

async fn switch(session: &mut Session, at: &AtApp, mode: Mode) -> anyhow::Result<ExitCode> {
    let app = session.app(at)?;
    let (doing, on) = match mode {
        Mode::On => ("Enabling", true),
        Mode::Off => ("Disabling", false),
    };
    session.console.begin(format_args!("{doing} maintenance mode for ⬢ {app}"))?;
    let _: Answer<App> = session.client.patch(&["apps", &app], &json!({ "maintenance": on })).await?;
    session.console.done("done")?;
    Ok(ExitCode::SUCCESS)
}
