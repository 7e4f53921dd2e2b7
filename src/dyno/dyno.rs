use super::{
    Body, Engine, HandleError, Limits, Stdio,
    error::DynoError,
    guest::{Exit, HttpGuest, InstanceCounts, run_command},
    housekeeping::Sweep,
    program::LoadedProgram,
    sandbox::{Disk, Sandbox},
    static_site::{StaticOptions, StaticSite},
    tree_cache::Tree,
};
use crate::app::ConfigVars;
use crate::name::{DynoName, ProcessType};
use crate::slug::{CommandLine, Executable, Slug};
use cap_std::{ambient_authority, fs::Dir};
use http::{Request, Response};
use std::{
    collections::BTreeMap,
    sync::{Arc, Weak},
    time::Duration,
};
use tokio::sync::watch;
use tokio_util::{sync::CancellationToken, task::AbortOnDropHandle};

/// The most instances of one web dyno, whatever `WEB_CONCURRENCY` says.
const MOST_INSTANCES: usize = 64;
/// The most instances when `WEB_CONCURRENCY` says nothing.
const DEFAULT_MOST_INSTANCES: u64 = 16;

/// What becomes of an instance after a request.
#[derive(Clone, Copy, Debug, Default, Eq, PartialEq)]
pub enum Reuse {
    /// It takes the next request: what the app keeps in memory lives as long as the dyno, as on Heroku.
    #[default]
    Instances,
    /// It is dropped: every request meets a fresh instance.
    Nothing,
}

/// What to start.
///
/// ```
/// use hokku::{DynoSpec, app::ConfigVars, dyno::Limits};
///
/// let config = ConfigVars::from_dotenv("GREETING=Hello")?;
/// let spec = DynoSpec { config, limits: Limits { memory: 256 << 20 }, ..DynoSpec::web() };
/// assert_eq!(spec.name.to_string(), "web.1");
/// // Config vars may be secrets: no value is ever shown.
/// assert!(!format!("{spec:?}").contains("Hello"));
/// # Ok::<(), hokku::app::DotenvError>(())
/// ```
#[derive(Clone, Debug)]
pub struct DynoSpec {
    /// The dyno's name; its type decides whether it may take requests.
    pub name: DynoName,
    /// The command to run instead of the one that the slug has for this process type.
    pub command: Option<String>,
    /// The app's config vars.
    pub config: ConfigVars,
    /// `$PORT`, for a web dyno.
    pub port: Option<u16>,
    /// Where its output goes. Default: nowhere.
    pub stdio: Stdio,
    /// What it may take. Default: as a standard dyno.
    pub limits: Limits,
    /// What becomes of instances. Default: they are kept.
    pub reuse: Reuse,
    /// How long a guest may go on after its answer was sent or its client left; then its instance is replaced. Default: 30 s.
    pub linger: Duration,
}

impl DynoSpec {
    /// A dyno that runs what the slug's manifest says for its process type, with no config vars and no output.
    #[must_use]
    pub fn new(name: DynoName) -> Self {
        Self {
            name,
            command: None,
            config: ConfigVars::default(),
            port: None,
            stdio: Stdio::Null,
            limits: Limits::default(),
            reuse: Reuse::default(),
            linger: Duration::from_secs(30),
        }
    }

    /// `web.1`, on port 5000.
    #[must_use]
    pub fn web() -> Self {
        Self { port: Some(5000), ..Self::new(DynoName::new(ProcessType::web(), 1)) }
    }

    /// A one-off dyno that runs `command`.
    #[must_use]
    pub fn one_off(command: impl Into<String>) -> Self {
        Self { command: Some(command.into()), ..Self::new(DynoName::one_off(ProcessType::run())) }
    }
}

