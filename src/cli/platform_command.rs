use super::{
    access, apps, auth, authorizations, buildpacks, builds,
    client::{Answer, App, ClientError, Range},
    config,
    console::Console,
    create, deploy, destroy, domains, git_command, info,
    interrupt::{INTERRUPTED, stop_on_interrupt},
    login, logout, logs, maintenance, open, ps, releases, rename, restart, rollback, scale,
    session::{AtPlatform, Session},
    stop, transfer, users, whoami,
};
use crate::clock::Clock;
use clap::Subcommand;
use std::process::ExitCode;

/// The commands that speak with a platform.
#[derive(Debug, Subcommand)]
pub(super) enum PlatformCommand {
    Create(create::Create),
    Apps(apps::Apps),
    Info(info::Info),
    Destroy(destroy::Destroy),
    Open(open::Open),
    Rename(rename::Rename),
    Domains(domains::Domains),
    Maintenance(maintenance::Maintenance),
    Deploy(deploy::Deploy),
    Builds(builds::Builds),
    Buildpacks(buildpacks::Buildpacks),
    Releases(releases::Releases),
    Rollback(rollback::Rollback),
    Config(config::Config),
    Ps(ps::Ps),
    Scale(scale::Scale),
    Restart(restart::Restart),
    Stop(stop::Stop),
    Logs(logs::Logs),
    Login(login::Login),
    Logout(logout::Logout),
    Whoami(whoami::Whoami),
    Auth(auth::Auth),
    Authorizations(authorizations::Authorizations),
    Users(users::Users),
    Access(access::Access),
    Transfer(transfer::Transfer),
    Git(git_command::Git),
}

impl PlatformCommand {
    /// Runs the command against the platform that the environment and the flags name.
    pub(super) async fn run(self) -> anyhow::Result<ExitCode> {
        let (stop, _listening) = stop_on_interrupt()?;
        let client = self.platform().access().client()?;
        let notice = client.credential().and_then(|credential| credential.notice().map(str::to_owned));
        let mut session = Session::new(client, Console::standard(), Clock::system());
        session = session.at_desk(self.platform().desk());
        if let Some(notice) = notice {
            session.console.note(notice)?;
        }
        if let Some(ended) = stop.run_until_cancelled(self.run_in(&mut session)).await {
            return ended;
        }
        session.console.break_off("interrupted");
        if let Some(words) = session.parting_words.take() {
            session.console.note(words)?;
        }
        Ok(ExitCode::from(u8::try_from(INTERRUPTED).unwrap_or(1)))
    }

    /// Runs the command in `session`; for an app that is not there the error names one that is.
    pub(super) async fn run_in(self, session: &mut Session) -> anyhow::Result<ExitCode> {
        let ended = self.dispatch(session).await;
        explained(session, ended).await
    }

    async fn dispatch(self, session: &mut Session) -> anyhow::Result<ExitCode> {
        match self {
            Self::Create(command) => command.run(session).await,
            Self::Apps(command) => command.run(session).await,
            Self::Info(command) => command.run(session).await,
            Self::Destroy(command) => command.run(session).await,
            Self::Open(command) => command.run(session).await,
            Self::Rename(command) => command.run(session).await,
            Self::Domains(command) => command.run(session).await,
            Self::Maintenance(command) => command.run(session).await,
            Self::Deploy(command) => command.run(session).await,
            Self::Builds(command) => command.run(session).await,
            Self::Buildpacks(command) => command.run(session).await,
            Self::Releases(command) => command.run(session).await,
            Self::Rollback(command) => command.run(session).await,
            Self::Config(command) => command.run(session).await,
            Self::Ps(command) => command.run(session).await,
            Self::Scale(command) => command.run(session).await,
            Self::Restart(command) => command.run(session).await,
            Self::Stop(command) => command.run(session).await,
            Self::Logs(command) => command.run(session).await,
            Self::Login(command) => command.run(session).await,
            Self::Logout(command) => command.run(session).await,
            Self::Whoami(command) => command.run(session).await,
            Self::Auth(command) => command.run(session),
            Self::Authorizations(command) => command.run(session).await,
            Self::Users(command) => command.run(session).await,
            Self::Access(command) => command.run(session).await,
            Self::Transfer(command) => command.run(session).await,
            Self::Git(command) => command.run(session).await,
        }
    }

