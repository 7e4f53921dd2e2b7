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
        "rename",
        "domains",
        "domains add",
        "domains remove",
        "domains clear",
        "domains info",
        "domains wait",
        "maintenance",
        "maintenance on",
        "maintenance off",
        "destroy",
        "deploy",
        "builds",
        "builds info",
        "builds output",
        "builds cancel",
        "buildpacks",
        "buildpacks set",
        "buildpacks add",
        "buildpacks remove",
        "buildpacks clear",
        "releases",
        "releases info",
        "releases output",
        "rollback",
        "config",
        "config set",
        "config get",
        "config unset",
        "ps",
        "scale",
        "restart",
        "stop",
        "logs",
        "login",
        "logout",
        "whoami",
        "auth",
        "auth token",
        "authorizations",
        "authorizations create",
        "authorizations info",
        "authorizations revoke",
        "users",
        "users add",
        "users remove",
        "users password",
        "access",
        "access add",
        "access remove",
        "transfer",
        "git",
        "git remote",
        "git clone",
        "doctor",
        "version",
        "completions",
        "ledger",
        "ledger log",
        "ledger verify",
        "ledger export",
        "ca",
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

      tip: some similar subcommands exist: 'restore', 'create', 'rename', 'releases'

    Usage: hokku <COMMAND>

    For more information, try '--help'.
    ");
    let meant = |words: &[&str]| {
        let words = ["hokku"].iter().chain(words);
        grouped(Cli::command()).try_get_matches_from(words).expect_err("wrong").to_string()
    };
    for (words, tip) in [
        (&["confg", "set"][..], "'config'"),
        (&["builds", "cancle"][..], "'cancel'"),
        (&["domains", "ad"], "'add'"),
        (&["buildpacks", "sett"], "'set'"),
        (&["maintenance", "onn"], "'on'"),
        (&["releases", "ouput"], "'output'"),
        (&["docter"], "'doctor'"),
        (&["completion"], "'completions'"),
    ] {
        assert!(meant(words).contains(tip), "{words:?}: {}", meant(words));
    }
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
