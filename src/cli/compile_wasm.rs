use crate::dyno::{CompileError, INVALID_PROGRAM, compile_here};
use rustix::process::{Resource, Rlimit, nice, setrlimit};
use std::{path::PathBuf, process::ExitCode};

/// How much lower than the platform's own the priority of a compilation is.
const NICE: i32 = 10;

/// Compile a wasm program under limits; the platform starts this for itself.
#[derive(Debug, clap::Args)]
pub(super) struct CompileWasm {
    /// Bytes of address space
    #[arg(long)]
    memory: u64,
    /// Seconds of CPU time
    #[arg(long)]
    cpu_seconds: u64,
    /// The wasm
    input: PathBuf,
    /// Where the machine code goes
    output: PathBuf,
}

impl CompileWasm {
    #[expect(clippy::print_stderr, reason = "the process that started this one reads its words there")]
    pub(super) fn run(&self) -> ExitCode {
        match self.limit_and_compile() {
            Ok(()) => ExitCode::SUCCESS,
            Err(CompileError::Invalid { reason, .. }) => {
                eprintln!("{reason}");
                ExitCode::from(u8::try_from(INVALID_PROGRAM).unwrap_or(1))
            }
            Err(error) => {
                eprintln!("{error}");
                ExitCode::FAILURE
            }
        }
    }

    fn limit_and_compile(&self) -> Result<(), CompileError> {
        let failed = |action: &'static str, path: &PathBuf| {
            let path = path.display().to_string();
            move |cause: std::io::Error| CompileError::Cache { action, path, cause }
        };
        let limit = |most: u64| Rlimit { current: Some(most), maximum: Some(most) };
        let limited = setrlimit(Resource::As, limit(self.memory))
            .and_then(|()| setrlimit(Resource::Cpu, limit(self.cpu_seconds)))
            .and_then(|()| setrlimit(Resource::Core, limit(0)));
        limited.map_err(|errno| failed("limit the compiler of", &self.input)(errno.into()))?;
        nice(NICE)
            .map_err(|errno| failed("lower the priority of the compiler of", &self.input)(errno.into()))?;
        let wasm = std::fs::read(&self.input).map_err(failed("read", &self.input))?;
        compile_here("the program", &wasm, &self.output)
    }
}