    fn platform(&self) -> &AtPlatform {
        match self {
            Self::Create(command) => &command.platform,
            Self::Apps(command) => &command.platform,
            Self::Info(command) => &command.at.platform,
            Self::Destroy(command) => &command.at.platform,
            Self::Open(command) => &command.at.platform,
            Self::Rename(command) => &command.at.platform,
            Self::Domains(command) => command.platform(),
            Self::Maintenance(command) => command.platform(),
            Self::Deploy(command) => &command.at.platform,
            Self::Builds(command) => command.platform(),
            Self::Buildpacks(command) => command.platform(),
            Self::Releases(command) => command.platform(),
            Self::Rollback(command) => &command.at.platform,
            Self::Config(command) => command.platform(),
            Self::Ps(command) => &command.at.platform,
            Self::Scale(command) => &command.at.platform,
            Self::Restart(command) => &command.at.platform,
            Self::Stop(command) => &command.at.platform,
            Self::Logs(command) => &command.at.platform,
            Self::Login(command) => &command.platform,
            Self::Logout(command) => &command.platform,
            Self::Whoami(command) => &command.platform,
            Self::Auth(command) => command.platform(),
            Self::Authorizations(command) => command.platform(),
            Self::Users(command) => command.platform(),
            Self::Access(command) => command.platform(),
            Self::Transfer(command) => &command.at.platform,
            Self::Git(command) => command.platform(),
        }
    }
}

/// How a command ended; for an app that is not there the error names one that is.
pub(super) async fn explained(
    session: &mut Session,
    ended: anyhow::Result<ExitCode>,
) -> anyhow::Result<ExitCode> {
    let Err(error) = ended else { return ended };
    session.console.break_off("failed");
    let unknown = error.downcast_ref().is_some_and(ClientError::is_unknown_app);
    match session.subject() {
        Some(app) if unknown => Err(with_nearest(session, app, error).await),
        _ => Err(error),
    }
}

/// `error`, and the app that was probably meant by `wrong`.
async fn with_nearest(session: &Session, wrong: &str, error: anyhow::Error) -> anyhow::Error {
    // Only a hint: when the apps cannot be listed, the error stands alone.
    let apps: Vec<Answer<App>> = session.client.list(&["apps"], Range::All).await.unwrap_or_default();
    let near = apps.iter().map(|app| (distance(wrong, &app.name), &app.name)).min();
    match near {
        Some((distance, name)) if distance <= 1 + wrong.chars().count() / 4 => {
            anyhow::anyhow!("{error} Did you mean `{name}`?")
        }
        _ => error,
    }
}

/// How many letters must be added, removed or changed to get from one word to the other (Levenshtein).
pub(super) fn distance(from: &str, to: &str) -> usize {
    let to: Vec<char> = to.chars().collect();
    let mut row: Vec<usize> = (0..=to.len()).collect();
    for (i, a) in from.chars().enumerate() {
        let mut diagonal = std::mem::replace(&mut row[0], i + 1);
        for (j, b) in to.iter().enumerate() {
            let changed = diagonal + usize::from(a != *b);
            diagonal = row[j + 1];
            row[j + 1] = changed.min(row[j] + 1).min(diagonal + 1);
        }
    }
    row[to.len()]
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn distance_counts_letters() {
        let distances =
            [("shop", "shop"), ("shpo", "shop"), ("", "ab"), ("shopp", "shop"), ("kitten", "sitting")];
        assert_eq!(distances.map(|(from, to)| distance(from, to)), [0, 2, 2, 1, 3]);
    }
}
