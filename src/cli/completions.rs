use clap::Command;
use clap_complete::Shell;
use std::{
    io::{self, Write as _},
    process::ExitCode,
};

/// Print what makes a shell complete commands and options
#[derive(Debug, clap::Args)]
#[command(after_help = "Examples:
  hokku completions bash > ~/.local/share/bash-completion/completions/hokku
  hokku completions zsh > ~/.zfunc/_hokku
  hokku completions fish > ~/.config/fish/completions/hokku.fish

They count from the next shell on. zsh finds them with fpath+=~/.zfunc before compinit in ~/.zshrc. Make them anew \
after an upgrade.")]
pub(super) struct Completions {
    /// The shell
    shell: Shell,
}

impl Completions {
    /// Prints the completions of `cli`.
    pub(super) fn run(&self, cli: Command) -> anyhow::Result<ExitCode> {
        io::stdout().write_all(&script(self.shell, cli))?;
        Ok(ExitCode::SUCCESS)
    }
}

fn script(shell: Shell, mut cli: Command) -> Vec<u8> {
    let mut script = Vec::new();
    clap_complete::generate(shell, &mut cli, "hokku", &mut script);
    script
}

#[cfg(test)]
mod tests {
    use super::*;
    use clap::{CommandFactory as _, ValueEnum as _};

    #[test]
    fn every_shell_completes_commands_and_their_actions() {
        for shell in Shell::value_variants() {
            let cli = crate::cli::help::grouped(crate::cli::Cli::command());
            let script = String::from_utf8(script(*shell, cli)).expect("text");
            for word in ["maintenance", "buildpacks", "unset", "config"] {
                assert!(script.contains(word), "{shell}: {word}");
            }
        }
    }
}
