use super::{
    client::{Answer, Authorization, Range},
    console::{aligned, columns},
    lifetime::Lifetime,
    moment::moment,
    session::{AtPlatform, Session},
};
use serde_json::json;
use std::process::ExitCode;

/// List, make and revoke tokens
///
/// A token is for one program: give each its own, with no more scopes than it needs, and revoke it when it is done.
#[derive(Debug, clap::Args)]
#[command(args_conflicts_with_subcommands = true)]
#[command(after_help = "Examples:
  hokku authorizations
  hokku authorizations:create -d \"CI of the shop\" -s write -e 90d
  hokku authorizations:revoke 01234567-89ab-cdef-0123-456789abcdef")]
pub(super) struct Authorizations {
    #[command(subcommand)]
    action: Option<Action>,
    #[command(flatten)]
    list: List,
}

#[derive(Debug, clap::Subcommand)]
enum Action {
    Create(Create),
    Info(Info),
    #[command(visible_alias = "destroy")]
    Revoke(Revoke),
}

#[derive(Debug, clap::Args)]
struct List {
    /// Print the tokens as JSON; what opens a door is not in it
    #[arg(long)]
    json: bool,
    #[command(flatten)]
    platform: AtPlatform,
}

/// Make a token
///
/// It is shown once, now, and never again.
#[derive(Debug, clap::Args)]
#[command(
    after_help = "Scopes: global (all that you may), identity, read and write (no config vars), read-protected and
write-protected (config vars too).

Examples:
  hokku authorizations:create -d \"Dashboard\" -s read
  hokku authorizations:create -d \"CI\" -s write-protected -e 90d --short"
)]
struct Create {
    /// What it is for
    #[arg(long, short, value_name = "TEXT")]
    description: Option<String>,
    /// What it may be used for, with commas [default: global]
    #[arg(long, short, value_delimiter = ',', value_name = "SCOPES")]
    scope: Vec<String>,
    /// How long it lives, like 12h or 30d [default: until it is revoked]
    #[arg(long, short, value_name = "TIME")]
    expires_in: Option<Lifetime>,
    /// Print the token alone
    #[arg(long, short = 'S', conflicts_with = "json")]
    short: bool,
    /// Print the authorization as JSON
    #[arg(long)]
    json: bool,
    #[command(flatten)]
    platform: AtPlatform,
}

/// Show what a token is for
#[derive(Debug, clap::Args)]
#[command(after_help = "Example:
  hokku authorizations:info 01234567-89ab-cdef-0123-456789abcdef")]
struct Info {
    /// Its id, of `hokku authorizations`
    id: String,
    /// Print the authorization as JSON
    #[arg(long)]
    json: bool,
    #[command(flatten)]
    platform: AtPlatform,
}

/// Revoke a token: from now on it opens nothing
#[derive(Debug, clap::Args)]
#[command(after_help = "Example:
  hokku authorizations:revoke 01234567-89ab-cdef-0123-456789abcdef")]
struct Revoke {
    /// Its id, of `hokku authorizations`
    id: String,
    #[command(flatten)]
    platform: AtPlatform,
}

impl Authorizations {
    pub(super) fn platform(&self) -> &AtPlatform {
        match &self.action {
            None => &self.list.platform,
            Some(Action::Create(create)) => &create.platform,
            Some(Action::Info(info)) => &info.platform,
            Some(Action::Revoke(revoke)) => &revoke.platform,
        }
    }

    pub(super) async fn run(self, session: &mut Session) -> anyhow::Result<ExitCode> {
        match self.action {
            None => self.list.run(session).await,
            Some(Action::Create(create)) => create.run(session).await,
            Some(Action::Info(info)) => info.run(session).await,
            Some(Action::Revoke(revoke)) => revoke.run(session).await,
        }
    }
}

