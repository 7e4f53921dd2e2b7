//! What the ledger costs: its start over a long history, and appends by one writer and by many.
//!
//! `cargo bench --bench ledger`. The throughput that criterion prints is entries read, and appends, per second; it is
//! the disk's that `TMPDIR` lies on.

use criterion::{Criterion, Throughput, criterion_group, criterion_main};
use futures_util::future::join_all;
use hokku::{
    app::ConfigChanges,
    clock::Clock,
    ledger::{Actor, Event, Ledger, LedgerConfig, PlatformKey, State, Stream},
    name::{AccountId, AppId, ReleaseId, ReleaseVersion},
};
use std::{convert::Infallible, path::Path, time::Duration};
use tokio::runtime::Runtime;

const ENTRIES: u64 = 100_000;
const APPS: u64 = 1_000;
const WRITERS: u64 = 64;

fn open(dir: &Path) -> Ledger {
    let key = PlatformKey::of_file(&dir.join("platform.key")).expect("a key");
    Ledger::open(LedgerConfig { dir: dir.join("ledger"), key }, Clock::system()).expect("opened")
}

async fn append(ledger: &Ledger, mut decide: impl FnMut(&State) -> Vec<(Stream, Event)> + Send) {
    let decided = |state: &State| Ok::<_, Infallible>(decide(state));
    ledger.change(&Actor::Platform, decided).await.expect("appended");
}

/// An owner and `APPS` apps.
async fn apps(ledger: &Ledger) -> Vec<AppId> {
    let account = AccountId::random();
    let created = Event::AccountCreated { account, email: "owner@example.com".to_owned() };
    append(ledger, |_| vec![(Stream::Platform, created.clone())]).await;
    let apps: Vec<_> = (0..APPS).map(|_| AppId::random()).collect();
    let create = |(number, app): (usize, &AppId)| {
        let name = format!("app-{number}").parse().expect("a name");
        (Stream::Platform, Event::AppCreated { app: *app, name, owner: account, stack: "wasi-1".to_owned() })
    };
    append(ledger, |_| apps.iter().enumerate().map(create).collect()).await;
    apps
}

/// A config var and the release that holds it.
fn config_change(state: &State, app: AppId) -> Vec<(Stream, Event)> {
    let number = state.apps[&app].releases.len();
    let value = Some(format!("https://user:password@database-{number}.example.com/shop"));
    let changes = ConfigChanges::new([("DATABASE_URL".parse().expect("a key"), value)].into());
    let last = state.apps[&app].releases.last();
    let release = Event::ReleaseCreated {
        release: ReleaseId::random(),
        version: last.map_or(ReleaseVersion::FIRST, |last| last.version.next()),
        description: "Set DATABASE_URL config vars".to_owned(),
        slug: None,
        build: None,
        rollback_to: None,
        pending: false,
    };
    vec![(Stream::App(app), Event::ConfigSet { changes }), (Stream::App(app), release)]
}

/// A history of config changes, dealt out over all apps.
async fn fill(ledger: &Ledger) -> Vec<AppId> {
    let apps = apps(ledger).await;
    while entries(&ledger.state()) < ENTRIES {
        let changes = apps.iter().map(|app| append(ledger, |state| config_change(state, *app)));
        join_all(changes).await;
    }
    apps
}

fn entries(state: &State) -> u64 {
    state.head + state.apps.values().map(|app| app.head).sum::<u64>()
}

async fn maintenance(ledger: &Ledger, app: AppId) {
    append(ledger, |_| vec![(Stream::App(app), Event::MaintenanceSet { enabled: true })]).await;
}

fn benches(criterion: &mut Criterion) {
    let runtime = Runtime::new().expect("a runtime");
    let dir = tempfile::tempdir().expect("a directory");
    let ledger = open(dir.path());
    let apps = runtime.block_on(fill(&ledger));
    runtime.block_on(ledger.close());
    drop(ledger);

    let mut group = criterion.benchmark_group("ledger");
    group.sample_size(10).measurement_time(Duration::from_secs(10));
    group.throughput(Throughput::Elements(ENTRIES));
    group.bench_function("open with 100,000 entries of 1,000 apps", |bench| bench.iter(|| open(dir.path())));

    let ledger = open(dir.path());
    group.throughput(Throughput::Elements(1));
    group.bench_function("append, 1 writer", |bench| {
        bench.to_async(&runtime).iter(|| maintenance(&ledger, apps[0]));
    });
    group.throughput(Throughput::Elements(WRITERS));
    group.bench_function("append, 64 writers", |bench| {
        let some = || apps.iter().take(64).map(|app| maintenance(&ledger, *app));
        bench.to_async(&runtime).iter(|| join_all(some()));
    });
    group.finish();
}

criterion_group!(ledger, benches);
criterion_main!(ledger);
