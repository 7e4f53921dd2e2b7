use super::{
    ReleaseError,
    build_queue::Ticket,
    fault::{Fault, Undone},
    journal::{Journal, tell},
    pins::Pin,
    releases::{Inner, NewRelease, Recorded},
    unpacked::Unpacked,
    words,
    works::Work,
};
use crate::build::BuildRequest;
use crate::crash_point;
use crate::dyno::PrepareEvent;
use crate::formation::Settled;
use crate::ledger::{Actor, App, Build, BuildStatus, Event, ReleaseStatus, SlugRecord};
use crate::name::{AppId, ProcessType, SlugId};
use crate::slug::{Digest, STACK, Size, Slug};
use std::sync::Arc;

/// The most characters of why a build failed.
const REASON_LIMIT: usize = 4000;

/// One deploy on its way, from the uploaded archive to dynos that are up.
pub(super) struct Deployment {
    pub(super) inner: Arc<Inner>,
    pub(super) actor: Actor,
    /// The app as it was when the build was asked for.
    pub(super) app: Arc<App>,
    pub(super) build: Arc<Build>,
    pub(super) journal: Journal,
    pub(super) work: Work,
    /// Its place in the queue; none once it has been there.
    pub(super) ticket: Option<Ticket>,
}

/// Why a build made no release.
enum Unbuilt {
    Cancelled,
    Because(Box<dyn Fault>),
}

impl<E: Fault + 'static> From<E> for Unbuilt {
    fn from(error: E) -> Self {
        Self::Because(Box::new(error))
    }
}

/// What a build made, and what keeps it from being collected before it is recorded.
struct Made {
    slug: SlugRecord,
    pin: Pin,
}

impl Deployment {
    /// Goes the whole way. What went wrong is in the ledger and in the output.
    pub(super) async fn run(mut self, archive: tempfile::NamedTempFile, checksum: Option<Digest>) {
        if let Err(unbuilt) = self.go(archive, checksum).await {
            self.fail(unbuilt).await;
        }
        self.inner.collect_if_wanted();
    }

    async fn go(
        &mut self,
        archive: tempfile::NamedTempFile,
        checksum: Option<Digest>,
    ) -> Result<(), Unbuilt> {
        let cancel = self.work.cancel().clone();
        let made = cancel.run_until_cancelled(self.make(archive, checksum)).await;
        let Made { slug, pin } = made.ok_or(Unbuilt::Cancelled)??;
        let turn = cancel.run_until_cancelled(self.inner.turns.take(&self.app.id)).await;
        let turn = turn.ok_or(Unbuilt::Cancelled)?;
        if !self.work.begin_recording() {
            return Err(Unbuilt::Cancelled);
        }
        let recorded = self.record(slug).await?;
        drop(pin);
        tell(self.journal.log(), "Build succeeded");
        self.journal.heading("Launching...");
        if recorded.release.status == ReleaseStatus::Pending && !self.release_phase(&recorded).await {
            return Ok(());
        }
        drop(turn);
        self.launch(&recorded).await;
        Ok(())
    }

    /// From the archive to a slug that is ready to run.
    async fn make(
        &mut self,
        archive: tempfile::NamedTempFile,
        checksum: Option<Digest>,
    ) -> Result<Made, Unbuilt> {
        let _slot = self.slot().await;
        let (dir, limit) = (self.inner.dir("sources"), self.inner.config.source_limit);
        let source = Unpacked::new(archive, dir, limit, checksum, self.work.cancel().clone()).await?;
        let inside = self.inner.gate.enter().await;
        self.journal.heading(&format!("Building on the {} stack", title(STACK)));
        let now = self.inner.app(self.app.id)?;
        let request = BuildRequest {
            app: now.name.clone(),
            cache: now.id.into(),
            source: source.path(),
            buildpacks: self.build.buildpacks.clone(),
            config: (*now.config).clone(),
        };
        let Self { journal, inner, .. } = self;
        let slug = inner.rooms.builder.build(request, &mut |line| journal.relay(line)).await?;
        drop(source);
        crash_point::reached("slug.stored");
        inner.rooms.engine.prepare(&slug, &mut |event| tell_compiling(journal, &event)).await?;
        let pin = inner.pins.pin(*slug.digest());
        drop(inside);
        let slug = slug_record(self.app.id, &slug, self.build.source.version.clone());
        Ok(Made { slug, pin })
    }

    /// Waits, in the order of asking, until one more build may run.
    async fn slot(&mut self) -> Option<Ticket> {
        let (ticket, journal) = (self.ticket.take()?, &mut self.journal);
        let mut tell = |waiting| journal.heading(&format!("Waiting for other builds to end: {waiting}"));
        ticket.called(&mut tell).await;
        Some(ticket)
    }

