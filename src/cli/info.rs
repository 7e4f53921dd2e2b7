use super::{
    client::{Answer, App, Formation, Range},
    console::aligned,
    moment::moment,
    session::{AtApp, Session},
};
use crate::slug::Size;
use std::process::ExitCode;

/// Show what an app is: its address, owner, dynos and size
#[derive(Debug, clap::Args)]
#[command(after_help = "Examples:
  hokku info -a shop
  hokku info -a shop --json | jq -r .web_url")]
pub(super) struct Info {
    /// Print the app as JSON
    #[arg(long)]
    json: bool,
    #[command(flatten)]
    pub(super) at: AtApp,
}

impl Info {
    pub(super) async fn run(self, session: &mut Session) -> anyhow::Result<ExitCode> {
        let name = session.app(&self.at)?;
        let app: Answer<App> = session.client.get(&["apps", &name]).await?;
        if self.json {
            session.console.json(&app.whole)?;
            return Ok(ExitCode::SUCCESS);
        }
        let formation: Vec<Formation> =
            session.client.list(&["apps", &name, "formation"], Range::All).await?;
        session.console.line(format_args!("=== {}\n", app.name))?;
        let facts = facts(&app, &formation, session);
        for line in aligned(facts.iter().map(|(key, value)| (*key, value.as_str()))) {
            session.console.line(line)?;
        }
        Ok(ExitCode::SUCCESS)
    }
}

fn facts(app: &App, formation: &[Formation], session: &Session) -> Vec<(&'static str, String)> {
    let dynos: Vec<_> = formation.iter().map(|f| format!("{}: {}", f.process_type, f.quantity)).collect();
    let mut facts = vec![
        ("Created At", moment(&app.created_at, &session.clock)),
        (
            "Dynos",
            if dynos.is_empty() { "none before the first deploy".to_owned() } else { dynos.join(", ") },
        ),
        ("Owner", app.owner.email.clone()),
        ("Region", app.region.name.clone()),
        (
            "Slug Size",
            app.slug_size.map_or_else(|| "nothing deployed".to_owned(), |size| Size(size).to_string()),
        ),
        ("Stack", app.stack.name.clone()),
        ("Web URL", app.web_url.clone().unwrap_or_default()),
    ];
    if app.maintenance {
        facts.push(("Maintenance", "on".to_owned()));
    }
    facts
}
