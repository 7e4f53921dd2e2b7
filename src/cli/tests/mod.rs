use super::*;

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
    help::grouped(Cli::command()).debug_assert();
}

mod accounts;
mod apps;
mod buildpacks;
mod builds;
mod ca;
mod config;
mod deploying;
mod domains;
mod dynos;
mod errors;
mod git;
mod help_texts;
mod ledger;
mod logs;
mod objects;
mod one_offs;
mod paper;
mod releases;
mod stage;
