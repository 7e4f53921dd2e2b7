use super::{
    OutputId, ReleaseConfig, ReleaseError, Rooms,
    collection::something_fell_out,
    fault::{Fault, Undone},
    journal::tell,
    releases::{Inner, Recorded},
    works::Work,
};
use crate::crash_point;
use crate::dyno::{Dyno, DynoSpec, Exit, Stdio};
use crate::ledger::{Event, Release, SlugRecord};
use crate::logplex::{AppLog, Source, Stream, Tail, TailFilter};
use crate::name::{AppName, DynoName, ProcessType};
use crate::slug::Slug;
use std::time::Duration;
use tokio_util::sync::CancellationToken;

/// How long the last lines of a release command are waited for, where the log lost them.
const LAST_WORDS: Duration = Duration::from_secs(1);

/// The release phase of one release: its `release` command, run once with the new code and config vars.
pub(super) struct Phase<'a> {
    pub(super) rooms: &'a Rooms,
    pub(super) config: &'a ReleaseConfig,
    pub(super) app: &'a AppName,
    pub(super) release: &'a Release,
    pub(super) slug: &'a SlugRecord,
    pub(super) log: &'a AppLog,
    pub(super) cancel: &'a CancellationToken,
}

impl Phase<'_> {
    /// Runs the command to its end and gives `watcher` each line of its output.
    ///
    /// # Errors
    /// Why it failed, in a line.
    pub(super) async fn run(&self, watcher: &mut (dyn FnMut(&str) + Send)) -> Result<(), String> {
        let name = DynoName::one_off(ProcessType::release());
        let process = name.to_string();
        let filter =
            TailFilter { process: Some(process.clone()), lines: Some(0), follow: true, source: None };
        let mut tail = self.log.tail(filter);
        let mut command = std::pin::pin!(self.command(name, &process));
        let ended = loop {
            tokio::select! {
                ended = command.as_mut() => break ended,
                goes_on = relay(&mut tail, watcher) => if !goes_on { break command.as_mut().await },
            }
        };
        // What it said last may still be on its way.
        let last_words = async { while relay(&mut tail, watcher).await {} };
        tokio::time::timeout(LAST_WORDS, last_words).await.ok();
        if ended.is_ok() {
            crash_point::reached("release.phase-ran");
        }
        ended
    }

    async fn command(&self, name: DynoName, process: &str) -> Result<(), String> {
        let command = self.slug.process_types.get(&ProcessType::release()).map_or("", String::as_str);
        self.say(process, "State changed from down to starting");
        self.say(process, &format!("Starting process with command `{command}`"));
        let limited = tokio::time::timeout(self.config.phase_limit, self.exit(name, process));
        let ended = match self.cancel.run_until_cancelled(limited).await {
            Some(Ok(Ok(Exit::Status(0)))) => Ok(()),
            Some(Ok(Ok(exit))) => {
                Err(format!("the release command `{command}` exited with status {}", exit.code()))
            }
            Some(Ok(Err(failed))) => Err(format!("the release command `{command}` did not start: {failed}")),
            Some(Err(_)) => {
                self.say(process, "Stopping all processes with SIGTERM");
                let limit = self.config.phase_limit.as_secs();
                Err(format!("the release command `{command}` ran longer than {limit} s and was stopped"))
            }
            None => {
                self.say(process, "Stopping all processes with SIGTERM");
                Err("the release command was cancelled".to_owned())
            }
        };
        self.say(process, if ended.is_ok() { COMPLETE } else { CRASHED });
        ended
    }

    /// Dropping the future stops the dyno.
    async fn exit(&self, name: DynoName, process: &str) -> Result<Exit, String> {
        let slug = Slug::open(&self.rooms.store, &self.slug.digest).await;
        let slug = slug.map_err(|error| self.not_started(process, &error))?;
        let spec = DynoSpec {
            config: (*self.release.config).clone(),
            stdio: Stdio::Log(self.log.clone()),
            ..DynoSpec::new(name)
        };
        let dyno = Dyno::start(&self.rooms.engine, &slug, spec).await;
        let dyno = dyno.map_err(|error| self.not_started(process, &error))?;
        self.say(process, "State changed from starting to up");
        let exit = if dyno.serves_http() {
            Err("it answers requests and never ends: name a program that runs once".to_owned())
        } else {
            Ok(dyno.exited().await)
        };
        if let Ok(exit) = &exit {
            self.say(process, &exit.to_string());
        }
        exit
    }

    /// Tells why the command did not start, to everybody what is theirs to know.
    fn not_started(&self, process: &str, error: &dyn Fault) -> String {
        let reason = Undone::ReleaseCommand(self.app, self.release.version).because(error);
        self.say(process, &format!("Error: {reason}"));
        reason
    }

    fn say(&self, process: &str, text: &str) {
        self.log.write(Source::Heroku, process, Stream::System, text);
    }
}

