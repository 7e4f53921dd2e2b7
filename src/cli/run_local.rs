use super::{
    build::{build, builder, dotenv},
    cache_dir::CacheDir,
    interrupt::{INTERRUPTED, stop_on_interrupt},
    plain_text::plain,
    serve::{app_name, own_compiler},
};
use crate::app::{ConfigKey, ConfigVars};
use crate::build::Builder;
use crate::dyno::{Dyno, DynoSpec, Engine, EngineConfig, Stdio};
use indicatif::{ProgressBar, ProgressStyle};
use std::{
    io::{self, IsTerminal as _, Write as _},
    path::PathBuf,
    process::ExitCode,
    time::Duration,
};

/// A command in a one-off dyno of this process, with the app of a directory.
pub(super) struct RunLocal {
    pub(super) directory: PathBuf,
    pub(super) cache: CacheDir,
    pub(super) environment: Vec<(ConfigKey, String)>,
    pub(super) command: String,
}

impl RunLocal {
    pub(super) async fn run(self) -> anyhow::Result<ExitCode> {
        let (stop, _listening) = stop_on_interrupt()?;
        let interrupted = || ExitCode::from(u8::try_from(INTERRUPTED).unwrap_or(1));
        let cache_dir = self.cache.path_beside(&self.directory)?;
        let builder = builder(&cache_dir)?;
        let started = stop.run_until_cancelled(self.start(&builder, cache_dir)).await;
        builder.close().await;
        let Some(dyno) = started else { return Ok(interrupted()) };
        let dyno = dyno?;
        let exit = tokio::select! {
            exit = dyno.exited() => exit,
            () = stop.cancelled() => {
                dyno.stop();
                dyno.exited().await;
                return Ok(interrupted());
            }
        };
        if let crate::dyno::Exit::Trapped(backtrace) = &exit {
            writeln!(io::stderr(), "{}", plain(backtrace))?;
        }
        io::stdout().flush()?;
        Ok(ExitCode::from(u8::try_from(exit.code() & 0xff).unwrap_or(1)))
    }

    async fn start(&self, builder: &Builder, cache_dir: PathBuf) -> anyhow::Result<Dyno> {
        let progress = Progress::start("Building");
        let mut said = Vec::new();
        let built = {
            let mut keep = |line: &str| {
                progress.step(line);
                said.push(line.to_owned());
            };
            build(builder, &self.directory, app_name(&self.directory), Vec::new(), &mut keep).await
        };
        if built.is_err() {
            progress.end();
            for line in &said {
                writeln!(io::stderr(), "{}", plain(line))?;
            }
        }
        let slug = built?;
        let engine = Engine::new(EngineConfig {
            cache_dir: Some(cache_dir),
            compiler: own_compiler()?,
            ..EngineConfig::default()
        })?;
        progress.step("Compiling");
        let dyno = Dyno::start(&engine, &slug, self.spec()?).await;
        progress.end();
        Ok(dyno?)
    }

    fn spec(&self) -> anyhow::Result<DynoSpec> {
        let mut vars: Vec<_> = ["TERM", "COLUMNS", "LINES"]
            .iter()
            .filter_map(|name| Some((name.parse().ok()?, std::env::var(name).ok()?)))
            .collect();
        for (key, value) in dotenv(&self.directory)?.iter() {
            vars.push((key.parse()?, value.to_owned()));
        }
        vars.extend(self.environment.iter().cloned());
        Ok(DynoSpec {
            config: ConfigVars::new(vars)?,
            stdio: Stdio::Inherit,
            ..DynoSpec::one_off(self.command.clone())
        })
    }
}

/// A spinner on standard error, when that is a terminal: the command's own output stays clean.
struct Progress(Option<ProgressBar>);

impl Progress {
    fn start(what: &'static str) -> Self {
        let spinner = io::stderr().is_terminal().then(|| {
            let spinner = ProgressBar::new_spinner().with_message(what);
            // A message as wide as the terminal and no wider: a second line could not be cleared.
            if let Ok(style) = ProgressStyle::with_template("{spinner} {wide_msg}") {
                spinner.set_style(style);
            }
            spinner.enable_steady_tick(Duration::from_millis(100));
            spinner
        });
        Self(spinner)
    }

    fn step(&self, line: &str) {
        if let Some(spinner) = &self.0 {
            spinner.set_message(plain(line).trim_start_matches(['-', '>', ' ']).to_owned());
        }
    }

    fn end(&self) {
        if let Some(spinner) = &self.0 {
            spinner.finish_and_clear();
        }
    }
}
