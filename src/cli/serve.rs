use super::{
    cache_dir::CacheDir,
    interrupt::stop_on_interrupt,
    log_view::{LogFormat, LogView},
};
use crate::dyno::{CompileLimits, Compiler, Reuse};
use crate::logplex::TailFilter;
use crate::name::AppName;
use crate::serve::{Serve as Session, ServeConfig};
use anyhow::Context as _;
use std::{io, path::PathBuf, process::ExitCode, time::Duration};

/// How long running requests may take to end after Ctrl-C.
const GRACE: Duration = Duration::from_secs(10);

/// Build an app, run its Procfile, and keep it up to date as files change.
///
/// The app answers on http://localhost:PORT. Config vars are read from its `.env` file. Ctrl-C lets running requests
/// end; a second Ctrl-C does not wait for them.
#[derive(Debug, clap::Args)]
pub(super) struct Serve {
    /// The app's directory
    #[arg(default_value = ".")]
    dir: PathBuf,
    /// Port on localhost; 0 chooses a free one
    #[arg(long, short, default_value_t = 5000, env = "HOKKU_PORT", hide_env_values = true)]
    port: u16,
    /// Name of the app [default: like the directory's]
    #[arg(long, short)]
    app: Option<AppName>,
    /// Build once, and do not watch for changes
    #[arg(long)]
    once: bool,
    /// Print the log as JSON, an object a line
    #[arg(long)]
    json: bool,
    /// Buildpack by name or directory, instead of detection; may be given several times
    #[arg(long, value_name = "BUILDPACK")]
    buildpack: Vec<String>,
    /// Answer every request with a fresh instance of the program
    #[arg(long)]
    fresh_instances: bool,
    #[command(flatten)]
    cache: CacheDir,
}

impl Serve {
    pub(super) async fn run(self) -> anyhow::Result<ExitCode> {
        let (stop, _listening) = stop_on_interrupt()?;
        let session = Session::bind(self.config()?).await?;
        let everything = TailFilter { follow: true, ..TailFilter::default() };
        let tail = session.log().tail(everything);
        let format = LogFormat::choose(self.json);
        // On a thread of its own: whoever stops reading our output holds up no build, no request and no end.
        let runtime = tokio::runtime::Handle::current();
        let shown = tokio::task::spawn_blocking(move || {
            runtime.block_on(LogView::new(format, io::BufWriter::new(io::stdout().lock())).follow(tail))
        });
        let (shown, served) = tokio::join!(
            async {
                let shown = shown.await;
                stop.cancel();
                shown
            },
            session.run(stop.clone())
        );
        served?;
        shown??;
        Ok(ExitCode::SUCCESS)
    }

    fn config(&self) -> anyhow::Result<ServeConfig> {
        Ok(ServeConfig {
            app: self.app.clone().unwrap_or_else(|| app_name(&self.dir)),
            dir: self.dir.clone(),
            port: self.port,
            watch: !self.once,
            buildpacks: self.buildpack.clone(),
            cache_dir: self.cache.path_beside(&self.dir)?,
            compiler: own_compiler()?,
            reuse: if self.fresh_instances { Reuse::Nothing } else { Reuse::Instances },
            grace: GRACE,
        })
    }
}

/// The name that a directory suggests for its app.
pub(super) fn app_name(dir: &std::path::Path) -> AppName {
    let whole = dir.canonicalize().unwrap_or_else(|_| dir.to_owned());
    AppName::like(&whole.file_name().unwrap_or_default().to_string_lossy())
}

/// Compiles with this very binary, in processes with limits of their own.
pub(super) fn own_compiler() -> anyhow::Result<Compiler> {
    // On Linux this is the running binary even after another took its place on the disk.
    let program =
        if cfg!(target_os = "linux") { Ok("/proc/self/exe".into()) } else { std::env::current_exe() };
    let program = program.context("cannot find the hokku binary to compile with")?;
    Ok(Compiler::Subprocess { program, limits: CompileLimits::default() })
}
