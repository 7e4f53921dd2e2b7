//! What releases are called, in Heroku's words.

use crate::app::{ConfigChanges, ConfigVars};
use crate::ledger::Actor;
use std::collections::BTreeMap;

/// The most characters of a version that is no commit.
const VERSION_LIMIT: usize = 60;

/// `Deploy 1a2b3c4d` for a commit, `Deploy v1.2` for another word, `Deploy` for none.
pub(super) fn deploy(version: Option<&str>) -> String {
    match version.map(str::trim).filter(|version| !version.is_empty()) {
        None => "Deploy".to_owned(),
        Some(commit) if is_commit(commit) => format!("Deploy {}", &commit[..8.min(commit.len())]),
        Some(version) => {
            let shown: String = version.chars().filter(|c| !c.is_control()).take(VERSION_LIMIT).collect();
            format!("Deploy {shown}")
        }
    }
}

fn is_commit(version: &str) -> bool {
    (7..=64).contains(&version.len()) && version.bytes().all(|byte| byte.is_ascii_hexdigit())
}

/// What `changes` really change in `config`, with the words for it; `None` when that is nothing.
pub(super) fn config_change(config: &ConfigVars, changes: &ConfigChanges) -> Option<(ConfigChanges, String)> {
    let real: BTreeMap<_, _> = changes
        .iter()
        .filter(|(key, value)| config.get(key.as_ref()) != *value)
        .map(|(key, value)| (key.clone(), value.map(str::to_owned)))
        .collect();
    let keys = real.keys().map(AsRef::as_ref).collect::<Vec<&str>>().join(", ");
    let removed = real.values().filter(|value| value.is_none()).count();
    let verb = match removed {
        0 => "Set",
        all if all == real.len() => "Remove",
        _ => "Update",
    };
    (!real.is_empty()).then(|| (ConfigChanges::new(real), format!("{verb} {keys} config vars")))
}

/// Who did it, for a line of the log.
pub(super) fn who(actor: &Actor) -> &str {
    match actor {
        Actor::Platform => "hokku",
        Actor::Account { email, .. } => email,
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn deploys_are_named_for_their_commit() {
        assert_eq!(deploy(Some("1a2b3c4d5e6f708090a0b0c0d0e0f00112233445")), "Deploy 1a2b3c4d");
        assert_eq!(deploy(Some("1a2b3c4")), "Deploy 1a2b3c4");
        assert_eq!(deploy(Some("v1.2\n")), "Deploy v1.2");
        assert_eq!(deploy(Some("é".repeat(100).as_str())).chars().count(), 67);
        assert_eq!((deploy(None), deploy(Some(""))), ("Deploy".to_owned(), "Deploy".to_owned()));
    }

    #[test]
    fn config_changes_name_the_keys_that_change_and_no_value() {
        let config = ConfigVars::from_dotenv("A=1\nB=2").expect("legal");
        let words = |changes: &[(&str, Option<&str>)]| {
            let changes =
                changes.iter().map(|(key, value)| (key.parse().expect("legal"), value.map(str::to_owned)));
            config_change(&config, &ConfigChanges::new(changes.collect())).map(|(_, words)| words)
        };
        assert_eq!(words(&[("D", Some("x")), ("C", Some("y"))]).as_deref(), Some("Set C, D config vars"));
        assert_eq!(words(&[("A", None), ("X", None)]).as_deref(), Some("Remove A config vars"));
        assert_eq!(words(&[("A", None), ("B", Some("3"))]).as_deref(), Some("Update A, B config vars"));
        assert_eq!(words(&[("A", Some("1")), ("X", None)]), None);
    }
}
