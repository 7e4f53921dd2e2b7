use super::{Git, GitError};
use std::{fmt, str::FromStr};

/// The name of a git remote: up to 100 of letters, digits, `.`, `_`, `-` and `/`, and first a letter or digit.
#[derive(Clone, Debug, Eq, Ord, PartialEq, PartialOrd)]
pub(in crate::cli) struct RemoteName(String);

/// The text is no name for a git remote.
#[derive(Debug, thiserror::Error)]
#[error("`{0}` is no name for a git remote: use letters, digits, - and _")]
pub(in crate::cli) struct InvalidRemoteName(String);

impl FromStr for RemoteName {
    type Err = InvalidRemoteName;

    fn from_str(text: &str) -> Result<Self, InvalidRemoteName> {
        let legal = |c: char| c.is_ascii_alphanumeric() || "._-/".contains(c);
        let first = text.starts_with(|c: char| c.is_ascii_alphanumeric());
        let valid = first && text.len() <= 100 && text.chars().all(legal);
        if valid {
            Ok(Self(text.to_owned()))
        } else {
            Err(InvalidRemoteName(text.chars().take(100).collect()))
        }
    }
}

impl AsRef<str> for RemoteName {
    fn as_ref(&self) -> &str {
        &self.0
    }
}

impl fmt::Display for RemoteName {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(&self.0)
    }
}

/// A remote of the repository here, with one of its addresses.
#[derive(Debug, Eq, PartialEq)]
pub(in crate::cli) struct Remote {
    pub(in crate::cli) name: String,
    /// It may hold a password that somebody else put there.
    pub(in crate::cli) address: String,
}

impl Git {
    /// The remotes that the settings name, none without a repository or without git.
    pub(in crate::cli) fn remotes(&self) -> Vec<Remote> {
        let words = ["config", "-z", "--get-regexp", r"^remote\..*\.(push)?url$"];
        let listed = self.read(&words).ok().flatten().unwrap_or_default();
        let mut remotes: Vec<_> = listed.split('\0').filter_map(remote).collect();
        remotes.dedup();
        remotes
    }

    /// The addresses of one remote; none if it is not there.
    pub(in crate::cli) fn addresses(&self, name: &RemoteName) -> Vec<String> {
        let own = self.remotes().into_iter().filter(|remote| remote.name == name.as_ref());
        own.map(|remote| remote.address).collect()
    }

    /// The remote that `git config hokku.remote` chooses.
    pub(in crate::cli) fn chosen_remote(&self) -> Option<String> {
        let chosen = self.read(&["config", "--get", "hokku.remote"]).ok().flatten()?;
        Some(chosen.trim().to_owned()).filter(|name| !name.is_empty())
    }

    pub(in crate::cli) fn add_remote(&self, name: &RemoteName, address: &str) -> Result<(), GitError> {
        self.change(&["remote", "add", "--", name.as_ref(), address])
    }

    /// Lets a remote that is there lead to `address`, for pushes too.
    pub(in crate::cli) fn turn_remote(&self, name: &RemoteName, address: &str) -> Result<(), GitError> {
        self.change(&["remote", "set-url", "--", name.as_ref(), address])?;
        let elsewhere = format!("remote.{name}.pushurl");
        if self.read(&["config", "--get-all", &elsewhere])?.is_some() {
            self.change(&["config", "--unset-all", &elsewhere])?;
        }
        Ok(())
    }
}

/// `remote.NAME.url` and on the next line the address.
fn remote(listed: &str) -> Option<Remote> {
    let (key, address) = listed.split_once('\n')?;
    let (name, _) = key.strip_prefix("remote.")?.rsplit_once('.')?;
    Some(Remote { name: name.to_owned(), address: address.to_owned() })
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn names_of_remotes_are_no_options() {
        for name in ["hokku", "staging-2", "me/fork", "a.b_c"] {
            assert_eq!(name.parse::<RemoteName>().expect("legal").to_string(), name);
        }
        for name in ["", "-x", "--upload-pack=x", "a b", ".x", "é", &"a".repeat(101)] {
            assert!(name.parse::<RemoteName>().is_err(), "{name}");
        }
    }

    #[test]
    fn remotes_are_added_turned_and_listed() {
        let dir = tempfile::tempdir().expect("a directory");
        let git = Git::of_test(dir.path().to_owned());
        assert!(!git.is_work_tree());
        assert_eq!(git.remotes(), []);
        git.change(&["init", "--quiet"]).expect("made");
        assert!(git.is_work_tree());
        let (name, other) = ("a.b".parse().expect("legal"), "other".parse().expect("legal"));
        git.add_remote(&name, "http://localhost/shop.git").expect("added");
        git.add_remote(&other, "-x").expect("added");
        git.change(&["config", "remote.a.b.pushurl", "http://localhost/shop.git"]).expect("set");
        git.turn_remote(&name, "http://localhost/blog.git").expect("turned");
        assert_eq!(git.read(&["config", "--get", "remote.a.b.pushurl"]).expect("read"), None);
        let remote =
            |name: &str, address: &str| Remote { name: name.to_owned(), address: address.to_owned() };
        assert_eq!(git.remotes(), [remote("a.b", "http://localhost/blog.git"), remote("other", "-x")]);
        assert_eq!(git.addresses(&name), ["http://localhost/blog.git"]);
        assert_eq!(git.chosen_remote(), None);
        git.change(&["config", "hokku.remote", "other"]).expect("set");
        assert_eq!(git.chosen_remote().as_deref(), Some("other"));
        let error = git.add_remote(&other, "x").expect_err("taken").to_string();
        insta::assert_snapshot!(error, @"`git remote` failed: error: remote other already exists.");
    }
}
