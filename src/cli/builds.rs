use super::{
    client::{Answer, Build, Range, Release, Status},
    console::{COLUMN, aligned, columns, cut},
    moment::moment,
    release_outcome::{Followed, Output},
    session::{AtApp, AtPlatform, Session},
};
use anyhow::{Context as _, bail};
use clap::{Args, Subcommand};
use std::process::ExitCode;

/// How much of a build's id is shown in a list.
const SHORT: usize = 8;
/// How long a whole id is.
const WHOLE: usize = 36;
/// The most characters of a version.
const VERSION: usize = 20;

/// List an app's builds, the newest first; show, watch and cancel one
///
/// A build goes on at the platform whether anybody watches or not.
#[derive(Debug, Args)]
#[command(
    args_conflicts_with_subcommands = true,
    after_help = "Examples:
  hokku builds -a shop
  hokku builds output -a shop          what the newest build says or said
  hokku builds cancel -a shop          the build that waits or runs

A build is named by its id or by the first characters of it."
)]
pub(super) struct Builds {
    #[command(subcommand)]
    action: Option<Action>,
    #[command(flatten)]
    list: List,
}

#[derive(Debug, Subcommand)]
enum Action {
    Info(Info),
    Output(Said),
    Cancel(Cancel),
}

#[derive(Debug, Args)]
struct List {
    /// How many
    #[arg(long, short, default_value_t = 15, value_name = "COUNT")]
    num: usize,
    /// Print the builds as JSON
    #[arg(long)]
    json: bool,
    #[command(flatten)]
    at: AtApp,
}

/// Show a build: what was built, by whom, and what came of it
#[derive(Debug, Args)]
#[command(after_help = "Examples:
  hokku builds info -a shop
  hokku builds info 3f2a91c0 -a shop")]
struct Info {
    /// The build [default: the newest]
    #[arg(value_name = "ID")]
    build: Option<String>,
    /// Print the build as JSON
    #[arg(long)]
    json: bool,
    #[command(flatten)]
    at: AtApp,
}

/// Print what a build said; of one that runs, also what it says from now on
#[derive(Debug, Args)]
#[command(after_help = "Examples:
  hokku builds output -a shop
  hokku builds output 3f2a91c0 -a shop > build.log

What an app's last 20 builds and release commands said is kept.")]
struct Said {
    /// The build [default: the newest]
    #[arg(value_name = "ID")]
    build: Option<String>,
    #[command(flatten)]
    at: AtApp,
}

/// Cancel a build that waits or runs
///
/// Its processes are ended, and nothing is released. A build that is being released already goes on.
#[derive(Debug, Args)]
#[command(after_help = "Examples:
  hokku builds cancel -a shop
  hokku builds cancel 3f2a91c0 -a shop")]
struct Cancel {
    /// The build [default: the newest that has not ended]
    #[arg(value_name = "ID")]
    build: Option<String>,
    #[command(flatten)]
    at: AtApp,
}

impl Builds {
    pub(super) fn platform(&self) -> &AtPlatform {
        let at = match &self.action {
            None => &self.list.at,
            Some(Action::Info(info)) => &info.at,
            Some(Action::Output(output)) => &output.at,
            Some(Action::Cancel(cancel)) => &cancel.at,
        };
        &at.platform
    }

    pub(super) async fn run(self, session: &mut Session) -> anyhow::Result<ExitCode> {
        match self.action {
            None => self.list.run(session).await,
            Some(Action::Info(info)) => info.run(session).await,
            Some(Action::Output(output)) => output.run(session).await,
            Some(Action::Cancel(cancel)) => cancel.run(session).await,
        }
    }
}

impl List {
    async fn run(self, session: &mut Session) -> anyhow::Result<ExitCode> {
        let app = session.app(&self.at)?;
        let builds = newest(session, &app, self.num).await?;
        if self.json {
            session.console.json(&builds.into_iter().map(|build| build.whole).collect())?;
            return Ok(ExitCode::SUCCESS);
        }
        if builds.is_empty() {
            session.console.note(format_args!("⬢ {app} was never built; `hokku deploy -a {app}` does it"))?;
            return Ok(ExitCode::SUCCESS);
        }
        session.console.line(format_args!("=== {app} Builds\n"))?;
        let row = |build: &Answer<Build>| row(build, session);
        for line in columns(&builds.iter().map(row).collect::<Vec<_>>()) {
            session.console.line(line)?;
        }
        Ok(ExitCode::SUCCESS)
    }
}

fn row(build: &Build, session: &Session) -> [String; 5] {
    let version = build.source_blob.version.as_deref().unwrap_or_default();
    [
        build.id.chars().take(SHORT).collect(),
        build.status.to_string(),
        cut(version, VERSION),
        build.user.email.clone(),
        moment(&build.created_at, &session.clock),
    ]
}

