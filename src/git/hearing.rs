use super::{
    app_language::AppLanguage,
    door::Inner,
    hook_request::HookRequest,
    object_id::ObjectId,
    objects::Objects,
    outcome::Outcome,
    plan::{Branch, Plan},
    pushes::Push,
    repositories,
    source::{self, SourceError},
    talk::{Talk, Verdict},
};
use crate::access::Right;
use crate::name::BuildId;
use crate::release::{Deploy, OutputId, ReleaseError, SourceArchive};
use std::{io, pin::pin, sync::Arc, time::Duration};
use tokio::time::{sleep, sleep_until};

/// How long reading a commit's files may take: a few objects can be a tree without end.
const PACK_LIMIT: Duration = Duration::from_mins(5);

/// One push before the platform: what it wants is decided, built and released, and it hears how that goes.
pub(super) struct Hearing<'a> {
    pub(super) inner: &'a Arc<Inner>,
    pub(super) push: &'a Push,
    pub(super) talk: &'a mut Talk,
}

/// What deploys.
struct Wanted {
    branch: Branch,
    /// Where the branch is, as the push knows it.
    old: ObjectId,
    commit: ObjectId,
    quarantine: Option<String>,
}

/// Why a push is refused.
enum Rejection {
    Plan(String),
    /// Who pushes may no longer.
    Revoked,
    Building,
    Moved(Branch),
    Late,
    /// Its files take too long to read.
    Endless,
    /// The platform stops.
    Stopping,
    Source(SourceError),
    Release(ReleaseError),
    /// The build's output has said why; this is what it was a build of.
    NotBuilt(String),
    Ended(Outcome),
    Io(io::Error),
}

impl From<io::Error> for Rejection {
    fn from(error: io::Error) -> Self {
        Self::Io(error)
    }
}

impl From<SourceError> for Rejection {
    fn from(error: SourceError) -> Self {
        Self::Source(error)
    }
}

impl From<ReleaseError> for Rejection {
    fn from(error: ReleaseError) -> Self {
        Self::Release(error)
    }
}

