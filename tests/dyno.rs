//! Dynos through the crate's own door, as an embedder uses it: guests in wat, no build and no socket.

use bytes::Bytes;
use hokku::{
    Body, Dyno, DynoSpec, Engine, EngineConfig, Slug,
    clock::Clock,
    dyno::{Exit, HandleError, Limits, Look, PipeEnds, PipeWriter, Reuse, Stdio},
    logplex::{AppLog, Logplex, LogplexConfig, TailFilter},
    slug::{PackPlan, ProcessPlan, SlugStore},
};
use http::{Request, Response, StatusCode};
use http_body_util::{BodyExt as _, Full, StreamBody};
use std::{sync::Arc, time::Duration};
use tokio::io::{AsyncReadExt as _, AsyncWriteExt as _};

type TestResult = Result<(), hokku::dyno::BodyError>;

const LAB: &str = include_str!("guests/lab.wat");
const COMMAND: &str = include_str!("guests/command.wat");

/// A slug of `files`, with the commands of `processes`.
async fn slug(files: &[(&str, &str)], processes: &[(&str, &str)]) -> Result<Slug, hokku::dyno::BodyError> {
    let dir = tempfile::tempdir()?;
    for (path, text) in files {
        std::fs::write(dir.path().join(path), text)?;
    }
    let tree = cap_std::fs::Dir::open_ambient_dir(dir.path(), cap_std::ambient_authority())?;
    let processes = processes.iter().map(|(process_type, command)| {
        let plan = ProcessPlan { command: (*command).to_owned(), serves: None };
        Ok((process_type.parse()?, plan))
    });
    let processes = processes.collect::<Result<_, hokku::dyno::BodyError>>()?;
    Ok(Slug::pack(&SlugStore::in_memory(), tree, PackPlan { processes, ..PackPlan::default() }).await?)
}

struct Lab {
    engine: Engine,
    dyno: Arc<Dyno>,
    log: AppLog,
}

impl Lab {
    async fn start(change: impl FnOnce(&mut DynoSpec)) -> Result<Self, hokku::dyno::BodyError> {
        let engine = Engine::new(EngineConfig { max_instances: 20, ..EngineConfig::default() })?;
        let slug = slug(&[("lab.wat", LAB)], &[("web", "lab")]).await?;
        let log = Logplex::new(Clock::system(), LogplexConfig::default()).channel(&"shop".parse()?);
        let mut spec = DynoSpec { stdio: Stdio::Log(log.clone()), ..DynoSpec::web() };
        change(&mut spec);
        let dyno = Arc::new(Dyno::start(&engine, &slug, spec).await?);
        Ok(Self { engine, dyno, log })
    }

    async fn get(&self, path: &str) -> Result<Response<Body>, HandleError> {
        let request = Request::get(path).body(Body::default()).expect("request");
        self.dyno.handle(request).await
    }

    async fn text(&self, path: &str) -> Result<String, hokku::dyno::BodyError> {
        let bytes = self.get(path).await?.into_body().collect().await?;
        Ok(String::from_utf8(bytes.to_bytes().to_vec())?)
    }

    async fn logged(&self) -> String {
        let mut tail = self.log.tail(TailFilter { follow: false, ..TailFilter::default() });
        let mut text = String::new();
        while let Some(event) = tail.next().await {
            text.push_str(&event.line().text);
            text.push('\n');
        }
        text
    }

    fn made(&self) -> u64 {
        self.dyno.instances().expect("a guest").made
    }
}

#[tokio::test]
async fn an_instance_is_reused() -> TestResult {
    let lab = Lab::start(|_| {}).await?;
    assert_eq!(lab.text("/c").await?, "1");
    assert_eq!(lab.text("/c").await?, "2");
    assert_eq!(lab.text("/hello").await?, "Hello, World\n");
    assert_eq!(lab.text("/c").await?, "4");
    assert_eq!(lab.made(), 1);
    Ok(())
}

#[tokio::test]
async fn a_fresh_instance_for_every_request_is_a_setting() -> TestResult {
    let lab = Lab::start(|spec| spec.reuse = Reuse::Nothing).await?;
    assert_eq!(lab.text("/c").await?, "1");
    assert_eq!(lab.text("/c").await?, "1");
    assert_eq!(lab.dyno.instances().expect("a guest").live, 0);
    Ok(())
}