/// A running dyno: a small machine with a name, a disk of its own and a lifetime. Dropping it stops it; its
/// disk is removed in the background, for which [`Engine::drained`] waits.
///
/// ```
/// use hokku::{Dyno, DynoSpec, Engine, EngineConfig, Slug, slug::{PackPlan, SlugStore}};
///
/// # fn main() -> Result<(), hokku::dyno::BodyError> {
/// # tokio::runtime::Runtime::new()?.block_on(async {
/// // A program that runs once; `hokku build` makes slugs from whole apps.
/// let app = tempfile::tempdir()?;
/// std::fs::write(app.path().join("job.wat"), r#"(module (memory (export "memory") 1) (func (export "_start")))"#)?;
/// let tree = cap_std::fs::Dir::open_ambient_dir(app.path(), cap_std::ambient_authority())?;
/// let slug = Slug::pack(&SlugStore::in_memory(), tree, PackPlan::default()).await?;
///
/// let engine = Engine::new(EngineConfig::default())?;
/// let dyno = Dyno::start(&engine, &slug, DynoSpec::one_off("job --now")).await?;
/// assert!(dyno.exited().await.is_success());
/// # Ok(()) })
/// # }
/// ```
pub struct Dyno {
    name: DynoName,
    command: String,
    running: Running,
}

enum Running {
    Http(Arc<HttpGuest>),
    Static {
        site: StaticSite,
        _tree: Tree,
    },
    Command(Command),
    #[cfg(test)]
    Scripted(scripted::Script),
}

/// A command on its own task.
struct Command {
    exit: watch::Receiver<Option<Exit>>,
    stop: CancellationToken,
    _task: AbortOnDropHandle<()>,
}

impl std::fmt::Debug for Dyno {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        f.debug_struct("Dyno").field("name", &self.name).finish_non_exhaustive()
    }
}

impl Dyno {
    /// Starts a dyno of `slug`: finds its program, compiles it if that was not done ahead, makes its disk and boots
    /// the first instance or starts the command.
    ///
    /// Call it inside a tokio runtime: a command runs on a task of its own.
    ///
    /// # Errors
    /// [`DynoError`]; [`DynoError::is_the_apps_fault`] tells whose it is. Nothing is left behind.
    pub async fn start(engine: &Engine, slug: &Slug, spec: DynoSpec) -> Result<Self, DynoError> {
        let manifest = slug.manifest();
        let command = match &spec.command {
            Some(command) => command.clone(),
            None => command_of(slug, spec.name.process_type())?.to_owned(),
        };
        let environment = environment(&manifest.config, &spec);
        let unreadable = |cause| DynoError::Command { command: command.clone(), cause };
        let line = CommandLine::parse(&command).map_err(unreadable)?;
        let started = line.expand(|name| environment.get(name).cloned()).map_err(unreadable)?;
        let environment = environment.into_iter().chain(started.environment).collect::<BTreeMap<_, _>>();
        let program = match manifest.lookup(&started.words[0])? {
            Executable::Static => {
                let options = StaticOptions::parse(&started.words[1..])?;
                let (site, tree) = static_site(engine, slug, options).await?;
                return Ok(Self { name: spec.name, command, running: Running::Static { site, _tree: tree } });
            }
            Executable::Program(program) => program,
        };
        let loaded = engine.load(slug, program).await?;
        check_kind(&loaded, &program.path, &spec)?;
        let instances = instances(&loaded, spec.limits, environment.get("WEB_CONCURRENCY"));
        let sandbox = Sandbox {
            arguments: started.words,
            environment: environment.into_iter().collect(),
            disk: disk(engine, slug).await?,
            stdio: spec.stdio,
            process: spec.name.to_string(),
            limits: spec.limits,
        };
        let running = match &*loaded {
            LoadedProgram::Http(_) => {
                let guest =
                    HttpGuest::new(loaded, engine.clone(), sandbox, instances, (spec.reuse, spec.linger));
                let guest = Arc::new(guest);
                guest.boot().await.map_err(|error| DynoError::Instantiate {
                    program: program.path.clone(),
                    reason: format!("{error:#}"),
                })?;
                let sweep: Weak<dyn Sweep> = Arc::downgrade(&(guest.clone() as Arc<dyn Sweep>));
                engine.inner.housekeeping.add(sweep);
                Running::Http(guest)
            }
            LoadedProgram::Command(_) | LoadedProgram::Module(_) => {
                Running::Command(start_command(engine.clone(), loaded, sandbox))
            }
        };
        Ok(Self { name: spec.name, command, running })
    }

    /// The dyno's name.
    #[must_use]
    pub fn name(&self) -> &DynoName {
        &self.name
    }

    /// The command it runs, as the Procfile has it.
    #[must_use]
    pub fn command(&self) -> &str {
        &self.command
    }

    /// Whether it answers requests.
    #[must_use]
    pub fn serves_http(&self) -> bool {
        !matches!(self.running, Running::Command(_))
    }

