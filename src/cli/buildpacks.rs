use super::{
    client::{Answer, Buildpack, Range},
    session::{AtApp, AtPlatform, Session},
};
use anyhow::{Context as _, bail};
use clap::{Args, Subcommand};
use serde_json::json;
use std::{num::NonZeroUsize, process::ExitCode};

/// Show and choose the buildpacks that build an app
///
/// An app without any is built by the first buildpack that recognizes it. A choice counts from the next build on.
#[derive(Debug, Args)]
#[command(
    args_conflicts_with_subcommands = true,
    after_help = "Examples:
  hokku buildpacks -a shop
  hokku buildpacks set python -a shop
  hokku buildpacks add --index 1 static -a shop
  hokku buildpacks clear -a shop           they are detected again

Buildpacks: python, wasm, static. Each is also called as on Heroku: heroku/python."
)]
pub(super) struct Buildpacks {
    #[command(subcommand)]
    action: Option<Action>,
    #[command(flatten)]
    list: List,
}

#[derive(Debug, Subcommand)]
enum Action {
    Set(Set),
    Add(Add),
    Remove(Remove),
    Clear(Clear),
}

#[derive(Debug, Args)]
struct List {
    /// Print the buildpacks as JSON
    #[arg(long)]
    json: bool,
    #[command(flatten)]
    at: AtApp,
}

/// Put a buildpack in the place of the first one, or of another
#[derive(Debug, Args)]
#[command(after_help = "Examples:
  hokku buildpacks set python -a shop
  hokku buildpacks set --index 2 static -a shop")]
struct Set {
    /// The buildpack
    buildpack: String,
    /// Which place, from 1 on [default: 1]
    #[arg(long, short, value_name = "INDEX")]
    index: Option<NonZeroUsize>,
    #[command(flatten)]
    at: AtApp,
}

/// Add a buildpack behind the others, or before one of them
#[derive(Debug, Args)]
#[command(after_help = "Examples:
  hokku buildpacks add static -a shop
  hokku buildpacks add --index 1 python -a shop      before all others")]
struct Add {
    /// The buildpack
    buildpack: String,
    /// Which place it gets, from 1 on [default: the last]
    #[arg(long, short, value_name = "INDEX")]
    index: Option<NonZeroUsize>,
    #[command(flatten)]
    at: AtApp,
}

/// Remove a buildpack
#[derive(Debug, Args)]
#[command(after_help = "Examples:
  hokku buildpacks remove static -a shop
  hokku buildpacks remove --index 2 -a shop")]
#[command(group = clap::ArgGroup::new("which").required(true).args(["buildpack", "index"]))]
struct Remove {
    /// The buildpack
    buildpack: Option<String>,
    /// Its place, from 1 on
    #[arg(long, short, value_name = "INDEX")]
    index: Option<NonZeroUsize>,
    #[command(flatten)]
    at: AtApp,
}

/// Remove all buildpacks: the next build detects which one it needs
#[derive(Debug, Args)]
#[command(after_help = "Example:
  hokku buildpacks clear -a shop")]
struct Clear {
    #[command(flatten)]
    at: AtApp,
}

impl Buildpacks {
    fn at(&self) -> &AtApp {
        match &self.action {
            None => &self.list.at,
            Some(Action::Set(set)) => &set.at,
            Some(Action::Add(add)) => &add.at,
            Some(Action::Remove(remove)) => &remove.at,
            Some(Action::Clear(clear)) => &clear.at,
        }
    }

    pub(super) fn platform(&self) -> &AtPlatform {
        &self.at().platform
    }

    pub(super) async fn run(self, session: &mut Session) -> anyhow::Result<ExitCode> {
        let app = session.app(self.at())?;
        let Some(action) = self.action else { return self.list.run(session, &app).await };
        // What all shall be in the end is decided over what there is.
        let names = match &action {
            Action::Clear(_) => Vec::new(),
            _ => of_app(session, &app)
                .await?
                .into_iter()
                .map(|installed| installed.name().to_owned())
                .collect(),
        };
        let names = action.applied_to(names, &app)?;
        session.console.begin(format_args!("Setting the buildpacks of ⬢ {app}"))?;
        let updates: Vec<_> = names.iter().map(|name| json!({ "buildpack": name })).collect();
        let path = ["apps", &app, "buildpack-installations"];
        let now: Vec<Answer<Buildpack>> =
            session.client.replace(&path, &json!({ "updates": updates })).await?;
        session.console.done("done")?;
        show(session, &app, &now)?;
        if !now.is_empty() {
            session
                .console
                .note(format_args!("The next build uses this; `hokku deploy -a {app}` starts one."))?;
        }
        Ok(ExitCode::SUCCESS)
    }
}

impl List {
    async fn run(self, session: &mut Session, app: &str) -> anyhow::Result<ExitCode> {
        let buildpacks = of_app(session, app).await?;
        if self.json {
            session.console.json(&buildpacks.into_iter().map(|buildpack| buildpack.whole).collect())?;
        } else {
            show(session, app, &buildpacks)?;
        }
        Ok(ExitCode::SUCCESS)
    }
}

impl Action {
    /// The buildpacks `names` after this.
    fn applied_to(&self, mut names: Vec<String>, app: &str) -> anyhow::Result<Vec<String>> {
        let place = |index: Option<NonZeroUsize>| index.map(|index| index.get() - 1);
        match self {
            Self::Set(Set { buildpack, index, .. }) => match names.get_mut(place(*index).unwrap_or(0)) {
                Some(name) => buildpack.clone_into(name),
                None => names.push(buildpack.clone()),
            },
            Self::Add(Add { buildpack, index, .. }) => {
                let at = place(*index).unwrap_or(names.len()).min(names.len());
                names.insert(at, buildpack.clone());
            }
            Self::Remove(Remove { buildpack: Some(buildpack), .. }) => {
                let found = names.iter().position(|name| bare(name) == bare(buildpack));
                names.remove(found.with_context(|| none(app, &names, buildpack))?);
            }
            Self::Remove(Remove { index, .. }) => match place(*index) {
                Some(at) if at < names.len() => drop(names.remove(at)),
                _ if names.is_empty() => bail!(none(app, &names, "")),
                _ => bail!("⬢ {app} has {} buildpacks: choose an index from 1 to {0}", names.len()),
            },
            Self::Clear(_) => names.clear(),
        }
        Ok(names)
    }
}

fn bare(name: &str) -> &str {
    name.strip_prefix("heroku/").unwrap_or(name)
}

fn none(app: &str, names: &[String], wanted: &str) -> String {
    match names {
        [] => format!("⬢ {app} has no buildpacks: which one builds it is detected"),
        names => format!("⬢ {app} has no buildpack `{wanted}`, only {}", names.join(", ")),
    }
}

async fn of_app(session: &Session, app: &str) -> anyhow::Result<Vec<Answer<Buildpack>>> {
    Ok(session.client.list(&["apps", app, "buildpack-installations"], Range::All).await?)
}

fn show(session: &mut Session, app: &str, buildpacks: &[Answer<Buildpack>]) -> anyhow::Result<()> {
    if buildpacks.is_empty() {
        session.console.note(format_args!("⬢ {app} has no buildpacks: which one builds it is detected"))?;
        return Ok(());
    }
    session.console.line(format_args!("=== {app} Buildpacks\n"))?;
    for (index, buildpack) in buildpacks.iter().enumerate() {
        session.console.line(format_args!("{}. {}", index + 1, buildpack.name()))?;
    }
    Ok(())
}
