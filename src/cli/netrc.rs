use super::netrc_text::{Login, NetrcText};
use std::{
    fs::{self, File},
    io::{self, Read as _, Write as _},
    os::unix::fs::PermissionsExt as _,
    path::{Path, PathBuf},
};

/// The largest netrc file that is read.
const SIZE_LIMIT: u64 = 1024 * 1024;

/// The user's netrc file, in which the tokens of platforms are kept as Heroku's CLI keeps them: `machine HOST:PORT`,
/// `login EMAIL`, `password TOKEN`.
#[derive(Clone, Debug)]
pub(super) struct Netrc {
    path: PathBuf,
}

/// Why the netrc file could not be used. No message holds anything of what is in the file.
#[derive(Debug, thiserror::Error)]
pub(super) enum NetrcError {
    /// The system's.
    #[error("cannot {action} {}: {cause}", path.display())]
    File {
        /// What failed: `read`.
        action: &'static str,
        /// The file.
        path: PathBuf,
        /// Why.
        cause: io::Error,
    },
    /// The file is too large to be one.
    #[error("{} is larger than 1 MiB: set NETRC to another file", path.display())]
    TooLarge {
        /// The file.
        path: PathBuf,
    },
    /// What would be added would become a part of the last entry.
    #[error("{} ends in the middle of an entry: mend its end first", path.display())]
    Unfinished {
        /// The file.
        path: PathBuf,
    },
    /// The platform's: it gave out something that cannot be kept.
    #[error("the {what} that the platform gave out holds characters that no {what} has")]
    NotAWord {
        /// `token`.
        what: &'static str,
    },
}

/// A login that was found.
pub(super) struct Found {
    pub(super) login: Login,
    /// Others could read the file. They no longer can.
    pub(super) was_open: bool,
}

impl Netrc {
    /// `$NETRC`, else `.netrc` in the home directory; `None` without one.
    pub(super) fn of_environment() -> Option<Self> {
        let named = |name| std::env::var_os(name).filter(|value| !value.is_empty()).map(PathBuf::from);
        let path = named("NETRC").or_else(|| named("HOME").map(|home| home.join(".netrc")))?;
        Some(Self::at(path))
    }

    pub(super) fn at(path: PathBuf) -> Self {
        Self { path }
    }

    pub(super) fn path(&self) -> &Path {
        &self.path
    }

    /// The login for exactly this machine. A file with a secret that others may read is closed to them.
    pub(super) fn find(&self, machine: &str) -> Result<Option<Found>, NetrcError> {
        let Some(login) = self.text()?.find(machine) else { return Ok(None) };
        let mode = fs::metadata(&self.path).map_err(self.failed("read"))?.permissions().mode();
        let was_open = mode & 0o077 != 0;
        if was_open {
            fs::set_permissions(&self.path, fs::Permissions::from_mode(0o600))
                .map_err(self.failed("close to others"))?;
        }
        Ok(Some(Found { login, was_open }))
    }

    /// Keeps a login for `machine` in place of any other for it.
    pub(super) fn keep(&self, machine: &str, login: &Login) -> Result<(), NetrcError> {
        for (what, value) in [("e-mail address", &login.login), ("token", &login.password)] {
            if !is_word(value) {
                return Err(NetrcError::NotAWord { what });
            }
        }
        let text = self.text()?.with(machine, login);
        self.write(&text.map_err(|_| NetrcError::Unfinished { path: self.path.clone() })?)
    }

    /// Forgets every login for `machine`.
    pub(super) fn forget(&self, machine: &str) -> Result<(), NetrcError> {
        let text = self.text()?;
        let without = text.without(machine);
        let without = without.map_err(|_| NetrcError::Unfinished { path: self.path.clone() })?;
        if without == text { Ok(()) } else { self.write(&without) }
    }

    fn text(&self) -> Result<NetrcText, NetrcError> {
        let file = match File::open(&self.path) {
            Ok(file) => file,
            Err(error) if matches!(error.kind(), io::ErrorKind::NotFound | io::ErrorKind::NotADirectory) => {
                return Ok(NetrcText::new(Vec::new()));
            }
            Err(error) => return Err(self.failed("read")(error)),
        };
        let mut bytes = Vec::new();
        file.take(SIZE_LIMIT + 1).read_to_end(&mut bytes).map_err(self.failed("read"))?;
        if bytes.len() as u64 > SIZE_LIMIT {
            return Err(NetrcError::TooLarge { path: self.path.clone() });
        }
        Ok(NetrcText::new(bytes))
    }

