use super::{BuildpackStamp, CommandLine, ManifestError, Process, Serves, SlugError};
use super::{archive::EntryPath, manifest::check_path_directory};
use crate::name::ProcessType;
use std::collections::{BTreeMap, HashSet};

/// What to make of a built tree: everything in a manifest that is not seen in the tree itself.
#[derive(Clone, Debug)]
pub struct PackPlan {
    /// The buildpacks that ran, in order.
    pub buildpacks: Vec<BuildpackStamp>,
    /// Directories that buildpacks put on the PATH, relative to the app's root, first to last.
    ///
    /// Programs in them are kept out of the tree's archive, so that a change of code stores only the tree.
    pub buildpack_path: Vec<String>,
    /// The app's own directories on the PATH, after those of buildpacks: `bin`, then `.`.
    ///
    /// Programs in them stay in the tree as well; a `*.wat` in them is a program too.
    pub app_path: Vec<String>,
    /// Default config vars.
    pub config: BTreeMap<String, String>,
    /// What can be run.
    pub processes: BTreeMap<ProcessType, ProcessPlan>,
    /// Which program packs, as `hokku 0.1.0`.
    pub created_by: String,
    /// Most bytes of the packed tree and all distinct programs together; by default 1 GB.
    pub limit: u64,
    /// Looks at the wasm that a web process runs and tells how it serves, or why it cannot; by default nobody looks.
    pub inspect: Option<Inspect>,
}

/// How a program's wasm serves requests, or why it does not.
pub type Inspect = fn(&[u8]) -> Result<Serves, String>;

/// What one process type runs.
#[derive(Clone, Debug, Eq, PartialEq)]
pub struct ProcessPlan {
    /// The command line, as in a Procfile.
    pub command: String,
    /// How it serves, where that cannot be seen from the program itself.
    pub serves: Option<Serves>,
}

impl Default for PackPlan {
    fn default() -> Self {
        Self {
            buildpacks: Vec::new(),
            buildpack_path: Vec::new(),
            app_path: vec!["bin".to_owned(), ".".to_owned()],
            config: BTreeMap::new(),
            processes: BTreeMap::new(),
            created_by: concat!("hokku ", env!("CARGO_PKG_VERSION")).to_owned(),
            limit: 1_000_000_000,
            inspect: None,
        }
    }
}

/// A directory of the PATH, and whether its programs are kept out of the tree.
#[derive(Clone, Debug, Eq, PartialEq)]
pub(super) struct PathDirectory {
    pub(super) path: String,
    pub(super) apart: bool,
}

impl PackPlan {
    /// The whole PATH, each directory once, in its plain form.
    pub(super) fn path(&self) -> Result<Vec<PathDirectory>, ManifestError> {
        let app: Vec<_> = self.app_path.iter().map(|dir| plain(dir)).collect();
        let all = self.buildpack_path.iter().map(|dir| plain(dir)).chain(app.iter().cloned());
        let mut seen = HashSet::new();
        all.filter(|dir| seen.insert(dir.clone()))
            .map(|path| {
                check_path_directory(&path)?;
                Ok(PathDirectory { apart: !app.contains(&path), path })
            })
            .collect()
    }

    pub(super) fn processes(&self) -> Result<BTreeMap<ProcessType, Process>, SlugError> {
        let process = |(process_type, plan): (&ProcessType, &ProcessPlan)| {
            let refuse = |cause| SlugError::Command { process_type: process_type.clone(), cause };
            CommandLine::parse(&plan.command).map_err(refuse)?;
            let process = Process { command: plan.command.clone(), serves: plan.serves };
            Ok((process_type.clone(), process))
        };
        self.processes.iter().map(process).collect()
    }
}

/// `./bin/` is `bin`, and the root is `.`; what may not be is left for the check.
fn plain(dir: &str) -> String {
    if dir.starts_with('/') {
        return dir.to_owned();
    }
    let names: Vec<_> = dir.split('/').filter(|name| !matches!(*name, "" | ".")).collect();
    if names.is_empty() { ".".to_owned() } else { names.join("/") }
}

impl PathDirectory {
    /// The path of `name` in it.
    pub(super) fn join(&self, name: &[u8]) -> Result<EntryPath, super::Refusal> {
        let mut path = if self.path == "." { Vec::new() } else { format!("{}/", self.path).into_bytes() };
        path.extend(name);
        EntryPath::parse(&path)
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_path_is_plain_and_each_directory_once() {
        let plan = PackPlan {
            buildpack_path: vec!["./.python/bin/".into(), "bin".into(), ".python/bin".into()],
            ..PackPlan::default()
        };
        let path = plan.path().expect("legal");
        let read: Vec<_> = path.iter().map(|dir| (dir.path.as_str(), dir.apart)).collect();
        assert_eq!(read, [(".python/bin", true), ("bin", false), (".", false)]);
        for dir in ["/usr/bin", "../bin", "a/../../b"] {
            let plan = PackPlan { buildpack_path: vec![dir.into()], ..PackPlan::default() };
            assert!(plan.path().is_err(), "{dir}");
        }
    }

    #[test]
    fn a_command_with_shell_syntax_is_refused_by_its_type() {
        let plan = ProcessPlan { command: "python a.py && python b.py".into(), serves: None };
        let plan = PackPlan { processes: [(ProcessType::web(), plan)].into(), ..PackPlan::default() };
        insta::assert_snapshot!(plan.processes().expect_err("shell"), @"process type `web`: `&&` is shell syntax; there is no shell in a dyno: put the first command into the release process type, or write a script in your app's language");
    }
}
