use super::{
    client::{Account, Answer, Range},
    console::columns,
    moment::moment,
    password::Password,
    session::{AtPlatform, Session},
};
use anyhow::bail;
use serde_json::{Value, json};
use std::process::ExitCode;

/// List, add and remove accounts, and set passwords
///
/// Accounts are the operator's to give. Everybody changes their own password.
#[derive(Debug, clap::Args)]
#[command(args_conflicts_with_subcommands = true)]
#[command(after_help = "Examples:
  hokku users
  hokku users:add ada@example.com --generate
  hokku users:remove ada@example.com
  hokku users:password                         your own")]
pub(super) struct Users {
    #[command(subcommand)]
    action: Option<Action>,
    #[command(flatten)]
    list: List,
}

#[derive(Debug, clap::Subcommand)]
enum Action {
    Add(Add),
    Remove(Remove),
    Password(SetPassword),
}

#[derive(Debug, clap::Args)]
struct List {
    /// Print the accounts as JSON
    #[arg(long)]
    json: bool,
    #[command(flatten)]
    platform: AtPlatform,
}

/// Where a new password comes from that nobody is asked for.
#[derive(Clone, Copy, Debug, clap::Args)]
#[group(multiple = false)]
struct Given {
    /// Read the password from standard input
    #[arg(long)]
    password_stdin: bool,
    /// Make a password up, and print it once
    #[arg(long)]
    generate: bool,
}

/// Add an account
///
/// Asks for its first password, unless that comes from standard input or is made up.
#[derive(Debug, clap::Args)]
#[command(after_help = "Examples:
  hokku users:add ada@example.com
  hokku users:add ada@example.com --generate
  hokku users:add ada@example.com --password-stdin < password.txt")]
struct Add {
    /// E-mail address
    email: String,
    #[command(flatten)]
    given: Given,
    /// Print the account as JSON
    #[arg(long)]
    json: bool,
    #[command(flatten)]
    platform: AtPlatform,
}

/// Remove an account with its tokens
#[derive(Debug, clap::Args)]
#[command(after_help = "Example:
  hokku users:remove ada@example.com

Who owns apps cannot be removed: transfer or destroy them before.")]
struct Remove {
    /// E-mail address
    email: String,
    #[command(flatten)]
    platform: AtPlatform,
}

/// Set a password: your own, or as the operator somebody else's
///
/// Your own needs the one that it takes the place of. From standard input that is the first line, and the new one the
/// second.
#[derive(Debug, clap::Args)]
#[command(after_help = "Examples:
  hokku users:password
  hokku users:password ada@example.com --generate        as the operator")]
struct SetPassword {
    /// E-mail address of somebody else
    email: Option<String>,
    #[command(flatten)]
    given: Given,
    #[command(flatten)]
    platform: AtPlatform,
}

impl Users {
    pub(super) fn platform(&self) -> &AtPlatform {
        match &self.action {
            None => &self.list.platform,
            Some(Action::Add(add)) => &add.platform,
            Some(Action::Remove(remove)) => &remove.platform,
            Some(Action::Password(password)) => &password.platform,
        }
    }

    pub(super) async fn run(self, session: &mut Session) -> anyhow::Result<ExitCode> {
        match self.action {
            None => self.list.run(session).await,
            Some(Action::Add(add)) => add.run(session).await,
            Some(Action::Remove(remove)) => remove.run(session).await,
            Some(Action::Password(password)) => password.run(session).await,
        }
    }
}

impl Given {
    async fn password(self, session: &mut Session, question: &str) -> anyhow::Result<Password> {
        if self.generate {
            return Password::random();
        }
        if self.password_stdin {
            let [password] = session.passwords_of_input().await?;
            return Ok(password);
        }
        self.ask(session, question).await
    }

    async fn ask(self, session: &mut Session, question: &str) -> anyhow::Result<Password> {
        if !session.terminals_can_ask() {
            bail!("there is nobody to ask for a password: use --password-stdin or --generate");
        }
        session.ask_new_password(question).await
    }

    /// Shows a password that was made up: nobody knows it yet.
    fn show(self, session: &mut Session, password: &Password) -> anyhow::Result<()> {
        if self.generate {
            session.console.value(password.reveal())?;
        }
        Ok(())
    }
}

impl List {
    async fn run(self, session: &mut Session) -> anyhow::Result<ExitCode> {
        let accounts: Vec<Answer<Account>> = session.client.list(&["accounts"], Range::All).await?;
        if self.json {
            session.console.json(&accounts.into_iter().map(|account| account.whole).collect())?;
            return Ok(ExitCode::SUCCESS);
        }
        let row = |account: &Answer<Account>| {
            [account.email.clone(), format!("since {}", moment(&account.created_at, &session.clock))]
        };
        let mut rows: Vec<_> = accounts.iter().map(row).collect();
        rows.sort();
        for line in columns(&rows) {
            session.console.line(line)?;
        }
        Ok(ExitCode::SUCCESS)
    }
}

impl Add {
    async fn run(self, session: &mut Session) -> anyhow::Result<ExitCode> {
        let password = self.given.password(session, &format!("Password for {}", self.email)).await?;
        session.console.begin(format_args!("Adding {}", self.email))?;
        let body = json!({ "email": self.email, "password": password.reveal() });
        let mut account: Value = session.client.post(&["accounts"], &body).await?;
        session.console.done("done")?;
        if !self.json {
            self.given.show(session, &password)?;
            return Ok(ExitCode::SUCCESS);
        }
        if self.given.generate {
            account["password"] = password.reveal().into();
        }
        session.console.json(&account)?;
        Ok(ExitCode::SUCCESS)
    }
}

impl Remove {
    async fn run(self, session: &mut Session) -> anyhow::Result<ExitCode> {
        session.console.begin(format_args!("Removing {}", self.email))?;
        session.client.delete(&["accounts", &self.email]).await?;
        session.console.done("done")?;
        Ok(ExitCode::SUCCESS)
    }
}

impl SetPassword {
    async fn run(self, session: &mut Session) -> anyhow::Result<ExitCode> {
        let new = match &self.email {
            Some(email) => {
                let new = self.given.password(session, &format!("New password for {email}")).await?;
                session.console.begin(format_args!("Setting the password of {email}"))?;
                let body = json!({ "password": new.reveal() });
                let _: Value = session.client.patch(&["accounts", email], &body).await?;
                new
            }
            None => self.own(session).await?,
        };
        session.console.done("done")?;
        self.given.show(session, &new)?;
        Ok(ExitCode::SUCCESS)
    }

    async fn own(&self, session: &mut Session) -> anyhow::Result<Password> {
        let [old, new] = if self.given.password_stdin {
            session.passwords_of_input().await?
        } else if session.terminals_can_ask() {
            let old = session.ask_password("Your password until now").await?;
            [old, self.given.password(session, "Your new password").await?]
        } else {
            bail!(
                "there is nobody to ask for your password: use --password-stdin, with the old one on the first line"
            )
        };
        session.console.begin("Setting your password")?;
        let body = json!({ "password": old.reveal(), "new_password": new.reveal() });
        let _: Value = session.client.patch(&["account"], &body).await?;
        Ok(new)
    }
}
