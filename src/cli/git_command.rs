use super::{
    client::{Answer, App},
    git::{Asked, RemoteName},
    git_setup::Connected,
    session::{AtPlatform, Session},
};
use anyhow::{Context as _, bail};
use std::{io::BufReader, path::PathBuf, process::ExitCode};

/// Connect git with an app, or clone its code
#[derive(Debug, clap::Args)]
#[command(subcommand_required = true, arg_required_else_help = true)]
#[command(after_help = "Examples:
  hokku git:remote -a shop          then `git push hokku main` deploys
  hokku git:clone -a shop

git gets its password from hokku: no token is in an address or in git's settings.")]
pub(super) struct Git {
    #[command(subcommand)]
    action: Action,
}

#[derive(Debug, clap::Subcommand)]
enum Action {
    Remote(Connect),
    Clone(Clone),
    #[command(hide = true)]
    Credentials(Credentials),
}

/// Add a git remote that leads to an app
///
/// A remote of that name for another app of the platform is turned to this one; any other stays as it is.
#[derive(Debug, clap::Args)]
#[command(after_help = "Examples:
  hokku git:remote -a shop
  hokku git:remote -a shop-staging -r staging")]
struct Connect {
    /// Name or id of the app
    #[arg(long, short, env = "HOKKU_APP", hide_env_values = true)]
    app: Option<String>,
    /// Name of the remote
    #[arg(long, short, default_value = "hokku", value_name = "NAME")]
    remote: RemoteName,
    #[command(flatten)]
    platform: AtPlatform,
}

/// Clone the code of an app, as it was last pushed
#[derive(Debug, clap::Args)]
#[command(after_help = "Examples:
  hokku git:clone -a shop
  hokku git:clone -a shop my-shop")]
struct Clone {
    /// Where to [default: a directory with the app's name]
    #[arg(value_name = "DIR")]
    directory: Option<PathBuf>,
    /// Name or id of the app
    #[arg(long, short, env = "HOKKU_APP", hide_env_values = true)]
    app: Option<String>,
    /// Name of the remote
    #[arg(long, short, default_value = "hokku", value_name = "NAME")]
    remote: RemoteName,
    #[command(flatten)]
    platform: AtPlatform,
}

/// Answer git's question for a password, in the protocol of its credential helpers
#[derive(Debug, clap::Args)]
struct Credentials {
    /// What git wants: get, store or erase
    action: Option<String>,
    #[command(flatten)]
    platform: AtPlatform,
}

impl Git {
    pub(super) fn platform(&self) -> &AtPlatform {
        match &self.action {
            Action::Remote(remote) => &remote.platform,
            Action::Clone(clone) => &clone.platform,
            Action::Credentials(credentials) => &credentials.platform,
        }
    }

    pub(super) async fn run(self, session: &mut Session) -> anyhow::Result<ExitCode> {
        match self.action {
            Action::Remote(remote) => remote.run(session).await,
            Action::Clone(clone) => clone.run(session).await,
            Action::Credentials(credentials) => credentials.run(session),
        }
    }
}

impl Connect {
    async fn run(self, session: &mut Session) -> anyhow::Result<ExitCode> {
        let app = known(session, self.app.as_deref()).await?;
        if !session.desk.git.is_work_tree() {
            bail!("this directory is in no git repository: `git init` makes one");
        }
        let name = &self.remote;
        let told = match session.desk.connect(&session.client, name, &app)? {
            Connected::Added => format!("Git remote {name} added: it leads to {app}."),
            Connected::Already => format!("Git remote {name} leads to {app} already."),
            Connected::OtherApp => {
                session.desk.git.turn_remote(name, &session.client.repository(&app))?;
                format!("Git remote {name} leads to {app} now.")
            }
            Connected::Elsewhere => bail!(
                "the git remote `{name}` leads to no app at {}: choose another name with -r NAME",
                session.client.host()
            ),
        };
        session.desk.teach_git(&session.client)?;
        session.console.note(told)?;
        Ok(ExitCode::SUCCESS)
    }
}

impl Clone {
    async fn run(self, session: &mut Session) -> anyhow::Result<ExitCode> {
        let app = known(session, self.app.as_deref()).await?;
        session.desk.teach_git(&session.client)?;
        let address = session.client.repository(&app);
        let mut git = session.desk.git.attached(&["clone", "--origin", self.remote.as_ref(), "--", &address]);
        let ended = git.args(&self.directory).status().await.context("cannot run git")?;
        Ok(match ended.code() {
            Some(0) => ExitCode::SUCCESS,
            Some(code) => ExitCode::from(u8::try_from(code).unwrap_or(1)),
            None => ExitCode::FAILURE,
        })
    }
}

impl Credentials {
    fn run(self, session: &mut Session) -> anyhow::Result<ExitCode> {
        let asked = Asked::read(BufReader::new(session.console.take_input()))?;
        let (protocol, host) = (&asked.protocol, &asked.host);
        match self.action.as_deref() {
            Some("get") if asked.is_http() => {
                let found = self.platform.access().credential_for(protocol, host)?;
                let answer = found.and_then(|found| Asked::answer(found.name(), found.reveal()));
                match answer {
                    Some(answer) => session.console.output().write_all(answer.as_bytes())?,
                    None => session.console.note(format_args!(
                        "hokku has no token for {protocol}://{host}: log in with `HOKKU_HOST={protocol}://{host} hokku login`"
                    ))?,
                }
            }
            Some("erase") if asked.is_http() => session.console.note(format_args!(
                "{protocol}://{host} does not accept the token that hokku has for it: see `hokku whoami`"
            ))?,
            // What git says of tokens that it has from us is no news.
            _ => {}
        }
        Ok(ExitCode::SUCCESS)
    }
}

/// The name of the app that is meant, if there is such an app.
async fn known(session: &mut Session, app: Option<&str>) -> anyhow::Result<String> {
    let app = app.map(str::trim).filter(|app| !app.is_empty());
    let app = app.context("which app? Name it with -a APP, or set HOKKU_APP")?;
    session.is_about(app);
    let known: Answer<App> = session.client.get(&["apps", app]).await?;
    Ok(known.name.clone())
}
