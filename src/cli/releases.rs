use super::{
    client::{Answer, ConfigVars, Range, Release, Status},
    console::{COLUMN, aligned, columns, cut},
    moment::moment,
    release_outcome::{Followed, Output},
    session::{AtApp, AtPlatform, Session},
};
use anyhow::bail;
use clap::{Args, Subcommand};
use std::process::ExitCode;

/// List an app's releases, the newest first; show one, and what its release command said
///
/// Every deploy, config change and rollback is a release: code and config vars together, under the next version.
#[derive(Debug, Args)]
#[command(
    args_conflicts_with_subcommands = true,
    after_help = "Examples:
  hokku releases -a shop
  hokku releases -n 50 -a shop
  hokku releases --json -a shop | jq -r '.[0].version'
  hokku releases info v12 -a shop
  hokku releases output v12 -a shop

`hokku rollback v12` makes an earlier release current again."
)]
pub(super) struct Releases {
    #[command(subcommand)]
    action: Option<Action>,
    #[command(flatten)]
    list: List,
}

#[derive(Debug, Subcommand)]
enum Action {
    Info(Info),
    Output(Said),
}

#[derive(Debug, Args)]
struct List {
    /// How many
    #[arg(long, short, default_value_t = 15, value_name = "COUNT")]
    num: usize,
    /// Print the releases as JSON
    #[arg(long)]
    json: bool,
    #[command(flatten)]
    at: AtApp,
}

/// Show a release: what changed, by whom, and its config vars
#[derive(Debug, Args)]
#[command(after_help = "Examples:
  hokku releases info -a shop
  hokku releases info v12 -a shop
  hokku releases info v12 --json -a shop | jq -r .description")]
struct Info {
    /// The release [default: the newest]
    #[arg(value_name = "VERSION")]
    release: Option<String>,
    /// Print the release as JSON, without config vars
    #[arg(long)]
    json: bool,
    #[command(flatten)]
    at: AtApp,
}

/// Print what a release's release command said; of one that runs, also what it says from now on
#[derive(Debug, Args)]
#[command(after_help = "Examples:
  hokku releases output -a shop
  hokku releases output v12 -a shop

What the build of a release said: hokku builds output")]
struct Said {
    /// The release [default: the newest]
    #[arg(value_name = "VERSION")]
    release: Option<String>,
    #[command(flatten)]
    at: AtApp,
}

impl Releases {
    pub(super) fn platform(&self) -> &AtPlatform {
        match &self.action {
            None => &self.list.at.platform,
            Some(Action::Info(info)) => &info.at.platform,
            Some(Action::Output(output)) => &output.at.platform,
        }
    }

    pub(super) async fn run(self, session: &mut Session) -> anyhow::Result<ExitCode> {
        match self.action {
            None => self.list.run(session).await,
            Some(Action::Info(info)) => info.run(session).await,
            Some(Action::Output(output)) => output.run(session).await,
        }
    }
}

impl List {
    async fn run(self, session: &mut Session) -> anyhow::Result<ExitCode> {
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

impl Info {
    async fn run(self, session: &mut Session) -> anyhow::Result<ExitCode> {
        let app = session.app(&self.at)?;
        let release = find(session, &app, self.release.as_deref()).await?;
        if self.json {
            session.console.json(&release.whole)?;
            return Ok(ExitCode::SUCCESS);
        }
        let version = release.version;
        let by = release.user.email.as_str();
        let when = moment(&release.created_at, &session.clock);
        let status = match release.status {
            Status::Succeeded if release.current => "current",
            Status::Succeeded => "succeeded",
            Status::Pending => "its release command is executing",
            Status::Failed => "its release command failed",
        };
        session.console.line(format_args!("=== Release v{version}\n"))?;
        let facts =
            [("Change", release.description.as_str()), ("By", by), ("When", &when), ("Status", status)];
        for line in aligned(facts) {
            session.console.line(line)?;
        }
        show_config(session, &app, version).await?;
        Ok(ExitCode::SUCCESS)
    }
}

/// The config vars of a release, as far as whoever asks may see them.
async fn show_config(session: &mut Session, app: &str, version: u64) -> anyhow::Result<()> {
    let path = ["apps", app, "releases", &version.to_string(), "config-vars"];
    let vars: ConfigVars = match session.client.get(&path).await {
        Ok(vars) => vars,
        Err(error) if error.is_gone() => {
            session.console.note(format_args!("Its config vars are not shown: {error}"))?;
            return Ok(());
        }
        Err(error) => return Err(error.into()),
    };
    if !vars.is_empty() {
        session.console.line(format_args!("\n=== v{version} Config Vars\n"))?;
    }
    for line in aligned(vars.iter().map(|(key, value)| (key.as_str(), value.as_str()))) {
        session.console.line(line)?;
    }
    Ok(())
}

impl Said {
    async fn run(self, session: &mut Session) -> anyhow::Result<ExitCode> {
        let app = session.app(&self.at)?;
        let release = find(session, &app, self.release.as_deref()).await?;
        let version = release.version;
        let Some(address) = &release.output_stream_url else {
            session.console.note(format_args!("v{version} has no release command, so nothing was said"))?;
            return Ok(ExitCode::SUCCESS);
        };
        match session.follow(address, Output::Result).await? {
            Followed::Shown => Ok(ExitCode::SUCCESS),
            Followed::Gone => bail!(
                "what the release command of v{version} said is gone: the output of an app's last 20 builds and \
                 release commands is kept"
            ),
        }
    }
}

async fn find(session: &Session, app: &str, named: Option<&str>) -> anyhow::Result<Answer<Release>> {
    let Some(version) = named else { return session.newest_release(app).await };
    let version = version.strip_prefix('v').unwrap_or(version);
    Ok(session.client.get(&["apps", app, "releases", version]).await?)
}