impl List {
    async fn run(self, session: &mut Session) -> anyhow::Result<ExitCode> {
        let tokens: Vec<Answer<Authorization>> =
            session.client.list(&["oauth", "authorizations"], Range::All).await?;
        if self.json {
            session.console.json(&tokens.into_iter().map(|token| token.whole).collect())?;
        } else if tokens.is_empty() {
            session.console.note("You have no tokens. Make one with `hokku authorizations:create`.")?;
        } else {
            for line in columns(&tokens.iter().map(|token| row(token)).collect::<Vec<_>>()) {
                session.console.line(line)?;
            }
        }
        Ok(ExitCode::SUCCESS)
    }
}

fn row(token: &Authorization) -> [String; 4] {
    let lasts = expires(token).map_or_else(String::new, |time| format!("expires in {time}"));
    [description(token).to_owned(), token.id.clone(), token.scope.join(","), lasts]
}

fn description(token: &Authorization) -> &str {
    token.description.as_deref().filter(|text| !text.is_empty()).unwrap_or("(no description)")
}

/// How long the token still lives, in the largest unit that fits.
fn expires(token: &Authorization) -> Option<String> {
    let seconds = token.access_token.as_ref()?.expires_in?;
    let nearest = |unit: u64| seconds.saturating_add(unit / 2) / unit;
    Some(match seconds {
        0..120 => format!("{seconds}s"),
        120..7200 => format!("{}m", nearest(60)),
        7200..172_800 => format!("{}h", nearest(3600)),
        _ => format!("{}d", nearest(86_400)),
    })
}

impl Create {
    async fn run(self, session: &mut Session) -> anyhow::Result<ExitCode> {
        let mut body = json!({});
        if let Some(description) = &self.description {
            body["description"] = description.as_str().into();
        }
        if !self.scope.is_empty() {
            body["scope"] = self.scope.clone().into();
        }
        if let Some(lifetime) = self.expires_in {
            body["expires_in"] = lifetime.seconds().into();
        }
        session.console.begin("Making a token")?;
        let made: Answer<Authorization> = session.client.post(&["oauth", "authorizations"], &body).await?;
        session.console.done("done")?;
        let token = made.access_token.as_ref().and_then(|token| token.token.as_deref());
        if self.short {
            session.console.value(token.unwrap_or_default())?;
        } else if self.json {
            session.console.json(&made.whole)?;
        } else {
            show(session, &made)?;
            session.console.note("Keep the token now: it is not shown again.")?;
        }
        Ok(ExitCode::SUCCESS)
    }
}

impl Info {
    async fn run(self, session: &mut Session) -> anyhow::Result<ExitCode> {
        let path = ["oauth", "authorizations", &self.id];
        let found: Answer<Authorization> = session.client.get(&path).await?;
        if self.json {
            session.console.json(&found.whole)?;
        } else {
            show(session, &found)?;
        }
        Ok(ExitCode::SUCCESS)
    }
}

impl Revoke {
    async fn run(self, session: &mut Session) -> anyhow::Result<ExitCode> {
        session.console.begin(format_args!("Revoking {}", self.id))?;
        session.client.delete(&["oauth", "authorizations", &self.id]).await?;
        session.console.done("done")?;
        Ok(ExitCode::SUCCESS)
    }
}

fn show(session: &mut Session, token: &Authorization) -> anyhow::Result<()> {
    let mut facts = vec![
        ("Description", description(token).to_owned()),
        ("ID", token.id.clone()),
        ("Scope", token.scope.join(",")),
        ("Created At", moment(&token.created_at, &session.clock)),
    ];
    facts.extend(expires(token).map(|time| ("Expires In", time)));
    let secret = token.access_token.as_ref().and_then(|token| token.token.clone());
    facts.extend(secret.filter(|secret| !secret.is_empty()).map(|secret| ("Token", secret)));
    for line in aligned(facts.iter().map(|(key, value)| (*key, value.as_str()))) {
        session.console.line(line)?;
    }
    Ok(())
}
