use std::{
    io,
    sync::{Mutex, PoisonError},
};

/// Why a dyno did not start.
#[derive(Debug, thiserror::Error)]
#[non_exhaustive]
pub enum DynoError {
    /// The caller's fault: the slug has no such process type.
    #[error(
        "there is no process type `{process}`; the app has: {known}. Add it to the Procfile, or name a command"
    )]
    NoProcess {
        /// The process type asked for.
        process: String,
        /// Those that there are.
        known: String,
    },
    /// The app's fault: the command cannot be read.
    #[error("cannot read the command `{command}`: {cause}")]
    Command {
        /// The command as the Procfile has it.
        command: String,
        /// What is wrong with it.
        cause: crate::slug::CommandError,
    },
    /// The app's fault: the command's first word names no program.
    #[error(transparent)]
    Lookup(#[from] crate::slug::LookupError),
    /// The app's fault: the program is wasm, but not of a kind that runs as this process.
    #[error("{program} cannot run as `{process}`: {reason}")]
    WrongKind {
        /// Path of the program in the slug.
        program: String,
        /// The process type that asks for it.
        process: String,
        /// What it is, what is needed, and what to do.
        reason: String,
    },
    /// The app's fault: the program asks for imports that no dyno has, or fails while it is instantiated.
    #[error("{program} does not start: {reason}")]
    Instantiate {
        /// Path of the program in the slug.
        program: String,
        /// The engine's words.
        reason: String,
    },
    /// The app's fault: the options of the built-in `static` program are wrong.
    #[error(transparent)]
    StaticSite(#[from] super::static_site::StaticSiteError),
    /// The app's or the compiler's limit: the program could not be compiled ahead of time.
    #[error(transparent)]
    Compile(#[from] super::CompileError),
    /// The operator's fault: the slug could not be read.
    #[error(transparent)]
    Slug(#[from] crate::slug::SlugError),
    /// The operator's fault: the dyno's disk could not be made.
    #[error("cannot make the dyno's disk in {directory}: {cause}")]
    Disk {
        /// Where the disk should be.
        directory: String,
        /// The system's words.
        #[source]
        cause: io::Error,
    },
}

impl DynoError {
    /// Whether the app, not the platform, is to be mended.
    #[must_use]
    pub fn is_the_apps_fault(&self) -> bool {
        !matches!(self, Self::Slug(_) | Self::Disk { .. } | Self::Compile(CompileError::Cache { .. }))
    }
}

/// Why a dyno did not answer a request.
#[derive(Debug, thiserror::Error)]
#[non_exhaustive]
pub enum HandleError {
    /// The app's fault: the guest trapped or exited before it answered. Its backtrace is in the app's log.
    #[error("the guest stopped before it answered: {reason}")]
    Crashed {
        /// The trap, in one line.
        reason: String,
    },
    /// The app's fault: the guest returned and had not answered.
    #[error("the guest returned without an answer")]
    NoResponse,
    /// Every instance of the dyno is busy, and its queue is full. The request was not touched and is handed back.
    #[error("all {instances} instances of the dyno are busy and its queue is full")]
    Backlog {
        /// How many instances the dyno may have.
        instances: usize,
        /// The request, as it came.
        request: Box<Untouched>,
    },
    /// The caller's fault: this dyno takes no requests.
    #[error("{0} takes no requests: its command does not serve HTTP")]
    NotServing(String),
    /// The operator's fault.
    #[error("the host could not pass on the request: {0}")]
    Host(String),
}

/// A request that nobody answered, as it came.
#[derive(Debug)]
pub struct Untouched(Mutex<http::Request<super::Body>>);

impl Untouched {
    pub(crate) fn new(request: http::Request<super::Body>) -> Box<Self> {
        // A body may be sent to another thread but not shared; behind a mutex the error stays an ordinary one.
        Box::new(Self(Mutex::new(request)))
    }

    /// The request, for another dyno.
    #[must_use]
    pub fn into_request(self) -> http::Request<super::Body> {
        self.0.into_inner().unwrap_or_else(PoisonError::into_inner)
    }
}

/// Why a program could not be compiled ahead of time.
#[derive(Debug, thiserror::Error)]
#[non_exhaustive]
pub enum CompileError {
    /// The app's fault: the bytes are no program that can run here.
    #[error("{program} is not a program that can run here: {reason}")]
    Invalid {
        /// Path of the program in the slug.
        program: String,
        /// The compiler's words.
        reason: String,
    },
    /// The app's fault: compiling it takes more than one compilation may.
    #[error(
        "compiling {program} took more than {limit}: split the program, or raise the compiler's limits if you run \
         this platform"
    )]
    Limit {
        /// Path of the program in the slug.
        program: String,
        /// The limit that was met.
        limit: String,
    },
    /// The operator's fault: the cache cannot be written or read, or the compiler cannot be started.
    #[error("cannot {action} {path}: {cause}")]
    Cache {
        /// What was tried.
        action: &'static str,
        /// On what.
        path: String,
        /// The system's words.
        #[source]
        cause: io::Error,
    },
}

/// The engine could not be made: the operator's fault.
#[derive(Debug, thiserror::Error)]
#[error("cannot start the WebAssembly engine: {0}")]
pub struct EngineError(pub(super) String);
