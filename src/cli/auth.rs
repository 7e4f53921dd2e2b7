use super::session::{AtPlatform, Session};
use anyhow::Context as _;
use std::process::ExitCode;

/// Print the token in use
#[derive(Debug, clap::Args)]
#[command(subcommand_required = true, arg_required_else_help = true)]
pub(super) struct Auth {
    #[command(subcommand)]
    action: Action,
}

#[derive(Debug, clap::Subcommand)]
enum Action {
    Token(Token),
}

/// Print the token that hokku uses for the platform
///
/// Whoever has it may do what you may. A token of its own for each program can be revoked alone: `hokku authorizations
/// create`.
#[derive(Debug, clap::Args)]
#[command(after_help = "Example:
  curl -H \"Authorization: Bearer $(hokku auth:token)\" http://localhost:8080/apps")]
struct Token {
    #[command(flatten)]
    platform: AtPlatform,
}

impl Auth {
    pub(super) fn platform(&self) -> &AtPlatform {
        let Action::Token(token) = &self.action;
        &token.platform
    }

    pub(super) fn run(self, session: &mut Session) -> anyhow::Result<ExitCode> {
        match self.action {
            Action::Token(_) => print_token(session),
        }
    }
}

fn print_token(session: &mut Session) -> anyhow::Result<ExitCode> {
    let credential = session.client.credential();
    let credential = credential.with_context(|| {
        format!("there is no token for {}: log in with `hokku login`", session.client.host())
    })?;
    let token = credential.reveal().to_owned();
    session.console.value(&token)?;
    Ok(ExitCode::SUCCESS)
}
