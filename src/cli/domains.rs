use super::{
    client::{Answer, Domain, DomainStatus, Range},
    console::{aligned, columns},
    moment::moment,
    session::{AtApp, AtPlatform, Session},
};
use anyhow::bail;
use clap::{Args, Subcommand};
use serde_json::json;
use std::process::ExitCode;

/// Show and change the domains at which an app answers
///
/// Besides its own address an app answers at every domain that is added to it, as soon as the DNS leads there. A domain
/// belongs to one app.
#[derive(Debug, Args)]
#[command(
    args_conflicts_with_subcommands = true,
    after_help = "Examples:
  hokku domains -a shop
  hokku domains add www.example.com example.com -a shop
  hokku domains remove www.example.com -a shop

The DNS must have a CNAME entry from the domain to the DNS target. A domain with nothing in front, as example.com, can \
have none: use an ALIAS or ANAME entry, or an A entry with the platform's address."
)]
pub(super) struct Domains {
    #[command(subcommand)]
    action: Option<Action>,
    #[command(flatten)]
    list: List,
}

#[derive(Debug, Subcommand)]
enum Action {
    Add(Add),
    Remove(Remove),
    Clear(Clear),
    Info(Info),
    Wait(Wait),
}

#[derive(Debug, Args)]
struct List {
    /// Print the domains as JSON
    #[arg(long)]
    json: bool,
    #[command(flatten)]
    at: AtApp,
}

/// Add domains to an app
#[derive(Debug, Args)]
#[command(after_help = "Examples:
  hokku domains add www.example.com -a shop
  hokku domains add www.example.com example.com -a shop")]
struct Add {
    /// The domains, as www.example.com
    #[arg(required = true, value_name = "HOST")]
    hosts: Vec<String>,
    /// Print the domains as JSON
    #[arg(long)]
    json: bool,
    #[command(flatten)]
    at: AtApp,
}

/// Remove a domain from an app
#[derive(Debug, Args)]
#[command(after_help = "Example:
  hokku domains remove www.example.com -a shop")]
struct Remove {
    /// The domain
    #[arg(value_name = "HOST")]
    host: String,
    #[command(flatten)]
    at: AtApp,
}

/// Remove every domain from an app but its own address
#[derive(Debug, Args)]
#[command(after_help = "Example:
  hokku domains clear -a shop")]
struct Clear {
    #[command(flatten)]
    at: AtApp,
}

/// Show one domain of an app
#[derive(Debug, Args)]
#[command(after_help = "Examples:
  hokku domains info www.example.com -a shop
  hokku domains info www.example.com --json -a shop | jq -r .cname")]
struct Info {
    /// The domain
    #[arg(value_name = "HOST")]
    host: String,
    /// Print the domain as JSON
    #[arg(long)]
    json: bool,
    #[command(flatten)]
    at: AtApp,
}

/// Wait until the platform answers at a domain, or at all of an app
///
/// Here that is so as soon as the domain was added; what the DNS says is not asked.
#[derive(Debug, Args)]
#[command(after_help = "Examples:
  hokku domains wait www.example.com -a shop
  hokku domains wait -a shop")]
struct Wait {
    /// The domain [default: all of the app]
    #[arg(value_name = "HOST")]
    host: Option<String>,
    #[command(flatten)]
    at: AtApp,
}

impl Domains {
    pub(super) fn platform(&self) -> &AtPlatform {
        let at = match &self.action {
            None => &self.list.at,
            Some(Action::Add(add)) => &add.at,
            Some(Action::Remove(remove)) => &remove.at,
            Some(Action::Clear(clear)) => &clear.at,
            Some(Action::Info(info)) => &info.at,
            Some(Action::Wait(wait)) => &wait.at,
        };
        &at.platform
    }

    pub(super) async fn run(self, session: &mut Session) -> anyhow::Result<ExitCode> {
        match self.action {
            None => self.list.run(session).await,
            Some(Action::Add(add)) => add.run(session).await,
            Some(Action::Remove(remove)) => remove.run(session).await,
            Some(Action::Clear(clear)) => clear.run(session).await,
            Some(Action::Info(info)) => info.run(session).await,
            Some(Action::Wait(wait)) => wait.run(session).await,
        }
    }
}

impl List {
    async fn run(self, session: &mut Session) -> anyhow::Result<ExitCode> {
        let app = session.app(&self.at)?;
        let mut domains = of_app(session, &app).await?;
        domains.sort_by(|one, other| one.hostname.cmp(&other.hostname));
        if self.json {
            session.console.json(&domains.into_iter().map(|domain| domain.whole).collect())?;
            return Ok(ExitCode::SUCCESS);
        }
        let (custom, own): (Vec<_>, Vec<_>) = domains.iter().partition(|domain| domain.is_custom());
        session.console.line(format_args!("=== {app} Hokku Domain\n"))?;
        for domain in own {
            session.console.line(&domain.hostname)?;
        }
        if !custom.is_empty() {
            session.console.line(format_args!("\n=== {app} Custom Domains\n"))?;
            let head = ["Domain Name", "DNS Record Type", "DNS Target"].map(str::to_owned);
            let rows = custom.iter().map(|domain| dns_entry(domain));
            for line in columns(&[head].into_iter().chain(rows).collect::<Vec<_>>()) {
                session.console.line(line)?;
            }
        }
        Ok(ExitCode::SUCCESS)
    }
}

