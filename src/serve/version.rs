use super::process::{say, start, supervise};
use crate::dyno::{Dyno, DynoError, DynoSpec, Engine};
use crate::logplex::AppLog;
use crate::name::ProcessType;
use crate::router::Target;
use crate::slug::Slug;
use std::sync::Arc;
use tokio_util::{sync::CancellationToken, task::TaskTracker};

/// The processes of one version of the app. Dropped, its web dyno ends with its last answer.
pub(super) struct Version {
    web: Option<Arc<Dyno>>,
    others: TaskTracker,
    stop: CancellationToken,
}

impl Version {
    /// Starts the web process of `slug`; the others wait for [`start_others`](Self::start_others), because no other
    /// type may run twice at once.
    pub(super) async fn start_web(
        engine: &Engine,
        slug: &Slug,
        spec: impl Fn(&ProcessType) -> DynoSpec,
        log: &AppLog,
    ) -> Result<Self, DynoError> {
        let web = ProcessType::web();
        let web = if slug.manifest().processes.contains_key(&web) {
            Some(start(engine, slug, spec(&web), log).await?)
        } else {
            None
        };
        Ok(Self { web, others: TaskTracker::new(), stop: CancellationToken::new() })
    }

    /// Where the router is to send requests.
    pub(super) fn target(&self) -> Target {
        match &self.web {
            Some(web) => Target::Dynos(vec![web.clone()]),
            None => Target::NoWeb,
        }
    }

    /// Starts every process type but `web` and `release`.
    pub(super) fn start_others(
        &self,
        engine: &Engine,
        slug: &Slug,
        spec: impl Fn(&ProcessType) -> DynoSpec,
        log: &AppLog,
    ) {
        for process_type in slug.manifest().processes.keys() {
            if process_type.is_web() || process_type.is_release() {
                continue;
            }
            let (engine, slug, log) = (engine.clone(), slug.clone(), log.clone());
            self.others.spawn(supervise(engine, slug, spec(process_type), log, self.stop.clone()));
        }
    }

    /// Stops every process but web, and waits until they are gone.
    pub(super) async fn stop_others(&self) {
        self.stop.cancel();
        self.others.close();
        self.others.wait().await;
    }

    /// Says that the web dyno takes no more requests.
    pub(super) fn retire_web(&self, log: &AppLog) {
        if let Some(web) = &self.web {
            let process = web.name().to_string();
            say(log, &process, "Stopping all processes with SIGTERM");
            say(log, &process, "State changed from up to down");
        }
    }
}
