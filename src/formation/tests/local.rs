use super::fixture::{append, config, found, release_slug};
use crate::clock::Clock;
use crate::dyno::{Body, Engine, EngineConfig};
use crate::formation::{LocalLauncher, Settled, Supervisor, WebTarget};
use crate::ledger::{Event, Ledger, Stream, WantedDynos};
use crate::logplex::{Logplex, LogplexConfig};
use crate::slug::{PackPlan, ProcessPlan, Slug, SlugStore};
use std::{sync::Arc, time::Duration};

const JOB: &str = r#"(module (memory (export "memory") 1) (func (export "_start") (loop (br 0))))"#;

async fn slug(store: &SlugStore) -> Slug {
    let app = tempfile::tempdir().expect("a directory");
    std::fs::write(app.path().join("index.html"), "a page").expect("written");
    std::fs::write(app.path().join("job.wat"), JOB).expect("written");
    let tree = cap_std::fs::Dir::open_ambient_dir(app.path(), cap_std::ambient_authority()).expect("open");
    let process = |name: &str, command: &str| {
        (name.parse().expect("a type"), ProcessPlan { command: command.to_owned(), serves: None })
    };
    let processes = [process("web", "static ."), process("worker", "job")].into();
    Slug::pack(store, tree, PackPlan { processes, ..PackPlan::default() }).await.expect("packed")
}

#[tokio::test]
async fn dynos_of_a_slug_run_in_this_process_and_stop() {
    let store = SlugStore::in_memory();
    let slug = slug(&store).await;
    let engine =
        Engine::new(EngineConfig { max_instances: 4, ..EngineConfig::default() }).expect("an engine");
    let ledger = Ledger::in_memory(Clock::system());
    let app = found(&ledger, "shop").await;
    let logplex = Logplex::new(Clock::system(), LogplexConfig::default());
    let launcher = Arc::new(LocalLauncher { engine, store });
    let supervisor = Supervisor::start(config(), launcher, &ledger, logplex, Clock::system());
    let release = release_slug(&ledger, app, *slug.digest(), &["web", "worker"]).await;
    let WantedDynos { size, .. } = WantedDynos::default();
    let worker = "worker".parse().expect("a type");
    let scaled = Event::FormationChanged { process_type: worker, quantity: 1, size };
    append(&ledger, Stream::App(app), vec![scaled]).await;
    assert_eq!(supervisor.settled(app, release, Duration::from_mins(1)).await, Settled::Up);
    let roster = supervisor.roster();
    let WebTarget::Up(web) = &roster.apps[&app].web else { panic!("{roster:?}") };
    let request = http::Request::get("/").body(Body::default()).expect("a request");
    assert_eq!(web[0].handle(request).await.expect("an answer").status(), 200);
    supervisor.close().await;
    assert!(supervisor.roster().apps.is_empty());
}
