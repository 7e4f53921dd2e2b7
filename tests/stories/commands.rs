//! What people read before anything runs.

use crate::fixture::{hokku, output};

fn help(words: &[&str]) -> String {
    let shown = output(hokku().args(words).env("COLUMNS", "100"));
    String::from_utf8_lossy(&shown.stdout).into_owned()
}

#[test]
fn every_help_text() {
    for words in [
        &["--help"][..],
        &["serve", "--help"],
        &["up", "--help"],
        &["run", "--help"],
        &["build", "--help"],
        &["slug", "--help"],
        &["slug", "inspect", "--help"],
    ] {
        insta::assert_snapshot!(words.join(" "), help(words));
    }
}

#[test]
fn a_wrong_command_line_ends_with_2() {
    for words in [&["sreve"][..], &["serve", "--prot", "1"], &["run"], &["run", "--local"]] {
        let ended = output(hokku().args(words));
        assert_eq!(ended.status.code(), Some(2), "{words:?}");
        assert!(!ended.stderr.is_empty());
    }
}