#[tokio::test]
async fn slow_requests_overlap_and_a_third_reuses_an_instance() -> TestResult {
    let lab = Lab::start(|_| {}).await?;
    let (first, second) = tokio::join!(lab.text("/wait"), lab.text("/wait"));
    assert_eq!((first?, second?), ("Hello, World\n".to_owned(), "Hello, World\n".to_owned()));
    assert_eq!(lab.made(), 2);
    assert_eq!(lab.text("/c").await?, "2");
    assert_eq!(lab.made(), 2);
    Ok(())
}

#[tokio::test]
async fn web_concurrency_bounds_the_instances_and_the_queue_has_an_end() -> TestResult {
    let vars = hokku::app::ConfigVars::from_dotenv("WEB_CONCURRENCY=1")?;
    let lab = Lab::start(|spec| spec.config = vars).await?;
    let mut requests = tokio::task::JoinSet::new();
    for _ in 0..60 {
        let dyno = lab.dyno.clone();
        requests.spawn(async move {
            dyno.handle(Request::get("/wait").body(Body::default()).expect("request")).await
        });
    }
    // One runs, 50 wait, 9 are handed back untouched.
    let mut backlog = 0;
    while backlog < 9 {
        let answer = requests.join_next().await.ok_or("too few were refused")??;
        if let Err(HandleError::Backlog { instances: 1, request }) = answer {
            assert_eq!(request.into_request().uri().path(), "/wait");
            backlog += 1;
        }
    }
    assert_eq!(lab.made(), 1);
    Ok(())
}

#[tokio::test]
async fn a_trap_costs_its_instance_and_its_backtrace_is_in_the_log() -> TestResult {
    let lab = Lab::start(|_| {}).await?;
    let error = lab.get("/trap").await.expect_err("trapped");
    assert!(matches!(error, HandleError::Crashed { .. }), "{error}");
    let log = lab.logged().await;
    assert!(log.contains("wasm trap") && log.contains("App!"), "{log}");
    assert_eq!(lab.text("/c").await?, "1");
    assert_eq!(lab.made(), 2);
    Ok(())
}

#[tokio::test]
async fn an_exit_and_silence_are_told_apart() -> TestResult {
    let lab = Lab::start(|_| {}).await?;
    assert!(matches!(lab.get("/xit").await, Err(HandleError::Crashed { .. })));
    assert!(matches!(lab.get("/nothing").await, Err(HandleError::NoResponse)));
    assert_eq!(lab.text("/hello").await?, "Hello, World\n");
    Ok(())
}

#[tokio::test]
async fn a_trap_in_the_middle_breaks_the_body_off() -> TestResult {
    let lab = Lab::start(|_| {}).await?;
    let response = lab.get("/middle").await?;
    assert_eq!(response.status(), StatusCode::OK);
    assert!(response.into_body().collect().await.is_err());
    assert!(lab.logged().await.contains("wasm trap"));
    assert_eq!(lab.text("/hello").await?, "Hello, World\n");
    Ok(())
}

#[tokio::test]
async fn a_large_answer_streams_and_keeps_its_instance() -> TestResult {
    let lab = Lab::start(|_| {}).await?;
    for _ in 0..3 {
        assert_eq!(lab.text("/big").await?.len(), 1 << 20);
    }
    assert_eq!(lab.made(), 1);
    Ok(())
}

#[tokio::test]
async fn bodies_stream_both_ways_at_once() -> TestResult {
    let lab = Lab::start(|_| {}).await?;
    let (send, receive) = tokio::sync::mpsc::channel::<Bytes>(1);
    let frames = futures_util::stream::unfold(receive, |mut receive| async {
        let chunk = receive.recv().await?;
        Some((Ok::<_, hokku::dyno::BodyError>(http_body::Frame::data(chunk)), receive))
    });
    let request = Request::post("/echo").body(Body::new(StreamBody::new(frames)))?;
    let mut body = lab.dyno.handle(request).await?.into_body();
    for chunk in ["one", "two", "three"] {
        send.send(Bytes::from(chunk)).await?;
        let frame = body.frame().await.ok_or("ended")??;
        assert_eq!(frame.into_data().map_err(|_| "trailers")?, chunk);
    }
    drop(send);
    assert!(body.frame().await.is_none());
    Ok(())
}