    /// Slug, build and release in one batch.
    async fn record(&self, slug: SlugRecord) -> Result<Recorded, Unbuilt> {
        let build = self.build.id;
        let has_phase = slug.process_types.contains_key(&ProcessType::release());
        let description = words::deploy(self.build.source.version.as_deref());
        let decide = |app: &App| {
            let is_new = !app.slugs.contains_key(&slug.id);
            let mut events: Vec<_> =
                is_new.then(|| Event::SlugCreated { slug: slug.clone() }).into_iter().collect();
            events.push(Event::BuildSucceeded { build, slug: slug.id });
            let new = NewRelease {
                description: description.clone(),
                slug: Some(slug.id),
                build: Some(build),
                rollback_to: None,
                has_phase,
            };
            Ok(Some((events, new)))
        };
        let recorded = self.inner.record(&self.actor, self.app.id, decide).await?;
        Ok(recorded.ok_or(ReleaseError::NoApp)?)
    }

    /// Whether the release became current.
    async fn release_phase(&mut self, recorded: &Recorded) -> bool {
        let Self { journal, inner, work, .. } = self;
        journal.fault(
            "Release command detected: this release will not be available until the command succeeds.",
        );
        journal.heading("Running release command...");
        let ended = inner.run_phase(recorded, work, &mut |line| journal.relay_logged(line)).await;
        let Err(reason) = ended else { return true };
        let version = recorded.release.version;
        journal.fault(&format!("Release command failed: {reason}"));
        journal.fault(&format!("{version} is not released; what ran before goes on running."));
        false
    }

    /// Says where it is, once it is there.
    async fn launch(&mut self, recorded: &Recorded) {
        let (app, version) = (&recorded.app, recorded.release.version);
        self.journal.detail(&format!("Released {version}"));
        self.journal.detail(&format!("{} deployed to Hokku", (self.inner.config.web_url)(&app.name)));
        self.journal.begin("Verifying deploy...");
        let limit = self.inner.config.settle_limit;
        let settled = self.inner.rooms.supervisor.settled(app.id, version, limit);
        match self.work.cancel().clone().run_until_cancelled(settled).await {
            Some(Settled::Up) => self.journal.end("done."),
            Some(Settled::Crashed(dynos)) => {
                self.journal.end("failed.");
                for dyno in dynos {
                    self.journal.fault(&format!("{dyno} crashed; see `hokku logs -a {}`", app.name));
                }
            }
            Some(Settled::Late) => {
                self.journal.end("not yet.");
                let name = &app.name;
                self.journal.fault(&format!(
                    "The dynos are not up yet; see `hokku ps -a {name}` and `hokku logs -a {name}`"
                ));
            }
            None => {
                self.journal.end("not done.");
                self.journal.fault("The platform is stopping or the app is gone.");
            }
        }
    }

    async fn fail(&mut self, unbuilt: Unbuilt) {
        let reason = match unbuilt {
            Unbuilt::Cancelled => "cancelled".to_owned(),
            Unbuilt::Because(error) => {
                let reason = Undone::Build(&self.app.name, self.build.id).because(&*error);
                reason.chars().take(REASON_LIMIT).collect()
            }
        };
        tell(self.journal.log(), format!("Build failed: {}", reason.lines().next().unwrap_or_default()));
        let build = self.build.id;
        let pending = self.inner.app(self.app.id).is_ok_and(|app| {
            app.builds.iter().any(|now| now.id == build && now.status == BuildStatus::Pending)
        });
        if pending {
            match self.inner.append(self.app.id, Event::BuildFailed { build, reason: reason.clone() }).await {
                Ok(()) | Err(ReleaseError::NoApp) => {}
                Err(error) => tracing::error!(%build, %error, "how a build ended is not recorded"),
            }
        }
        // What it stored is nobody's.
        self.inner.collection.wanted();
        // Last of all: who reads the output to its end finds the build ended.
        self.journal.fault(&if reason == "cancelled" {
            "The build was cancelled.".to_owned()
        } else {
            reason
        });
    }
}

fn tell_compiling(journal: &mut Journal, event: &PrepareEvent) {
    match event {
        PrepareEvent::Compiling { program, size } => {
            journal.heading(&format!("Compiling {program} ahead of time ({})", Size(*size)));
        }
        PrepareEvent::Compiled { took, .. } => {
            journal.detail(&format!("Done in {:.1} s", took.as_secs_f64()));
        }
    }
}

/// A name as it is in a heading: `Hokku-1`.
fn title(name: &str) -> String {
    let mut letters = name.chars();
    letters.next().map_or_else(String::new, |first| first.to_uppercase().chain(letters).collect())
}

/// What the ledger keeps of a slug. Its id is always the same for the same slug of the same app.
pub(super) fn slug_record(app: AppId, slug: &Slug, commit: Option<String>) -> SlugRecord {
    let manifest = slug.manifest();
    let processes = manifest.processes.iter();
    SlugRecord {
        id: slug_id(app, slug),
        digest: *slug.digest(),
        size: manifest.size(),
        process_types: processes.map(|(name, process)| (name.clone(), process.command.clone())).collect(),
        commit,
        buildpack: manifest.buildpacks.last().map(|stamp| stamp.name.clone()),
        stack: manifest.stack.clone(),
    }
}

fn slug_id(app: AppId, slug: &Slug) -> SlugId {
    let digest = Digest::of(format!("{app} {}", slug.digest()).as_bytes());
    let mut bytes = [0; 16];
    // 32 digits of 64.
    hex::decode_to_slice(&digest.hex()[..32], &mut bytes).unwrap_or_default();
    SlugId::derived(bytes)
}
