use clap::Command;
use std::fmt::Write as _;

/// The commands as `hokku --help` lists them.
const GROUPS: [(&str, &[&str]); 7] = [
    ("At your desk", &["serve", "build", "slug"]),
    ("The platform", &["up", "doctor", "ledger", "backup", "restore", "ca"]),
    (
        "Apps on the platform",
        &["create", "apps", "info", "open", "rename", "domains", "maintenance", "destroy"],
    ),
    ("Code and config", &["deploy", "git", "builds", "buildpacks", "releases", "rollback", "config"]),
    ("Dynos", &["ps", "scale", "restart", "run", "stop", "logs"]),
    (
        "You and others",
        &["login", "logout", "whoami", "auth", "authorizations", "access", "transfer", "users"],
    ),
    ("This program", &["version", "completions"]),
];

/// `cli` with the usage of each command as its help shows it. By itself clap lists, in an error, every option that has a
/// value as if it were required: also those that have it from the environment.
fn with_plain_usage(cli: Command) -> Command {
    let mut built = cli.clone();
    built.build();
    usage_of(cli, &mut built)
}

fn usage_of(command: Command, built: &mut Command) -> Command {
    command.mut_subcommands(|command| {
        let Some(built) = built.find_subcommand_mut(command.get_name()) else { return command };
        let usage = built.render_usage().ansi().to_string();
        // The first word is `Usage:`, which clap writes before the text itself.
        let usage = usage.split_once(' ').map_or_else(String::new, |(_, usage)| usage.to_owned());
        usage_of(command.override_usage(usage), built)
    })
}

/// The command line with its commands listed in groups.
pub(super) fn grouped(cli: Command) -> Command {
    let cli = with_plain_usage(cli);
    let heading = anstyle::Style::new().bold().underline();
    let name_style = anstyle::Style::new().bold();
    let mut list = String::new();
    for (group, names) in GROUPS {
        // Writing to a string cannot fail.
        let _ = writeln!(list, "{heading}{group}:{heading:#}");
        let width = names.iter().map(|name| name.len()).max().unwrap_or_default().max(10);
        for command in names.iter().filter_map(|name| cli.find_subcommand(name)) {
            let name = command.get_name();
            let about = command.get_about().map(ToString::to_string).unwrap_or_default();
            let _ = writeln!(list, "  {name_style}{name:width$}{name_style:#} {about}");
        }
        list.push('\n');
    }
    cli.help_template(format!(
        "{{about-with-newline}}\n{{usage-heading}} {{usage}}\n\n{list}{heading}Options:{heading:#}\n{{options}}{{after-help}}"
    ))
}

#[cfg(test)]
mod tests {
    use super::*;
    use clap::CommandFactory as _;

    #[test]
    fn every_command_is_in_one_group() {
        let cli = crate::cli::Cli::command();
        let shown = cli.get_subcommands().filter(|command| !command.is_hide_set()).map(Command::get_name);
        for name in shown {
            let groups = GROUPS.iter().filter(|(_, names)| names.contains(&name)).count();
            assert_eq!(groups, 1, "{name}");
        }
    }

    #[test]
    fn the_list_of_commands_fits_a_page() {
        let text = grouped(crate::cli::Cli::command()).term_width(100).render_help().to_string();
        let wide = text.lines().find(|line| line.chars().count() > 100);
        assert_eq!(wide, None);
    }
}
