use super::{
    client::{Answer, Range, Release, Status},
    console::{COLUMN, columns, cut},
    moment::moment,
    session::{AtApp, Session},
};
use std::process::ExitCode;

/// List an app's releases, the newest first
///
/// Every deploy, config change and rollback is a release: code and config vars together, under the next version.
#[derive(Debug, clap::Args)]
#[command(after_help = "Examples:
  hokku releases -a shop
  hokku releases -n 50 -a shop
  hokku releases --json -a shop | jq -r '.[0].version'

`hokku rollback v12` makes an earlier release current again.")]
pub(super) struct Releases {
    /// How many
    #[arg(long, short, default_value_t = 15, value_name = "COUNT")]
    num: usize,
    /// Print the releases as JSON
    #[arg(long)]
    json: bool,
    #[command(flatten)]
    pub(super) at: AtApp,
}

impl Releases {
    pub(super) async fn run(self, session: &mut Session) -> anyhow::Result<ExitCode> {
        let app = session.app(&self.at)?;
        let newest = Range::Newest(self.num);
        let releases: Vec<Answer<Release>> = session.client.list(&["apps", &app, "releases"], newest).await?;
        if self.json {
            session.console.json(&releases.into_iter().map(|release| release.whole).collect())?;
            return Ok(ExitCode::SUCCESS);
        }
        let current = releases.iter().find(|release| release.current);
        let current = current.map_or_else(String::new, |release| format!(" - Current: v{}", release.version));
        session.console.line(format_args!("=== {app} Releases{current}\n"))?;
        let row = |release: &Answer<Release>| row(release, session);
        for line in columns(&releases.iter().map(row).collect::<Vec<_>>()) {
            session.console.line(line)?;
        }
        Ok(ExitCode::SUCCESS)
    }
}

fn row(release: &Release, session: &Session) -> [String; 4] {
    let state = match release.status {
        Status::Succeeded => "",
        Status::Pending => " (release command executing)",
        Status::Failed => " (release command failed)",
    };
    [
        format!("v{}", release.version),
        // The state is what must be seen.
        format!("{}{state}", cut(&release.description, COLUMN - state.len())),
        release.user.email.clone(),
        moment(&release.created_at, &session.clock),
    ]
}
