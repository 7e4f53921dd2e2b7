use crate::app::{ConfigChanges, DynoSize};
use crate::clock::Timestamp;
use crate::name::{
    AccountId, AddonId, AppId, AppName, AttachmentId, AuthorizationId, BuildId, CollaboratorId, DomainId,
    DrainId, PlatformId, ProcessType, ReleaseId, ReleaseVersion, SlugId,
};
use crate::slug::{Digest, SlugDigest};
use serde::{Deserialize, Serialize};
use std::{
    collections::{BTreeMap, BTreeSet},
    fmt,
    net::IpAddr,
};

/// What happened: the kind and payload of an entry.
///
/// The first group belongs to the platform's stream, the second to an app's. The kinds that hold secrets cannot be
/// serialized: they are sealed first.
#[derive(Clone, Debug, Deserialize, Eq, PartialEq, Serialize)]
#[serde(tag = "kind", content = "payload", rename_all = "kebab-case", rename_all_fields = "kebab-case")]
pub enum Event {
    /// The data directory was set up.
    PlatformCreated {
        /// The platform's own id.
        platform: PlatformId,
    },
    /// An account was made. The first one is the owner's.
    AccountCreated {
        /// The account.
        account: AccountId,
        /// Its e-mail address.
        email: String,
    },
    /// A token was given out.
    AuthorizationCreated {
        /// The token's id.
        authorization: AuthorizationId,
        /// Whose it is.
        account: AccountId,
        /// What it is for.
        description: String,
        /// SHA-256 of the token; the token itself is kept nowhere.
        token: Digest,
        /// When it ends to be valid.
        expires_at: Option<Timestamp>,
        /// What it allows; none: everything that its account may. With any, the payload is of version 2.
        #[serde(default, skip_serializing_if = "BTreeSet::is_empty")]
        scopes: BTreeSet<TokenScope>,
    },
    /// A token was taken back.
    AuthorizationRevoked {
        /// The token's id.
        authorization: AuthorizationId,
    },
    /// An account has a new password. What it is checked with is sealed in the entry, with a key of the account's own.
    #[serde(skip)]
    PasswordSet {
        /// The account.
        account: AccountId,
        /// What it is checked with; `None` when the account, and its key with it, is gone.
        password: Option<PasswordHash>,
    },
    /// An account is gone, and its tokens, its places at apps and its key with it. It owned no app.
    AccountRemoved {
        /// The account.
        account: AccountId,
    },
    /// Somebody was not let in, or not let do something.
    AccessRefused {
        /// Whose name was given, as far as it is known: an e-mail address.
        who: Option<String>,
        /// From where.
        address: Option<IpAddr>,
        /// What was refused: `log in`, `destroy shop`.
        action: String,
        /// How many more like it came since the last entry about them.
        more: u32,
    },
    /// An app was made.
    AppCreated {
        /// The app.
        app: AppId,
        /// Its name, which no other app has now.
        name: AppName,
        /// Whose it is.
        owner: AccountId,
        /// What its slugs expect around them.
        stack: String,
    },
    /// An app has another name.
    AppRenamed {
        /// The app.
        app: AppId,
        /// Its new name.
        name: AppName,
    },
    /// An app has another owner.
    AppTransferred {
        /// The app.
        app: AppId,
        /// Whose it is now.
        owner: AccountId,
    },
    /// An app is gone, and its key with it: what was sealed for it can never be read again.
    AppDestroyed {
        /// The app.
        app: AppId,
    },

