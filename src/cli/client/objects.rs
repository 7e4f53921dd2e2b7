use serde::{Deserialize, Deserializer, de::DeserializeOwned, de::Error as _};
use serde_json::Value;
use std::{collections::BTreeMap, fmt, ops::Deref};

/// An object of the API: what is used of it, and the whole of it for `--json`.
pub(in crate::cli) struct Answer<T> {
    used: T,
    pub(in crate::cli) whole: Value,
}

impl<T> Deref for Answer<T> {
    type Target = T;

    fn deref(&self) -> &T {
        &self.used
    }
}

impl<'de, T: DeserializeOwned> Deserialize<'de> for Answer<T> {
    fn deserialize<D: Deserializer<'de>>(deserializer: D) -> Result<Self, D::Error> {
        let whole = Value::deserialize(deserializer)?;
        let used = T::deserialize(&whole).map_err(D::Error::custom)?;
        Ok(Self { used, whole })
    }
}

#[derive(Debug, Deserialize)]
pub(in crate::cli) struct App {
    pub(in crate::cli) name: String,
    pub(in crate::cli) web_url: Option<String>,
    pub(in crate::cli) git_url: Option<String>,
    pub(in crate::cli) owner: Email,
    pub(in crate::cli) region: Named,
    pub(in crate::cli) stack: Named,
    pub(in crate::cli) slug_size: Option<u64>,
    #[serde(default)]
    pub(in crate::cli) maintenance: bool,
    pub(in crate::cli) created_at: String,
}

#[derive(Debug, Deserialize)]
pub(in crate::cli) struct Named {
    pub(in crate::cli) name: String,
}

#[derive(Debug, Deserialize)]
pub(in crate::cli) struct Email {
    pub(in crate::cli) email: String,
}

#[derive(Debug, Deserialize)]
pub(in crate::cli) struct Id {
    pub(in crate::cli) id: String,
}

/// Config vars; they are secrets, so there is no `Debug`.
pub(in crate::cli) type ConfigVars = BTreeMap<String, String>;

#[derive(Debug, Deserialize)]
pub(in crate::cli) struct Dyno {
    pub(in crate::cli) name: String,
    #[serde(rename = "type")]
    pub(in crate::cli) process_type: String,
    pub(in crate::cli) command: String,
    pub(in crate::cli) state: String,
    pub(in crate::cli) size: String,
    pub(in crate::cli) updated_at: String,
}

/// A one-off dyno that was ordered. Its address holds a secret, so there is no `Debug`.
#[derive(Deserialize)]
pub(in crate::cli) struct OneOff {
    pub(in crate::cli) name: String,
    pub(in crate::cli) command: String,
    pub(in crate::cli) attach_url: Option<String>,
}

#[derive(Debug, Deserialize)]
pub(in crate::cli) struct Formation {
    #[serde(rename = "type")]
    pub(in crate::cli) process_type: String,
    pub(in crate::cli) quantity: u32,
    pub(in crate::cli) size: String,
}

/// How far a build or release is.
#[derive(Clone, Copy, Debug, Deserialize, Eq, PartialEq)]
#[serde(rename_all = "snake_case")]
pub(in crate::cli) enum Status {
    Pending,
    Succeeded,
    #[serde(other)]
    Failed,
}

impl fmt::Display for Status {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(match self {
            Self::Pending => "pending",
            Self::Succeeded => "succeeded",
            Self::Failed => "failed",
        })
    }
}

#[derive(Debug, Deserialize)]
pub(in crate::cli) struct Release {
    pub(in crate::cli) id: String,
    pub(in crate::cli) version: u64,
    #[serde(default)]
    pub(in crate::cli) description: String,
    pub(in crate::cli) status: Status,
    #[serde(default)]
    pub(in crate::cli) current: bool,
    pub(in crate::cli) user: Email,
    pub(in crate::cli) created_at: String,
    #[serde(default)]
    pub(in crate::cli) eligible_for_rollback: bool,
    pub(in crate::cli) output_stream_url: Option<String>,
}

