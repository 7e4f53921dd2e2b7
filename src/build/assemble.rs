use super::{
    BuildError,
    builder::Shared,
    buildpack::Buildpack,
    declared::{Release, path_in_app},
    error::size,
    log::Log,
};
use crate::dyno::ProgramKind;
use crate::name::ProcessType;
use crate::slug::{
    BuildpackStamp, CommandLine, Manifest, PackPlan, Process, ProcessPlan, Procfile, Serves, Slug, SlugError,
};
use cap_std::{ambient_authority, fs::Dir};
use rustix::fs::OFlags;
use std::{
    collections::BTreeMap,
    fs::{self, File},
    io::{self, Read},
    os::unix::fs::OpenOptionsExt,
    path::Path,
};

/// The program word of the host's own file server.
const STATIC: &str = "static";

/// What the buildpacks declared, on its way to a slug.
#[derive(Debug, Default)]
pub(super) struct Assembly {
    stamps: Vec<BuildpackStamp>,
    path: Vec<String>,
    config: BTreeMap<String, String>,
    /// The types of the last buildpack that declares any, with what it calls itself.
    defaults: Option<(String, Vec<(ProcessType, String)>)>,
}

impl Assembly {
    /// Takes what one buildpack declared; of two values for one config var the later buildpack's holds.
    pub(super) fn add(
        &mut self,
        buildpack: &Buildpack,
        title: &str,
        release: Release,
    ) -> Result<(), BuildError> {
        self.stamps.push(BuildpackStamp { name: buildpack.name.clone(), version: buildpack.version.clone() });
        let Release { mut config_vars, default_process_types } = release;
        for dir in config_vars.remove("PATH").iter().flat_map(|path| path_in_app(path)) {
            if !self.path.contains(&dir) {
                self.path.push(dir);
            }
        }
        self.config.extend(config_vars);
        if !default_process_types.is_empty() {
            let parsed: Result<Vec<_>, BuildError> = default_process_types
                .into_iter()
                .map(|(name, command)| Ok((name.parse()?, command)))
                .collect();
            self.defaults = Some((title.to_owned(), parsed?));
        }
        Ok(())
    }

    /// Packs the tree in `build` and checks that every process type can be run.
    pub(super) async fn pack(self, build: &Path, shared: &Shared, log: &mut Log) -> Result<Slug, BuildError> {
        let types = self.types(build, log).await?;
        let by_default = !build.join("Procfile").exists();
        let own_static = self.has_program(build, STATIC);
        let plan = |(name, command)| process(name, command, !own_static);
        let processes = types.into_iter().map(plan).collect::<Result<_, _>>()?;
        log.heading("Compressing...").await;
        let plan = PackPlan {
            buildpacks: self.stamps,
            buildpack_path: self.path,
            config: self.config,
            processes,
            limit: shared.config.slug_limit,
            inspect: Some(ProgramKind::how_web_serves),
            ..PackPlan::default()
        };
        let slug = match pack_tree(build, shared, plan.clone()).await {
            // Nobody asked for this web process, and its program runs as a command.
            Err(BuildError::Slug(SlugError::Serves { process_type, program, .. })) if by_default => {
                log.detail(&format!("{program} serves no requests: no {process_type} process")).await;
                let mut plan = plan;
                plan.processes.remove(&process_type);
                pack_tree(build, shared, plan).await?
            }
            packed => packed?,
        };
        check(slug.manifest())?;
        log.detail(&format!("Done: {}", size(slug.manifest().size()))).await;
        Ok(slug)
    }

    /// Whether the app brings a program of this name, which then stands before the host's own.
    fn has_program(&self, build: &Path, name: &str) -> bool {
        let dirs = self.path.iter().map(String::as_str).chain(["bin", "."]);
        dirs.flat_map(|dir| ["", ".wasm", ".wat"].map(|end| build.join(dir).join(format!("{name}{end}"))))
            .any(|path| path.is_file())
    }

    /// The process types of the Procfile or, where there is none, of the buildpacks.
    async fn types(&self, build: &Path, log: &mut Log) -> Result<Vec<(ProcessType, String)>, BuildError> {
        log.heading("Discovering process types").await;
        let path = build.join("Procfile");
        let declared = match read_plain(&path) {
            Err(error) if error.kind() == io::ErrorKind::NotFound => None,
            other => Some(other.map_err(|cause| BuildError::Source { path: "Procfile".into(), cause })?),
        };
        if let Some(text) = declared {
            let procfile = Procfile::parse(&text)?;
            let types: Vec<_> =
                procfile.iter().map(|(name, command)| (name.clone(), command.to_owned())).collect();
            log.detail(&format!("Procfile declares types -> {}", names(&types))).await;
            return Ok(types);
        }
        let (title, types) = self.defaults.clone().unwrap_or_default();
        let whose = if title.is_empty() { "buildpack" } else { &title };
        log.detail(&format!("Default types for {whose} -> {}", names(&types))).await;
        Ok(types)
    }
}