#[tokio::test]
async fn a_client_that_leaves_does_not_cost_the_dyno() -> TestResult {
    let lab = Lab::start(|_| {}).await?;
    let response = lab.get("/big").await?;
    drop(response);
    assert_eq!(lab.text("/hello").await?, "Hello, World\n");
    Ok(())
}

#[tokio::test]
async fn a_client_that_leaves_before_the_answer_does_not_cost_the_instance() -> TestResult {
    let lab = Lab::start(|_| {}).await?;
    {
        let mut waiting = std::pin::pin!(lab.get("/pause"));
        assert!(futures_util::poll!(waiting.as_mut()).is_pending());
    }
    lab.engine.drained().await;
    assert_eq!(lab.text("/c").await?, "2");
    assert_eq!(lab.made(), 1);
    Ok(())
}

#[tokio::test]
async fn a_spinning_guest_yields_and_is_gone_when_nobody_waits() -> TestResult {
    let lab = Lab::start(|spec| spec.linger = Duration::ZERO).await?;
    {
        let mut spin = std::pin::pin!(lab.get("/spin"));
        // On this one thread the neighbour is only answered because the spinning guest yields.
        let neighbour = lab.text("/hello");
        tokio::select! {
            _ = &mut spin => panic!("a spinning guest does not answer"),
            text = neighbour => assert_eq!(text?, "Hello, World\n"),
        }
    }
    lab.engine.drained().await;
    assert_eq!(lab.dyno.instances().expect("a guest").live, 1);
    Ok(())
}

#[tokio::test]
async fn memory_has_a_limit() -> TestResult {
    let lab = Lab::start(|spec| spec.limits = Limits { memory: 8 << 20 }).await?;
    assert!(matches!(lab.get("/grow").await, Err(HandleError::Crashed { .. })));
    assert_eq!(lab.text("/hello").await?, "Hello, World\n");
    Ok(())
}

#[tokio::test]
async fn a_flood_on_stdout_stays_within_the_log_s_bounds() -> TestResult {
    let lab = Lab::start(|spec| spec.linger = Duration::ZERO).await?;
    let mut flood = std::pin::pin!(lab.get("/flood"));
    while lab.logged().await.lines().count() < 1500 {
        assert!(futures_util::poll!(flood.as_mut()).is_pending());
    }
    for _ in 0..20 {
        assert!(futures_util::poll!(flood.as_mut()).is_pending());
    }
    assert_eq!(lab.logged().await.lines().count(), 1500);
    Ok(())
}

#[tokio::test]
async fn a_line_of_the_guest_is_a_line_of_the_log() -> TestResult {
    let lab = Lab::start(|_| {}).await?;
    lab.text("/line").await?;
    assert_eq!(lab.logged().await, "a line\n");
    Ok(())
}

#[tokio::test]
async fn a_request_body_in_one_piece_is_echoed() -> TestResult {
    let lab = Lab::start(|_| {}).await?;
    let body = Body::new(Full::from("x".repeat(300_000)).map_err(|never| match never {}));
    let response = lab.dyno.handle(Request::post("/echo").body(body)?).await?;
    assert_eq!(response.into_body().collect().await?.to_bytes().len(), 300_000);
    Ok(())
}

async fn run(command: &str) -> Result<(Exit, Vec<String>), hokku::dyno::BodyError> {
    let engine = Engine::new(EngineConfig { max_instances: 4, ..EngineConfig::default() })?;
    let slug = slug(&[("tool.wat", COMMAND)], &[]).await?;
    let log = Logplex::new(Clock::system(), LogplexConfig::default()).channel(&"shop".parse()?);
    let spec = DynoSpec { stdio: Stdio::Log(log.clone()), ..DynoSpec::one_off(command) };
    let exit = Dyno::start(&engine, &slug, spec).await?.exited().await;
    let mut tail = log.tail(TailFilter { follow: false, ..TailFilter::default() });
    let mut lines = Vec::new();
    while let Some(event) = tail.next().await {
        lines.push(event.line().text.clone());
    }
    Ok((exit, lines))
}

