use super::{
    client::{Answer, App},
    session::{AtApp, Session},
};
use anyhow::{Context as _, bail};
use std::process::ExitCode;

/// Open an app in the browser; without a desktop, print its address
#[derive(Debug, clap::Args)]
#[command(after_help = "Example:
  hokku open -a shop")]
pub(super) struct Open {
    #[command(flatten)]
    pub(super) at: AtApp,
}

impl Open {
    pub(super) async fn run(self, session: &mut Session) -> anyhow::Result<ExitCode> {
        let name = session.app(&self.at)?;
        let app: Answer<App> = session.client.get(&["apps", &name]).await?;
        let url = app.web_url.clone().with_context(|| format!("{name} has no address"))?;
        // The desktop opens whatever it is given, programs too.
        if !url.starts_with("http://") && !url.starts_with("https://") {
            bail!("{name} has an address that no browser should open: {url}");
        }
        if session.console.terminals.output && has_desktop() {
            session.console.note(format_args!("Opening {url}"))?;
            let shown = url.clone();
            if tokio::task::spawn_blocking(move || open::that_detached(shown)).await?.is_ok() {
                return Ok(ExitCode::SUCCESS);
            }
        }
        session.console.line(url)?;
        Ok(ExitCode::SUCCESS)
    }
}

fn has_desktop() -> bool {
    let named = |name| std::env::var_os(name).is_some_and(|value| !value.is_empty());
    cfg!(target_os = "macos") || named("DISPLAY") || named("WAYLAND_DISPLAY")
}
