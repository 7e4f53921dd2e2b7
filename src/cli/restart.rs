use super::session::{AtApp, Session};
use std::process::ExitCode;

/// Restart all dynos of an app, those of one type, or one dyno
///
/// New web dynos are up before the old ones stop, so that no request fails.
#[derive(Debug, clap::Args)]
#[command(after_help = "Examples:
  hokku restart -a shop
  hokku restart worker -a shop
  hokku restart web.1 -a shop")]
pub(super) struct Restart {
    /// A dyno like web.1, or a process type like web [default: all dynos]
    #[arg(value_name = "DYNO|TYPE")]
    dynos: Option<String>,
    #[command(flatten)]
    pub(super) at: AtApp,
}

impl Restart {
    pub(super) async fn run(self, session: &mut Session) -> anyhow::Result<ExitCode> {
        let app = session.app(&self.at)?;
        let dynos = self.dynos.as_deref();
        let (words, path) = match dynos {
            None => ("all dynos".to_owned(), vec!["apps", &app, "dynos"]),
            Some(dyno) if dyno.contains('.') => (format!("dyno {dyno}"), vec!["apps", &app, "dynos", dyno]),
            Some(kind) => (format!("all {kind} dynos"), vec!["apps", &app, "formations", kind]),
        };
        session.console.begin(format_args!("Restarting {words} on ⬢ {app}"))?;
        session.client.delete(&path).await?;
        session.console.done("done")?;
        Ok(ExitCode::SUCCESS)
    }
}
