use super::GuestState;
use crate::dyno::program::LoadedProgram;
use std::fmt;
use wasmtime_wasi::I32Exit;

/// How a command ended.
#[derive(Clone, Debug, Eq, PartialEq)]
pub enum Exit {
    /// By itself, with an exit status: 0 is success.
    Status(i32),
    /// By a trap: out of memory, unreachable code, a stack overflow. The text is the guest's backtrace.
    Trapped(String),
    /// It was stopped from outside.
    Stopped,
}

impl Exit {
    /// The exit status that a shell would see: 134 after a trap (as SIGABRT), 143 when stopped (as SIGTERM).
    #[must_use]
    pub fn code(&self) -> i32 {
        match self {
            Self::Status(code) => *code,
            Self::Trapped(_) => 134,
            Self::Stopped => 143,
        }
    }

    /// Whether it is success.
    #[must_use]
    pub fn is_success(&self) -> bool {
        *self == Self::Status(0)
    }
}

impl fmt::Display for Exit {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "Process exited with status {}", self.code())
    }
}

/// Runs a program to its end. Dropping the future stops the guest.
pub(in crate::dyno) async fn run_command(
    program: &LoadedProgram,
    state: wasmtime::Result<GuestState>,
) -> Exit {
    let ended = match program {
        LoadedProgram::Command(pre) => async {
            let mut store = state?.into_store(pre.engine());
            store.set_epoch_deadline(1);
            let command = pre.instantiate_async(&mut store).await?;
            command.wasi_cli_run().call_run(&mut store).await
        }
        .await
        .map(|result| i32::from(result.is_err())),
        LoadedProgram::Module(pre) => async {
            let mut store = state?.into_store(pre.module().engine());
            store.set_epoch_deadline(1);
            let instance = pre.instantiate_async(&mut store).await?;
            let start = instance.get_typed_func::<(), ()>(&mut store, "_start")?;
            start.call_async(&mut store, ()).await
        }
        .await
        .map(|()| 0),
        LoadedProgram::Http(_) => {
            Err(wasmtime::format_err!("the program answers requests; it does not run to an end"))
        }
    };
    match ended {
        Ok(status) => Exit::Status(status),
        Err(error) => match error.downcast_ref::<I32Exit>() {
            Some(I32Exit(status)) => Exit::Status(*status),
            None => Exit::Trapped(format!("{error:?}")),
        },
    }
}
