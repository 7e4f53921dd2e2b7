use super::{
    child::{self, Child},
    object_id::ObjectId,
    plan::Branch,
    program::Git,
};
use std::{io, path::Path, process::Stdio};
use tokio::process::Command;

/// The most bytes of a commit's list of files.
const TREE_LIMIT: u64 = 64 << 20;
const WORD_LIMIT: u64 = 256;

/// The objects of a repository, with those of a push that nobody has decided over yet.
pub(super) struct Objects<'a> {
    pub(super) git: &'a Git,
    pub(super) repository: &'a Path,
    /// The name of the quarantine's directory.
    pub(super) quarantine: Option<&'a str>,
}

impl Objects<'_> {
    /// Whether there is such a commit.
    pub(super) async fn is_commit(&self, id: &ObjectId) -> io::Result<bool> {
        let mut command = self.command();
        command.args(["cat-file", "-t", id.as_ref()]);
        Ok(child::output(&mut command, WORD_LIMIT).await?.trim_ascii() == b"commit")
    }

    /// Where a branch is now.
    pub(super) async fn branch(&self, branch: Branch) -> io::Result<Option<ObjectId>> {
        let mut command = self.command();
        command.args(["for-each-ref", "--format=%(objectname)", branch.reference()]);
        let found = child::output(&mut command, WORD_LIMIT).await?;
        Ok(std::str::from_utf8(&found).ok().and_then(|id| id.trim().parse().ok()))
    }

    /// Every file of a commit, as `git ls-tree` lists it.
    pub(super) async fn tree(&self, commit: &ObjectId) -> io::Result<Vec<u8>> {
        let mut command = self.command();
        command.args(["ls-tree", "-r", "-z", "-l", "--full-tree", commit.as_ref()]);
        child::output(&mut command, TREE_LIMIT).await
    }

    /// A git that gives the contents of the objects that it is asked for.
    pub(super) fn contents(&self) -> io::Result<Child> {
        let mut command = self.command();
        command.args(["cat-file", "--batch", "--buffer"]).stdin(Stdio::piped());
        Child::start(&mut command)
    }

    fn command(&self) -> Command {
        let mut command = self.git.command(self.repository);
        if let Some(quarantine) = self.quarantine {
            command.env("GIT_OBJECT_DIRECTORY", format!("objects/{quarantine}"));
            command.env("GIT_ALTERNATE_OBJECT_DIRECTORIES", "objects");
        }
        command
    }
}
