use std::ffi::OsString;

/// Heroku's names for commands that have another name here; a topic and its command.
const RENAMED: [(&str, &str, &str); 14] = [
const RENAMED: [(&str, &str, &str); 18] = [
    ("apps", "create", "create"),
    ("apps", "info", "info"),
    ("apps", "destroy", "destroy"),
    ("apps", "delete", "destroy"),
    ("apps", "open", "open"),
    ("apps", "list", "apps"),
    ("config", "list", "config"),
    ("dyno", "restart", "restart"),
    ("dyno", "scale", "scale"),
    ("dyno", "stop", "stop"),
    ("ps", "restart", "restart"),
    ("ps", "scale", "scale"),
    ("ps", "stop", "stop"),
    ("releases", "rollback", "rollback"),
    ("apps", "transfer", "transfer"),
    ("auth", "login", "login"),
    ("auth", "logout", "logout"),
    ("auth", "whoami", "whoami"),
    ("access", "list", "access"),
    ("users", "list", "users"),
];

/// The topics whose commands are commands below them here too.
const TOPICS: [&str; 8] = ["access", "auth", "authorizations", "config", "git", "ledger", "slug", "users"];

/// The words of a command line with the command in our own form: `config:set` is `config set`, and both `ps:scale` and
/// `ps scale` are `scale`.
pub(super) fn in_our_words(mut words: Vec<OsString>) -> Vec<OsString> {
    let first = if words.get(1).is_some_and(|word| word == "help") { 2 } else { 1 };
    let word = |at: usize| words.get(at).and_then(|word| word.to_str());
    let Some(command) = word(first) else { return words };
    let (topic, action, taken) = match (command.split_once(':'), word(first + 1)) {
        (Some((topic, action)), _) => (topic, action, 1),
        (None, Some(action)) => (command, action, 2),
        (None, None) => return words,
    };
    let ours = RENAMED.iter().find(|(theirs, name, _)| (*theirs, *name) == (topic, action));
    let ours: Vec<OsString> = match ours {
        Some((_, _, ours)) => vec![ours.into()],
        // With a blank between them the second word is the command that is run.
        None if taken == 1 && (topic, action) == ("run", "detached") => {
            vec!["run".into(), "--detached".into()]
        }
        None if taken == 1 && TOPICS.contains(&topic) => vec![topic.into(), action.into()],
        None => return words,
    };
    words.splice(first..first + taken, ours);
    words
}

#[cfg(test)]
mod tests {
    use super::*;

    fn ours(line: &str) -> String {
        let words = in_our_words(line.split(' ').map(OsString::from).collect());
        words.iter().map(|word| word.to_str().expect("text")).collect::<Vec<_>>().join(" ")
    }

    #[test]
    fn herokus_forms_become_ours() {
        let lines = [
            "hokku config:set A=b:c -a shop",
            "hokku ps:scale web=3",
            "hokku ps scale web=3",
            "hokku apps:create",
            "hokku help releases:rollback",
            "hokku ledger:log",
            "hokku config:sett",
            "hokku ps:stop run.1",
            "hokku run:detached -a shop work",
        ];
        insta::assert_snapshot!(lines.map(ours).join("\n"), @r"
        hokku config set A=b:c -a shop
        hokku scale web=3
        hokku scale web=3
        hokku create
        hokku help rollback
        hokku ledger log
        hokku config sett
        hokku stop run.1
        hokku run --detached -a shop work
        ");
    }

    #[test]
    fn other_words_stay() {
        for line in [
            "hokku",
            "hokku serve ps:scale",
            "hokku --help",
            "hokku scale web=1:standard-2x",
            "hokku x:y",
            "hokku run detached",
            "hokku ps -a scale",
        ] {
            assert_eq!(ours(line), line);
        }
    }
}
