use super::paper::Paper;
use crate::cli::{
    Cli, Command,
    client::{
        Client,
        canned::{Canned, CannedPlatform},
    },
    console::{Console, Terminals},
    desk::Desk,
    git::Git,
    heroku_forms::in_our_words,
    marked,
    netrc::Netrc,
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
    /// What standard input holds.
    pub(super) input: &'static str,
    /// Where the person is, and has their home.
    pub(super) dir: tempfile::TempDir,
}

impl Stage {
    pub(super) async fn with(answers: impl IntoIterator<Item = Canned>) -> Self {
        let dir = tempfile::tempdir().expect("a directory");
        Self { platform: CannedPlatform::start(answers).await, colours: false, input: "", dir }
    }

    pub(super) fn netrc(&self) -> Netrc {
        Netrc::at(self.dir.path().join(".netrc"))
    }

    pub(super) fn desk(&self) -> Desk {
        let git = Git::of_test(self.dir.path().to_owned());
        Desk { netrc: Some(self.netrc()), git, program: "hokku".to_owned(), data_dir: None }
    }

    /// What git says to `words` there.
    pub(super) fn git(&self, words: &[&str]) -> String {
        let told = self.desk().git.read(words).expect("done").unwrap_or_default();
        self.platform.redacted(&told)
    }

    /// Types `line`; gives the exit status, standard output and standard error.
    pub(super) async fn typed(&self, line: &str) -> String {
        self.words(&line.split(' ').collect::<Vec<_>>()).await
    }

    pub(super) async fn words(&self, words: &[&str]) -> String {
        self.run(words, self.platform.client()).await
    }

    /// The same with no other tokens than those in the netrc file.
    pub(super) async fn typed_with_netrc(&self, line: &str) -> String {
        let client = self.platform.client_with_netrc(self.netrc());
        self.run(&line.split(' ').collect::<Vec<_>>(), client).await
    }

    async fn run(&self, words: &[&str], client: Client) -> String {
        let command = match command(words) {
            Ok(command) => command,
            Err(error) => return format!("exit 2\n{error}"),
        };
        let (mut session, out, err) = self.session(client);
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
        let mut session = self.session(self.platform.client()).0;
        tokio::select! {
            ended = command.run_in(&mut session) => panic!("ended by itself: {ended:?}"),
            () = self.platform.was_asked(request) => {}
        }
        session.parting_words
    }

    fn session(&self, client: Client) -> (Session, Paper, Paper) {
        let (out, err) = (Paper::default(), Paper::default());
        let mut console = Console::new(Box::new(out.clone()), Box::new(err.clone()), Terminals::default());
        console = console.with_input(self.input.as_bytes());
        console.colours = self.colours;
        let clock = Clock::standing_at(Timestamp::from_unix_micros(1_795_384_980_000_000));
        (Session::new(client, console, clock).at_desk(self.desk()), out, err)
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
