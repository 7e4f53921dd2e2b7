use super::{
    BuildError, BuildRequest,
    assemble::{Assembly, read_plain},
    builder::Shared,
    buildpack::{self, Buildpack},
    declared::{Release, exports},
    environment::Environment,
    locks,
    log::Log,
    script::{self, Limit},
    source::SourceTree,
    stragglers,
    workspace::{self, Workspace},
};
use crate::slug::{STACK, Slug};
use std::{
    fs::{self, DirBuilder, OpenOptions},
    io::{self, Write},
    os::unix::fs::{DirBuilderExt, OpenOptionsExt},
    path::{Path, PathBuf},
    sync::Arc,
    time::Duration,
};
use tokio::task::spawn_blocking;

/// How long `bin/detect` and `bin/release` may take.
const QUICK: Duration = Duration::from_secs(30);

/// Below so many free bytes a script that failed is taken to have failed for lack of space.
const FULL_BELOW: u64 = 1 << 20;

/// One build, from its start to its end.
pub(super) struct Course {
    shared: Arc<Shared>,
    request: BuildRequest,
    log: Log,
    limit: Limit,
    id: String,
}

/// A buildpack that recognized the app.
struct Chosen {
    buildpack: Buildpack,
    /// What it calls itself: `Python`.
    title: String,
    /// This build's own copy, which its scripts may write to.
    copy: PathBuf,
}

impl Course {
    pub(super) fn new(shared: Arc<Shared>, request: BuildRequest, log: Log, limit: Limit) -> Self {
        Self { shared, request, log, limit, id: uuid::Uuid::new_v4().to_string() }
    }

    /// Builds; comes back when nothing of the build is left but its result.
    pub(super) async fn run(mut self) -> Result<Slug, BuildError> {
        let lock = self.shared.cache.app_lock(&self.request.cache);
        let waiting = format!("Waiting for another build of {} to end", self.request.app);
        let _one_at_a_time = locks::take(&lock, &waiting, &mut self.log, &mut self.limit).await?;
        let space = {
            let (shared, id) = (Arc::clone(&self.shared), self.id.clone());
            off_the_async_threads(move || Workspace::create(&shared.cache, &id)).await?
        };
        let result = self.build(&space).await.map_err(|error| error.of_disk(self.shared.cache.root()));
        let id = self.id;
        off_the_async_threads(move || {
            stragglers::kill(&id);
            drop(space);
            Ok(())
        })
        .await?;
        result
    }

    async fn build(&mut self, space: &Workspace) -> Result<Slug, BuildError> {
        self.copy_source(space).await?;
        let mut environment = self.environment(space);
        let chosen = self.choose(space, &environment).await?;
        let mut assembly = Assembly::default();
        for chosen in chosen {
            let release = self.run_buildpack(&chosen, space, &mut environment).await?;
            assembly.add(&chosen.buildpack, &chosen.title, release)?;
        }
        let limit = self.limit.clone();
        let shared = Arc::clone(&self.shared);
        limit.hold(assembly.pack(&space.build(), &shared, &mut self.log)).await
    }

    async fn copy_source(&self, space: &Workspace) -> Result<(), BuildError> {
        let tree = SourceTree {
            root: self.request.source.clone(),
            limit: self.shared.config.slug_limit,
            except: self.shared.cache.root().to_owned(),
        };
        let (into, stop) = (space.build(), self.limit.stop.clone());
        off_the_async_threads(move || tree.copy(&into, &stop)).await
    }

    fn environment(&self, space: &Workspace) -> Environment {
        let mut environment = self.shared.environment.clone();
        environment.set("HOME", space.home());
        environment.set("TMPDIR", space.tmp());
        environment.set("LANG", "C.UTF-8");
        environment.set("STACK", STACK);
        environment.set("REQUEST_ID", &self.id);
        environment
    }

