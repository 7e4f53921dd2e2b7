use crate::cli::{Cli, help::grouped};
use clap::CommandFactory as _;

/// What `hokku WORDS --help` prints, on a page of 100 columns.
fn help(words: &[&str]) -> String {
    let words = ["hokku"].iter().chain(words).chain(&["--help"]);
    let asked = grouped(Cli::command()).term_width(100).try_get_matches_from(words);
    asked.expect_err("help").to_string()
}

#[test]
fn every_help_of_a_platforms_commands() {
    let commands = [
        "",
        "create",
        "apps",
        "info",
        "open",
        "destroy",
        "deploy",
        "releases",
        "rollback",
        "config",
        "config set",
        "config get",
        "config unset",
        "ps",
        "scale",
        "restart",
        "logs",
        "ledger",
        "ledger log",
        "ledger verify",
        "ledger export",
        "backup",
        "restore",
    ];
    for command in commands {
        let words: Vec<_> = command.split_whitespace().collect();
        insta::assert_snapshot!(format!("help {command}").trim().replace(' ', "_"), help(&words));
    }
}

#[test]
fn a_slip_of_the_pen_is_understood() {
    let error = |word: &str| {
        grouped(Cli::command()).try_get_matches_from(["hokku", word]).expect_err("wrong").to_string()
    };
    insta::assert_snapshot!(error("relases"), @r"
    error: unrecognized subcommand 'relases'

      tip: some similar subcommands exist: 'restore', 'create', 'releases'

    Usage: hokku <COMMAND>

    For more information, try '--help'.
    ");
}

#[test]
fn an_option_with_a_value_is_not_shown_as_required() {
    let words = ["hokku", "config", "set", "-a", "shop", "--data-dir", "x", "--nosuch"];
    let error = grouped(Cli::command()).try_get_matches_from(words).expect_err("wrong").to_string();
    insta::assert_snapshot!(error, @r"
    error: unexpected argument '--nosuch' found

      tip: to pass '--nosuch' as a value, use '-- --nosuch'

    Usage: hokku config set [OPTIONS] <KEY=VALUE>...

    For more information, try '--help'.
    ");
}