    /// Writes the file so that it is whole or as it was, readable by this user only. A link stays one.
    fn write(&self, text: &NetrcText) -> Result<(), NetrcError> {
        let path = fs::canonicalize(&self.path).unwrap_or_else(|_| self.path.clone());
        let dir = path.parent().filter(|dir| !dir.as_os_str().is_empty()).unwrap_or(Path::new("."));
        let write = || {
            // Temporary files are readable by this user only.
            let mut file = tempfile::Builder::new().prefix(".netrc-").tempfile_in(dir)?;
            file.write_all(text.bytes())?;
            file.as_file().sync_all()?;
            file.persist(&path)?;
            Ok(())
        };
        write().map_err(self.failed("write"))
    }

    fn failed(&self, action: &'static str) -> impl FnOnce(io::Error) -> NetrcError {
        let path = self.path.clone();
        move |cause| NetrcError::File { action, path, cause }
    }
}

/// Whether `text` can stand in the file without quotes, for readers that know none.
fn is_word(text: &str) -> bool {
    !text.is_empty()
        && !text.starts_with('#')
        && !text.contains(['"', '\\'])
        && text.bytes().all(|byte| byte.is_ascii_graphic())
}

#[cfg(test)]
mod tests {
    use super::*;

    fn netrc(text: &str, mode: u32) -> (tempfile::TempDir, Netrc) {
        let dir = tempfile::tempdir().expect("a directory");
        let path = dir.path().join(".netrc");
        fs::write(&path, text).expect("written");
        fs::set_permissions(&path, fs::Permissions::from_mode(mode)).expect("set");
        (dir, Netrc::at(path))
    }

    fn login() -> Login {
        Login { login: "ada@example.com".to_owned(), password: "HOKKU-x".to_owned() }
    }

    fn mode(netrc: &Netrc) -> u32 {
        netrc.path.metadata().expect("there").permissions().mode() & 0o777
    }

    #[test]
    fn a_login_is_kept_found_and_forgotten() {
        let dir = tempfile::tempdir().expect("a directory");
        let netrc = Netrc::at(dir.path().join(".netrc"));
        assert!(netrc.find("localhost:8080").expect("read").is_none());
        netrc.keep("localhost:8080", &login()).expect("kept");
        assert_eq!(mode(&netrc), 0o600);
        let found = netrc.find("localhost:8080").expect("read").expect("found");
        assert!(found.login == login() && !found.was_open);
        netrc.forget("localhost:8080").expect("forgotten");
        assert_eq!(fs::read(&netrc.path).expect("there"), b"");
        assert_eq!(fs::read_dir(dir.path()).expect("read").count(), 1, "nothing is left over");
    }

    #[test]
    fn a_file_that_others_may_read_is_closed() {
        let (_dir, netrc) = netrc("machine a login x password y\n", 0o644);
        assert!(netrc.find("b").expect("read").is_none());
        assert_eq!(mode(&netrc), 0o644, "none of ours");
        assert!(netrc.find("a").expect("read").expect("found").was_open);
        assert_eq!(mode(&netrc), 0o600);
        assert!(!netrc.find("a").expect("read").expect("found").was_open);
    }

    #[test]
    fn a_link_stays_a_link() {
        let (dir, real) = netrc("# dotfiles\n", 0o600);
        let link = dir.path().join("link");
        std::os::unix::fs::symlink(real.path(), &link).expect("linked");
        Netrc::at(link.clone()).keep("a", &login()).expect("kept");
        assert!(link.is_symlink());
        assert!(real.find("a").expect("read").is_some());
    }

    #[test]
    fn what_cannot_be_kept_is_refused_and_not_shown() {
        let (_dir, netrc) = netrc("machine x login", 0o600);
        let told = |error: NetrcError| error.to_string().replace(&netrc.path.display().to_string(), "FILE");
        let error = told(netrc.keep("a", &login()).expect_err("unfinished"));
        insta::assert_snapshot!(error, @"FILE ends in the middle of an entry: mend its end first");
        let bad = Login { password: "two words".to_owned(), ..login() };
        let error = told(netrc.keep("a", &bad).expect_err("no token"));
        insta::assert_snapshot!(error, @"the token that the platform gave out holds characters that no token has");
        fs::write(&netrc.path, vec![b'\n'; 1024 * 1024 + 1]).expect("written");
        let error = told(netrc.find("a").err().expect("too large"));
        insta::assert_snapshot!(error, @"FILE is larger than 1 MiB: set NETRC to another file");
    }
}