#[tokio::test]
async fn a_preview_1_module_runs_as_a_command_with_its_exit_status() -> TestResult {
    let (exit, mut lines) = run("tool 'hello there' b c").await?;
    lines.sort();
    assert_eq!((exit, lines), (Exit::Status(3), vec!["err".to_owned(), "hello there".to_owned()]));
    Ok(())
}

/// A command whose streams are pipes.
async fn piped(command: &str) -> Result<(Dyno, PipeEnds), hokku::dyno::BodyError> {
    let engine = Engine::new(EngineConfig { max_instances: 4, ..EngineConfig::default() })?;
    let slug = slug(&[("tool.wat", COMMAND)], &[]).await?;
    let (stdio, ends) = Stdio::piped(Look::Pipe);
    let dyno = Dyno::start(&engine, &slug, DynoSpec { stdio, ..DynoSpec::one_off(command) }).await?;
    Ok((dyno, ends))
}

#[tokio::test]
async fn a_command_speaks_through_three_pipes() -> TestResult {
    let (dyno, PipeEnds { mut stdin, mut stdout, mut stderr }) = piped("tool first").await?;
    let input: Vec<u8> = (0..3_000_000_u32).map(|n| n.to_le_bytes()[usize::from(n % 7 == 0)]).collect();
    let sent = input.clone();
    let write = async move { stdin.write_all(&sent).await };
    let (mut out, mut err) = (Vec::new(), Vec::new());
    let read = async { tokio::join!(stdout.read_to_end(&mut out), stderr.read_to_end(&mut err)) };
    let (written, (out_read, err_read)) = tokio::join!(write, read);
    written?;
    out_read?;
    err_read?;
    assert_eq!(dyno.exited().await, Exit::Status(1));
    assert!(out == [b"first", &*input].concat(), "{} bytes came back", out.len());
    assert_eq!(err, b"err\n");
    Ok(())
}

#[tokio::test]
async fn a_command_that_nobody_reads_ends_with_its_input() -> TestResult {
    let (dyno, PipeEnds { mut stdin, stdout, stderr }) = piped("tool").await?;
    drop((stdout, stderr));
    stdin.write_all(&vec![b'x'; 1_000_000]).await?;
    drop(stdin);
    assert_eq!(dyno.exited().await, Exit::Status(0));
    Ok(())
}

#[tokio::test]
async fn a_command_stops_though_it_waits_for_a_reader() -> TestResult {
    let (dyno, PipeEnds { mut stdin, stdout, stderr }) = piped("tool").await?;
    // One pipe's worth in each of two pipes: the guest has written all it can, and waits.
    stdin.write_all(&vec![b'x'; 2 * PipeWriter::CAPACITY]).await?;
    dyno.stop();
    assert_eq!(dyno.exited().await, Exit::Stopped);
    drop((stdout, stderr));
    Ok(())
}

#[tokio::test]
async fn a_component_speaks_through_a_pipe_and_survives_its_reader() -> TestResult {
    let (stdio, PipeEnds { mut stdout, .. }) = Stdio::piped(Look::Pipe);
    let lab = Lab::start(|spec| spec.stdio = stdio).await?;
    assert_eq!(lab.text("/l").await?, "Hello, World\n");
    let mut line = [0; 7];
    stdout.read_exact(&mut line).await?;
    assert_eq!(&line, b"a line\n");
    drop(stdout);
    assert_eq!(lab.text("/l").await?, "Hello, World\n");
    Ok(())
}

