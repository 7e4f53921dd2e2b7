use super::{
    ServeError,
    process::{say, start},
};
use crate::dyno::{DynoSpec, Engine};
use crate::logplex::AppLog;
use crate::name::ProcessType;
use crate::slug::Slug;

/// Runs the `release` command of the new version, if it has one; it must succeed before the version is served.
pub(super) async fn release_phase(
    engine: &Engine,
    slug: &Slug,
    spec: impl Fn(&ProcessType) -> DynoSpec,
    log: &AppLog,
) -> Result<(), ServeError> {
    let release = ProcessType::release();
    let Some(process) = slug.manifest().processes.get(&release) else { return Ok(()) };
    let command = process.command.clone();
    let spec = spec(&release);
    let process = spec.name.to_string();
    let dyno = start(engine, slug, spec, log).await?;
    let exit = dyno.exited().await;
    say(log, &process, exit.to_string());
    say(log, &process, "State changed from up to complete");
    if exit.is_success() {
        return Ok(());
    }
    Err(ServeError::ReleasePhase { command, status: exit.code() })
}
