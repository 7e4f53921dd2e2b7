use super::{
    client::{Answer, Dyno, Range},
    moment::moment,
    session::{AtApp, Session},
};
use std::{collections::BTreeMap, process::ExitCode};

/// List an app's dynos
#[derive(Debug, clap::Args)]
#[command(after_help = "Examples:
  hokku ps -a shop
  hokku ps --json -a shop | jq -r '.[] | select(.state != \"up\") | .name'

`hokku scale web=3` starts more of them, `hokku restart web.1` one anew.")]
pub(super) struct Ps {
    /// Print the dynos as JSON
    #[arg(long)]
    json: bool,
    #[command(flatten)]
    pub(super) at: AtApp,
}

impl Ps {
    pub(super) async fn run(self, session: &mut Session) -> anyhow::Result<ExitCode> {
        let app = session.app(&self.at)?;
        let mut dynos: Vec<Answer<Dyno>> = session.client.list(&["apps", &app, "dynos"], Range::All).await?;
        dynos.sort_by_key(|dyno| (dyno.process_type.clone(), number(dyno)));
        if self.json {
            session.console.json(&dynos.into_iter().map(|dyno| dyno.whole).collect())?;
            return Ok(ExitCode::SUCCESS);
        }
        if dynos.is_empty() {
            session.console.note(format_args!("No dynos on ⬢ {app}"))?;
        }
        let mut groups: BTreeMap<String, Vec<&Dyno>> = BTreeMap::new();
        for dyno in &dynos {
            groups.entry(heading(dyno)).or_default().push(dyno);
        }
        let mut blank = "";
        for (heading, dynos) in groups {
            session.console.line(format_args!("{blank}=== {heading} ({})\n", dynos.len()))?;
            for dyno in dynos {
                let line = line(dyno, session);
                session.console.line(line)?;
            }
            blank = "\n";
        }
        Ok(ExitCode::SUCCESS)
    }
}

fn is_one_off(dyno: &Dyno) -> bool {
    dyno.process_type == "run"
}

/// What a dyno is listed under.
fn heading(dyno: &Dyno) -> String {
    if is_one_off(dyno) {
        "run: one-off processes".to_owned()
    } else {
        format!("{} ({}): {}", dyno.process_type, dyno.size, dyno.command)
    }
}

fn line(dyno: &Dyno, session: &Session) -> String {
    let since = moment(&dyno.updated_at, &session.clock);
    if is_one_off(dyno) {
        format!("{} ({}): {} {since}: {}", dyno.name, dyno.size, dyno.state, dyno.command)
    } else {
        format!("{}: {} {since}", dyno.name, dyno.state)
    }
}

fn number(dyno: &Dyno) -> u32 {
    dyno.name.rsplit('.').next().and_then(|number| number.parse().ok()).unwrap_or(0)
}
