use super::{
    client::{Answer, App, Build, ClientError, Release, Slug, Source, Status},
    plain_text::plain,
    release_outcome::Output,
    session::{AtApp, Session},
    source_archive::SourceArchive,
};
use crate::slug::PackedSlug;
use anyhow::{Context as _, bail};
use serde_json::{Value, json};
use std::{
    path::{Path, PathBuf},
    process::ExitCode,
};

/// Build a directory on the platform and release it; or release a slug of `hokku build`
///
/// What a build takes is sent: neither .git nor .env, and nothing that .gitignore or .slugignore names. The output of
/// the build comes as it is made. The old release serves until the new one is up.
#[derive(Debug, clap::Args)]
#[command(after_help = "Examples:
  hokku deploy -a shop                   the current directory
  hokku deploy examples/flask -a shop
  hokku build -o shop.slug && hokku deploy shop.slug -a shop

The exit status is 0 only if the build succeeded and its release is current.")]
pub(super) struct Deploy {
    /// The app's directory, or a slug file
    #[arg(default_value = ".", value_name = "DIR|FILE.slug")]
    source: PathBuf,
    /// Print the build (of a slug: the release) as JSON on standard output, and its output on standard error
    #[arg(long)]
    json: bool,
    #[command(flatten)]
    pub(super) at: AtApp,
}

impl Deploy {
    pub(super) async fn run(self, session: &mut Session) -> anyhow::Result<ExitCode> {
        let app = session.app(&self.at)?;
        let source = self.source.display();
        let meta = std::fs::metadata(&self.source).with_context(|| format!("cannot read {source}"))?;
        // Whether the app is there shall not be known only after the upload.
        let known: Answer<App> = session.client.get(&["apps", &app]).await?;
        let result = if meta.is_dir() {
            self.directory(session, &app).await?
        } else {
            self.slug(session, &app, known.web_url.as_deref()).await?
        };
        if self.json {
            session.console.json(&result)?;
        }
        Ok(ExitCode::SUCCESS)
    }

    fn output(&self) -> Output {
        if self.json { Output::Note } else { Output::Result }
    }

    async fn directory(&self, session: &mut Session, app: &str) -> anyhow::Result<Value> {
        let dir = self.source.clone();
        session.console.begin("Packing the source")?;
        let archive = tokio::task::spawn_blocking(move || SourceArchive::pack(&dir)).await??;
        session.console.done("done")?;
        let commit = commit_of(&self.source).await;
        let Source { source_blob } = session.client.post(&["sources"], &json!({})).await?;
        session.upload(&source_blob.put_url, archive.file, archive.size).await?;
        let mut blob = json!({ "url": source_blob.get_url, "checksum": archive.checksum });
        if let Some(commit) = commit {
            blob["version"] = commit.into();
        }
        let path = ["apps", app, "builds"];
        let build: Answer<Build> = session.client.post(&path, &json!({ "source_blob": blob })).await?;
        session.parting_words = Some(format!(
            "The build goes on at the platform. Watch it with `hokku builds output -a {app}`, or end it with \
             `hokku builds cancel -a {app}`."
        ));
        let build = self.finish_build(session, app, build).await.map_err(|error| left_alone(app, error))?;
        Ok(build.whole)
    }

    /// Shows the build, and waits until its release is current.
    async fn finish_build(
        &self,
        session: &mut Session,
        app: &str,
        mut build: Answer<Build>,
    ) -> anyhow::Result<Answer<Build>> {
        if let Some(address) = build.output_stream_url.clone() {
            session.follow(&address, self.output()).await?;
        }
        for round in 0.. {
            build = session.client.get(&["apps", app, "builds", &build.id]).await?;
            match build.status {
                Status::Pending => session.client.pause(round).await,
                Status::Failed => bail!("the build failed; what served before still does"),
                Status::Succeeded => break,
            }
        }
        let release = build.release.as_ref().context("the build succeeded but made no release")?;
        let release: Answer<Release> = session.client.get(&["apps", app, "releases", &release.id]).await?;
        session.finish_release(app, release, self.output()).await?;
        session.parting_words = None;
        Ok(build)
    }

    async fn slug(&self, session: &mut Session, app: &str, url: Option<&str>) -> anyhow::Result<Value> {
        let packed = PackedSlug::open(&self.source).await?;
        let processes = &packed.manifest().processes;
        let commands: serde_json::Map<_, _> = processes
            .iter()
            .map(|(kind, process)| (kind.to_string(), process.command.clone().into()))
            .collect();
        let slug: Slug =
            session.client.post(&["apps", app, "slugs"], &json!({ "process_types": commands })).await?;
        let file = std::fs::File::open(&self.source)?;
        let size = file.metadata()?.len();
        session.upload(&slug.blob.url, file, size).await?;
        session.console.begin(format_args!("Releasing {}", self.source.display()))?;
        let body = json!({ "slug": slug.id });
        let release: Answer<Release> = session.client.post(&["apps", app, "releases"], &body).await?;
        session.released(&release)?;
        let finished = session.finish_release(app, release, self.output()).await;
        let release = finished.map_err(|error| left_alone(app, error))?;
        if !self.json {
            let url = url.unwrap_or(app);
            session.console.line(format_args!("Released v{}, {url} deployed to Hokku", release.version))?;
        }
        Ok(release.whole)
    }
}

/// `error`, and where to see what became of a deploy that the platform has in hand.
fn left_alone(app: &str, error: anyhow::Error) -> anyhow::Error {
    match error.downcast_ref::<ClientError>() {
        Some(cause) if cause.is_transport() => {
            anyhow::anyhow!("{error}; what became of the deploy: see `hokku releases -a {app}`")
        }
        _ => error,
    }
}

/// The commit that `dir` is exactly; `None` when it has changes, is no git work tree, or there is no git.
async fn commit_of(dir: &Path) -> Option<String> {
    let git = async |words: &[&str]| {
        let mut command = tokio::process::Command::new("git");
        // What the directory's own settings name is not run.
        let command = command.args(["-c", "core.fsmonitor=false", "-C"]).arg(dir).args(words);
        let output = command.kill_on_drop(true).output().await.ok()?;
        output.status.success().then(|| String::from_utf8_lossy(&output.stdout).trim().to_owned())
    };
    let changes = git(&["status", "--porcelain", "--", "."]).await?;
    let commit = git(&["rev-parse", "HEAD"]).await?;
    let legal = commit.len() >= 40 && commit.chars().all(|c| c.is_ascii_hexdigit());
    (changes.is_empty() && legal).then(|| plain(&commit))
}
