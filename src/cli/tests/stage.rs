use super::paper::Paper;
use crate::cli::{
    Cli, Command,
    client::canned::{Canned, CannedPlatform},
    console::{Console, Terminals},
    heroku_forms::in_our_words,
    marked,
    platform_command::PlatformCommand,
    session::Session,
};
use crate::clock::{Clock, Timestamp};
use clap::Parser as _;
use std::process::ExitCode;
use tokio_util::sync::CancellationToken;

/// A person at a platform with canned answers.
pub(super) struct Stage {
    pub(super) platform: CannedPlatform,
    pub(super) colours: bool,
}

impl Stage {
    pub(super) async fn with(answers: impl IntoIterator<Item = Canned>) -> Self {
        Self { platform: CannedPlatform::start(answers).await, colours: false }
    }

    /// Types `line`; gives the exit status, standard output and standard error.
    pub(super) async fn typed(&self, line: &str) -> String {
        self.words(&line.split(' ').collect::<Vec<_>>()).await
    }

    pub(super) async fn words(&self, words: &[&str]) -> String {
        let command = match command(words) {
            Ok(command) => command,
            Err(error) => return format!("exit 2\n{error}"),
        };
        let (mut session, out, err) = self.session();
        let ended = match command {
            Command::Platform(command) => command.run_in(&mut session).await,
            Command::Run(command) => command.run_in(&mut session, &CancellationToken::new()).await,
            _ => panic!("not a command for a platform"),
        };
        let (exit, error) = match ended {
            Ok(code) => (if code == ExitCode::SUCCESS { "exit 0" } else { "exit ?" }, String::new()),
            Err(error) => ("exit 1", marked(&error) + "\n"),
        };
        let told = format!("{exit}\n--- out\n{}--- err\n{}{error}", out.text(), err.text());
        self.platform.redacted(&told)
    }

    /// What is told when the user interrupts `words` after the platform was asked `request`.
    pub(super) async fn interrupted(&self, words: &[&str], request: &str) -> Option<String> {
        let command = platform_command(words).expect("legal");
        let mut session = self.session().0;
        tokio::select! {
            ended = command.run_in(&mut session) => panic!("ended by itself: {ended:?}"),
            () = self.platform.was_asked(request) => {}
        }
        session.parting_words
    }

    fn session(&self) -> (Session, Paper, Paper) {
        let (out, err) = (Paper::default(), Paper::default());
        let mut console = Console::new(Box::new(out.clone()), Box::new(err.clone()), Terminals::default());
        console.colours = self.colours;
        let clock = Clock::standing_at(Timestamp::from_unix_micros(1_795_384_980_000_000));
        (Session::new(self.platform.client(), console, clock), out, err)
    }

    /// What the platform was asked.
    pub(super) fn asked(&self) -> String {
        self.platform.redacted(&self.platform.asked())
    }
}

fn command(words: &[&str]) -> Result<Command, clap::Error> {
    let words = ["hokku"].iter().chain(words).map(Into::into).collect();
    Ok(Cli::try_parse_from(in_our_words(words))?.command)
}

fn platform_command(words: &[&str]) -> Result<PlatformCommand, clap::Error> {
    match command(words)? {
        Command::Platform(command) => Ok(command),
        _ => panic!("not a command for a platform"),
    }
}
