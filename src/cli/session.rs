use super::{
    client::{Access, Client},
    console::Console,
    data_dir::DataDir,
    desk::Desk,
    git::{GitError, RemoteName},
};
use crate::clock::Clock;
use anyhow::{Context as _, bail};

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

    /// What is on the user's own machine.
    pub(super) fn desk(&self) -> Desk {
        Desk::of_process(self.data_dir.unusual())
    }
}

/// Which app is meant.
#[derive(Debug, clap::Args)]
pub(super) struct AtApp {
    /// Name or id of the app
    #[arg(long, short, env = "HOKKU_APP", hide_env_values = true)]
    app: Option<String>,
    /// Git remote of this directory that leads to the app
    #[arg(long, short, value_name = "NAME")]
    remote: Option<RemoteName>,
    #[command(flatten)]
    pub(super) platform: AtPlatform,
}

impl AtApp {
    /// The app, if one was named.
    pub(super) fn named(&self) -> Option<&str> {
        self.app.as_deref().map(str::trim).filter(|app| !app.is_empty())
    }

    /// Whether the app was chosen by the command line or the environment, by its name or by a remote.
    pub(super) fn is_chosen(&self) -> bool {
        self.named().is_some() || self.remote.is_some()
    }
}

/// One command's dealings with a platform.
pub(super) struct Session {
    pub(super) client: Client,
    pub(super) console: Console,
    pub(super) clock: Clock,
    pub(super) desk: Desk,
    /// The app that the command is about.
    app: Option<String>,
    /// What to say if the user interrupts now.
    pub(super) parting_words: Option<String>,
}

impl Session {
    pub(super) fn new(client: Client, console: Console, clock: Clock) -> Self {
        Self { client, console, clock, desk: Desk::of_process(None), app: None, parting_words: None }
    }

    /// The same at another desk.
    pub(super) fn at_desk(self, desk: Desk) -> Self {
        Self { desk, ..self }
    }

    /// The app that the command line names; else the one to which git's remotes in this directory lead.
    pub(super) fn app(&mut self, at: &AtApp) -> anyhow::Result<String> {
        let app = match (at.named(), &at.remote) {
            (Some(app), None) => app.to_owned(),
            (named, Some(remote)) => self.app_at_remote(remote, named)?,
            (None, None) => {
                self.app_of_directory()?.context("which app? Name it with -a APP, or set HOKKU_APP")?
            }
        };
        self.is_about(&app);
        Ok(app)
    }

    fn app_at_remote(&self, remote: &RemoteName, named: Option<&str>) -> anyhow::Result<String> {
        let addresses = self.desk.git.addresses(remote);
        if addresses.is_empty() {
            return Err(GitError::NoRemote(remote.clone()).into());
        }
        let app = addresses.iter().find_map(|address| self.client.app_at(address));
        let Some(app) = app else {
            bail!(
                "the git remote `{remote}` leads to no app at {}: name the app with -a APP",
                self.client.host()
            )
        };
        match named {
            Some(named) if named != app.as_ref() => {
                bail!(
                    "-a or HOKKU_APP means {named}, but the git remote `{remote}` leads to {app}: give one of them"
                )
            }
            _ => Ok(app.to_string()),
        }
    }

    /// The app to which the remotes of this directory lead, if it is one. `git config hokku.remote` chooses.
    fn app_of_directory(&self) -> anyhow::Result<Option<String>> {
        let remotes = self.desk.git.remotes();
        let leading =
            remotes.iter().filter_map(|remote| Some((self.client.app_at(&remote.address)?, &remote.name)));
        let mut leading: Vec<_> = leading.collect();
        leading.dedup();
        if leading.len() > 1 {
            let chosen = self.desk.git.chosen_remote();
            if let Some((app, _)) = leading.iter().find(|(_, name)| chosen.as_ref() == Some(*name)) {
                return Ok(Some(app.to_string()));
            }
        }
        let Some((first, _)) = leading.first() else { return Ok(None) };
        if leading.iter().all(|(app, _)| app == first) {
            return Ok(Some(first.to_string()));
        }
        let listed: Vec<_> = leading.iter().map(|(app, name)| format!("{app} (remote {name})")).collect();
        bail!(
            "the git remotes of this directory lead to several apps: {}. Choose one with -a APP or --remote NAME; \
             `git config hokku.remote NAME` remembers it",
            listed.join(", ")
        )
    }

    /// Remembers which app it is about, for the words of an error.
    pub(super) fn is_about(&mut self, app: &str) {
        self.app = Some(app.to_owned());
    }

    pub(super) fn subject(&self) -> Option<&str> {
        self.app.as_deref()
    }
}
