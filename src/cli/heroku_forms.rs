use super::platform_command::distance;
use clap::{Command, error::ErrorKind};
use std::ffi::OsString;

/// Heroku's names for commands that have another name here; a topic and its command.
const RENAMED: [(&str, &str, &str); 25] = [
    ("apps", "create", "create"),
    ("apps", "info", "info"),
    ("apps", "destroy", "destroy"),
    ("apps", "delete", "destroy"),
    ("apps", "open", "open"),
    ("apps", "rename", "rename"),
    ("apps", "list", "apps"),
    ("builds", "list", "builds"),
    ("buildpacks", "list", "buildpacks"),
    ("config", "list", "config"),
    ("domains", "list", "domains"),
    ("dyno", "restart", "restart"),
    ("dyno", "scale", "scale"),
    ("dyno", "stop", "stop"),
    ("ps", "restart", "restart"),
    ("ps", "scale", "scale"),
    ("ps", "stop", "stop"),
    ("releases", "list", "releases"),
    ("releases", "rollback", "rollback"),
    ("apps", "transfer", "transfer"),
    ("auth", "login", "login"),
    ("auth", "logout", "logout"),
    ("auth", "whoami", "whoami"),
    ("access", "list", "access"),
    ("users", "list", "users"),
];

/// The topics whose commands are commands below them here too.
const TOPICS: [&str; 13] = [
    "access",
    "auth",
    "authorizations",
    "builds",
    "buildpacks",
    "config",
    "domains",
    "git",
    "ledger",
    "maintenance",
    "releases",
    "slug",
    "users",
];

/// The words of a command line with the command in our own form: `config:set` is `config set`, and both `ps:scale` and
/// `ps scale` are `scale`.
pub(super) fn in_our_words(mut words: Vec<OsString>) -> Vec<OsString> {
    let first = command_place(&words);
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

/// Where the command stands in a command line.
fn command_place(words: &[OsString]) -> usize {
    if words.get(1).is_some_and(|word| word == "help") { 2 } else { 1 }
}

/// The error for one of Heroku's forms that there is not, with the one that is most like it.
pub(super) fn slip(cli: &mut Command, words: &[OsString]) -> Option<clap::Error> {
    let typed = words.get(command_place(words))?.to_str().filter(|word| word.contains(':'))?;
    let near = forms(cli).into_iter().map(|form| (distance(typed, &form), form)).min();
    let near = near.filter(|(distance, _)| *distance <= 1 + typed.chars().count() / 4);
    let tip = near.map_or_else(String::new, |(_, form)| format!("\n\n  tip: a similar one exists: '{form}'"));
    Some(cli.error(ErrorKind::InvalidSubcommand, format!("unrecognized subcommand '{typed}'{tip}")))
}

/// Every form with a colon that is understood.
fn forms(cli: &Command) -> Vec<String> {
    let below = |topic: &str| -> Vec<String> {
        let actions = cli.find_subcommand(topic).into_iter().flat_map(Command::get_subcommands);
        actions.map(|action| format!("{topic}:{}", action.get_name())).collect()
    };
    let renamed = RENAMED.iter().map(|(topic, action, _)| format!("{topic}:{action}"));
    renamed.chain(TOPICS.into_iter().flat_map(below)).collect()
}

#[cfg(test)]
mod tests {
    use super::*;
    use clap::CommandFactory as _;

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
            "hokku builds:cancel",
            "hokku domains:add www.example.com",
            "hokku apps:rename boutique -a shop",
            "hokku maintenance:on",
            "hokku releases:output v3",
            "hokku buildpacks:set heroku/python",
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
        hokku builds cancel
        hokku domains add www.example.com
        hokku rename boutique -a shop
        hokku maintenance on
        hokku releases output v3
        hokku buildpacks set heroku/python
        ");
    }

    #[test]
    fn a_mistyped_form_names_the_one_that_is_meant() {
        let told = |line: &str| {
            let words = in_our_words(line.split(' ').map(OsString::from).collect());
            slip(&mut crate::cli::Cli::command(), &words).map(|error| error.to_string())
        };
        insta::assert_snapshot!(told("hokku confg:set A=1").expect("wrong"), @r"
        error: unrecognized subcommand 'confg:set'

          tip: a similar one exists: 'config:set'

        Usage: hokku <COMMAND>

        For more information, try '--help'.
        ");
        for (typed, meant) in [
            ("hokku help ps:scal", "ps:scale"),
            ("hokku domain:add x.example.com", "domains:add"),
            ("hokku buildpack:set python", "buildpacks:set"),
            ("hokku maintainance:on", "maintenance:on"),
            ("hokku app:rename", "apps:rename"),
        ] {
            assert!(told(typed).is_some_and(|told| told.contains(&format!("'{meant}'"))), "{typed}");
        }
        assert!(told("hokku pg:psql").is_some_and(|told| !told.contains("tip")));
        // clap finds these by itself.
        assert_eq!((told("hokku config:sett"), told("hokku relases"), told("hokku")), (None, None, None));
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
