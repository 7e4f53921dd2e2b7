use std::{
    collections::BTreeMap,
    env,
    ffi::{OsStr, OsString},
    path::Path,
    process::Command,
};

/// Where programs are when the operator has no `PATH`.
const DEFAULT_PATH: &str = "/usr/local/bin:/usr/bin:/bin";

/// The variables that a build's scripts see: what the operator lets through, and the build's own. No `Debug`:
/// a proxy's address may hold a password.
#[derive(Clone)]
pub(super) struct Environment(BTreeMap<OsString, OsString>);

impl Environment {
    /// The operator's `PATH` and those of `passthrough` that are set, as they are now.
    pub(super) fn of_operator(passthrough: &[String]) -> Self {
        let named = passthrough.iter().filter_map(|name| Some((name.into(), env::var_os(name)?)));
        let mut vars: BTreeMap<OsString, OsString> = named.collect();
        vars.insert("PATH".into(), env::var_os("PATH").unwrap_or_else(|| DEFAULT_PATH.into()));
        Self(vars)
    }

    pub(super) fn set(&mut self, name: impl Into<OsString>, value: impl AsRef<OsStr>) {
        self.0.insert(name.into(), value.as_ref().to_owned());
    }

    pub(super) fn get(&self, name: &str) -> Option<&OsStr> {
        self.0.get(OsStr::new(name)).map(OsString::as_os_str)
    }

    /// A command with this environment and no other, in the directory `HOME`: never in the app's, where
    /// interpreters would look for their own modules first.
    pub(super) fn command(&self, program: &Path) -> Command {
        let mut command = Command::new(program);
        command.env_clear().envs(&self.0);
        if let Some(home) = self.get("HOME") {
            command.current_dir(home);
        }
        command
    }
}