const COMPLETE: &str = "State changed from up to complete";
const CRASHED: &str = "State changed from up to crashed";

/// Hands on the next line that the command itself wrote; `false` after the last.
async fn relay(tail: &mut Tail, watcher: &mut (dyn FnMut(&str) + Send)) -> bool {
    let Some(event) = tail.next().await else { return false };
    let line = event.line();
    if line.stream != Stream::System {
        watcher(&line.text);
    }
    !(line.stream == Stream::System && [COMPLETE, CRASHED].contains(&line.text.as_str()))
}

impl Inner {
    /// Runs the release phase of a pending release and records how it ended.
    ///
    /// # Errors
    /// Why the release failed, in a line.
    pub(super) async fn run_phase(
        &self,
        recorded: &Recorded,
        work: &Work,
        watcher: &mut (dyn FnMut(&str) + Send),
    ) -> Result<(), String> {
        let Recorded { app, release, log } = recorded;
        let out = self.outputs.begin(app.id, OutputId::Release(release.id)).await;
        let mut out = out.inspect_err(|cause| tracing::warn!(%cause, "a release's output is not kept")).ok();
        let mut relay = |line: &str| {
            watcher(line);
            if let Some(out) = &mut out {
                out.relay(line);
            }
        };
        let ended = match release.slug.and_then(|slug| app.slugs.get(&slug)) {
            Some(slug) => {
                let (rooms, config) = (&self.rooms, &self.config);
                let (app, cancel) = (&app.name, work.cancel());
                Phase { rooms, config, app, release, slug, log, cancel }.run(&mut relay).await
            }
            None => Err("it holds no code".to_owned()),
        };
        let stopped = || "the platform was stopped while the release command ran".to_owned();
        let ended = ended.map_err(|reason| if self.works.is_stopping() { stopped() } else { reason });
        let ended = self.record_phase(recorded, ended).await;
        if let (Err(reason), Some(out)) = (&ended, &out) {
            out.say(&format!(" !     {reason}"));
        }
        ended
    }

    async fn record_phase(&self, recorded: &Recorded, ended: Result<(), String>) -> Result<(), String> {
        let Recorded { app, release, log } = recorded;
        let version = release.version;
        let event = match &ended {
            Ok(()) => Event::ReleaseSucceeded { version },
            Err(reason) => {
                tell(log, format!("Release {version} failed: {reason}"));
                Event::ReleaseFailed { version, reason: reason.clone() }
            }
        };
        match self.append(app.id, event).await {
            Ok(()) => {
                // Only now an older release may have become one that nobody needs.
                if self.app(app.id).is_ok_and(|app| something_fell_out(&app, self.config.keep)) {
                    self.collection.wanted();
                }
                ended
            }
            Err(ReleaseError::NoApp) => Err("the app is gone".to_owned()),
            Err(error) => {
                tracing::error!(app = %app.name, %version, %error, "how a release phase ended is not recorded");
                Err("how it ended could not be recorded".to_owned())
            }
        }
    }
}
