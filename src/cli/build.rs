use super::{
    cache_dir::CacheDir,
    interrupt::{INTERRUPTED, stop_on_interrupt},
    plain_text::plain,
    serve::app_name,
};
use crate::app::ConfigVars;
use crate::build::{BuildRequest, Builder, BuilderConfig};
use crate::name::AppName;
use crate::slug::{Size, Slug, SlugStore};
use anyhow::Context as _;
use std::{
    io::{self, Write as _},
    path::{Path, PathBuf},
    process::ExitCode,
};

/// Build an app into a slug, a file that holds everything a dyno needs.
#[derive(Debug, clap::Args)]
pub(super) struct Build {
    /// The app's directory
    #[arg(default_value = ".")]
    dir: PathBuf,
    /// Where the slug goes [default: APP.slug in the current directory]
    #[arg(long, short, value_name = "FILE")]
    output: Option<PathBuf>,
    /// Name of the app, which names its build cache [default: like the directory's]
    #[arg(long, short)]
    app: Option<AppName>,
    /// Buildpack by name or directory, instead of detection; may be given several times
    #[arg(long, value_name = "BUILDPACK")]
    buildpack: Vec<String>,
    /// Print the result as JSON on standard output, and the build's output on standard error
    #[arg(long)]
    json: bool,
    #[command(flatten)]
    cache: CacheDir,
}

impl Build {
    pub(super) async fn run(self) -> anyhow::Result<ExitCode> {
        let (stop, _listening) = stop_on_interrupt()?;
        let app = self.app.clone().unwrap_or_else(|| app_name(&self.dir));
        let output = self.output.clone().unwrap_or_else(|| PathBuf::from(format!("{app}.slug")));
        let json = self.json;
        let mut print = move |line: &str| {
            // Whoever closed the output still wants the slug.
            let line = plain(line);
            drop(if json { writeln!(io::stderr(), "{line}") } else { writeln!(io::stdout(), "{line}") });
        };
        let builder = builder(&self.cache.path_beside(&self.dir)?)?;
        let building = build(&builder, &self.dir, app, self.buildpack, &mut print);
        let built = stop.run_until_cancelled(building).await;
        builder.close().await;
        let Some(slug) = built else {
            return Ok(ExitCode::from(u8::try_from(INTERRUPTED).unwrap_or(1)));
        };
        let slug = slug?;
        slug.export(&output).await?;
        let size = std::fs::metadata(&output)?.len();
        if json {
            let result = serde_json::json!({
                "slug": slug.digest().to_string(),
                "file": output,
                "size": size,
            });
            writeln!(io::stdout(), "{result}")?;
        } else {
            let (file, digest) = (output.display(), slug.digest());
            writeln!(io::stdout(), "-----> Wrote {file} ({}, {digest})", Size(size))?;
        }
        Ok(ExitCode::SUCCESS)
    }
}

/// A builder over this user's cache.
pub(super) fn builder(cache_dir: &Path) -> anyhow::Result<Builder> {
    let store = SlugStore::open_dir(&cache_dir.join("slugs"))?;
    let config = BuilderConfig { allow_directories: true, ..BuilderConfig::new(cache_dir.join("builds")) };
    Ok(Builder::new(config, store)?)
}

/// Builds the app in `dir`; every line of the build goes to `output`.
pub(super) async fn build(
    builder: &Builder,
    dir: &Path,
    app: AppName,
    buildpacks: Vec<String>,
    output: &mut (dyn FnMut(&str) + Send),
) -> anyhow::Result<Slug> {
    let source = dir.canonicalize().with_context(|| format!("cannot read {}", dir.display()))?;
    let config = dotenv(&source)?;
    let cache = (&app).into();
    Ok(builder.build(BuildRequest { app, cache, source, buildpacks, config }, output).await?)
}

/// The config vars of the directory's `.env`; none without the file.
pub(super) fn dotenv(dir: &Path) -> anyhow::Result<ConfigVars> {
    match std::fs::read_to_string(dir.join(".env")) {
        Ok(text) => ConfigVars::from_dotenv(&text).context(".env"),
        Err(error) if error.kind() == io::ErrorKind::NotFound => Ok(ConfigVars::default()),
        Err(error) => Err(error).context("cannot read .env"),
    }
}
