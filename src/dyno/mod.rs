//! The dyno: running one guest. The only room that knows wasmtime.
//!
//! # Owns
//! [`Engine`] with ahead-of-time compilation and its cache; [`Dyno`], from a slug to answers or an exit status; the
//! `Sandbox` with all that a guest can see; files served without a guest ([`static_site`]).
//!
//! # Invariants
//! 1. A guest that traps, spins or leaves costs its own instance; the next request gets another.
//! 2. Compiled code comes only from the engine's cache, never from a slug, a tree or a build.
//! 3. A guest sees nothing of the host but what `sandbox` gives it.
//!
//! # Not here
//! Which dynos run, and when they are started again: [`crate::serve`]. Which request goes to which dyno:
//! [`crate::router`].

mod code_cache;
mod compiler;
#[expect(clippy::module_inception, reason = "the room is named for its central type")]
mod dyno;
mod engine;
mod error;
mod guest;
mod housekeeping;
mod kind;
mod private_dir;
mod program;
mod sandbox;
mod scratch;
mod single_flight;
pub mod static_site;
mod tree_cache;

pub use compiler::{CompileLimits, Compiler, INVALID_PROGRAM, compile_here};
pub use dyno::{Dyno, DynoSpec, Reuse};
pub use engine::{Engine, EngineConfig, PrepareEvent};
pub use error::{CompileError, DynoError, EngineError, HandleError, Untouched};
pub use guest::{Exit, InstanceCounts};
pub use kind::ProgramKind;
pub use private_dir::make_private;
pub use sandbox::{Limits, Look, PipeEnds, PipeReader, PipeWriter, Pipes, Stdio};

/// Why a body broke off.
pub type BodyError = Box<dyn std::error::Error + Send + Sync>;

/// A request's or response's body: a stream of chunks of bytes, and trailers.
pub type Body = http_body_util::combinators::UnsyncBoxBody<bytes::Bytes, BodyError>;
