use super::{
    client::{Answer, App},
    git::RemoteName,
    git_setup::Connected,
    session::{AtPlatform, Session},
};
use std::process::ExitCode;

/// Create an app
///
/// The app has an address at once, and answers there from its first deploy on.
#[derive(Debug, clap::Args)]
#[command(after_help = "Examples:
  hokku create shop        prints http://shop.localhost:8080/
  hokku create             with a name that the platform makes up

In a git repository it also gets a remote: `git push hokku main` deploys.")]
pub(super) struct Create {
    /// Name of the app: 3 to 30 of a-z, 0-9 and -, starting with a letter
    name: Option<String>,
    /// Name of the git remote
    #[arg(long, short, default_value = "hokku", value_name = "NAME")]
    remote: RemoteName,
    /// Leave git alone
    #[arg(long, short)]
    no_remote: bool,
    /// Print the app as JSON
    #[arg(long)]
    json: bool,
    #[command(flatten)]
    pub(super) platform: AtPlatform,
}

impl Create {
    pub(super) async fn run(self, session: &mut Session) -> anyhow::Result<ExitCode> {
        let (what, body) = match &self.name {
            Some(name) => (format!("⬢ {name}"), serde_json::json!({ "name": name })),
            None => ("app".to_owned(), serde_json::json!({})),
        };
        session.console.begin(format_args!("Creating {what}"))?;
        let app: Answer<App> = session.client.post(&["apps"], &body).await?;
        session.console.done(match &self.name {
            Some(_) => "done".to_owned(),
            None => format!("done, ⬢ {}", app.name),
        })?;
        if !self.no_remote && session.desk.git.is_work_tree() {
            let told = self.connected(session, &app.name);
            // The app is there by now: a remote can still be made later.
            session.console.note(
                told.unwrap_or_else(|error| format!("Warning: git does not know the app: {error:#}")),
            )?;
        }
        if self.json {
            session.console.json(&app.whole)?;
        } else {
            session.console.line(app.web_url.as_deref().unwrap_or(&app.name))?;
        }
        Ok(ExitCode::SUCCESS)
    }

    /// Lets git in this directory know the app; says what was done.
    fn connected(&self, session: &Session, app: &str) -> anyhow::Result<String> {
        let name = &self.remote;
        let connected = session.desk.connect(&session.client, name, app)?;
        session.desk.teach_git(&session.client)?;
        Ok(match connected {
            Connected::Added => format!("Git remote {name} added."),
            Connected::Already => format!("Git remote {name} leads there already."),
            Connected::OtherApp | Connected::Elsewhere => format!(
                "Git remote {name} leads elsewhere and stays: add another with `hokku git:remote -a {app} -r NAME`."
            ),
        })
    }
}