    /// The buildpacks asked for, each of which must recognize the app; or the first of all that does.
    async fn choose(
        &mut self,
        space: &Workspace,
        environment: &Environment,
    ) -> Result<Vec<Chosen>, BuildError> {
        let shared = Arc::clone(&self.shared);
        if self.request.buildpacks.is_empty() {
            for buildpack in shared.catalog.in_order() {
                if let Some(chosen) = self.detect(buildpack.clone(), 0, space, environment).await? {
                    return Ok(vec![chosen]);
                }
            }
            let looked_for = |buildpack: &Buildpack| format!("{}: {}", buildpack.name, buildpack.looks_for);
            let looked_for = shared.catalog.in_order().iter().map(looked_for).collect();
            return Err(BuildError::NothingDetected { looked_for });
        }
        let mut all = Vec::new();
        for (index, name) in self.request.buildpacks.clone().iter().enumerate() {
            let buildpack = shared.catalog.find(name)?;
            self.log.heading(&format!("Using buildpack: {}", buildpack.name)).await;
            let (name, looks_for) = (buildpack.name.clone(), buildpack.looks_for.clone());
            let chosen = self.detect(buildpack, index, space, environment).await?;
            all.push(chosen.ok_or(BuildError::NotCompatible { buildpack: name, looks_for })?);
        }
        Ok(all)
    }

    async fn detect(
        &mut self,
        buildpack: Buildpack,
        index: usize,
        space: &Workspace,
        environment: &Environment,
    ) -> Result<Option<Chosen>, BuildError> {
        let mut command = environment.command(&buildpack.dir.join("bin/detect"));
        command.arg(space.build());
        let (status, said) = script::capture(command, &self.limit.at_most(QUICK)).await?;
        if !status.success() {
            return Ok(None);
        }
        let said = said.lines().next().unwrap_or_default().trim();
        let title: String = said.chars().filter(|c| !c.is_control()).take(100).collect();
        let title = if title.is_empty() { buildpack.name.clone() } else { title };
        let copy = space.buildpacks().join(index.to_string());
        Ok(Some(Chosen { buildpack, title, copy }))
    }

    /// Everything one buildpack does, and what it declares.
    async fn run_buildpack(
        &mut self,
        chosen: &Chosen,
        space: &Workspace,
        environment: &mut Environment,
    ) -> Result<Release, BuildError> {
        self.log.heading(&format!("{} app detected", chosen.title)).await;
        let (from, to) = (chosen.buildpack.dir.clone(), chosen.copy.clone());
        off_the_async_threads(move || {
            copy_buildpack(&from, &to).map_err(|cause| BuildError::host("copy the buildpack to", &to, cause))
        })
        .await?;
        let toolchain = self.toolchain(chosen, environment).await?;
        self.compile(chosen, space, environment, toolchain.as_deref()).await?;
        self.take_exports(chosen, environment).await?;
        self.release(chosen, space, environment).await
    }

    /// Prepares what all apps of this buildpack share, unless that is done; `None` where there is no such thing.
    async fn toolchain(
        &mut self,
        chosen: &Chosen,
        environment: &Environment,
    ) -> Result<Option<PathBuf>, BuildError> {
        let buildpack = &chosen.buildpack;
        if !buildpack.has("bin/toolchain") {
            return Ok(None);
        }
        let key = buildpack.toolchain_key();
        let dir = self.shared.cache.toolchain(&key);
        let ready = self.shared.cache.toolchain(&format!("{key}.ready"));
        let lock = self.shared.cache.lock(&format!("toolchain-{key}"));
        let waiting = format!("Waiting for another build to prepare the {} toolchain", buildpack.name);
        let _one_at_a_time = locks::take(&lock, &waiting, &mut self.log, &mut self.limit).await?;
        if ready.exists() && dir.is_dir() {
            return Ok(Some(dir));
        }
        let failed = |cause| BuildError::host("prepare the toolchain in", &dir, cause);
        remove_off_thread(&dir).await?; // what an interrupted preparation left
        DirBuilder::new().mode(0o700).create(&dir).map_err(failed)?;
        let mut command = environment.command(&buildpack.dir.join("bin/toolchain"));
        command.arg(&dir);
        let prepared = self.script(chosen, "bin/toolchain", command, &dir).await;
        if prepared.is_err() {
            remove_off_thread(&dir).await?;
        }
        prepared?;
        fs::write(&ready, "").map_err(failed)?;
        Ok(Some(dir))
    }

