use super::{Actor, DrainUrl, PasswordHash, SlugRecord, SourceRecord, Stream, TokenScope};
use crate::app::{ConfigVars, DynoSize};
use crate::clock::Timestamp;
use crate::name::{
    AccountId, AddonId, AppId, AppName, AttachmentId, AuthorizationId, BuildId, CollaboratorId, DomainId,
    DrainId, PlatformId, ProcessType, ReleaseId, ReleaseVersion, SlugId,
};
use crate::slug::Digest;
use std::{
    collections::{BTreeMap, BTreeSet, HashMap, HashSet},
    sync::Arc,
};

/// Everything that the platform knows: a snapshot of the fold over all entries. Maps, apps and their parts are shared
/// between snapshots, so that a clone is cheap and a change copies only what it touches.
#[derive(Clone, Debug, Default, Eq, PartialEq)]
pub struct State {
    /// The platform's own id; `None` before the first start.
    pub platform: Option<PlatformId>,
    /// The sequence number of the last entry of the platform's stream.
    pub head: u64,
    /// Everybody with an account.
    pub accounts: Arc<BTreeMap<AccountId, Arc<Account>>>,
    /// The first account, which cannot be removed.
    pub owner: Option<AccountId>,
    /// Everybody who had an account once: its id is never used again.
    pub removed: Arc<HashSet<AccountId>>,
    /// Valid tokens, by their SHA-256.
    pub authorizations: Arc<HashMap<Digest, Arc<Authorization>>>,
    /// Every app that was not destroyed.
    pub apps: Arc<HashMap<AppId, Arc<App>>>,
    /// The same by name.
    pub names: Arc<BTreeMap<AppName, AppId>>,
    /// Which app has a custom domain.
    pub domains: Arc<HashMap<String, AppId>>,
    /// Every app that was destroyed: its id is never used again.
    pub destroyed: Arc<HashSet<AppId>>,
}

/// Somebody who may use the platform.
#[derive(Clone, Debug, Eq, PartialEq)]
pub struct Account {
    /// Its id.
    pub id: AccountId,
    /// Its e-mail address.
    pub email: String,
    /// What its password is checked with; `None` while it has none.
    pub password: Option<PasswordHash>,
    /// When it was made.
    pub created_at: Timestamp,
}

/// A token, without the token.
#[derive(Clone, Debug, Eq, PartialEq)]
pub struct Authorization {
    /// Its id.
    pub id: AuthorizationId,
    /// Whose it is.
    pub account: AccountId,
    /// What it is for.
    pub description: String,
    /// When it was made.
    pub created_at: Timestamp,
    /// When it ends to be valid.
    pub expires_at: Option<Timestamp>,
    /// What it allows; none: everything that its account may.
    pub scopes: BTreeSet<TokenScope>,
}

/// One app, as it is wanted.
#[derive(Clone, Debug, Eq, PartialEq)]
pub struct App {
    /// Its id.
    pub id: AppId,
    /// Its name.
    pub name: AppName,
    /// Whose it is.
    pub owner: AccountId,
    /// What its slugs expect around them.
    pub stack: String,
    /// The sequence number of the last entry of its stream.
    pub head: u64,
    /// When it was made.
    pub created_at: Timestamp,
    /// When anything of it changed last.
    pub updated_at: Timestamp,
    /// Its config vars: those of its newest release that did not fail.
    pub config: Arc<ConfigVars>,
    /// Every release, the oldest first: version `n` is at `n - 1`.
    pub releases: Vec<Arc<Release>>,
    /// Every build, the oldest first.
    pub builds: Vec<Arc<Build>>,
    /// Every slug that was stored for it.
    pub slugs: HashMap<SlugId, Arc<SlugRecord>>,
    /// When each of them was stored.
    pub slug_times: HashMap<SlugId, Timestamp>,
    /// What was said of each process type, whether the current release has it or not.
    pub formation: BTreeMap<ProcessType, WantedDynos>,
    /// Custom domains.
    pub domains: BTreeMap<DomainId, Arc<Domain>>,
    /// Who else may work on it.
    pub collaborators: BTreeMap<CollaboratorId, AccountId>,
    /// Whether maintenance mode is on.
    pub maintenance: bool,
    /// The features that are on.
    pub features: BTreeSet<String>,
    /// Buildpacks to build with; none: they detect.
    pub buildpacks: Vec<String>,
    /// Where its log is sent.
    pub drains: BTreeMap<DrainId, Drain>,
    /// The add-ons that were made for it.
    pub addons: BTreeMap<AddonId, Addon>,
    /// The add-ons that it uses.
    pub attachments: BTreeMap<AttachmentId, Attachment>,
}

/// One version of an app: code and config vars.
#[derive(Clone, Debug, Eq, PartialEq)]
pub struct Release {
    /// Its id.
    pub id: ReleaseId,
    /// Its version.
    pub version: ReleaseVersion,
    /// How far it came.
    pub status: ReleaseStatus,
    /// What is new in it.
    pub description: String,
    /// Its code; `None` while nothing was deployed.
    pub slug: Option<SlugId>,
    /// Its config vars.
    pub config: Arc<ConfigVars>,
    /// Who made it.
    pub actor: Actor,
    /// When it was made.
    pub created_at: Timestamp,
    /// When its status changed last.
    pub updated_at: Timestamp,
}

