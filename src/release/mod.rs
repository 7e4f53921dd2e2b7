//! STUB: signatures for the other rooms.
use crate::app::ConfigChanges;
use crate::build::Builder;
use crate::clock::Clock;
use crate::dyno::Engine;
use crate::formation::Supervisor;
use crate::ledger::{Actor, App, Build, Ledger, Release};
use crate::logplex::Logplex;
use crate::name::{AppId, AppName, BuildId, ReleaseVersion, SlugId};
use crate::slug::SlugStore;
use std::{path::PathBuf, sync::Arc, time::Duration};

/// How releases are made.
#[derive(Clone, Debug)]
pub struct ReleaseConfig {
    /// For how many of an app's last releases slugs are kept. Default: 50.
    pub keep: usize,
    /// Where uploaded sources lie, and builds' and release phases' output is kept.
    pub dir: PathBuf,
    /// How long a release phase may take. Default: 1 h.
    pub phase_limit: Duration,
    /// How long a deploy waits for its dynos to be up before it says that it goes on without. Default: 75 s.
    pub settle_limit: Duration,
    /// The most bytes of an uploaded source archive, and of what is in it. Default: 1 GB.
    pub source_limit: u64,
}

/// What the room works with.
#[derive(Clone)]
pub struct Rooms {
    /// The record.
    pub ledger: Ledger,
    /// Builds.
    pub builder: Builder,
    /// Runs release phases, compiles ahead of time.
    pub engine: Engine,
    /// Where slugs are.
    pub store: SlugStore,
    /// What runs.
    pub supervisor: Supervisor,
    /// Where everything is told.
    pub logplex: Logplex,
    /// What time it is.
    pub clock: Clock,
}

/// Why something did not become a release.
#[derive(Debug, thiserror::Error)]
#[non_exhaustive]
pub enum ReleaseError {
    /// The caller's fault: there is no such app (any more).
    #[error("Couldn't find that app.")]
    NoApp,
    // more: NameTaken(AppName), NoRelease(version), NoSlug, SlugCollected{version, kept}, NothingToRollBackTo,
    // RollbackToFailed, InvalidConfig(InvalidConfigVars), Busy(pending release), Source(..), Slug(SlugError), Append(AppendError)
}

/// The one way in which anything becomes a release. Clones are one.
#[derive(Clone)]
pub struct Releases(Arc<()>);

/// What is to be deployed.
pub struct Deploy {
    /// The uploaded archive (tar, gzip), by the id that [`Sources`] gave.
    pub source: SourceArchive,
    /// The caller's word for the version: a commit.
    pub version: Option<String>,
    /// `SHA256:…` to check the archive against.
    pub checksum: Option<String>,
    /// Buildpacks for this build only; none: the app's.
    pub buildpacks: Vec<String>,
}

/// An uploaded archive that is deleted when this is dropped.
pub struct SourceArchive {
    /// Where it lies.
    pub file: tempfile::NamedTempFile,
}

impl Releases {
    /// Opens the room, and settles what a stop left half done: builds and releases that were pending have failed.
    ///
    /// # Errors
    /// [`ReleaseError`].
    pub async fn open(config: ReleaseConfig, rooms: Rooms) -> Result<Self, ReleaseError> {
        let _ = (config, rooms);
        todo!()
    }

    /// Makes an app with v1 `Initial release` and v2 `Enable Logplex`. Without a name it gets one of its own.
    ///
    /// # Errors
    /// [`ReleaseError`]
    pub async fn create_app(&self, actor: &Actor, name: Option<AppName>) -> Result<Arc<App>, ReleaseError> {
        let _ = (actor, name);
        todo!()
    }

    /// Stops an app's dynos and forgets it: its key, its log, its build cache.
    ///
    /// # Errors
    /// [`ReleaseError`]
    pub async fn destroy_app(&self, actor: &Actor, app: AppId) -> Result<Arc<App>, ReleaseError> {
        let _ = (actor, app);
        todo!()
    }

    /// Changes config vars with a new release `Set A, B config vars` / `Remove A config vars`; no change, no release.
    /// Returns as soon as the release is recorded; its release phase may still run.
    ///
    /// # Errors
    /// [`ReleaseError`]
    pub async fn set_config(
        &self,
        actor: &Actor,
        app: AppId,
        changes: ConfigChanges,
    ) -> Result<Arc<App>, ReleaseError> {
        let _ = (actor, app, changes);
        todo!()
    }

    /// Releases a slug that the app has.
    ///
    /// # Errors
    /// [`ReleaseError`]
    pub async fn release_slug(
        &self,
        actor: &Actor,
        app: AppId,
        slug: SlugId,
        description: Option<String>,
    ) -> Result<Arc<Release>, ReleaseError> {
        let _ = (actor, app, slug, description);
        todo!()
    }

    /// Releases an earlier release's slug and config vars again.
    ///
    /// # Errors
    /// [`ReleaseError`]
    pub async fn rollback(
        &self,
        actor: &Actor,
        app: AppId,
        to: ReleaseVersion,
    ) -> Result<Arc<Release>, ReleaseError> {
        let _ = (actor, app, to);
        todo!()
    }

    /// Starts a build that ends in a release; it goes on without the caller. Its output is at [`output`](Self::output).
    ///
    /// # Errors
    /// [`ReleaseError`]
    pub async fn deploy(
        &self,
        actor: &Actor,
        app: AppId,
        deploy: Deploy,
    ) -> Result<Arc<Build>, ReleaseError> {
        let _ = (actor, app, deploy);
        todo!()
    }

    /// Cancels a build that waits or runs; `false` when it has ended.
    pub async fn cancel_build(&self, build: BuildId) -> bool {
        let _ = build;
        todo!()
    }

    /// Stores a packed slug (as `hokku build -o` makes) for the app.
    ///
    /// # Errors
    /// [`ReleaseError`]
    pub async fn import_slug(
        &self,
        actor: &Actor,
        app: AppId,
        file: &std::path::Path,
        commit: Option<String>,
    ) -> Result<SlugId, ReleaseError> {
        let _ = (actor, app, file, commit);
        todo!()
    }

    /// A file for an upload, in the room's directory.
    ///
    /// # Errors
    /// [`ReleaseError`]
    pub fn upload_file(&self) -> Result<tempfile::NamedTempFile, ReleaseError> {
        todo!()
    }

    /// The output of a build or of a release's release phase, from its first byte and as it comes, to its end; `None` when there is none (any more).
    pub async fn output(&self, of: OutputId) -> Option<Output> {
        let _ = of;
        todo!()
    }

    /// Removes slugs, images and compiled code that no kept release points at.
    pub async fn collect(&self) {
        todo!()
    }

    /// Cancels builds and release phases, and waits for them.
    pub async fn close(&self) {
        todo!()
    }
}

/// What output is of.
#[derive(Clone, Copy, Debug, Eq, Hash, PartialEq)]
pub enum OutputId {
    /// A build.
    Build(BuildId),
    /// A release's release phase.
    Release(crate::name::ReleaseId),
}

/// A reader of output.
pub struct Output(());

impl Output {
    /// The next bytes; `None` at the end.
    pub async fn next(&mut self) -> Option<bytes::Bytes> {
        todo!()
    }
}