    async fn compile(
        &mut self,
        chosen: &Chosen,
        space: &Workspace,
        environment: &Environment,
        toolchain: Option<&Path>,
    ) -> Result<(), BuildError> {
        let cache = self.shared.cache.of_app(&self.request.cache);
        let make = DirBuilder::new().recursive(true).mode(0o700).create(&cache);
        make.map_err(|cause| BuildError::host("create", &cache, cause))?;
        let env = space.env();
        self.write_config(&env).map_err(|cause| BuildError::host("write", &env, cause))?;
        let mut command = environment.command(&chosen.copy.join("bin/compile"));
        command.arg(space.build()).arg(&cache).arg(&env);
        if let Some(dir) = toolchain {
            command.env("TOOLCHAIN_DIR", dir);
        }
        let compiled = self.script(chosen, "bin/compile", command, space.root()).await;
        fs::remove_dir_all(&env).map_err(|cause| BuildError::host("remove", &env, cause))?;
        compiled
    }

    /// One file for each config var, for this user only. Written anew for each buildpack.
    fn write_config(&self, dir: &Path) -> io::Result<()> {
        DirBuilder::new().recursive(true).mode(0o700).create(dir)?;
        for (key, value) in self.request.config.iter() {
            let mut file = OpenOptions::new().write(true).create_new(true).mode(0o600).open(dir.join(key))?;
            file.write_all(value.as_bytes())?;
        }
        Ok(())
    }

    /// Runs a script whose output is shown and whose failure fails the build. `writes` is where it writes most.
    async fn script(
        &mut self,
        chosen: &Chosen,
        step: &'static str,
        command: std::process::Command,
        writes: &Path,
    ) -> Result<(), BuildError> {
        let status = script::relay(command, &mut self.log, &self.limit).await?;
        let last_lines = self.log.take_last_lines();
        if status.success() {
            return Ok(());
        }
        if free_bytes(writes).is_some_and(|free| free < FULL_BELOW) {
            return Err(BuildError::DiskFull { dir: writes.to_owned() });
        }
        let (buildpack, status) = (chosen.title.clone(), script::in_words(status));
        Err(BuildError::Failed { buildpack, step, status, last_lines })
    }

    /// Puts the buildpack's `export` file into the environment of those after it.
    async fn take_exports(
        &mut self,
        chosen: &Chosen,
        environment: &mut Environment,
    ) -> Result<(), BuildError> {
        let file = chosen.copy.join("export");
        let text = match off_the_async_threads(move || Ok(read_plain(&file))).await? {
            Ok(text) => text,
            Err(error) if error.kind() == io::ErrorKind::NotFound => return Ok(()),
            Err(error) => {
                self.log.detail(&format!("the buildpack's export file was not read: {error}")).await;
                return Ok(());
            }
        };
        let path = environment.get("PATH").unwrap_or_default().to_string_lossy().into_owned();
        let (vars, unread) = exports(&text, &path);
        for (key, value) in vars {
            environment.set(key, value);
        }
        for what in unread {
            self.log
                .detail(&format!("not read from the export file: {what} (plain export KEY=VALUE only)"))
                .await;
        }
        Ok(())
    }

    async fn release(
        &mut self,
        chosen: &Chosen,
        space: &Workspace,
        environment: &Environment,
    ) -> Result<Release, BuildError> {
        if !chosen.buildpack.has("bin/release") {
            return Ok(Release::default());
        }
        let bad = |reason| BuildError::BadBuildpack { buildpack: chosen.buildpack.name.clone(), reason };
        let mut command = environment.command(&chosen.copy.join("bin/release"));
        command.arg(space.build());
        let (status, yaml) = script::capture(command, &self.limit.at_most(QUICK)).await?;
        if !status.success() {
            return Err(bad(format!("bin/release {}", script::in_words(status))));
        }
        Release::parse(&yaml).map_err(bad)
    }
}

