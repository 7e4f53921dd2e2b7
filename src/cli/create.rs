use super::{
    client::{Answer, App},
    session::{AtPlatform, Session},
};
use std::process::ExitCode;

/// Create an app
///
/// The app has an address at once, and answers there from its first deploy on.
#[derive(Debug, clap::Args)]
#[command(after_help = "Examples:
  hokku create shop        prints http://shop.localhost:8080/
  hokku create             with a name that the platform makes up")]
pub(super) struct Create {
    /// Name of the app: 3 to 30 of a-z, 0-9 and -, starting with a letter
    name: Option<String>,
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
        if self.json {
            session.console.json(&app.whole)?;
        } else {
            session.console.line(app.web_url.as_deref().unwrap_or(&app.name))?;
        }
        Ok(ExitCode::SUCCESS)
    }
}
