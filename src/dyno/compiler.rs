use super::error::CompileError;
use bytes::Bytes;
use std::{
    path::{Path, PathBuf},
    process::Stdio,
    time::Duration,
};
use tokio::io::AsyncReadExt as _;

/// What one compilation may take. Compiling is where hostile wasm burns memory and time.
#[derive(Clone, Copy, Debug, Eq, PartialEq)]
pub struct CompileLimits {
    /// Address space of the compiling process in bytes. Default: 6 GiB.
    pub memory: u64,
    /// CPU time of the compiling process. Default: 5 min.
    pub cpu: Duration,
}

impl Default for CompileLimits {
    fn default() -> Self {
        Self { memory: 6 << 30, cpu: Duration::from_mins(5) }
    }
}

/// How wasm becomes machine code.
#[derive(Clone, Debug)]
pub enum Compiler {
    /// On threads of this process, without limits of its own: for embedders who trust their wasm.
    InProcess,
    /// In a process per program, which sets its own limits and priority first: `PROGRAM compile-wasm …`.
    Subprocess {
        /// The `hokku` binary.
        program: PathBuf,
        /// What each compilation may take.
        limits: CompileLimits,
    },
}

impl Compiler {
    /// Compiles `wasm` for engines of this version, and leaves the machine code in `output`.
    pub(super) async fn compile(&self, name: &str, wasm: Bytes, output: &Path) -> Result<(), CompileError> {
        match self {
            Self::InProcess => {
                let (name, output) = (name.to_owned(), output.to_owned());
                tokio::task::spawn_blocking(move || compile_here(&name, &wasm, &output)).await.unwrap_or_else(
                    |panic| {
                        Err(CompileError::Cache {
                            action: "wait for the compiler of",
                            path: "this process".to_owned(),
                            cause: std::io::Error::other(panic),
                        })
                    },
                )
            }
            Self::Subprocess { program, limits } => {
                compile_elsewhere(program, *limits, name, &wasm, output).await
            }
        }
    }
}

/// Compiles on this thread (and Cranelift's own) and writes the machine code to `output`.
///
/// # Errors
/// [`CompileError::Invalid`] when `wasm` is no program for this engine; [`CompileError::Cache`] when `output`
/// cannot be written.
pub fn compile_here(name: &str, wasm: &[u8], output: &Path) -> Result<(), CompileError> {
    let invalid = |error: wasmtime::Error| CompileError::Invalid {
        program: name.to_owned(),
        reason: format!("{error:#}"),
    };
    let engine = wasmtime::Engine::new(&super::engine::compile_config()).map_err(invalid)?;
    let code = if wasmparser::Parser::is_component(wasm) {
        engine.precompile_component(wasm)
    } else {
        engine.precompile_module(wasm)
    }
    .map_err(invalid)?;
    std::fs::write(output, code).map_err(|cause| CompileError::Cache {
        action: "write",
        path: output.display().to_string(),
        cause,
    })
}

/// Exit status with which `compile-wasm` says that the program, not the compiler, is at fault.
pub const INVALID_PROGRAM: i32 = 65;

async fn compile_elsewhere(
    compiler: &Path,
    limits: CompileLimits,
    name: &str,
    wasm: &[u8],
    output: &Path,
) -> Result<(), CompileError> {
    let host = |action, path: &Path| {
        let path = path.display().to_string();
        move |cause| CompileError::Cache { action, path, cause }
    };
    let input = output.with_extension("wasm");
    tokio::fs::write(&input, wasm).await.map_err(host("write", &input))?;
    let child = tokio::process::Command::new(compiler)
        .arg("compile-wasm")
        .arg(format!("--memory={}", limits.memory))
        .arg(format!("--cpu-seconds={}", limits.cpu.as_secs().max(1)))
        .arg(&input)
        .arg(output)
        .env_clear()
        .stdin(Stdio::null())
        .stdout(Stdio::null())
        .stderr(Stdio::piped())
        .kill_on_drop(true)
        .spawn();
    let mut child = child.map_err(host("start the compiler", compiler))?;
    let mut said = Vec::new();
    if let Some(stderr) = child.stderr.take() {
        stderr.take(64 * 1024).read_to_end(&mut said).await.map_err(host("hear", compiler))?;
    }
    let status = child.wait().await.map_err(host("wait for", compiler))?;
    let reason = String::from_utf8_lossy(&said).trim().to_owned();
    match status.code() {
        Some(0) => Ok(()),
        Some(INVALID_PROGRAM) => Err(CompileError::Invalid { program: name.to_owned(), reason }),
        Some(_) => Err(host("compile with", compiler)(std::io::Error::other(reason))),
        None => Err(CompileError::Limit {
            program: name.to_owned(),
            limit: format!("{} MiB of memory or {} s of CPU time", limits.memory >> 20, limits.cpu.as_secs()),
        }),
    }
}
