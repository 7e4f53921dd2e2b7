use super::{
    client::{Answer, Authorization, Credential},
    lifetime::Lifetime,
    netrc_text::Login as Kept,
    password::Password,
    session::{AtPlatform, Session},
};
use anyhow::{Context as _, bail};
use serde_json::json;
use std::process::ExitCode;

/// Log in to the platform
///
/// A token is kept in ~/.netrc (or the file that NETRC names), for exactly this host and port, and git asks hokku for
/// it. The password is not kept.
#[derive(Debug, clap::Args)]
#[command(after_help = "Examples:
  hokku login
  HOKKU_HOST=https://paas.example.com hokku login
  hokku login --email ada@example.com --password-stdin < password.txt")]
pub(super) struct Login {
    /// Your e-mail address, instead of the question
    #[arg(long)]
    email: Option<String>,
    /// Read the password from standard input
    #[arg(long, requires = "email")]
    password_stdin: bool,
    /// How long the login lasts, like 12h or 30d
    #[arg(long, short, default_value = "30d", value_name = "TIME")]
    expires_in: Lifetime,
    #[command(flatten)]
    pub(super) platform: AtPlatform,
}

impl Login {
    pub(super) async fn run(self, session: &mut Session) -> anyhow::Result<ExitCode> {
        let host = session.client.host();
        if session.client.credential().is_some_and(Credential::is_fixed) {
            bail!("HOKKU_API_KEY is set, and comes before any login: unset it first");
        }
        let netrc = session.desk.netrc.clone();
        let netrc = netrc.context("there is no home directory to keep the token in: set NETRC to a file")?;
        if session.client.is_overheard() {
            session.console.note(format_args!(
                "Warning: what you send to {host} can be read on the way; https:// would keep it secret."
            ))?;
        }
        let email = self.email(session).await?;
        let password = self.password(session).await?;
        session.console.begin(format_args!("Logging in to {host}"))?;
        let body = json!({
            "description": format!("hokku login from {}", machine_name()),
            "expires_in": self.expires_in.seconds(),
            "scope": ["global"],
        });
        let made: Answer<Authorization> = session.client.log_in(&email, &password, &body).await?;
        let token = made.access_token.as_ref().and_then(|token| token.token.clone());
        let token = token.context("the platform gave out no token")?;
        let login = made.user.as_ref().map_or(email, |user| user.email.clone());
        netrc.keep(&session.client.machine(), &Kept { login: login.clone(), password: token })?;
        session.console.done(format_args!("done, {login}"))?;
        end_login_before(session).await?;
        if let Err(error) = session.desk.teach_git(&session.client) {
            session.console.note(format_args!("Warning: git does not know of the login: {error}"))?;
        }
        Ok(ExitCode::SUCCESS)
    }

    async fn email(&self, session: &mut Session) -> anyhow::Result<String> {
        let email = match &self.email {
            Some(email) => email.trim().to_owned(),
            None if session.terminals_can_ask() => session.ask("E-mail address").await?,
            None => bail!("say who you are with --email, and give the password with --password-stdin"),
        };
        // HTTP Basic, in which it is sent, ends the name with the first colon.
        if email.is_empty() || email.contains(|c: char| c == ':' || c.is_control()) {
            bail!("that is no e-mail address");
        }
        Ok(email)
    }

    async fn password(&self, session: &mut Session) -> anyhow::Result<Password> {
        if self.password_stdin {
            let [password] = session.passwords_of_input().await?;
            return Ok(password);
        }
        if !session.terminals_can_ask() {
            bail!("there is nobody to ask for the password: give it with --password-stdin");
        }
        session.ask_password("Password").await
    }
}

/// The login that this one takes the place of ends, so that no token is left that nobody knows of.
async fn end_login_before(session: &mut Session) -> anyhow::Result<()> {
    if !session.client.credential().is_some_and(Credential::is_login) {
        return Ok(());
    }
    if session.client.revoke_own().await.is_err() {
        session
            .console
            .note("The token of the login before could not be revoked; see `hokku authorizations`.")?;
    }
    Ok(())
}

/// What this machine is called.
fn machine_name() -> String {
    let name = rustix::system::uname();
    let name =
        name.nodename().to_string_lossy().chars().filter(|c| !c.is_control()).take(64).collect::<String>();
    if name.is_empty() { "a machine without a name".to_owned() } else { name }
}