    /// Answers one request; the bodies stream both ways. The guest runs on the caller's task. When the future or the
    /// answer's body is dropped early, the guest may go on for [`DynoSpec::linger`].
    ///
    /// # Errors
    /// [`HandleError`] tells whose fault it is; after [`HandleError::Backlog`] the request is untouched.
    pub async fn handle(&self, request: Request<Body>) -> Result<Response<Body>, HandleError> {
        match &self.running {
            Running::Http(guest) => guest.handle(request).await,
            Running::Static { site, .. } => Ok(site.handle(request).await),
            Running::Command(_) => Err(HandleError::NotServing(self.name.to_string())),
            #[cfg(test)]
            Running::Scripted(script) => script(request).await,
        }
    }

    /// Waits for a command's end. A dyno that answers requests never ends by itself: this waits for ever.
    ///
    /// Cancel safe.
    pub async fn exited(&self) -> Exit {
        match &self.running {
            Running::Command(command) => {
                let mut exit = command.exit.clone();
                match exit.wait_for(Option::is_some).await {
                    Ok(exit) => exit.clone().unwrap_or(Exit::Stopped),
                    Err(_) => Exit::Stopped,
                }
            }
            _ => std::future::pending().await,
        }
    }

    /// Stops a command now; [`exited`](Self::exited) then tells [`Exit::Stopped`]. Requests that are being answered
    /// are not cut: a web dyno ends when it is dropped and its last answer is sent.
    pub fn stop(&self) {
        if let Running::Command(command) = &self.running {
            command.stop.cancel();
        }
    }

    /// What its instances have done; `None` when it has none.
    #[must_use]
    pub fn instances(&self) -> Option<InstanceCounts> {
        match &self.running {
            Running::Http(guest) => Some(guest.counts()),
            _ => None,
        }
    }
}

/// The command that the slug has for `process_type`.
fn command_of<'a>(slug: &'a Slug, process_type: &ProcessType) -> Result<&'a str, DynoError> {
    let processes = &slug.manifest().processes;
    processes.get(process_type).map(|process| process.command.as_str()).ok_or_else(|| DynoError::NoProcess {
        process: process_type.to_string(),
        known: processes.keys().map(ToString::to_string).collect::<Vec<_>>().join(", "),
    })
}

/// A dyno's environment: what buildpacks set, then config vars, then what the platform says.
fn environment(defaults: &BTreeMap<String, String>, spec: &DynoSpec) -> BTreeMap<String, String> {
    let mut environment = BTreeMap::from([
        ("LANG".to_owned(), "C.UTF-8".to_owned()),
        ("PATH".to_owned(), "/app/bin:/app".to_owned()),
        ("TMPDIR".to_owned(), "/tmp".to_owned()),
    ]);
    environment.extend(defaults.iter().map(|(key, value)| (key.clone(), value.clone())));
    environment.extend(spec.config.iter().map(|(key, value)| (key.to_owned(), value.to_owned())));
    environment.insert("HOME".to_owned(), "/app".to_owned());
    environment.insert("PWD".to_owned(), "/app".to_owned());
    environment.insert("DYNO".to_owned(), spec.name.to_string());
    match spec.port {
        Some(port) => environment.insert("PORT".to_owned(), port.to_string()),
        None => environment.remove("PORT"),
    };
    environment
}

/// How many instances a web dyno may have: `WEB_CONCURRENCY`, else what fits into its memory, at most 16.
fn instances(program: &LoadedProgram, limits: Limits, web_concurrency: Option<&String>) -> usize {
    if let Some(wanted) = web_concurrency.and_then(|value| value.trim().parse::<usize>().ok()) {
        return wanted.clamp(1, MOST_INSTANCES);
    }
    let each = match program {
        LoadedProgram::Http(program) => program.initial_memory.max(1),
        LoadedProgram::Command(_) | LoadedProgram::Module(_) => return 1,
    };
    usize::try_from((limits.memory / each).clamp(1, DEFAULT_MOST_INSTANCES)).unwrap_or(1)
}

fn check_kind(program: &LoadedProgram, path: &str, spec: &DynoSpec) -> Result<(), DynoError> {
    let process = spec.name.process_type();
    let serves = matches!(program, LoadedProgram::Http(_));
    let reason = match (process.is_web(), serves) {
        (true, true) | (false, false) => return Ok(()),
        (true, false) => program.describe().why_not_web(),
        (false, true) => {
            format!("it is {}, which runs only as web; run a command instead", program.describe())
        }
    };
    Err(DynoError::WrongKind { program: path.to_owned(), process: process.to_string(), reason })
}

