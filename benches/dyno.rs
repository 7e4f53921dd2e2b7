//! What a dyno costs: its start from compiled code, a request to a kept instance, and one to a fresh instance.
//!
//! `cargo bench --profile dist` measures what is shipped.

use criterion::{Criterion, criterion_group, criterion_main};
use hokku::{
    Body, Dyno, DynoSpec, Engine, EngineConfig, Slug,
    dyno::Reuse,
    slug::{PackPlan, ProcessPlan, SlugStore},
};
use http_body_util::BodyExt as _;
use tokio::runtime::Runtime;

async fn hello() -> Slug {
    let dir = concat!(env!("CARGO_MANIFEST_DIR"), "/examples/hello-wat");
    let tree = cap_std::fs::Dir::open_ambient_dir(dir, cap_std::ambient_authority()).expect("the example");
    let web = ProcessPlan { command: "hello".to_owned(), serves: None };
    let processes = [("web".parse().expect("a type"), web)].into();
    let plan = PackPlan { processes, ..PackPlan::default() };
    Slug::pack(&SlugStore::in_memory(), tree, plan).await.expect("packed")
}

async fn ask(dyno: &Dyno) -> usize {
    let request = http::Request::get("/").body(Body::default()).expect("a request");
    let answer = dyno.handle(request).await.expect("an answer");
    answer.into_body().collect().await.expect("a body").to_bytes().len()
}

fn benches(criterion: &mut Criterion) {
    let runtime = Runtime::new().expect("a runtime");
    let engine = Engine::new(EngineConfig::default()).expect("an engine");
    let slug = runtime.block_on(hello());
    let start = |reuse| Dyno::start(&engine, &slug, DynoSpec { reuse, ..DynoSpec::web() });
    let warm = runtime.block_on(start(Reuse::Instances)).expect("a dyno");
    criterion.bench_function("dyno/start to first answer", |bench| {
        bench.to_async(&runtime).iter(async || {
            let dyno = start(Reuse::Instances).await.expect("a dyno");
            ask(&dyno).await
        });
    });
    criterion.bench_function("dyno/request, kept instance", |bench| {
        bench.to_async(&runtime).iter(|| ask(&warm));
    });
    let fresh = runtime.block_on(start(Reuse::Nothing)).expect("a dyno");
    criterion.bench_function("dyno/request, fresh instance", |bench| {
        bench.to_async(&runtime).iter(|| ask(&fresh));
    });
}

criterion_group!(dyno, benches);
criterion_main!(dyno);
