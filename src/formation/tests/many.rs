use super::fixture::{append, config, deploy, found};
use crate::clock::Clock;
use crate::dyno::{Body, Dyno, DynoError, DynoSpec};
use crate::formation::{FormationConfig, Launcher, Supervisor, WebTarget};
use crate::ledger::{Ledger, Stream};
use crate::logplex::{Logplex, LogplexConfig};
use crate::slug::SlugDigest;
use std::sync::{
    Arc,
    atomic::{AtomicUsize, Ordering},
};

const APPS: usize = 1000;
const AT_ONCE: usize = 8;

/// Starts everything after some turns of the others, and counts.
#[derive(Default)]
struct Counting {
    now: AtomicUsize,
    most: AtomicUsize,
}

#[async_trait::async_trait]
impl Launcher for Counting {
    async fn launch(&self, _: SlugDigest, spec: DynoSpec) -> Result<Arc<Dyno>, DynoError> {
        let now = self.now.fetch_add(1, Ordering::SeqCst) + 1;
        self.most.fetch_max(now, Ordering::SeqCst);
        for _ in 0..3 {
            tokio::task::yield_now().await;
        }
        self.now.fetch_sub(1, Ordering::SeqCst);
        let answer =
            |request: http::Request<Body>| async move { Ok(http::Response::new(request.into_body())) };
        Ok(Arc::new(Dyno::from_fn(&spec.name.to_string(), answer)))
    }
}

#[tokio::test]
async fn a_thousand_apps_come_up_a_few_at_a_time() {
    let ledger = Ledger::in_memory(Clock::system());
    for number in 0..APPS {
        let app = found(&ledger, &format!("app-{number}")).await;
        deploy(&ledger, app, &["web"]).await;
    }
    let logplex = Logplex::new(Clock::system(), LogplexConfig::default());
    let config = FormationConfig { starts_at_once: AT_ONCE, ..config() };
    let launcher = Arc::new(Counting::default());
    let supervisor = Supervisor::start(config, launcher.clone(), &ledger, logplex, Clock::system());
    // Before anything is up, everything is on its way: no request meets an app that seems blank.
    let roster = supervisor.roster();
    assert_eq!(roster.apps.len(), APPS);
    assert!(roster.apps.values().all(|app| matches!(app.web, WebTarget::Booting)));
    let up = |app: &Arc<crate::formation::AppRoster>| matches!(app.web, WebTarget::Up(_));
    let mut rosters = supervisor.subscribe();
    rosters.wait_for(|roster| roster.apps.values().all(up)).await.expect("all come up");
    let most = launcher.most.load(Ordering::SeqCst);
    assert_eq!(most, AT_ONCE - 1, "one place is kept for what somebody waits for");
    // What did not change is shared.
    let before = supervisor.roster();
    let app = *before.apps.keys().next().expect("an app");
    append(&ledger, Stream::App(app), vec![scaled_to_none()]).await;
    let after =
        rosters.wait_for(|roster| roster.apps[&app].dynos.is_empty()).await.expect("it stops").clone();
    let shared = before.apps.iter().filter(|(id, roster)| Arc::ptr_eq(roster, &after.apps[id])).count();
    assert_eq!(shared, APPS - 1);
}

fn scaled_to_none() -> crate::ledger::Event {
    let process_type = crate::name::ProcessType::web();
    crate::ledger::Event::FormationChanged {
        process_type,
        quantity: 0,
        size: crate::app::DynoSize::default(),
    }
}