async fn disk(engine: &Engine, slug: &Slug) -> Result<Arc<Disk>, DynoError> {
    let tree = engine.inner.trees.tree(slug).await?;
    let dynos = engine.inner.trees.scratch().to_owned();
    let removals = engine.inner.lingering.clone();
    let copy = tokio::task::spawn_blocking(move || Disk::copy_of(tree.path(), &dynos, removals));
    let copied = copy.await.unwrap_or_else(|panic| {
        Err(DynoError::Disk { directory: "this process".to_owned(), cause: std::io::Error::other(panic) })
    });
    copied.map(Arc::new)
}

async fn static_site(
    engine: &Engine,
    slug: &Slug,
    options: StaticOptions,
) -> Result<(StaticSite, Tree), DynoError> {
    let tree = engine.inner.trees.tree(slug).await?;
    let open = Dir::open_ambient_dir(tree.path(), ambient_authority());
    let dir =
        open.map_err(|cause| DynoError::Disk { directory: tree.path().display().to_string(), cause })?;
    Ok((StaticSite::new(dir, options)?, tree))
}

fn start_command(engine: Engine, program: Arc<LoadedProgram>, sandbox: Sandbox) -> Command {
    let (ended, exit) = watch::channel(None);
    let stop = CancellationToken::new();
    let stopped = stop.clone();
    let task = async move {
        let run = run_command(&program, sandbox.guest());
        let end = stopped.run_until_cancelled(run).await.unwrap_or(Exit::Stopped);
        if let Exit::Trapped(backtrace) = &end {
            // Whoever reads it may be slow, and must not keep a dyno that is to stop.
            let telling = sandbox.stdio.last_words(&sandbox.process, backtrace);
            stopped.run_until_cancelled(telling).await;
        }
        // Whoever reads the output comes to its end before the end is told.
        drop(sandbox.stdio);
        // The disk goes before the end is told, and before the engine that holds its directory.
        if let Some(disk) = Arc::into_inner(sandbox.disk) {
            disk.removed().await;
        }
        drop(engine);
        ended.send_replace(Some(end));
    };
    #[expect(clippy::disallowed_methods, reason = "the dyno owns the task and aborts it when dropped")]
    let task = AbortOnDropHandle::new(tokio::spawn(task));
    Command { exit, stop, _task: task }
}

/// Dynos that answer as a test says, for the rooms above.
#[cfg(test)]
mod scripted {
    use super::{
        AbortOnDropHandle, Body, CancellationToken, Command, Dyno, Exit, HandleError, Request, Response,
        Running, watch,
    };
    use std::pin::Pin;

    type Answer = Pin<Box<dyn Future<Output = Result<Response<Body>, HandleError>> + Send>>;
    pub(super) type Script = Box<dyn Fn(Request<Body>) -> Answer + Send + Sync>;

    impl Dyno {
        pub(crate) fn from_fn<F, A>(name: &str, answer: F) -> Self
        where
            F: Fn(Request<Body>) -> A + Send + Sync + 'static,
            A: Future<Output = Result<Response<Body>, HandleError>> + Send + 'static,
        {
            let script: Script = Box::new(move |request| Box::pin(answer(request)));
            let name = name.parse().expect("a dyno's name");
            Self { name, command: String::new(), running: Running::Scripted(script) }
        }

        /// A command that ends as `run` says, which sees when it is to stop.
        pub(crate) fn from_command<R>(name: &str, run: impl FnOnce(CancellationToken) -> R) -> Self
        where
            R: Future<Output = Exit> + Send + 'static,
        {
            let (ended, exit) = watch::channel(None);
            let stop = CancellationToken::new();
            let run = run(stop.clone());
            let task = async move { drop(ended.send_replace(Some(run.await))) };
            #[expect(
                clippy::disallowed_methods,
                reason = "the dyno owns the task and aborts it when dropped"
            )]
            let task = AbortOnDropHandle::new(tokio::spawn(task));
            let name = name.parse().expect("a dyno's name");
            Self {
                name,
                command: String::new(),
                running: Running::Command(Command { exit, stop, _task: task }),
            }
        }
    }
}
