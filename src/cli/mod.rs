//! The command line: one file per command, and the only place that prints.
//!
//! # Owns
//! The words of the commands, their help, what is shown on a terminal, and exit statuses: 0 success, 1 failure,
//! 2 a wrong command line, 130 interrupted (for `serve`: interrupted twice); `run` passes on the command's own.
//!
//! # Not here
//! Doing anything: each command calls one room.

mod build;
mod cache_dir;
mod command_words;
mod compile_wasm;
mod interrupt;
mod log_view;
mod plain_text;
mod run;
mod serve;
mod slug;

use clap::{Parser, Subcommand};
use std::process::ExitCode;

/// A self-hosted Heroku on WebAssembly.
#[derive(Debug, Parser)]
#[command(name = "hokku", version, about, propagate_version = true, max_term_width = 100)]
#[command(after_help = "HOKKU_LOG=debug prints what hokku itself does, on standard error.")]
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
    #[command(hide = true)]
    CompileWasm(compile_wasm::CompileWasm),
}

/// Runs the command line of this process; the exit status is what the shell shall see.
#[must_use]
pub fn main() -> ExitCode {
    let cli = Cli::parse();
    if let Command::CompileWasm(command) = cli.command {
        return command.run();
    }
    let filter = tracing_subscriber::EnvFilter::try_from_env("HOKKU_LOG")
        .unwrap_or_else(|_| tracing_subscriber::EnvFilter::new("off"));
    tracing_subscriber::fmt().with_env_filter(filter).with_writer(std::io::stderr).init();
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
            Command::CompileWasm(_) => Ok(ExitCode::SUCCESS),
        }
    });
    // A guest that blocks a thread, in a read of the terminal for example, must not keep the process.
    runtime.shutdown_background();
    ended.unwrap_or_else(|error| failed(&error))
}

#[expect(clippy::print_stderr, reason = "the one place where a failed command says why")]
fn failed(error: &anyhow::Error) -> ExitCode {
    let broken_pipe = |cause: &(dyn std::error::Error + 'static)| {
        cause.downcast_ref::<std::io::Error>().is_some_and(|io| io.kind() == std::io::ErrorKind::BrokenPipe)
    };
    // Who closed our output, as `head` does, wants no more of it.
    if error.chain().any(broken_pipe) {
        return ExitCode::SUCCESS;
    }
    eprintln!(" !     {}", plain_text::plain(&in_words(error)).replace('\n', "\n !     "));
    ExitCode::FAILURE
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

#[cfg(test)]
mod tests {
    use super::*;
    use clap::CommandFactory as _;

    #[test]
    fn a_cause_is_said_once() {
        let cause = || std::io::Error::other("no such thing");
        let told = crate::serve::ServeError::Directory { dir: "x".into(), cause: cause() };
        insta::assert_snapshot!(in_words(&told.into()), @"x is not a directory that can be read: no such thing");
        let context = anyhow::Error::new(cause()).context("cannot read .env");
        insta::assert_snapshot!(in_words(&context), @"cannot read .env: no such thing");
    }

    #[test]
    fn the_command_line_is_consistent() {
        Cli::command().debug_assert();
    }
}
