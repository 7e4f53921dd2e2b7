use super::{
    client::{Answer, Range, Release},
    release_outcome::Output,
    session::{AtApp, Session},
};
use anyhow::Context as _;
use serde_json::json;
use std::process::ExitCode;

/// Make an earlier release current again, as a new release
///
/// The new release has the code and the config vars of the earlier one, byte for byte.
#[derive(Debug, clap::Args)]
#[command(after_help = "Examples:
  hokku rollback -a shop         to the release before the current one
  hokku rollback v12 -a shop")]
pub(super) struct Rollback {
    /// Release to return to [default: the one before the newest that could be returned to]
    #[arg(value_name = "VERSION")]
    release: Option<String>,
    /// Print the new release as JSON
    #[arg(long)]
    json: bool,
    #[command(flatten)]
    pub(super) at: AtApp,
}

impl Rollback {
    pub(super) async fn run(self, session: &mut Session) -> anyhow::Result<ExitCode> {
        let app = session.app(&self.at)?;
        let earlier: Answer<Release> = match &self.release {
            Some(version) => {
                let version = version.strip_prefix('v').unwrap_or(version);
                session.client.get(&["apps", &app, "releases", version]).await?
            }
            None => second_newest(session, &app).await?,
        };
        session.console.begin(format_args!("Rolling back ⬢ {app} to v{}", earlier.version))?;
        let body = json!({ "release": earlier.id });
        let release: Answer<Release> = session.client.post(&["apps", &app, "releases"], &body).await?;
        session.released(&release)?;
        let release = session.finish_release(&app, release, Output::Note).await?;
        if self.json {
            session.console.json(&release.whole)?;
        }
        Ok(ExitCode::SUCCESS)
    }
}

async fn second_newest(session: &Session, app: &str) -> anyhow::Result<Answer<Release>> {
    let newest: Vec<Answer<Release>> =
        session.client.list(&["apps", app, "releases"], Range::Newest(10)).await?;
    let mut eligible = newest.into_iter().filter(|release| release.eligible_for_rollback);
    eligible.nth(1).with_context(|| {
        format!("{app} has no earlier release to return to; `hokku releases -a {app}` lists what there is")
    })
}
