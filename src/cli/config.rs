use super::{
    client::ConfigVars,
    console::aligned,
    release_outcome::Output,
    session::{AtApp, AtPlatform, Session},
};
use crate::app::ConfigKey;
use anyhow::{Context as _, bail};
use clap::{Args, Subcommand};
use serde_json::{Map, Value, json};
use std::{convert::Infallible, fmt, process::ExitCode, str::FromStr};

/// Show and change an app's config vars, which its dynos see as environment variables
///
/// Every change makes a release, which `hokku rollback` can take back, and restarts the dynos.
#[derive(Debug, Args)]
#[command(
    args_conflicts_with_subcommands = true,
    after_help = "Examples:
  hokku config -a shop
  hokku config set GREETING=hi COLOUR=blue -a shop
  hokku config get GREETING -a shop
  hokku config unset COLOUR -a shop
  hokku config --shell -a shop > .env"
)]
pub(super) struct Config {
    #[command(subcommand)]
    action: Option<Action>,
    #[command(flatten)]
    list: List,
}

#[derive(Debug, Subcommand)]
enum Action {
    Set(Set),
    Get(Get),
    Unset(Unset),
}

#[derive(Debug, Args)]
struct List {
    /// Print KEY=VALUE lines for a shell or a `.env` file
    #[arg(long, short, conflicts_with = "json")]
    shell: bool,
    /// Print the config vars as JSON
    #[arg(long, short)]
    json: bool,
    #[command(flatten)]
    at: AtApp,
}

/// Set config vars and restart
#[derive(Debug, Args)]
#[command(after_help = "Examples:
  hokku config set GREETING=hi COLOUR=blue -a shop
  hokku config set \"KEY=$(cat key.pem)\" -a shop")]
struct Set {
    /// KEY=VALUE, as many as you like: together they make one release
    #[arg(required = true, value_name = "KEY=VALUE")]
    vars: Vec<Assignment>,
    /// Print all config vars as JSON
    #[arg(long, short)]
    json: bool,
    #[command(flatten)]
    at: AtApp,
}

/// Print the value of a config var
#[derive(Debug, Args)]
#[command(after_help = "Example:
  psql \"$(hokku config get DATABASE_URL -a shop)\"")]
struct Get {
    /// Its name
    key: ConfigKey,
    #[command(flatten)]
    at: AtApp,
}

/// Remove config vars and restart
#[derive(Debug, Args)]
#[command(after_help = "Example:
  hokku config unset COLOUR -a shop")]
struct Unset {
    /// Their names
    #[arg(required = true, value_name = "KEY")]
    keys: Vec<ConfigKey>,
    /// Print the config vars that are left as JSON
    #[arg(long, short)]
    json: bool,
    #[command(flatten)]
    at: AtApp,
}

/// What is typed to set a config var. The value is a secret: neither `Debug` nor an error of the command line shows it.
#[derive(Clone)]
struct Assignment(String);

impl FromStr for Assignment {
    type Err = Infallible;

    fn from_str(text: &str) -> Result<Self, Infallible> {
        Ok(Self(text.to_owned()))
    }
}

impl fmt::Debug for Assignment {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str("Assignment(…)")
    }
}

impl Assignment {
    fn read(&self) -> anyhow::Result<(ConfigKey, &str)> {
        let (key, value) =
            self.0.split_once('=').context("config vars are set as KEY=VALUE, like GREETING=hi")?;
        Ok((key.parse()?, value))
    }
}

impl Config {
    pub(super) fn platform(&self) -> &AtPlatform {
        match &self.action {
            None => &self.list.at.platform,
            Some(Action::Set(set)) => &set.at.platform,
            Some(Action::Get(get)) => &get.at.platform,
            Some(Action::Unset(unset)) => &unset.at.platform,
        }
    }

    pub(super) async fn run(self, session: &mut Session) -> anyhow::Result<ExitCode> {
        match self.action {
            None => self.list.run(session).await,
            Some(Action::Set(set)) => set.run(session).await,
            Some(Action::Get(get)) => get.run(session).await,
            Some(Action::Unset(unset)) => unset.run(session).await,
        }
    }
}