    /// Config vars were set or unset. The values are sealed in the entry.
    #[serde(skip)]
    ConfigSet {
        /// What changed.
        changes: ConfigChanges,
    },
    /// A build was asked for.
    BuildCreated {
        /// The build.
        build: BuildId,
        /// What is built.
        source: SourceRecord,
        /// The buildpacks asked for; none: they detect.
        buildpacks: Vec<String>,
    },
    /// A build made a slug.
    BuildSucceeded {
        /// The build.
        build: BuildId,
        /// What it made.
        slug: SlugId,
    },
    /// A build made no slug, or was cancelled.
    BuildFailed {
        /// The build.
        build: BuildId,
        /// Why, in a few lines.
        reason: String,
    },
    /// A slug was stored for the app.
    SlugCreated {
        /// What it is.
        slug: SlugRecord,
    },
    /// A release was made. Its config vars are the app's at this entry, or those of the release it goes back to.
    ReleaseCreated {
        /// The release.
        release: ReleaseId,
        /// The next version of the app.
        version: ReleaseVersion,
        /// What is new in it: `Deploy 1a2b3c4d`, `Set GREETING config vars`.
        description: String,
        /// The code; `None` while nothing was deployed.
        slug: Option<SlugId>,
        /// The build that it came from.
        build: Option<BuildId>,
        /// The release whose config vars it takes up again.
        rollback_to: Option<ReleaseVersion>,
        /// Whether a release phase must succeed before it becomes current.
        pending: bool,
    },
    /// A release's release phase succeeded: it is current now.
    ReleaseSucceeded {
        /// Which one.
        version: ReleaseVersion,
    },
    /// A release will never be current.
    ReleaseFailed {
        /// Which one.
        version: ReleaseVersion,
        /// Why.
        reason: String,
    },
    /// How many dynos of a process type are wanted, and of which size.
    FormationChanged {
        /// The process type.
        process_type: ProcessType,
        /// How many.
        quantity: u32,
        /// Of which size.
        size: DynoSize,
    },
    /// The app answers at one more host.
    DomainAdded {
        /// The domain's id.
        domain: DomainId,
        /// The host, in lower case.
        hostname: String,
    },
    /// The app no longer answers there.
    DomainRemoved {
        /// The domain's id.
        domain: DomainId,
    },
    /// Somebody else may work on the app.
    CollaboratorAdded {
        /// Their place at the app.
        collaborator: CollaboratorId,
        /// Who.
        account: AccountId,
    },
    /// They may no longer.
    CollaboratorRemoved {
        /// Their place at the app.
        collaborator: CollaboratorId,
    },
    /// Maintenance mode was switched.
    MaintenanceSet {
        /// Whether it is on.
        enabled: bool,
    },
    /// A feature of the app was switched.
    FeatureSet {
        /// Its name, as Heroku's: `preboot`.
        feature: String,
        /// Whether it is on.
        enabled: bool,
    },
    /// Which buildpacks build the app from now on; none: they detect.
    BuildpacksSet {
        /// Names or addresses, in their order.
        buildpacks: Vec<String>,
    },
    /// The app's log is sent somewhere. The address is sealed in the entry: it may hold a password.
    #[serde(skip)]
    DrainAdded {
        /// The drain.
        drain: DrainId,
        /// Where to.
        url: DrainUrl,
    },
    /// It is no longer.
    DrainRemoved {
        /// The drain.
        drain: DrainId,
    },
    /// An add-on was made for the app.
    AddonCreated {
        /// The add-on.
        addon: AddonId,
        /// Its name: `postgresql-round-12345`.
        name: String,
        /// Service and plan: `heroku-postgresql:mini`.
        plan: String,
    },
    /// An add-on is gone.
    AddonDestroyed {
        /// The add-on.
        addon: AddonId,
    },
    /// An add-on is used by the app.
    AttachmentCreated {
        /// The attachment.
        attachment: AttachmentId,
        /// What is used.
        addon: AddonId,
        /// Its name, from which its config vars are named: `DATABASE`.
        name: String,
    },
    /// It is no longer.
    AttachmentDestroyed {
        /// The attachment.
        attachment: AttachmentId,
    },
}

/// A slug as the ledger knows it: enough to answer for it after it was collected.
#[derive(Clone, Debug, Deserialize, Eq, PartialEq, Serialize)]
#[serde(deny_unknown_fields, rename_all = "kebab-case")]
pub struct SlugRecord {
    /// How the API names it; derived from the app and the digest, so the same slug is the same for one app.
    pub id: SlugId,
    /// How the store names it.
    pub digest: SlugDigest,
    /// Bytes of its blobs.
    pub size: u64,
    /// What can be run, by process type.
    pub process_types: BTreeMap<ProcessType, String>,
    /// The commit it was made from.
    pub commit: Option<String>,
    /// What made it: `Python`.
    pub buildpack: Option<String>,
    /// What it expects around it.
    pub stack: String,
}

/// What a build was made from.
#[derive(Clone, Debug, Default, Deserialize, Eq, PartialEq, Serialize)]
#[serde(deny_unknown_fields, rename_all = "kebab-case")]
pub struct SourceRecord {
    /// The caller's word for it: a commit.
    pub version: Option<String>,
    /// What the caller calls its parts: `SHA256:` and the digest of the archive.
    pub checksum: Option<String>,
}

/// Where an app's log is sent. It may hold a password: `Debug` does not show it.
#[derive(Clone, Eq, PartialEq)]
pub struct DrainUrl(String);

impl DrainUrl {
    /// Keeps `url` as it stands.
    #[must_use]
    pub fn new(url: String) -> Self {
        Self(url)
    }

    /// The address.
    #[must_use]
    pub fn reveal(&self) -> &str {
        &self.0
    }
}

impl fmt::Debug for DrainUrl {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str("DrainUrl(…)")
    }
}

/// What a password is checked with: an argon2id hash in PHC form. Never shown.
#[derive(Clone, Eq, PartialEq)]
pub struct PasswordHash(String);

impl PasswordHash {
    /// Keeps `phc` as it stands.
    #[must_use]
    pub fn new(phc: String) -> Self {
        Self(phc)
    }

    /// The PHC text.
    #[must_use]
    pub fn reveal(&self) -> &str {
        &self.0
    }
}

impl fmt::Debug for PasswordHash {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str("PasswordHash(…)")
    }
}

/// What a token may be used for, in Heroku's words. A token without any is `global`.
#[derive(Clone, Copy, Debug, Deserialize, Eq, Ord, PartialEq, PartialOrd, Serialize)]
#[serde(rename_all = "kebab-case")]
pub enum TokenScope {
    /// Everything that its account may.
    Global,
    /// To see whose it is.
    Identity,
    /// To see apps, but no config vars.
    Read,
    /// To see apps and change them, but no config vars.
    Write,
    /// To see apps with their config vars.
    ReadProtected,
    /// To see apps and change them, config vars too.
    WriteProtected,
}
