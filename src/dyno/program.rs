use super::{engine::Inner, error::CompileError, error::DynoError, guest::GuestState};
use crate::slug::Program;
use std::path::Path;
use wasmtime::{Module, Precompiled, component::Component};
use wasmtime_wasi::p2::bindings::CommandPre;
use wasmtime_wasi_http::p2::bindings::ProxyPre;

/// A compiled program with its imports resolved: only an instance is missing.
pub(super) enum LoadedProgram {
    /// Answers requests.
    Http(HttpProgram),
    /// Runs once: a `wasi:cli/run` component.
    Command(CommandPre<GuestState>),
    /// Runs once: a preview 1 module.
    Module(wasmtime::InstancePre<GuestState>),
}

/// A component that answers requests.
pub(super) struct HttpProgram {
    pub(super) pre: ProxyPre<GuestState>,
    /// Bytes of linear memory that an instance has from its start.
    pub(super) initial_memory: u64,
}

/// Why compiled code cannot be used.
pub(super) enum OpenError {
    /// The file is not whole, or gone.
    Damaged(wasmtime::Error),
    /// It exports nothing that can run here.
    NoEntry,
    /// It imports what no dyno has.
    Imports(wasmtime::Error),
}

impl OpenError {
    pub(super) fn into_dyno_error(self, program: &Program) -> DynoError {
        let program = program.path.clone();
        match self {
            Self::Damaged(error) => CompileError::Cache {
                action: "read the compiled code of",
                path: program,
                cause: std::io::Error::other(format!("{error:#}")),
            }
            .into(),
            Self::NoEntry => CompileError::Invalid {
                program,
                reason: format!(
                    "it is {}; export one of them, or name another program",
                    super::kind::ProgramKind::Other
                ),
            }
            .into(),
            Self::Imports(error) => DynoError::Instantiate { program, reason: format!("{error:#}") },
        }
    }
}

impl LoadedProgram {
    /// Maps the compiled code at `path` and links it against what a dyno offers.
    pub(super) fn open(engine: &Inner, program: &Program, path: &Path) -> Result<Self, OpenError> {
        match wasmtime::Engine::detect_precompiled_file(path).map_err(OpenError::Damaged)? {
            Some(Precompiled::Component) => {
                let component = map_component(&engine.wasmtime, path).map_err(OpenError::Damaged)?;
                Self::link_component(engine, &component)
            }
            Some(Precompiled::Module) => {
                let module = map_module(&engine.wasmtime, path).map_err(OpenError::Damaged)?;
                if module.get_export("_start").is_none() {
                    return Err(OpenError::NoEntry);
                }
                engine.modules.instantiate_pre(&module).map(Self::Module).map_err(OpenError::Imports)
            }
            None => Err(OpenError::Damaged(wasmtime::format_err!("{} is not compiled code", program.path))),
        }
    }

    fn link_component(engine: &Inner, component: &Component) -> Result<Self, OpenError> {
        let exports = component.component_type();
        let has = |prefix: &str| exports.exports(&engine.wasmtime).any(|(name, _)| name.starts_with(prefix));
        let (http, command) = (has("wasi:http/incoming-handler@0.2."), has("wasi:cli/run@0.2."));
        if !http && !command {
            return Err(OpenError::NoEntry);
        }
        let pre = engine.components.instantiate_pre(component).map_err(OpenError::Imports)?;
        if !http {
            return CommandPre::new(pre).map(Self::Command).map_err(OpenError::Imports);
        }
        let initial_memory = component
            .resources_required()
            .and_then(|needs| needs.max_initial_memory_size)
            .unwrap_or_default();
        let pre = ProxyPre::new(pre).map_err(OpenError::Imports)?;
        Ok(Self::Http(HttpProgram { pre, initial_memory }))
    }

    /// What it is, for a message.
    pub(super) fn describe(&self) -> super::kind::ProgramKind {
        match self {
            Self::Http(_) => super::kind::ProgramKind::Http,
            Self::Command(_) => super::kind::ProgramKind::Command,
            Self::Module(_) => super::kind::ProgramKind::CommandModule,
        }
    }
}

// The one place with `unsafe`: wasmtime cannot check that machine code is what its compiler wrote. It holds here as
// far as only this platform writes the files of `CodeCache`: no guest, slug or request can name or reach them, no other
// user may write there, and wasmtime checks the engine's version when it maps them. A build script that runs as the
// same user could write there; so whoever may build is trusted until builds run in a jail.

#[expect(unsafe_code, reason = "compiled code is read only from the cache that the platform alone writes")]
fn map_component(engine: &wasmtime::Engine, path: &Path) -> wasmtime::Result<Component> {
    // SAFETY: see above.
    unsafe { Component::deserialize_file(engine, path) }
}

#[expect(unsafe_code, reason = "compiled code is read only from the cache that the platform alone writes")]
fn map_module(engine: &wasmtime::Engine, path: &Path) -> wasmtime::Result<Module> {
    // SAFETY: see above.
    unsafe { Module::deserialize_file(engine, path) }
}