/// Copies a buildpack's files, small and few, so that no build writes to what others use.
fn copy_buildpack(from: &Path, to: &Path) -> io::Result<()> {
    for path in buildpack::files(from)? {
        let target = to.join(&path);
        if let Some(parent) = target.parent() {
            fs::create_dir_all(parent)?;
        }
        fs::copy(from.join(&path), &target)?; // with its executable bit
    }
    Ok(())
}

async fn remove_off_thread(dir: &Path) -> Result<(), BuildError> {
    let dir = dir.to_owned();
    off_the_async_threads(move || {
        workspace::remove(&dir).map_err(|cause| BuildError::host("remove", &dir, cause))
    })
    .await
}

fn free_bytes(dir: &Path) -> Option<u64> {
    let system = rustix::fs::statvfs(dir).ok()?;
    Some(system.f_bavail.saturating_mul(system.f_frsize))
}

/// Runs file work on a blocking thread. It goes on to its end if this future is dropped.
async fn off_the_async_threads<T: Send + 'static>(
    work: impl FnOnce() -> Result<T, BuildError> + Send + 'static,
) -> Result<T, BuildError> {
    match spawn_blocking(work).await {
        Ok(result) => result,
        Err(failed) => match failed.try_into_panic() {
            Ok(panic) => std::panic::resume_unwind(panic),
            Err(_) => Err(BuildError::Cancelled),
        },
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::app::ConfigVars;
    use crate::build::{Builder, BuilderConfig};
    use crate::name::AppName;
    use crate::slug::SlugStore;
    use std::os::unix::fs::PermissionsExt;

    /// What a build says whose only buildpack makes its export file with `script`, in its own directory.
    async fn said(script: &str) -> Vec<String> {
        let dir = tempfile::tempdir().expect("dir");
        let (bin, app) = (dir.path().join("pack/bin"), dir.path().join("app"));
        fs::create_dir_all(&bin).expect("dir");
        fs::create_dir(&app).expect("dir");
        fs::write(app.join("a.wat"), "(module)").expect("file");
        let compile = format!("cd \"$(dirname \"$0\")/..\"\n{script}");
        for (name, body) in [("detect", "true"), ("compile", compile.as_str())] {
            fs::write(bin.join(name), format!("#!/bin/sh\n{body}\n")).expect("file");
            fs::set_permissions(bin.join(name), fs::Permissions::from_mode(0o755)).expect("mode");
        }
        let config =
            BuilderConfig { allow_directories: true, ..BuilderConfig::new(dir.path().join("cache")) };
        let builder = Builder::new(config, SlugStore::in_memory()).expect("a builder");
        let pack = dir.path().join("pack").to_str().expect("UTF-8").to_owned();
        let request = BuildRequest {
            app: AppName::like("shop"),
            cache: (&AppName::like("shop")).into(),
            source: app,
            buildpacks: vec![pack],
            config: ConfigVars::default(),
        };
        let mut lines = Vec::new();
        builder.build(request, &mut |line| lines.push(line.to_owned())).await.expect("a slug");
        lines
    }

    #[tokio::test]
    async fn an_export_that_is_no_plain_file_is_told_and_not_read() {
        let secret = "echo 'export A=$(x)' > secret; ln -s secret export";
        for script in [secret, "mkfifo export", "mkdir export"] {
            let lines = said(script).await;
            let told = "       the buildpack's export file was not read: it is not a plain file";
            assert!(lines.iter().any(|line| line == told), "{script}: {lines:?}");
        }
        for script in ["true", "echo export A=1 > export"] {
            let lines = said(script).await;
            assert!(lines.iter().all(|line| !line.contains("export")), "{script}: {lines:?}");
        }
    }
}
