use super::{
    client::{Answer, App},
    session::{AtApp, Session},
};
use serde_json::json;
use std::process::ExitCode;

/// Give an app another name, and with it another address
///
/// Its releases, config vars, domains and dynos stay as they are. The old name is free from then on, and its address
/// leads nowhere.
#[derive(Debug, clap::Args)]
#[command(after_help = "Example:
  hokku rename boutique -a shop          prints http://boutique.localhost:8080/

A git remote keeps the old address: `hokku git:remote -a boutique` in your clone makes it lead to the new one.")]
pub(super) struct Rename {
    /// The new name: 3 to 30 of a-z, 0-9 and -, starting with a letter
    #[arg(value_name = "NEWNAME")]
    name: String,
    /// Print the app as JSON
    #[arg(long)]
    json: bool,
    #[command(flatten)]
    pub(super) at: AtApp,
}

impl Rename {
    pub(super) async fn run(self, session: &mut Session) -> anyhow::Result<ExitCode> {
        let asked = session.app(&self.at)?;
        let before: Answer<App> = session.client.get(&["apps", &asked]).await?;
        session.console.begin(format_args!("Renaming ⬢ {} to {}", before.name, self.name))?;
        let app: Answer<App> = session.client.patch(&["apps", &asked], &json!({ "name": self.name })).await?;
        session.console.done("done")?;
        if self.json {
            session.console.json(&app.whole)?;
        } else {
            session.console.line(app.web_url.as_deref().unwrap_or(&app.name))?;
        }
        if let Some(hint) = hint(&remotes_here().await, &before, &app) {
            session.console.note(hint)?;
        }
        Ok(ExitCode::SUCCESS)
    }
}

/// What to do about a git remote that leads to where the app was.
fn hint(remotes: &str, before: &App, now: &App) -> Option<String> {
    let old = place(before.git_url.as_deref()?);
    // Lines of `remote.NAME.url ADDRESS`.
    let lines = remotes.lines().filter_map(|line| line.split_once(' '));
    let stale = lines.filter(|(_, address)| place(address) == old).find_map(|(key, _)| {
        let name = key.strip_prefix("remote.")?.strip_suffix(".url")?;
        Some(name.to_owned())
    })?;
    Some(format!(
        "The git remote {stale} still leads to {}. Make it lead to {new}: hokku git:remote -a {new}",
        before.name,
        new = now.name
    ))
}

/// Host, port and path of an address: one app is reached over http and https, with and without a name in front.
fn place(address: &str) -> &str {
    let place = address.split_once("://").map_or(address, |(_, place)| place);
    let authority = place.find('/').unwrap_or(place.len());
    place[..authority].rfind('@').map_or(place, |at| &place[at + 1..]).trim_end_matches('/')
}

/// The git remotes of the current directory; nothing where there is no clone or no git.
async fn remotes_here() -> String {
    let mut git = tokio::process::Command::new("git");
    let git = git.args(["config", "--local", "--get-regexp", r"^remote\..*\.url$"]).kill_on_drop(true);
    let output = git.output().await;
    output.map(|output| String::from_utf8_lossy(&output.stdout).into_owned()).unwrap_or_default()
}

#[cfg(test)]
mod tests {
    use super::*;
    use serde_json::Value;

    fn app(name: &str) -> App {
        let named = || json!({ "name": "x" });
        let whole: Value = json!({
            "name": name, "web_url": null, "owner": { "email": "x" }, "region": named(), "stack": named(),
            "slug_size": null, "created_at": "", "git_url": format!("http://localhost:8080/{name}.git"),
        });
        serde_json::from_value(whole).expect("an app")
    }

    #[test]
    fn a_remote_that_leads_to_the_old_name_is_told() {
        let hint = |remotes: &str| hint(remotes, &app("shop"), &app("boutique"));
        let remotes = "remote.origin.url git@example.com:me/shop.git\nremote.hokku.url https://me@localhost:8080/shop.git/";
        insta::assert_snapshot!(hint(remotes).expect("a hint"), @"The git remote hokku still leads to shop. Make it lead to boutique: hokku git:remote -a boutique");
        for others in [
            "",
            "remote.hokku.url http://localhost:8080/shop2.git",
            "remote.x.url http://localhost/shop.git",
            "remote.x",
        ] {
            assert_eq!(hint(others), None, "{others}");
        }
    }
}
