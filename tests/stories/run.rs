//! `hokku run --local`: one-off dynos attached to the terminal.

use crate::{
    TestResult,
    fixture::{app, example, hokku, output, said, uses_real},
};
use std::{io::Write as _, path::Path, process::Command, process::Stdio};

fn local(dir: &Path) -> Command {
    let mut command = hokku();
    command.args(["run", "--local", "-C"]).arg(dir).arg("--");
    command
}

#[test]
fn a_command_gets_the_three_streams_and_passes_its_exit_status_on() -> TestResult {
    let dir = app(&[("tool.wat", include_str!("../guests/command.wat"))]);
    let mut child = local(dir.path())
        .args(["tool", "two words", "$HOME"])
        .stdin(Stdio::piped())
        .stdout(Stdio::piped())
        .stderr(Stdio::piped())
        .spawn()?;
    child.stdin.take().ok_or("no stdin")?.write_all(b"from stdin")?;
    let ended = child.wait_with_output()?;
    assert_eq!(ended.status.code(), Some(2), "{}", said(&ended));
    assert_eq!(String::from_utf8(ended.stdout)?, "two wordsfrom stdin");
    assert_eq!(String::from_utf8(ended.stderr)?, "err\n");
    Ok(())
}

#[test]
fn a_program_that_is_not_there_is_told_with_those_that_are() -> TestResult {
    let dir = app(&[("tool.wat", include_str!("../guests/command.wat"))]);
    let ended = output(local(dir.path()).arg("toll"));
    assert_eq!(ended.status.code(), Some(1), "{}", said(&ended));
    insta::assert_snapshot!(String::from_utf8(ended.stderr)?, @" !     nothing named `toll` on the PATH; programs here: tool");
    Ok(())
}

#[test]
fn python_runs_scripts_modules_code_and_standard_input() -> TestResult {
    uses_real("python");
    let dir = example("flask");
    let python = |words: &[&str],
                  input: &str|
     -> Result<(Option<i32>, String, String), Box<dyn std::error::Error>> {
        let mut command = local(dir.path());
        command.arg("python").args(words).stdin(Stdio::piped()).stdout(Stdio::piped()).stderr(Stdio::piped());
        let mut child = command.spawn()?;
        child.stdin.take().ok_or("no stdin")?.write_all(input.as_bytes())?;
        let ended = child.wait_with_output()?;
        Ok((ended.status.code(), String::from_utf8(ended.stdout)?, String::from_utf8(ended.stderr)?))
    };
    let (code, out, err) =
        python(&["-c", "import sys; print('out'); print('err', file=sys.stderr); sys.exit(3)"], "")?;
    assert_eq!((code, out.as_str(), err.as_str()), (Some(3), "out\n", "err\n"));
    let (code, out, _) =
        python(&["-c", "import os, flask; print(os.environ['GREETING'], flask.__name__)"], "")?;
    assert_eq!((code, out.as_str()), (Some(0), "Hello from .env flask\n"));
    let (code, out, _) = python(&["migrate.py"], "")?;
    assert_eq!((code, out.as_str()), (Some(0), "database is up to date\n"));
    let (code, out, _) = python(&["-m", "json.tool", "--compact"], "{ \"a\":  1 }")?;
    assert_eq!((code, out.as_str()), (Some(0), "{\"a\":1}\n"));
    let (code, out, _) = python(&["-i"], "print(6 * 7)\nexit(4)\n")?;
    assert_eq!(code, Some(4));
    assert!(out.contains("42"), "{out}");
    let (code, _, err) = python(&["-c", "raise ValueError('oh')"], "")?;
    assert_eq!(code, Some(1));
    assert!(err.contains("ValueError: oh"), "{err}");
    Ok(())
}
