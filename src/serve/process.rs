use crate::dyno::{Dyno, DynoError, DynoSpec, Engine, Exit};
use crate::logplex::{AppLog, Source, Stream};
use crate::slug::Slug;
use std::{sync::Arc, time::Duration};
use tokio_util::sync::CancellationToken;

/// The pause before a crashed process starts again: none at first, then doubling up to the longest.
const FIRST_PAUSE: Duration = Duration::from_secs(1);
const LONGEST_PAUSE: Duration = Duration::from_mins(1);
/// A process that ran this long is not in a crash loop.
const STEADY: Duration = Duration::from_secs(30);

/// A line of the platform about the dyno `process`, as Heroku's dyno manager writes them.
pub(super) fn say(log: &AppLog, process: &str, text: impl Into<String>) {
    log.write(Source::Heroku, process, Stream::System, text);
}

/// Starts a dyno and writes its states to the log.
pub(super) async fn start(
    engine: &Engine,
    slug: &Slug,
    spec: DynoSpec,
    log: &AppLog,
) -> Result<Arc<Dyno>, DynoError> {
    let process = spec.name.to_string();
    say(log, &process, "State changed from down to starting");
    if let Some(configured) = slug.manifest().processes.get(spec.name.process_type()) {
        say(log, &process, format!("Starting process with command `{}`", configured.command));
    }
    match Dyno::start(engine, slug, spec).await {
        Ok(dyno) => {
            say(log, &process, "State changed from starting to up");
            Ok(Arc::new(dyno))
        }
        Err(error) => {
            say(log, &process, format!("Error: {error}"));
            say(log, &process, "State changed from starting to crashed");
            Err(error)
        }
    }
}

/// Runs a process that is not web until `stop`: when it ends it is started again, at once the first time and then
/// after growing pauses.
pub(super) async fn supervise(
    engine: Engine,
    slug: Slug,
    spec: DynoSpec,
    log: AppLog,
    stop: CancellationToken,
) {
    let process = spec.name.to_string();
    let mut pause = Duration::ZERO;
    while !stop.is_cancelled() {
        let began = std::time::Instant::now();
        if let Ok(dyno) = start(&engine, &slug, spec.clone(), &log).await {
            let exit = tokio::select! {
                exit = dyno.exited() => exit,
                () = stop.cancelled() => {
                    say(&log, &process, "Stopping all processes with SIGTERM");
                    dyno.stop();
                    dyno.exited().await
                }
            };
            say(&log, &process, exit.to_string());
            let state = if exit == Exit::Stopped { "down" } else { "crashed" };
            say(&log, &process, format!("State changed from up to {state}"));
        }
        if began.elapsed() >= STEADY {
            pause = Duration::ZERO;
        }
        if !pause.is_zero() && !stop.is_cancelled() {
            say(&log, &process, format!("Restarting in {} s", pause.as_secs()));
        }
        if stop.run_until_cancelled(tokio::time::sleep(pause)).await.is_none() {
            break;
        }
        pause = (pause * 2).clamp(FIRST_PAUSE, LONGEST_PAUSE);
    }
}
