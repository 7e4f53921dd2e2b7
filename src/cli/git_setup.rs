use super::{
    client::Client,
    desk::Desk,
    git::{GitError, RemoteName},
};
use crate::slug::CommandLine;
use anyhow::Context as _;

/// What a remote of git has become.
#[derive(Clone, Copy, Debug, Eq, PartialEq)]
pub(super) enum Connected {
    Added,
    /// It led to the app before.
    Already,
    /// It leads to another app of the platform.
    OtherApp,
    /// It leads to what is no app of the platform.
    Elsewhere,
}

impl Desk {
    /// Lets git ask this program for the token of the platform of `client`, for that host alone, and know its
    /// certificate.
    pub(super) fn teach_git(&self, client: &Client) -> anyhow::Result<()> {
        self.git.let_help(&client.host(), &self.helper()?)?;
        if let Some(authority) = client.authority() {
            let file =
                authority.to_str().context("git takes no file for HOKKU_CA_FILE whose name is no text")?;
            self.git.let_trust(&client.host(), file)?;
        }
        Ok(())
    }

    /// This program as git's helper: a line of a shell.
    fn helper(&self) -> anyhow::Result<String> {
        let mut helper = format!("!{} git:credentials", self.program);
        if let Some(dir) = &self.data_dir {
            let dir = dir.to_str().context("git takes no data directory whose name is no text")?;
            helper = format!("{helper} {}", CommandLine::quote(["--data-dir", dir]));
        }
        Ok(helper)
    }

    /// Adds the remote `name` for `app`, unless there is one of that name.
    pub(super) fn connect(
        &self,
        client: &Client,
        name: &RemoteName,
        app: &str,
    ) -> Result<Connected, GitError> {
        let addresses = self.git.addresses(name);
        if addresses.is_empty() {
            self.git.add_remote(name, &client.repository(app))?;
            return Ok(Connected::Added);
        }
        let led: Vec<_> = addresses.iter().map(|address| client.app_at(address)).collect();
        Ok(if led.iter().all(|led| led.as_ref().is_some_and(|led| led.as_ref() == app)) {
            Connected::Already
        } else if led.iter().all(Option::is_some) {
            Connected::OtherApp
        } else {
            Connected::Elsewhere
        })
    }
}