async fn pack_tree(build: &Path, shared: &Shared, plan: PackPlan) -> Result<Slug, BuildError> {
    let tree = Dir::open_ambient_dir(build, ambient_authority())
        .map_err(|cause| BuildError::host("open", build, cause))?;
    let slug = Slug::pack(&shared.store, tree, plan).await;
    slug.map_err(|cause| BuildError::packing(cause, build))
}

/// Reads a text that must be a plain file, of at most 64 KiB, in a directory that an app or a buildpack wrote:
/// a link there might lead anywhere, and a pipe never end.
///
/// Blocks, but waits for nobody.
pub(super) fn read_plain(path: &Path) -> io::Result<String> {
    let not_plain = || io::Error::new(io::ErrorKind::InvalidInput, "it is not a plain file");
    if !fs::symlink_metadata(path)?.is_file() {
        return Err(not_plain());
    }
    // Whoever wrote it may put something else there until it is opened.
    let flags = OFlags::NOFOLLOW | OFlags::NONBLOCK;
    let file = File::options().read(true).custom_flags(flags.bits().cast_signed()).open(path)?;
    if !file.metadata()?.is_file() {
        return Err(not_plain());
    }
    let mut bytes = Vec::new();
    file.take(Procfile::BYTES_LIMIT as u64 + 1).read_to_end(&mut bytes)?;
    if bytes.len() > Procfile::BYTES_LIMIT {
        return Err(io::Error::new(io::ErrorKind::FileTooLarge, "it is larger than 64 KiB"));
    }
    String::from_utf8(bytes).map_err(|_| io::Error::new(io::ErrorKind::InvalidData, "it is not UTF-8"))
}

fn names(types: &[(ProcessType, String)]) -> String {
    let names: Vec<_> = types.iter().map(|(name, _)| name.as_ref()).collect();
    if names.is_empty() { "(none)".to_owned() } else { names.join(", ") }
}

/// What a type runs. How it serves is seen from the program itself, but for files, which need none.
fn process(
    process_type: ProcessType,
    command: String,
    static_is_ours: bool,
) -> Result<(ProcessType, ProcessPlan), BuildError> {
    let line = CommandLine::parse(&command).map_err(|error| refuse(&process_type, &command, &error))?;
    let is_static = static_is_ours && line.program().as_deref() == Some(STATIC);
    if is_static && !process_type.is_web() {
        return Err(refuse(&process_type, &command, &"`static` serves requests: only `web` can be it"));
    }
    let serves = is_static.then_some(Serves::Static);
    Ok((process_type, ProcessPlan { command, serves }))
}

/// Looks the program of every process type up, as a dyno will.
fn check(manifest: &Manifest) -> Result<(), BuildError> {
    for (process_type, Process { command, .. }) in &manifest.processes {
        let line = CommandLine::parse(command).map_err(|error| refuse(process_type, command, &error))?;
        // A program that is a variable is known only when the process starts.
        if let Some(word) = line.program() {
            manifest.lookup(&word).map_err(|error| refuse(process_type, command, &error))?;
        }
    }
    Ok(())
}

fn refuse(process_type: &ProcessType, command: &str, reason: &dyn std::fmt::Display) -> BuildError {
    let command = command.chars().take(200).collect();
    BuildError::Process { process_type: process_type.clone(), command, reason: reason.to_string() }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn only_plain_files_of_bounded_size_are_read() {
        let dir = tempfile::tempdir().expect("dir");
        let path = |name: &str| dir.path().join(name);
        let limit = Procfile::BYTES_LIMIT;
        fs::write(path("plain"), "a".repeat(limit)).expect("file");
        assert_eq!(read_plain(&path("plain")).expect("text").len(), limit);
        std::os::unix::fs::symlink(path("plain"), path("link")).expect("link");
        rustix::fs::mknodat(rustix::fs::CWD, path("pipe"), rustix::fs::FileType::Fifo, 0o600.into(), 0)
            .expect("fifo");
        for name in ["link", "pipe", "."] {
            let error = read_plain(&path(name)).expect_err("refused");
            assert_eq!(error.to_string(), "it is not a plain file", "{name}");
        }
        // A letter that the limit cuts in two.
        fs::write(path("large"), "a".repeat(limit) + "é").expect("file");
        insta::assert_snapshot!(read_plain(&path("large")).expect_err("refused"), @"it is larger than 64 KiB");
        assert_eq!(read_plain(&path("none")).expect_err("none").kind(), io::ErrorKind::NotFound);
    }
}
