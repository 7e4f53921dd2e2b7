use super::{
    client::{Access, Client},
    console::Console,
    data_dir::DataDir,
};
use crate::clock::Clock;
use anyhow::Context as _;

/// Which platform is meant.
#[derive(Debug, clap::Args)]
pub(super) struct AtPlatform {
    #[command(flatten)]
    data_dir: DataDir,
}

impl AtPlatform {
    pub(super) fn access(&self) -> Access {
        // Without a home there is nothing to look up, and the environment may say enough.
        Access::of_environment(self.data_dir.path().ok())
    }
}

/// Which app is meant.
#[derive(Debug, clap::Args)]
pub(super) struct AtApp {
    /// Name or id of the app
    #[arg(long, short, env = "HOKKU_APP", hide_env_values = true)]
    app: Option<String>,
    #[command(flatten)]
    pub(super) platform: AtPlatform,
}

impl AtApp {
    /// The app, if one was named.
    pub(super) fn named(&self) -> Option<&str> {
        self.app.as_deref().map(str::trim).filter(|app| !app.is_empty())
    }
}

/// One command's dealings with a platform.
pub(super) struct Session {
    pub(super) client: Client,
    pub(super) console: Console,
    pub(super) clock: Clock,
    /// The app that the command is about.
    app: Option<String>,
    /// What to say if the user interrupts now.
    pub(super) parting_words: Option<String>,
}

impl Session {
    pub(super) fn new(client: Client, console: Console, clock: Clock) -> Self {
        Self { client, console, clock, app: None, parting_words: None }
    }

    /// The app that the command line names.
    pub(super) fn app(&mut self, at: &AtApp) -> anyhow::Result<String> {
        let app = at.named().context("which app? Name it with -a APP, or set HOKKU_APP")?;
        self.is_about(app);
        Ok(app.to_owned())
    }

    /// Remembers which app it is about, for the words of an error.
    pub(super) fn is_about(&mut self, app: &str) {
        self.app = Some(app.to_owned());
    }

    pub(super) fn subject(&self) -> Option<&str> {
        self.app.as_deref()
    }
}