/// How far a release came.
#[derive(Clone, Copy, Debug, Eq, PartialEq)]
pub enum ReleaseStatus {
    /// Its release phase runs.
    Pending,
    /// It is or was current.
    Succeeded,
    /// It never was.
    Failed,
}

/// One build of an app.
#[derive(Clone, Debug, Eq, PartialEq)]
pub struct Build {
    /// Its id.
    pub id: BuildId,
    /// How far it came.
    pub status: BuildStatus,
    /// What is built.
    pub source: SourceRecord,
    /// The buildpacks asked for.
    pub buildpacks: Vec<String>,
    /// The release that was made of it.
    pub release: Option<ReleaseId>,
    /// Who asked for it.
    pub actor: Actor,
    /// When it was asked for.
    pub created_at: Timestamp,
    /// When its status changed last.
    pub updated_at: Timestamp,
}

/// How far a build came.
#[derive(Clone, Debug, Eq, PartialEq)]
pub enum BuildStatus {
    /// It waits or runs.
    Pending,
    /// It made this slug.
    Succeeded(SlugId),
    /// It made none, for this reason.
    Failed(String),
}

/// A custom domain.
#[derive(Clone, Debug, Eq, PartialEq)]
pub struct Domain {
    /// Its id.
    pub id: DomainId,
    /// The host, in lower case.
    pub hostname: String,
    /// When it was added.
    pub created_at: Timestamp,
}

/// Where an app's log is sent.
#[derive(Clone, Debug, Eq, PartialEq)]
pub struct Drain {
    /// Where to.
    pub url: DrainUrl,
    /// When it was added.
    pub created_at: Timestamp,
}

/// An add-on of an app.
#[derive(Clone, Debug, Eq, PartialEq)]
pub struct Addon {
    /// Its name: `postgresql-round-12345`.
    pub name: String,
    /// Service and plan: `heroku-postgresql:mini`.
    pub plan: String,
    /// When it was made.
    pub created_at: Timestamp,
}

/// An app's use of an add-on, its own or another app's.
#[derive(Clone, Debug, Eq, PartialEq)]
pub struct Attachment {
    /// What is used.
    pub addon: AddonId,
    /// Its name, from which its config vars are named: `DATABASE`.
    pub name: String,
    /// When it was attached.
    pub created_at: Timestamp,
}

/// The dynos that are wanted of one process type.
#[derive(Clone, Copy, Debug, Default, Eq, PartialEq)]
pub struct WantedDynos {
    /// How many.
    pub quantity: u32,
    /// Of which size.
    pub size: DynoSize,
}

impl State {
    /// The app with this name or id.
    #[must_use]
    pub fn app(&self, name_or_id: &str) -> Option<&Arc<App>> {
        let id = self.names.get(name_or_id).copied().or_else(|| name_or_id.parse().ok())?;
        self.apps.get(&id)
    }

    /// The account with this e-mail address, in any letter case, or this id.
    #[must_use]
    pub fn account(&self, email_or_id: &str) -> Option<&Arc<Account>> {
        let by_id = email_or_id.parse().ok().and_then(|id: AccountId| self.accounts.get(&id));
        by_id.or_else(|| {
            self.accounts.values().find(|account| account.email.eq_ignore_ascii_case(email_or_id))
        })
    }

    /// The sequence number of a stream's last entry; 0 for one without entries and for that of a destroyed app.
    #[must_use]
    pub fn head(&self, stream: Stream) -> u64 {
        match stream {
            Stream::Platform => self.head,
            Stream::App(app) => self.apps.get(&app).map_or(0, |app| app.head),
        }
    }
}

impl App {
    /// The release that runs: the newest that succeeded.
    #[must_use]
    pub fn current(&self) -> Option<&Arc<Release>> {
        self.releases.iter().rev().find(|release| release.status == ReleaseStatus::Succeeded)
    }

    /// The release with this version.
    #[must_use]
    pub fn release(&self, version: ReleaseVersion) -> Option<&Arc<Release>> {
        let index = usize::try_from(version.number()).ok()?.checked_sub(1)?;
        self.releases.get(index)
    }

    /// The slug of the release that runs.
    #[must_use]
    pub fn current_slug(&self) -> Option<&Arc<SlugRecord>> {
        self.slugs.get(&self.current()?.slug?)
    }

    /// The process types of the release that runs, with what is wanted of each: what was said of it, else one `web`
    /// and no other.
    #[must_use]
    pub fn wanted(&self) -> BTreeMap<ProcessType, WantedDynos> {
        let types = self.current_slug().into_iter().flat_map(|slug| slug.process_types.keys());
        types
            .filter(|process_type| !process_type.is_release())
            .map(|process_type| {
                let default =
                    WantedDynos { quantity: u32::from(process_type.is_web()), ..WantedDynos::default() };
                (process_type.clone(), self.formation.get(process_type).copied().unwrap_or(default))
            })
            .collect()
    }
}
