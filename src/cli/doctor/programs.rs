use super::machine::{Program, System};
use std::{process::Stdio, time::Duration};
use tokio::process::Command;

/// How long a program may take to say its version.
const PATIENCE: Duration = Duration::from_secs(10);

/// The programs that builds and git use.
pub(super) struct Programs {
    pub(super) git: Program,
    pub(super) python: Program,
    pub(super) pip: Program,
    pub(super) node: Program,
    pub(super) go: Program,
}

impl Programs {
    /// Asks each for its version.
    pub(super) async fn look() -> Self {
        let (git, python, pip, node, go) = tokio::join!(
            version("git", &["--version"]),
            version("python3", &["--version"]),
            version("python3", &["-m", "pip", "--version"]),
            version("node", &["--version"]),
            version("go", &["version"]),
        );
        Self { git, python, pip, node, go }
    }
}

async fn version(program: &str, words: &[&str]) -> Program {
    let mut command = Command::new(program);
    command.args(words).stdin(Stdio::null()).kill_on_drop(true);
    match tokio::time::timeout(PATIENCE, command.output()).await {
        Err(_) => Program::Broken(format!("it says no version within {} s", PATIENCE.as_secs())),
        Ok(Err(error)) if error.kind() == std::io::ErrorKind::NotFound => Program::Absent,
        Ok(Err(error)) => Program::Broken(error.to_string()),
        Ok(Ok(output)) if output.status.success() => {
            let text = String::from_utf8_lossy(&output.stdout).into_owned();
            first_version(&text).unwrap_or_else(|| Program::Broken("it says no version".to_owned()))
        }
        Ok(Ok(output)) => Program::Broken(output.status.to_string()),
    }
}

/// The first word of `text` that is a version, as `2.43.0`, `v22.3.1` or `go1.24.2`.
fn first_version(text: &str) -> Option<Program> {
    text.split_whitespace().find_map(|word| {
        let digits = word.trim_start_matches(|c: char| c.is_ascii_alphabetic());
        let mut parts = digits.split(|c: char| !c.is_ascii_digit());
        Some(Program::Version(parts.next()?.parse().ok()?, parts.next()?.parse().ok()?))
    })
}

impl System {
    pub(super) fn here() -> Self {
        if cfg!(target_os = "macos") {
            return Self::MacOs;
        }
        let release = std::fs::read_to_string("/etc/os-release").unwrap_or_default();
        let like = |line: &str| {
            let value = line.strip_prefix("ID=").or_else(|| line.strip_prefix("ID_LIKE="));
            value.is_some_and(|value| value.contains("debian") || value.contains("ubuntu"))
        };
        if release.lines().any(like) { Self::Debian } else { Self::Other }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn versions_are_found_in_what_programs_say() {
        for (said, version) in [
            ("git version 2.39.5 (Apple Git-154)\n", (2, 39)),
            ("Python 3.11.2\n", (3, 11)),
            ("pip 23.0.1 from /usr/lib/python3/dist-packages/pip (python 3.11)", (23, 0)),
            ("v22.3.1\n", (22, 3)),
            ("go version go1.24.2 linux/amd64", (1, 24)),
            ("Python 3.14.0rc1", (3, 14)),
        ] {
            assert_eq!(first_version(said), Some(Program::Version(version.0, version.1)), "{said}");
        }
        assert_eq!(first_version("no such thing"), None);
    }

    #[tokio::test]
    async fn a_program_is_there_or_not() {
        assert_eq!(version("no-such-program-anywhere", &[]).await, Program::Absent);
        assert!(matches!(version("sh", &["-c", "exit 3"]).await, Program::Broken(_)));
        assert_eq!(version("sh", &["-c", "echo x 1.2.3"]).await, Program::Version(1, 2));
    }
}