#[tokio::test]
async fn what_cannot_start_says_why() -> TestResult {
    let engine = Engine::new(EngineConfig { max_instances: 4, ..EngineConfig::default() })?;
    let missing = r#"(module (import "env" "magic" (func)) (func (export "_start")))"#;
    let files = [("tool.wat", COMMAND), ("lab.wat", LAB), ("odd.wat", missing), ("library.wat", "(module)")];
    let slug = slug(&files, &[("web", "tool"), ("worker", "lab"), ("clock", "odd")]).await?;
    let start = async |spec: DynoSpec| -> String {
        let error = Dyno::start(&engine, &slug, spec).await.expect_err("must not start");
        assert!(error.is_the_apps_fault());
        error.to_string()
    };
    let of_type = |text: &str| DynoSpec::new(format!("{text}.1").parse().expect("name"));
    insta::assert_snapshot!(start(of_type("web")).await, @"tool.wat cannot run as `web`: it is a WASI preview 1 module, and web needs a component that exports wasi:http/incoming-handler@0.2; name it as a worker, or run it with `hokku run --local`");
    insta::assert_snapshot!(start(of_type("worker")).await, @"lab.wat cannot run as `worker`: it is a component that exports wasi:http/incoming-handler@0.2, which runs only as web; run a command instead");
    insta::assert_snapshot!(start(of_type("clock")).await, @"odd.wat does not start: unknown import: `env::magic` has not been defined");
    insta::assert_snapshot!(start(of_type("mail")).await, @"there is no process type `mail`; the app has: clock, web, worker. Add it to the Procfile, or name a command");
    insta::assert_snapshot!(start(DynoSpec::one_off("library")).await, @"library.wat is not a program that can run here: it is wasm that exports neither wasi:http/incoming-handler@0.2, wasi:cli/run@0.2 nor _start; export one of them, or name another program");
    insta::assert_snapshot!(start(DynoSpec::one_off("tool && lab")).await, @"cannot read the command `tool && lab`: `&&` is shell syntax; there is no shell in a dyno: put the first command into the release process type, or write a script in your app's language");
    insta::assert_snapshot!(start(DynoSpec::one_off("toll")).await, @"nothing named `toll` on the PATH; programs here: lab, library, odd, tool");
    Ok(())
}

#[tokio::test]
async fn the_cache_may_be_deleted_at_any_time() -> TestResult {
    let cache = tempfile::tempdir()?;
    let config = || EngineConfig {
        cache_dir: Some(cache.path().to_owned()),
        max_instances: 4,
        ..EngineConfig::default()
    };
    let slug = slug(&[("lab.wat", LAB)], &[("web", "lab")]).await?;
    let engine = Engine::new(config())?;
    let code = cache.path().join("compiled").join(engine.compatibility());
    let dyno = Dyno::start(&engine, &slug, DynoSpec::web()).await?;
    assert_eq!(std::fs::read_dir(&code)?.count(), 1);
    std::fs::remove_dir_all(cache.path().join("compiled"))?;
    std::fs::remove_dir_all(cache.path().join("trees"))?;
    assert!(dyno.handle(Request::get("/h").body(Body::default())?).await.is_ok());
    let second = Dyno::start(&Engine::new(config())?, &slug, DynoSpec::web()).await?;
    assert!(second.handle(Request::get("/h").body(Body::default())?).await.is_ok());
    // Code that was cut short by a full disk is compiled again.
    let file = std::fs::read_dir(&code)?.next().ok_or("empty")??.path();
    std::fs::remove_file(&file)?;
    std::fs::write(&file, b"not code")?;
    let third = Dyno::start(&Engine::new(config())?, &slug, DynoSpec::web()).await?;
    assert!(third.handle(Request::get("/h").body(Body::default())?).await.is_ok());
    Ok(())
}

#[tokio::test]
async fn a_dyno_leaves_nothing_on_the_disk() -> TestResult {
    let cache = tempfile::tempdir()?;
    let config = EngineConfig {
        cache_dir: Some(cache.path().to_owned()),
        max_instances: 4,
        ..EngineConfig::default()
    };
    let engine = Engine::new(config)?;
    let slug = slug(&[("lab.wat", LAB)], &[("web", "lab")]).await?;
    let dyno = Dyno::start(&engine, &slug, DynoSpec::web()).await?;
    let scratch = std::fs::read_dir(cache.path().join("scratch"))?;
    let own = scratch.flatten().map(|entry| entry.path()).find(|path| path.is_dir()).ok_or("no scratch")?;
    let disks = || {
        let entries = std::fs::read_dir(&own)?.flatten();
        Ok::<_, std::io::Error>(
            entries.filter(|e| e.file_name().to_string_lossy().starts_with("dyno-")).count(),
        )
    };
    assert_eq!(disks()?, 1);
    drop(dyno);
    engine.drained().await;
    assert_eq!(disks()?, 0);
    Ok(())
}