impl Info {
    async fn run(self, session: &mut Session) -> anyhow::Result<ExitCode> {
        let app = session.app(&self.at)?;
        let build = find(session, &app, self.build.as_deref()).await?;
        if self.json {
            session.console.json(&build.whole)?;
            return Ok(ExitCode::SUCCESS);
        }
        let facts = facts(session, &app, &build).await?;
        session.console.line(format_args!("=== Build {}\n", build.id))?;
        for line in aligned(facts.iter().map(|(key, value)| (*key, value.as_str()))) {
            session.console.line(line)?;
        }
        Ok(ExitCode::SUCCESS)
    }
}

async fn facts(session: &Session, app: &str, build: &Build) -> anyhow::Result<Vec<(&'static str, String)>> {
    let buildpacks: Vec<_> = build.buildpacks.iter().map(|buildpack| buildpack.name.as_str()).collect();
    let mut facts = vec![
        ("Status", build.status.to_string()),
        ("By", build.user.email.clone()),
        ("When", moment(&build.created_at, &session.clock)),
        ("Buildpacks", if buildpacks.is_empty() { "detected".to_owned() } else { buildpacks.join(", ") }),
        ("Stack", build.stack.clone()),
    ];
    if let Some(version) = build.source_blob.version.as_deref().filter(|version| !version.is_empty()) {
        facts.push(("Version", cut(version, COLUMN)));
    }
    if let Some(release) = &build.release {
        let release: Answer<Release> = session.client.get(&["apps", app, "releases", &release.id]).await?;
        facts.push(("Release", format!("v{}", release.version)));
    }
    Ok(facts)
}

impl Said {
    async fn run(self, session: &mut Session) -> anyhow::Result<ExitCode> {
        let app = session.app(&self.at)?;
        let build = find(session, &app, self.build.as_deref()).await?;
        let said = match &build.output_stream_url {
            Some(address) => session.follow(address, Output::Result).await?,
            None => Followed::Gone,
        };
        match said {
            Followed::Shown => Ok(ExitCode::SUCCESS),
            Followed::Gone => bail!(
                "what build {} said is gone: the output of an app's last 20 builds and release commands is kept",
                build.id
            ),
        }
    }
}

impl Cancel {
    async fn run(self, session: &mut Session) -> anyhow::Result<ExitCode> {
        let app = session.app(&self.at)?;
        let build = match &self.build {
            Some(named) => find(session, &app, Some(named)).await?,
            None => unfinished(session, &app).await?,
        };
        session.console.begin(format_args!("Cancelling build {} of ⬢ {app}", build.id))?;
        session.client.delete(&["apps", &app, "builds", &build.id]).await?;
        for round in 0.. {
            let now: Answer<Build> = session.client.get(&["apps", &app, "builds", &build.id]).await?;
            match now.status {
                Status::Pending => session.client.pause(round).await,
                _ => break,
            }
        }
        session.console.done("done")?;
        Ok(ExitCode::SUCCESS)
    }
}

async fn newest(session: &Session, app: &str, count: usize) -> anyhow::Result<Vec<Answer<Build>>> {
    Ok(session.client.list(&["apps", app, "builds"], Range::Latest(count)).await?)
}

async fn unfinished(session: &Session, app: &str) -> anyhow::Result<Answer<Build>> {
    let builds = newest(session, app, 100).await?;
    let pending = builds.into_iter().find(|build| build.status == Status::Pending);
    pending.with_context(|| format!("no build of {app} waits or runs: there is nothing to cancel"))
}

/// The build that `named` is, or begins like; the newest when nothing is named.
async fn find(session: &Session, app: &str, named: Option<&str>) -> anyhow::Result<Answer<Build>> {
    let Some(named) = named else {
        let newest = newest(session, app, 1).await?.pop();
        return newest.with_context(|| format!("{app} was never built; `hokku deploy -a {app}` does it"));
    };
    if named.len() >= WHOLE {
        return Ok(session.client.get(&["apps", app, "builds", named]).await?);
    }
    let all: Vec<Answer<Build>> = session.client.list(&["apps", app, "builds"], Range::All).await?;
    let mut like = all.into_iter().filter(|build| build.id.starts_with(named));
    match (like.next(), like.next()) {
        (Some(build), None) => Ok(build),
        (Some(_), Some(_)) => {
            bail!("the ids of several builds of {app} begin with `{named}`: give more of it")
        }
        (None, _) => bail!("{app} has no build {named}; `hokku builds -a {app}` lists them"),
    }
}
