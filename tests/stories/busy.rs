//! Heavy work for one app does not hold up another's requests.

use crate::{
    TestResult,
    fixture::{example, hokku, output, said, uses_real},
};
use hokku::{
    Body, Dyno, DynoSpec, Engine, EngineConfig, Slug,
    dyno::{CompileLimits, Compiler, PrepareEvent},
    slug::{PackPlan, ProcessPlan, SlugStore},
};
use std::{
    sync::{
        Arc,
        atomic::{AtomicBool, Ordering::SeqCst},
    },
    time::Duration,
};

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn hello_answers_while_a_large_program_compiles_and_its_tree_unpacks() -> TestResult {
    uses_real("python");
    let (dir, out) = (example("flask"), tempfile::tempdir()?);
    std::fs::write(dir.path().join("large.bin"), vec![b'x'; 64 << 20])?;
    let file = out.path().join("large.slug");
    let built = output(hokku().args(["build", "--app", "guestbook"]).arg(dir.path()).arg("-o").arg(&file));
    assert!(built.status.success(), "{}", said(&built));

    let store = SlugStore::open_dir(&out.path().join("slugs"))?;
    let config = EngineConfig { cache_dir: Some(out.path().join("cache")), ..EngineConfig::default() };
    let engine = Engine::new(config.compile_with(env!("CARGO_BIN_EXE_hokku").into()))?;
    let tree = cap_std::fs::Dir::open_ambient_dir(
        concat!(env!("CARGO_MANIFEST_DIR"), "/examples/hello-wat"),
        cap_std::ambient_authority(),
    )?;
    let web = ProcessPlan { command: "hello".to_owned(), serves: None };
    let plan = PackPlan { processes: [("web".parse()?, web)].into(), ..PackPlan::default() };
    let hello = Slug::pack(&store, tree, plan).await?;
    let hello = Arc::new(Dyno::start(&engine, &hello, DynoSpec::web()).await?);

    let done = Arc::new(AtomicBool::new(false));
    let (until, neighbour) = (done.clone(), hello.clone());
    let mut load = tokio::task::JoinSet::new();
    load.spawn(async move {
        let mut answered = 0_u64;
        while !until.load(SeqCst) {
            let answer =
                neighbour.handle(http::Request::get("/").body(Body::default()).expect("request")).await;
            assert_eq!(answer.expect("answered").status(), 200);
            answered += 1;
            tokio::task::yield_now().await;
        }
        answered
    });
    let large = Slug::import(&store, &file).await?;
    let mut compiled = 0;
    let mut count = |event| compiled += u32::from(matches!(event, PrepareEvent::Compiled { .. }));
    engine.prepare(&large, &mut count).await?;
    a_compilation_has_limits(&large, &out.path().join("limited")).await?;
    let web = Dyno::start(&engine, &large, DynoSpec::web()).await?;
    done.store(true, SeqCst);
    let answered = load.join_next().await.ok_or("no load")??;
    assert!(compiled >= 2, "both programs were compiled now");
    assert!(web.serves_http());
    // One after the other: none waited for the end of the heavy work.
    assert!(answered > 100, "{answered} answers while the other app was made ready");
    Ok(())
}

/// An interpreter takes more than a second of CPU time to compile.
async fn a_compilation_has_limits(large: &Slug, cache_dir: &std::path::Path) -> TestResult {
    let limits = CompileLimits { cpu: Duration::from_secs(1), ..CompileLimits::default() };
    let compiler = Compiler::Subprocess { program: env!("CARGO_BIN_EXE_hokku").into(), limits };
    let config = EngineConfig { cache_dir: Some(cache_dir.to_owned()), compiler, ..EngineConfig::default() };
    let error = Engine::new(config)?.prepare(large, &mut |_| {}).await.expect_err("too much");
    let told = error.to_string();
    assert!(told.contains("took more than 6144 MiB of memory or 1 s of CPU time"), "{told}");
    assert!(error.is_the_apps_fault());
    Ok(())
}