impl Hearing<'_> {
    /// Goes the whole way. `gone` comes back when nobody waits for the verdict any more.
    pub(super) async fn decide(&mut self, request: HookRequest, gone: impl Future<Output = ()>) -> Verdict {
        let deployed = repositories::deployed(&self.push.repository).await;
        let decided = match Plan::of(&request.updates, deployed) {
            // A push may have taken an hour to come.
            _ if !self.may_still() => Err(Rejection::Revoked),
            Plan::Delete => Ok(()),
            Plan::Keep => {
                self.talk.say("Pushed to non-main branch, skipping build.").await;
                Ok(())
            }
            Plan::Refuse(words) => Err(Rejection::Plan(words)),
            Plan::Deploy { branch, old, commit } => {
                let quarantine = request.quarantine;
                self.deploy(Wanted { branch, old, commit, quarantine }, gone).await
            }
        };
        match decided {
            Ok(()) => Verdict::Accepted,
            Err(rejection) => {
                self.reject(rejection).await;
                Verdict::Rejected
            }
        }
    }

    /// Whether who pushes may still change the app.
    fn may_still(&self) -> bool {
        let (rooms, push) = (&self.inner.rooms, self.push);
        let caller = rooms.doorkeeper.by_token(Some(&push.credentials));
        let app = push.app.to_string();
        caller.is_ok_and(|caller| caller.app(&rooms.ledger.state(), &app, Right::Change).is_ok())
    }

    async fn deploy(&mut self, wanted: Wanted, gone: impl Future<Output = ()>) -> Result<(), Rejection> {
        let mut gone = pin!(gone);
        if !self.inner.pushes.take_turn(self.push) {
            return Err(Rejection::Building);
        }
        let releases = &self.inner.rooms.releases;
        let file = releases.upload_file()?;
        let paths = tokio::select! {
            packed = self.pack(&wanted, &file) => packed?,
            () = sleep(PACK_LIMIT) => return Err(Rejection::Endless),
            () = sleep_until(self.push.deadline) => return Err(Rejection::Late),
            () = gone.as_mut() => return Err(Rejection::Late),
            () = self.inner.rooms.stop.cancelled() => return Err(Rejection::Stopping),
        };
        let deploy = Deploy {
            source: SourceArchive { file },
            version: Some(wanted.commit.to_string()),
            checksum: None,
            buildpacks: Vec::new(),
        };
        let build = releases.deploy(&self.push.actor, self.push.app, deploy).await?;
        self.talk.say(&format!("Updated {paths} paths from {}", wanted.commit.short())).await;
        for line in ["Compressing source files... done.", "Building source:", ""] {
            self.talk.say(line).await;
        }
        self.follow(build.id, gone).await?;
        // The release is current, whatever becomes of this.
        if let Err(cause) = repositories::note_deployed(&self.push.repository, wanted.branch).await {
            tracing::error!(app = %self.push.name, %cause, "which branch was deployed last is not noted");
        }
        Ok(())
    }

    /// Writes the commit's files as a build takes them into `file`; gives how many there are.
    async fn pack(&self, wanted: &Wanted, file: &tempfile::NamedTempFile) -> Result<usize, Rejection> {
        let git = self.inner.git.as_ref().ok_or(io::ErrorKind::NotFound).map_err(io::Error::from)?;
        let (repository, quarantine) = (&self.push.repository, wanted.quarantine.as_deref());
        let objects = Objects { git, repository, quarantine };
        let now = objects.branch(wanted.branch).await?;
        let as_known = now.map_or_else(|| wanted.old.is_none(), |now| now == wanted.old);
        if !as_known {
            return Err(Rejection::Moved(wanted.branch));
        }
        Ok(source::pack(&objects, &wanted.commit, file, self.inner.config.source_limit).await?)
    }

    /// Shows a build to its end; one that takes too long, or whose branch will not move, is cancelled.
    async fn follow(&mut self, build: BuildId, gone: impl Future<Output = ()>) -> Result<(), Rejection> {
        let mut language = AppLanguage::default();
        let (deadline, inner) = (self.push.deadline, Arc::clone(self.inner));
        let mut late = false;
        let outcome = {
            let mut ended = pin!(self.watch(build, &mut language));
            tokio::select! {
                outcome = ended.as_mut() => outcome,
                () = sleep_until(deadline) => {
                    late = inner.rooms.releases.cancel_build(build);
                    ended.await
                }
                () = gone => {
                    late = inner.rooms.releases.cancel_build(build);
                    ended.await
                }
            }
        };
        match outcome {
            Outcome::Released => Ok(()),
            Outcome::Cancelled if late => Err(Rejection::Late),
            Outcome::NotBuilt => Err(Rejection::NotBuilt(language.app())),
            outcome => Err(Rejection::Ended(outcome)),
        }
    }

    async fn watch(&mut self, build: BuildId, language: &mut AppLanguage) -> Outcome {
        if let Some(mut output) = self.inner.rooms.releases.output(OutputId::Build(build)).await {
            while let Some(bytes) = output.next().await {
                language.watch(&bytes);
                self.talk.relay(&bytes).await;
            }
        }
        let mut states = self.inner.rooms.ledger.subscribe();
        loop {
            let outcome = Outcome::of(&states.borrow_and_update(), self.push.app, build);
            if let Some(outcome) = outcome {
                return outcome;
            }
            if states.changed().await.is_err() {
                return Outcome::NotReleased;
            }
        }
    }

    async fn reject(&mut self, rejection: Rejection) {
        let is_of_build = matches!(rejection, Rejection::NotBuilt(_) | Rejection::Ended(_));
        let words = self.words(rejection);
        self.talk.say("").await;
        self.talk.fault(&words).await;
        if is_of_build {
            for line in ["", " !     Push failed", "Verifying deploy..."] {
                self.talk.say(line).await;
            }
        }
        self.talk.say(&format!("\n!\tPush rejected to {}.\n", self.push.name)).await;
    }

    fn words(&self, rejection: Rejection) -> String {
        let minutes = self.inner.config.time_limit.as_secs().div_ceil(60);
        match rejection {
            Rejection::Plan(words) => words,
            Rejection::Building => {
                "Push rejected, the app is currently being built by another push. Push again when that has ended.".into()
            }
            Rejection::Moved(branch) => {
                format!("Push rejected, {} has moved meanwhile: fetch, and push again.", branch.name())
            }
            Rejection::Revoked => {
                "Push rejected, the app is gone or you may not push to it any more.".into()
            }
            Rejection::Stopping => "Push rejected, the platform is stopping. Push again when it runs.".into(),
            Rejection::Endless => format!(
                "Push rejected, reading its files took longer than {} min: remove what the app does not need.",
                PACK_LIMIT.as_secs() / 60
            ),
            Rejection::Late => format!("Push rejected, it took longer than {minutes} min and was stopped."),
            Rejection::Source(error) if !error.is_host_fault() => format!("Push rejected: {error}"),
            Rejection::Release(error) if !error.is_host_fault() => format!("Push rejected: {error}"),
            Rejection::Source(error) => self.host_fault(&error),
            Rejection::Release(error) => self.host_fault(&error),
            Rejection::Io(error) => self.host_fault(&error),
            Rejection::NotBuilt(app) => format!("Push rejected, failed to compile {app}."),
            Rejection::Ended(Outcome::Cancelled) => "Push rejected, the build was cancelled.".into(),
            Rejection::Ended(Outcome::NoApp) => "Push rejected, the app was destroyed meanwhile.".into(),
            Rejection::Ended(_) => "Push rejected, the release command failed.".into(),
        }
    }

    fn host_fault(&self, cause: &dyn std::error::Error) -> String {
        tracing::error!(app = %self.push.name, %cause, "a push could not be taken");
        "The platform could not take this push. Its operator finds the reason in the platform's log."
            .to_owned()
    }
}
