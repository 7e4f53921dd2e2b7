use super::{
    client::{Answer, App, Range},
    console::columns,
    session::{AtPlatform, Session},
};
use std::process::ExitCode;

/// List the apps of the platform
#[derive(Debug, clap::Args)]
#[command(after_help = "Examples:
  hokku apps
  hokku apps --json | jq -r '.[].name'")]
pub(super) struct Apps {
    /// Print the apps as JSON
    #[arg(long)]
    json: bool,
    #[command(flatten)]
    pub(super) platform: AtPlatform,
}

impl Apps {
    pub(super) async fn run(self, session: &mut Session) -> anyhow::Result<ExitCode> {
        let mut apps: Vec<Answer<App>> = session.client.list(&["apps"], Range::All).await?;
        apps.sort_by(|one, other| one.name.cmp(&other.name));
        if self.json {
            session.console.json(&apps.into_iter().map(|app| app.whole).collect())?;
        } else if apps.is_empty() {
            session.console.note("There are no apps yet. Make one with `hokku create`.")?;
        } else {
            let row = |app: &Answer<App>| [app.name.clone(), app.web_url.clone().unwrap_or_default()];
            for line in columns(&apps.iter().map(row).collect::<Vec<_>>()) {
                session.console.line(line)?;
            }
        }
        Ok(ExitCode::SUCCESS)
    }
}
