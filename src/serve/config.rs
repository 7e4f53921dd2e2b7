use crate::dyno::{Compiler, Reuse};
use crate::name::AppName;
use std::{path::PathBuf, time::Duration};

/// How a directory is served.
#[derive(Clone, Debug)]
pub struct ServeConfig {
    /// The app's directory.
    pub dir: PathBuf,
    /// The app's name, which names its log and its build cache.
    pub app: AppName,
    /// The port on localhost, `127.0.0.1` and `::1`; 0 lets the system choose.
    pub port: u16,
    /// Whether a changed file starts a new build.
    pub watch: bool,
    /// Buildpacks by name or directory; none: they detect.
    pub buildpacks: Vec<String>,
    /// Where slugs, compiled code and build caches are kept. Only this user may write here.
    pub cache_dir: PathBuf,
    /// How programs are compiled ahead of time.
    pub compiler: Compiler,
    /// What becomes of a web dyno's instances after a request.
    pub reuse: Reuse,
    /// How long running requests may take to end when serving stops.
    pub grace: Duration,
}
