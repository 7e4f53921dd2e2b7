use super::{
    client::{Answer, ClientError, Range, Release, Status},
    session::Session,
};
use anyhow::bail;

/// Where the output of a build or release phase goes.
#[derive(Clone, Copy, Debug, Eq, PartialEq)]
pub(super) enum Output {
    /// It is what was asked for.
    Result,
    /// Standard output is for something else.
    Note,
}

/// What there was of an output.
#[derive(Clone, Copy, Debug, Eq, PartialEq)]
pub(super) enum Followed {
    /// All of it, or as much as came.
    Shown,
    /// Nothing was said yet, or it is no longer kept.
    Gone,
}

impl Session {
    /// The newest release of `app`.
    pub(super) async fn newest_release(&self, app: &str) -> anyhow::Result<Answer<Release>> {
        let mut newest: Vec<_> = self.client.list(&["apps", app, "releases"], Range::Newest(1)).await?;
        match newest.pop() {
            Some(release) => Ok(release),
            None => bail!("{app} has no release"),
        }
    }

    /// Ends the line about the work with what came of it so far.
    pub(super) fn released(&mut self, release: &Release) -> anyhow::Result<()> {
        let version = release.version;
        match release.status {
            Status::Pending => self.console.done(format_args!("v{version} pending"))?,
            Status::Succeeded => self.console.done(format_args!("done, v{version}"))?,
            // The error says more.
            Status::Failed => self.console.done(format_args!("v{version}"))?,
        }
        Ok(())
    }

    /// Waits until `release` is current or has failed, and shows what its release phase says meanwhile.
    pub(super) async fn finish_release(
        &mut self,
        app: &str,
        mut release: Answer<Release>,
        output: Output,
    ) -> anyhow::Result<Answer<Release>> {
        let version = release.version;
        let pending = release.status == Status::Pending;
        if pending {
            self.parting_words =
                Some(format!("v{version} goes on at the platform: see `hokku releases -a {app}`"));
            self.console.note(format_args!("Running the release command of v{version}"))?;
            if let Some(address) = release.output_stream_url.clone() {
                self.follow(&address, output).await?;
            }
        }
        let mut rounds = 0..;
        while release.status == Status::Pending {
            release = self.client.get(&["apps", app, "releases", &release.id]).await?;
            if release.status == Status::Pending {
                self.client.pause(rounds.next().unwrap_or_default()).await;
            }
        }
        self.parting_words = None;
        if release.status == Status::Failed {
            bail!("the release command of v{version} failed, so the release before it stays current");
        }
        if pending {
            self.console.note(format_args!("v{version} is current"))?;
        }
        Ok(release)
    }

    /// Shows the text at `address` as it comes, to its end.
    pub(super) async fn follow(&mut self, address: &str, output: Output) -> anyhow::Result<Followed> {
        let mut lines = match self.client.output(address).await {
            Ok(lines) => lines,
            // Nothing was said yet, or it was so long ago that it is gone: the status tells what came of it.
            Err(error) if error.is_gone() => return Ok(Followed::Gone),
            Err(error) => return Err(error.into()),
        };
        loop {
            match lines.next().await {
                Ok(Some(line)) if output == Output::Result => self.console.line(line)?,
                Ok(Some(line)) => self.console.note(line)?,
                Ok(None) => return Ok(Followed::Shown),
                Err(error @ ClientError::Lost { .. }) => {
                    self.console.note(format_args!("{error}; waiting for the end"))?;
                    return Ok(Followed::Shown);
                }
                Err(error) => return Err(error.into()),
            }
        }
    }
}
