use super::{
    OutputId, ReleaseError, Releases,
    deployment::Deployment,
    error::io_error,
    journal::{Journal, tell},
    unpacked::parse_checksum,
    words::who,
};
use crate::build::BuildJail;
use crate::crash_point;
use crate::ledger::{Actor, Build, Event, SourceRecord, State, Stream};
use crate::name::{AppId, BuildId};
use std::sync::Arc;

/// What is to be deployed.
pub struct Deploy {
    /// The uploaded archive (tar, gzip).
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
    /// Starts a build that ends in a release; it goes on without the caller. Its output is at
    /// [`output`](Self::output).
    ///
    /// # Errors
    /// [`ReleaseError::NoApp`], [`ReleaseError::BuildNotAllowed`], [`ReleaseError::TooManyBuilds`],
    /// [`ReleaseError::InvalidChecksum`], [`ReleaseError::Io`], [`ReleaseError::Append`]. What goes wrong later is the build's.
    pub async fn deploy(
        &self,
        actor: &Actor,
        app: AppId,
        deploy: Deploy,
    ) -> Result<Arc<Build>, ReleaseError> {
        crash_point::reached("source.received");
        self.check_jail(actor)?;
        let checksum = deploy.checksum.as_deref().filter(|text| !text.is_empty());
        let checksum = checksum.map(parse_checksum).transpose()?;
        let (releases, actor) = (self.clone(), actor.clone());
        self.0.owned(async move { releases.begin_deploy(actor, app, deploy, checksum).await }).await
    }

    /// Buildpacks run as this program's user, so who may build may do what it may.
    fn check_jail(&self, actor: &Actor) -> Result<(), ReleaseError> {
        let owner = self.0.rooms.ledger.state().owner;
        let allowed = match (self.0.rooms.builder.config().jail, actor) {
            (BuildJail::None, _) | (_, Actor::Platform) => true,
            (BuildJail::OwnerOnly, Actor::Account { id, .. }) => owner == Some(*id),
        };
        if allowed { Ok(()) } else { Err(ReleaseError::BuildNotAllowed) }
    }

    async fn begin_deploy(
        &self,
        actor: Actor,
        app: AppId,
        deploy: Deploy,
        checksum: Option<crate::slug::Digest>,
    ) -> Result<Arc<Build>, ReleaseError> {
        let inner = &self.0;
        let ticket = inner.builds.ask(app, &inner.app(app)?.name)?;
        let build = BuildId::random();
        let version = deploy.version.clone().filter(|version| !version.trim().is_empty());
        let source = SourceRecord { version, checksum: deploy.checksum.clone() };
        let asked = &deploy.buildpacks;
        let decide = |state: &State| {
            let now = state.apps.get(&app).ok_or(ReleaseError::NoApp)?;
            let buildpacks = if asked.is_empty() { &now.buildpacks } else { asked }.clone();
            let event = Event::BuildCreated { build, source: source.clone(), buildpacks };
            Ok(vec![(Stream::App(app), event)])
        };
        let work = inner.works.begin(app, Some(build));
        // Who asks for the build's output finds it as soon as the build is there.
        let dir = inner.dir("outputs");
        let out =
            inner.outputs.begin(app, OutputId::Build(build)).await.map_err(io_error("write to", &dir))?;
        let state = inner.rooms.ledger.change(&actor, decide).await?;
        crash_point::reached("build.recorded");
        let now = state.apps.get(&app).ok_or(ReleaseError::NoApp)?;
        let recorded = now.builds.iter().rev().find(|made| made.id == build);
        let recorded = Arc::clone(recorded.ok_or(ReleaseError::NoApp)?);
        let log = inner.rooms.logplex.channel(&now.name);
        tell(&log, format!("Build started by user {}", who(&actor)));
        let deployment = Deployment {
            inner: Arc::clone(inner),
            actor,
            app: Arc::clone(now),
            build: Arc::clone(&recorded),
            journal: Journal::new(out, log),
            work,
            ticket: Some(ticket),
        };
        inner.tasks.spawn(deployment.run(deploy.source.file, checksum));
        Ok(recorded)
    }
}
