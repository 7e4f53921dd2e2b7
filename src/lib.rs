//! Hokku: a self-hosted Heroku on WebAssembly, as a library.
//!
//! An ordinary web app becomes a Wasm **slug**, the slug runs as sandboxed **dynos**, a **router** brings the
//! requests, and a **logplex** gathers every line that is said on the way.
//!
//! ```text
//!   source ──► build ──► slug ──► dyno ◄── router ◄── request
//!             buildpacks  store    guest              HTTP/1.1, HTTP/2
//!                │                   │         │
//!                └───────────────────┴─────────┴──► logplex ──► tails
//! ```
//!
//! # Floors
//!
//! Each room is a module. It imports only from floors below its own, and neighbours on a floor never import each
//! other; `tests/layers.rs` keeps this true.
//!
//! ```text
//! cli                            one file per command; the only place that prints
//! serve    platform              composition roots: a directory, or a data directory, in; a running system out
//! git      router   api          the doors
//! release                        the one way in which anything becomes a release
//! access   build    formation    the decisions
//! dyno                           running one guest; the only room that knows wasmtime
//! ledger   logplex               the records
//! app      slug                  the things
//! name     clock                 the words
//! ```
//!
//! # The way of a build
//!
//! [`build`] copies the source, detects a buildpack and runs it with a clean environment and a time limit, streaming
//! what it says; [`slug`] packs the result: a manifest that names the app's tree and each wasm program by digest, so
//! that a code-only change stores only the tree; [`dyno`] compiles each program ahead of time, once per engine
//! version, in a process with limits of its own.
//!
//! # The way of a push
//!
//! [`git`] lets in whom [`access`] knows, hands what comes to the system's git, and is asked by its hook before a branch
//! moves: it reads the commit's tree in quarantine, gives it to [`release`], and repeats what the build says to who pushes.
//! The branch moves only with a release that became current.
//!
//! # The way of a change
//!
//! [`api`] takes it from its caller and decides it over the ledger's present state; [`ledger`] appends it, on the disk,
//! before anybody is told, and publishes the next state. What becomes a release goes through [`release`]: build, release
//! phase, one batch of entries. [`formation`] sees the new state, starts what is wanted, publishes its roster, and stops
//! what is not; [`platform`] makes the router's table of both.
//!
//! # The way of a request
//!
//! [`router`] finds the app by host in a published snapshot and picks a dyno; [`dyno::Dyno::handle`] runs the guest
//! on the connection's own task with a warm instance; one router line and the guest's output meet in the
//! [`logplex`]. No lock is shared between cores and nothing is queued elsewhere.
//!
//! # The way of a one-off dyno
//!
//! [`api`] takes the order and gives out a secret address; [`formation`] lists the dyno and waits. Who comes with the
//! secret holds the other ends of its three pipes ([`dyno::Stdio::piped`]): in frames for our client, as on a terminal for
//! Heroku's. The dyno starts when its client is there, and ends when it goes.
//!
//! # Embedding
//!
//! Without default features only the rooms up to [`dyno`] are compiled: no command line, no build, no sockets.
//!
//! ```
//! use http_body_util::BodyExt as _;
//! use hokku::{Body, Dyno, DynoSpec, Engine, EngineConfig, Slug};
//! use hokku::slug::{PackPlan, ProcessPlan, SlugStore};
//!
//! # fn main() -> Result<(), hokku::dyno::BodyError> {
//! # tokio::runtime::Runtime::new()?.block_on(async {
//! // A directory with a page; `hokku build` makes such slugs from apps, and `Slug::import` reads them.
//! let app = tempfile::tempdir()?;
//! std::fs::write(app.path().join("index.html"), "<h1>A page</h1>")?;
//! let tree = cap_std::fs::Dir::open_ambient_dir(app.path(), cap_std::ambient_authority())?;
//! let web = ProcessPlan { command: "static .".to_owned(), serves: None };
//! let plan = PackPlan { processes: [("web".parse()?, web)].into(), ..PackPlan::default() };
//! let slug = Slug::pack(&SlugStore::in_memory(), tree, plan).await?;
//!
//! let engine = Engine::new(EngineConfig::default())?;
//! let dyno = Dyno::start(&engine, &slug, DynoSpec::web()).await?;
//! let request = http::Request::get("/").body(Body::default())?;
//! let response = dyno.handle(request).await?;
//! assert_eq!(response.status(), 200);
//! let page = response.into_body().collect().await?.to_bytes();
//! assert_eq!(page, "<h1>A page</h1>");
//! # Ok(()) })
//! # }
//! ```

#[cfg(feature = "platform")]
pub mod access;
#[cfg(feature = "platform")]
pub mod api;
pub mod app;
#[cfg(feature = "platform")]
pub mod build;
#[cfg(feature = "cli")]
#[doc(hidden)]
pub mod cli;
pub mod clock;
#[cfg(feature = "platform")]
#[doc(hidden)]
pub mod crash_point;
pub mod dyno;
#[cfg(feature = "platform")]
pub mod formation;
#[cfg(feature = "platform")]
pub mod git;
#[cfg(feature = "platform")]
pub mod ledger;
pub mod logplex;
pub mod name;
#[cfg(feature = "platform")]
pub mod platform;
#[cfg(feature = "platform")]
pub mod release;
#[cfg(feature = "platform")]
pub mod router;
#[cfg(feature = "platform")]
pub mod serve;
pub mod slug;

pub use dyno::{Body, Dyno, DynoSpec, Engine, EngineConfig};
pub use slug::Slug;