#[derive(Debug, Deserialize)]
pub(in crate::cli) struct Build {
    pub(in crate::cli) id: String,
    pub(in crate::cli) status: Status,
    pub(in crate::cli) output_stream_url: Option<String>,
    pub(in crate::cli) release: Option<Id>,
    pub(in crate::cli) user: Email,
    pub(in crate::cli) created_at: String,
    pub(in crate::cli) source_blob: BuiltSource,
    #[serde(default)]
    pub(in crate::cli) buildpacks: Vec<Named>,
    pub(in crate::cli) stack: String,
}

/// What a build was made from.
#[derive(Debug, Deserialize)]
pub(in crate::cli) struct BuiltSource {
    pub(in crate::cli) version: Option<String>,
}

/// A buildpack of an app.
#[derive(Debug, Deserialize)]
pub(in crate::cli) struct Buildpack {
    buildpack: Named,
}

impl Buildpack {
    pub(in crate::cli) fn name(&self) -> &str {
        &self.buildpack.name
    }
}

#[derive(Debug, Deserialize)]
pub(in crate::cli) struct Domain {
    pub(in crate::cli) hostname: String,
    /// Where its DNS entry must lead; none for the app's own.
    pub(in crate::cli) cname: Option<String>,
    kind: String,
    pub(in crate::cli) status: DomainStatus,
    pub(in crate::cli) created_at: String,
}

/// Whether the platform answers at a domain.
#[derive(Clone, Copy, Debug, Deserialize, Eq, PartialEq)]
#[serde(rename_all = "snake_case")]
pub(in crate::cli) enum DomainStatus {
    Pending,
    Failed,
    #[serde(other)]
    Ready,
}

impl Domain {
    pub(in crate::cli) fn is_custom(&self) -> bool {
        self.kind == "custom"
    }

    /// Whether its target means another machine on each machine.
    pub(in crate::cli) fn leads_to_one_machine(&self) -> bool {
        self.cname.as_deref().is_some_and(|target| target.ends_with(".localhost"))
    }
}

#[derive(Deserialize)]
pub(in crate::cli) struct Source {
    pub(in crate::cli) source_blob: SourceBlob,
}

#[derive(Deserialize)]
pub(in crate::cli) struct SourceBlob {
    pub(in crate::cli) get_url: String,
    pub(in crate::cli) put_url: String,
}

#[derive(Deserialize)]
pub(in crate::cli) struct Slug {
    pub(in crate::cli) id: String,
    pub(in crate::cli) blob: SlugBlob,
}

#[derive(Deserialize)]
pub(in crate::cli) struct SlugBlob {
    pub(in crate::cli) url: String,
}

#[derive(Deserialize)]
pub(in crate::cli) struct LogSession {
    pub(in crate::cli) logplex_url: String,
}

#[derive(Debug, Deserialize)]
pub(in crate::cli) struct Account {
    pub(in crate::cli) email: String,
    pub(in crate::cli) created_at: String,
}

/// A token and what it is for. The token is a secret, so there is no `Debug`.
#[derive(Deserialize)]
pub(in crate::cli) struct Authorization {
    pub(in crate::cli) id: String,
    #[serde(default)]
    pub(in crate::cli) description: Option<String>,
    #[serde(default)]
    pub(in crate::cli) scope: Vec<String>,
    pub(in crate::cli) created_at: String,
    pub(in crate::cli) access_token: Option<AccessToken>,
    pub(in crate::cli) user: Option<Email>,
}

#[derive(Deserialize)]
pub(in crate::cli) struct AccessToken {
    /// Shown when it is made, and not again.
    #[serde(default)]
    pub(in crate::cli) token: Option<String>,
    /// In seconds.
    #[serde(default)]
    pub(in crate::cli) expires_in: Option<u64>,
}

#[derive(Debug, Deserialize)]
pub(in crate::cli) struct Collaborator {
    pub(in crate::cli) user: Email,
    #[serde(default)]
    pub(in crate::cli) role: Option<String>,
}

#[derive(Debug, Deserialize)]
pub(in crate::cli) struct Transfer {
    pub(in crate::cli) state: String,
}
