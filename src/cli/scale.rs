use super::{
    client::{Answer, Formation, Range},
    session::{AtApp, Session},
};
use crate::app::DynoSize;
use crate::name::ProcessType;
use serde_json::{Value, json};
use std::{process::ExitCode, str::FromStr};

/// Say how many dynos of each process type run, and of which size
///
/// Without arguments, show it as it would be typed.
#[derive(Debug, clap::Args)]
#[command(after_help = "Examples:
  hokku scale -a shop                            shows web=1:Standard-1X worker=0:Standard-1X
  hokku scale web=3 -a shop
  hokku scale web=2:standard-2x worker+1 -a shop
  hokku scale worker=0 -a shop                   stops all workers

Sizes: eco, basic, standard-1x, standard-2x, performance-m, performance-l.")]
pub(super) struct Scale {
    /// TYPE=COUNT, TYPE+COUNT or TYPE-COUNT, each with :SIZE if that changes
    #[arg(value_name = "TYPE=COUNT")]
    changes: Vec<Change>,
    /// Print the process types as JSON
    #[arg(long)]
    json: bool,
    #[command(flatten)]
    pub(super) at: AtApp,
}

impl Scale {
    pub(super) async fn run(self, session: &mut Session) -> anyhow::Result<ExitCode> {
        let app = session.app(&self.at)?;
        let path = ["apps", &app, "formation"];
        let formation: Vec<Answer<Formation>> = if self.changes.is_empty() {
            session.client.list(&path, Range::All).await?
        } else {
            let updates: Vec<_> = self.changes.iter().map(Change::update).collect();
            session.console.begin("Scaling dynos")?;
            session.client.patch(&path, &json!({ "updates": updates })).await?
        };
        let shown: Vec<_> =
            formation.iter().filter(|f| self.is_about(f)).map(|f| words(f, &self.changes)).collect();
        if !self.changes.is_empty() {
            session.console.done(format_args!("done, now running {}", shown.join(", ")))?;
        }
        if self.json {
            session.console.json(&formation.into_iter().map(|f| f.whole).collect())?;
        } else if self.changes.is_empty() && formation.is_empty() {
            session.console.note(format_args!("{app} has no process types before its first deploy"))?;
        } else if self.changes.is_empty() {
            session.console.line(shown.join(" "))?;
        }
        Ok(ExitCode::SUCCESS)
    }

    fn is_about(&self, formation: &Formation) -> bool {
        self.changes.is_empty()
            || self.changes.iter().any(|c| c.process_type.as_ref() == formation.process_type)
    }
}

/// As it is typed when nothing changes, and as a sentence has it after a change.
fn words(formation: &Formation, changes: &[Change]) -> String {
    let between = if changes.is_empty() { "=" } else { " at " };
    format!("{}{between}{}:{}", formation.process_type, formation.quantity, formation.size)
}

/// One argument: `web=3`, `worker+1:standard-2x`.
#[derive(Clone, Debug, PartialEq)]
struct Change {
    process_type: ProcessType,
    /// As the API takes it: `3`, `+1`, `-1`.
    quantity: String,
    size: Option<DynoSize>,
}

impl Change {
    fn update(&self) -> Value {
        let mut update = json!({ "type": self.process_type.as_ref(), "quantity": self.quantity });
        if let Some(size) = self.size {
            update["size"] = size.name().into();
        }
        update
    }
}

impl FromStr for Change {
    type Err = String;

    fn from_str(text: &str) -> Result<Self, String> {
        let wrong = || format!("`{text}` is not like web=3, worker+1 or web=2:standard-2x");
        let (count, size) = match text.split_once(':') {
            Some((count, size)) => (count, Some(size.parse().map_err(|error| format!("{error}"))?)),
            None => (text, None),
        };
        // A type may hold a `-` itself, so the last sign is the one that counts.
        let at = count.find('=').or_else(|| count.rfind(['+', '-'])).ok_or_else(wrong)?;
        let (process_type, signed) = count.split_at(at);
        let number = &signed[1..];
        let process_type = process_type.parse().map_err(|_| wrong())?;
        number.parse::<u32>().map_err(|_| wrong())?;
        let quantity = if signed.starts_with('=') { number } else { signed };
        Ok(Self { process_type, quantity: quantity.to_owned(), size })
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn counts_are_read_as_heroku_has_them() {
        let read = |text: &str| text.parse::<Change>().expect("legal").update().to_string();
        let all = ["web=3", "worker+1:standard-2x", "my-job-2", "web=0:Performance-M"].map(read);
        insta::assert_snapshot!(all.join("\n"), @r#"
        {"quantity":"3","type":"web"}
        {"quantity":"+1","size":"Standard-2X","type":"worker"}
        {"quantity":"-2","type":"my-job"}
        {"quantity":"0","size":"Performance-M","type":"web"}
        "#);
    }

    #[test]
    fn what_is_no_count_says_what_would_be() {
        let error = |text: &str| text.parse::<Change>().expect_err("illegal");
        insta::assert_snapshot!(["web", "web=", "=3", "web=-1", "web=1:huge"].map(error).join("\n"), @r"
        `web` is not like web=3, worker+1 or web=2:standard-2x
        `web=` is not like web=3, worker+1 or web=2:standard-2x
        `=3` is not like web=3, worker+1 or web=2:standard-2x
        `web=-1` is not like web=3, worker+1 or web=2:standard-2x
        `huge` is not a dyno size; there are eco, basic, standard-1x, standard-2x, performance-m, performance-l
        ");
    }
}
