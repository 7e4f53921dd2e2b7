use super::{
    client::{Answer, Collaborator, Range},
    console::columns,
    session::{AtApp, AtPlatform, Session},
};
use serde_json::{Value, json};
use std::process::ExitCode;

/// List who may work on an app; add and remove collaborators
///
/// A collaborator sees the app and deploys it, but cannot destroy, rename or transfer it.
#[derive(Debug, clap::Args)]
#[command(args_conflicts_with_subcommands = true)]
#[command(after_help = "Examples:
  hokku access -a shop
  hokku access:add grace@example.com -a shop
  hokku access:remove grace@example.com -a shop")]
pub(super) struct Access {
    #[command(subcommand)]
    action: Option<Action>,
    #[command(flatten)]
    list: List,
}

#[derive(Debug, clap::Subcommand)]
enum Action {
    Add(Add),
    Remove(Remove),
}

#[derive(Debug, clap::Args)]
struct List {
    /// Print the collaborators as JSON
    #[arg(long)]
    json: bool,
    #[command(flatten)]
    at: AtApp,
}

/// Let somebody with an account on the platform work on an app
#[derive(Debug, clap::Args)]
#[command(after_help = "Example:
  hokku access:add grace@example.com -a shop")]
struct Add {
    /// Their e-mail address
    email: String,
    #[command(flatten)]
    at: AtApp,
}

/// Let somebody work on an app no longer
#[derive(Debug, clap::Args)]
#[command(after_help = "Example:
  hokku access:remove grace@example.com -a shop")]
struct Remove {
    /// Their e-mail address
    email: String,
    #[command(flatten)]
    at: AtApp,
}

impl Access {
    pub(super) fn platform(&self) -> &AtPlatform {
        match &self.action {
            None => &self.list.at.platform,
            Some(Action::Add(add)) => &add.at.platform,
            Some(Action::Remove(remove)) => &remove.at.platform,
        }
    }

    pub(super) async fn run(self, session: &mut Session) -> anyhow::Result<ExitCode> {
        match self.action {
            None => self.list.run(session).await,
            Some(Action::Add(add)) => add.run(session).await,
            Some(Action::Remove(remove)) => remove.run(session).await,
        }
    }
}

impl List {
    async fn run(self, session: &mut Session) -> anyhow::Result<ExitCode> {
        let app = session.app(&self.at)?;
        let all: Vec<Answer<Collaborator>> =
            session.client.list(&["apps", &app, "collaborators"], Range::All).await?;
        if self.json {
            session.console.json(&all.into_iter().map(|one| one.whole).collect())?;
            return Ok(ExitCode::SUCCESS);
        }
        let row = |one: &Answer<Collaborator>| {
            [one.user.email.clone(), one.role.clone().unwrap_or_else(|| "collaborator".to_owned())]
        };
        let mut rows: Vec<_> = all.iter().map(row).collect();
        rows.sort();
        for line in columns(&rows) {
            session.console.line(line)?;
        }
        Ok(ExitCode::SUCCESS)
    }
}

impl Add {
    async fn run(self, session: &mut Session) -> anyhow::Result<ExitCode> {
        let app = session.app(&self.at)?;
        session.console.begin(format_args!("Adding {} to ⬢ {app}", self.email))?;
        let body = json!({ "user": self.email, "silent": true });
        let _: Value = session.client.post(&["apps", &app, "collaborators"], &body).await?;
        session.console.done("done")?;
        Ok(ExitCode::SUCCESS)
    }
}

impl Remove {
    async fn run(self, session: &mut Session) -> anyhow::Result<ExitCode> {
        let app = session.app(&self.at)?;
        session.console.begin(format_args!("Removing {} from ⬢ {app}", self.email))?;
        session.client.delete(&["apps", &app, "collaborators", &self.email]).await?;
        session.console.done("done")?;
        Ok(ExitCode::SUCCESS)
    }
}
