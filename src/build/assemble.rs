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
    BuildpackStamp, CommandLine, Manifest, PackPlan, Process, ProcessPlan, Procfile, Serves, Slug,
};
use cap_std::{ambient_authority, fs::Dir};
use std::{collections::BTreeMap, fs, io, path::Path};

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
        let tree = Dir::open_ambient_dir(build, ambient_authority())
            .map_err(|cause| BuildError::host("open", build, cause))?;
        let slug = Slug::pack(&shared.store, tree, plan).await;
        let slug = slug.map_err(|cause| BuildError::packing(cause, build))?;
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

/// Reads a text that must be a plain file of the build directory: a link there might lead anywhere.
fn read_plain(path: &Path) -> io::Result<String> {
    let about = fs::symlink_metadata(path)?;
    if !about.is_file() {
        return Err(io::Error::new(io::ErrorKind::InvalidInput, "it is not a plain file"));
    }
    if about.len() > Procfile::BYTES_LIMIT as u64 {
        return Err(io::Error::new(io::ErrorKind::FileTooLarge, "it is larger than 64 KiB"));
    }
    fs::read_to_string(path)
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