impl List {
    async fn run(self, session: &mut Session) -> anyhow::Result<ExitCode> {
        let app = session.app(&self.at)?;
        let vars = of_app(session, &app).await?;
        if self.json {
            session.console.json(&json!(vars))?;
        } else if self.shell {
            for (key, value) in &vars {
                session.console.value(&format!("{key}={}", quoted(value)))?;
            }
        } else if vars.is_empty() {
            session.console.note(format_args!("⬢ {app} has no config vars"))?;
        } else {
            session.console.line(format_args!("=== {app} Config Vars\n"))?;
            show(session, &vars)?;
        }
        Ok(ExitCode::SUCCESS)
    }
}

impl Set {
    async fn run(self, session: &mut Session) -> anyhow::Result<ExitCode> {
        let mut changes = Map::new();
        for var in &self.vars {
            let (key, value) = var.read()?;
            changes.insert(key.to_string(), value.into());
        }
        let keys: Vec<_> = changes.keys().cloned().collect();
        let app = session.app(&self.at)?;
        let vars = change(session, &app, "Setting", &keys, changes).await?;
        if self.json {
            session.console.json(&json!(vars))?;
        } else {
            show(session, vars.iter().filter(|(key, _)| keys.contains(key)))?;
        }
        Ok(ExitCode::SUCCESS)
    }
}

impl Get {
    async fn run(self, session: &mut Session) -> anyhow::Result<ExitCode> {
        let app = session.app(&self.at)?;
        let Some(value) = of_app(session, &app).await?.remove(self.key.as_ref()) else {
            bail!("{app} has no config var {}", self.key);
        };
        session.console.value(&value)?;
        Ok(ExitCode::SUCCESS)
    }
}

impl Unset {
    async fn run(self, session: &mut Session) -> anyhow::Result<ExitCode> {
        let keys: Vec<_> = self.keys.iter().map(ToString::to_string).collect();
        let changes = keys.iter().map(|key| (key.clone(), Value::Null)).collect();
        let app = session.app(&self.at)?;
        let left = change(session, &app, "Unsetting", &keys, changes).await?;
        if self.json {
            session.console.json(&json!(left))?;
        }
        Ok(ExitCode::SUCCESS)
    }
}

async fn of_app(session: &Session, app: &str) -> anyhow::Result<ConfigVars> {
    Ok(session.client.get(&["apps", app, "config-vars"]).await?)
}

/// Makes the changes and waits for the release that holds them; gives all vars of the app.
async fn change(
    session: &mut Session,
    app: &str,
    doing: &str,
    keys: &[String],
    changes: Map<String, Value>,
) -> anyhow::Result<ConfigVars> {
    session.console.begin(format_args!("{doing} {} and restarting ⬢ {app}", keys.join(", ")))?;
    let before = session.newest_release(app).await?.version;
    let vars = session.client.patch(&["apps", app, "config-vars"], &changes.into()).await?;
    let release = session.newest_release(app).await?;
    if release.version == before {
        session.console.done("nothing changed")?;
        return Ok(vars);
    }
    session.released(&release)?;
    session.finish_release(app, release, Output::Note).await?;
    Ok(vars)
}

fn show<'a>(
    session: &mut Session,
    vars: impl IntoIterator<Item = (&'a String, &'a String)>,
) -> anyhow::Result<()> {
    for line in aligned(vars.into_iter().map(|(key, value)| (key.as_str(), value.as_str()))) {
        session.console.line(line)?;
    }
    Ok(())
}

/// `value` as a word of a shell.
fn quoted(value: &str) -> String {
    let harmless = |c: char| c.is_ascii_alphanumeric() || "_-./:@%+,=".contains(c);
    if value.chars().all(harmless) { value.to_owned() } else { format!("'{}'", value.replace('\'', r"'\''")) }
}