impl Add {
    async fn run(self, session: &mut Session) -> anyhow::Result<ExitCode> {
        let app = session.app(&self.at)?;
        let mut added: Vec<Answer<Domain>> = Vec::new();
        for host in &self.hosts {
            session.console.begin(format_args!("Adding {host} to ⬢ {app}"))?;
            let body = json!({ "hostname": host, "sni_endpoint": null });
            added.push(session.client.post(&["apps", &app, "domains"], &body).await?);
            session.console.done("done")?;
        }
        if self.json {
            session.console.json(&added.into_iter().map(|domain| domain.whole).collect())?;
            return Ok(ExitCode::SUCCESS);
        }
        session.console.note("Make these entries at the provider of your DNS:")?;
        for line in columns(&added.iter().map(|domain| dns_entry(domain)).collect::<Vec<_>>()) {
            session.console.line(format_args!("  {line}"))?;
        }
        if added.iter().any(|domain| domain.leads_to_one_machine()) {
            session.console.note(
                "Only this machine knows names below localhost: a platform for others is started with \
                 `hokku up --domain paas.example.com`.",
            )?;
        }
        Ok(ExitCode::SUCCESS)
    }
}

impl Remove {
    async fn run(self, session: &mut Session) -> anyhow::Result<ExitCode> {
        let app = session.app(&self.at)?;
        remove(session, &app, &self.host).await?;
        Ok(ExitCode::SUCCESS)
    }
}

impl Clear {
    async fn run(self, session: &mut Session) -> anyhow::Result<ExitCode> {
        let app = session.app(&self.at)?;
        let custom: Vec<_> =
            of_app(session, &app).await?.into_iter().filter(|domain| domain.is_custom()).collect();
        if custom.is_empty() {
            session.console.note(format_args!("⬢ {app} has no domain but its own"))?;
        }
        for domain in custom {
            remove(session, &app, &domain.hostname).await?;
        }
        Ok(ExitCode::SUCCESS)
    }
}

impl Info {
    async fn run(self, session: &mut Session) -> anyhow::Result<ExitCode> {
        let app = session.app(&self.at)?;
        let domain = info(session, &app, &self.host).await?;
        if self.json {
            session.console.json(&domain.whole)?;
            return Ok(ExitCode::SUCCESS);
        }
        session.console.line(format_args!("=== {}\n", domain.hostname))?;
        let since = moment(&domain.created_at, &session.clock);
        let [_, kind, target] = dns_entry(&domain);
        let facts = if domain.is_custom() {
            vec![
                ("App", app.as_str()),
                ("Added At", &since),
                ("DNS Record Type", &kind),
                ("DNS Target", &target),
            ]
        } else {
            vec![("App", app.as_str()), ("Kind", "the app's own, which it always has")]
        };
        for line in aligned(facts) {
            session.console.line(line)?;
        }
        Ok(ExitCode::SUCCESS)
    }
}

impl Wait {
    async fn run(self, session: &mut Session) -> anyhow::Result<ExitCode> {
        let app = session.app(&self.at)?;
        let hosts = match self.host {
            Some(host) => vec![host],
            None => of_app(session, &app).await?.into_iter().map(|domain| domain.hostname.clone()).collect(),
        };
        for host in hosts {
            session.console.begin(format_args!("Waiting for {host} of ⬢ {app}"))?;
            wait_for(session, &app, &host).await?;
            session.console.done("done")?;
        }
        Ok(ExitCode::SUCCESS)
    }
}

async fn of_app(session: &Session, app: &str) -> anyhow::Result<Vec<Answer<Domain>>> {
    Ok(session.client.list(&["apps", app, "domains"], Range::All).await?)
}

async fn info(session: &Session, app: &str, host: &str) -> anyhow::Result<Answer<Domain>> {
    Ok(session.client.get(&["apps", app, "domains", host]).await?)
}

async fn remove(session: &mut Session, app: &str, host: &str) -> anyhow::Result<()> {
    session.console.begin(format_args!("Removing {host} from ⬢ {app}"))?;
    session.client.delete(&["apps", app, "domains", host]).await?;
    session.console.done("done")?;
    Ok(())
}

async fn wait_for(session: &Session, app: &str, host: &str) -> anyhow::Result<()> {
    for round in 0.. {
        match info(session, app, host).await?.status {
            DomainStatus::Pending => session.client.pause(round).await,
            DomainStatus::Failed => bail!("{host} could not be set up; remove it and add it again"),
            DomainStatus::Ready => break,
        }
    }
    Ok(())
}

/// The entry that the DNS must have: name, type, target.
fn dns_entry(domain: &Domain) -> [String; 3] {
    // A domain that is registered itself has no more than two labels, save where a registry has labels of its own.
    let kind = if domain.hostname.matches('.').count() < 2 { "ALIAS or ANAME" } else { "CNAME" };
    [domain.hostname.clone(), kind.to_owned(), domain.cname.clone().unwrap_or_default()]
}
