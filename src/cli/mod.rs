//! The command line: one file per command, and the only place that prints.
//!
//! # Owns
//! The words of the commands, their help, what is shown on a terminal, and exit statuses: 0 success, 1 failure,
//! 2 a wrong command line, 130 interrupted (for `serve`: interrupted twice), 141 when nobody reads its output; `run`
//! passes on the command's own.
//! Results go to standard output, all else to standard error. What comes from a platform, an app or a slug is cleaned
//! of terminal control sequences.
//!
//! # Not here
//! Doing anything: each command calls one room, or asks a platform over HTTP (`client`).

mod access;
mod apps;
mod asking;
mod attached;
mod auth;
mod authorizations;
mod backup;
mod build;
mod buildpacks;
mod builds;
mod ca;
mod cache_dir;
mod client;
mod command_words;
mod compile_wasm;
mod completions;
mod config;
mod console;
mod create;
mod data_dir;
mod deploy;
mod desk;
mod destroy;
mod doctor;
mod domains;
mod git;
mod git_command;
mod git_setup;
mod help;
mod heroku_forms;
mod info;
mod interrupt;
mod ledger;
mod lifetime;
mod log_view;
mod login;
mod logout;
mod logs;
mod maintenance;
mod moment;
mod netrc;
mod netrc_text;
mod open;
mod password;
mod plain_text;
mod platform_command;
mod progress;
mod ps;
mod release_outcome;
mod releases;
mod rename;
mod restart;
mod restore;
mod rollback;
mod run;
mod run_local;
mod scale;
mod serve;
mod session;
mod slug;
mod source_archive;
mod stop;
#[cfg(test)]
mod tests;
mod transfer;
mod unit;
mod up;
mod upload;
mod users;
mod version;
mod whoami;

use clap::{CommandFactory as _, FromArgMatches as _, Parser, Subcommand};
use std::process::ExitCode;

/// A self-hosted Heroku on WebAssembly.
#[derive(Debug, Parser)]
#[command(name = "hokku", version, about, propagate_version = true, max_term_width = 100)]
#[command(after_help = "Start with `hokku serve` in an app's directory, or with a platform: `hokku up`, \
`hokku create shop`, `hokku deploy -a shop`. `hokku COMMAND --help` has examples. Heroku's forms work too: \
config:set, ps:scale, apps:create.

Environment:
  HOKKU_APP       the app that is meant without -a
  HOKKU_HOST      the platform [default: the one of this machine, else http://localhost:8080]
  HOKKU_API_KEY   the token for it [default: that of `hokku login`, else the owner's on its own machine]
  HOKKU_CA_FILE   the authority of a platform whose certificate the system does not trust
  HOKKU_DATA_DIR  where the platform of this machine keeps its data
  HOKKU_LOG       debug prints what hokku itself does, on standard error")]
struct Cli {
    #[command(subcommand)]
    command: Command,
}

#[derive(Debug, Subcommand)]
enum Command {
    Serve(serve::Serve),
    Run(run::Run),
    Build(build::Build),
    Slug(slug::SlugCommand),
    Up(up::Up),
    Ledger(ledger::Ledger),
    Ca(ca::Ca),
    Backup(backup::Backup),
    Restore(restore::Restore),
    #[command(flatten)]
    Platform(platform_command::PlatformCommand),
    Doctor(doctor::Doctor),
    Version(version::Version),
    Completions(completions::Completions),
    #[command(hide = true)]
    CompileWasm(compile_wasm::CompileWasm),
}

impl Cli {
    /// Reads a command line; a wrong one, and a question for help, ends the process.
    fn of_process() -> Self {
        let words = heroku_forms::in_our_words(std::env::args_os().collect());
        let mut cli = help::grouped(Self::command());
        let read = match heroku_forms::slip(&mut cli, &words) {
            Some(slip) => Err(slip),
            None => cli.try_get_matches_from_mut(words),
        };
        let read = read.and_then(|mut matches| Self::from_arg_matches_mut(&mut matches));
        read.unwrap_or_else(|error| error.format(&mut cli).exit())
    }
}

/// Runs the command line of this process; the exit status is what the shell shall see.
#[must_use]
pub fn main() -> ExitCode {
    if std::env::args_os().next().is_some_and(|program| crate::git::hook::is_hook(&program)) {
        return crate::git::hook::run();
    }
    let cli = Cli::of_process();
    if let Command::CompileWasm(command) = cli.command {
        return command.run();
    }
    // The points at which tests kill a process; nothing in a binary that people run.
    let _crash_points = fail::FailScenario::setup();
    // A platform has a log of its own.
    if !matches!(cli.command, Command::Up(_)) {
        let filter = tracing_subscriber::EnvFilter::try_from_env("HOKKU_LOG")
            .unwrap_or_else(|_| tracing_subscriber::EnvFilter::new("off"));
        tracing_subscriber::fmt().with_env_filter(filter).with_writer(std::io::stderr).init();
    }
    // Before there are threads: it removes variables.
    let inherited = match crate::router::Inherited::of_process() {
        Ok(inherited) => inherited,
        Err(error) => return failed(&error.into()),
    };
    let runtime = match tokio::runtime::Runtime::new() {
        Ok(runtime) => runtime,
        Err(error) => return failed(&anyhow::Error::new(error).context("cannot start the runtime")),
    };
    let ended = runtime.block_on(async {
        match cli.command {
            Command::Serve(command) => command.run().await,
            Command::Run(command) => command.run().await,
            Command::Build(command) => command.run().await,
            Command::Slug(command) => command.run().await,
            Command::Up(command) => command.run(inherited).await,
            Command::Ledger(command) => command.run().await,
            Command::Ca(command) => command.run(),
            Command::Backup(command) => command.run().await,
            Command::Restore(command) => command.run().await,
            Command::Platform(command) => command.run().await,
            Command::Doctor(command) => command.run().await,
            Command::Version(command) => command.run(),
            Command::Completions(command) => command.run(help::grouped(Cli::command())),
            Command::CompileWasm(_) => Ok(ExitCode::SUCCESS),
        }
    });
    // A guest that blocks a thread, in a read of the terminal for example, must not keep the process.
    runtime.shutdown_background();
    ended.unwrap_or_else(|error| failed(&error))
}

/// What a shell says of a program that SIGPIPE ended.
const BROKEN_PIPE: u8 = 141;

#[expect(clippy::print_stderr, reason = "the one place where a failed command says why")]
fn failed(error: &anyhow::Error) -> ExitCode {
    let broken_pipe = |cause: &(dyn std::error::Error + 'static)| {
        cause.downcast_ref::<std::io::Error>().is_some_and(|io| io.kind() == std::io::ErrorKind::BrokenPipe)
    };
    // Who closed our output, as `head` does, wants no more of it, but a script must not take it for a success.
    if error.chain().any(broken_pipe) {
        return ExitCode::from(BROKEN_PIPE);
    }
    eprintln!("{}", marked(error));
    ExitCode::FAILURE
}

/// The error as it is printed.
fn marked(error: &anyhow::Error) -> String {
    format!(" !     {}", plain_text::plain(&in_words(error)).replace('\n', "\n !     "))
}

/// The error with its causes, but none that the words before it say already.
fn in_words(error: &anyhow::Error) -> String {
    let mut words = String::new();
    for cause in error.chain().map(ToString::to_string) {
        if words.is_empty() {
            words = cause;
        } else if !words.contains(&cause) {
            words = format!("{words}: {cause}");
        }
    }
    words
}
