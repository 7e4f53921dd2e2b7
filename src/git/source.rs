use super::{
    child,
    object_id::ObjectId,
    objects::Objects,
    tree::{EntryKind, TreeEntry, read_tree},
};
use crate::slug::Size;
use std::io;
use tempfile::NamedTempFile;
use tokio::{
    fs::File,
    io::{AsyncBufRead, AsyncBufReadExt as _, AsyncReadExt as _, AsyncWriteExt as _, BufReader, BufWriter},
    process::ChildStdin,
};

/// The most files of a commit.
pub(super) const MOST_FILES: usize = 200_000;
/// The most bytes of a link's target.
const LINK_LIMIT: u64 = 4096;
/// How a file begins that stands for one which is kept elsewhere, and the most bytes that it has.
const LFS_POINTER: &[u8] = b"version https://git-lfs.github.com/spec/v1";
const LFS_LIMIT: u64 = 1024;
/// About how many bytes are written at a time.
const BUFFER: usize = 256 << 10;
const BLOCK: u64 = 512;
/// How an archive ends.
const END: [u8; 1024] = [0; 1024];

/// Why a commit's files are not built.
#[derive(Debug, thiserror::Error)]
pub(super) enum SourceError {
    /// The pusher's fault: the branch would be no commit.
    #[error("{0} is no commit: push a branch, as `git push hokku main`")]
    NotACommit(ObjectId),
    /// The pusher's fault: there is nothing to build.
    #[error("the commit has no files: git add them, commit, and push again")]
    Empty,
    /// The pusher's fault: its files are not in the repository.
    #[error(
        "`{}` is a submodule, and a push sends none of its files.\nPut the files themselves into the repository: `git rm --cached PATH`, remove PATH/.git, `git add PATH`.",
        .0.escape_debug()
    )]
    Submodule(String),
    /// The pusher's fault: only a word for its content is in the repository.
    #[error(
        "`{}` is a Git LFS pointer, and a push sends no file that LFS keeps.\nPut the file itself into the repository (`git lfs migrate export --include=PATH`), or fetch it while building.",
        .0.escape_debug()
    )]
    LfsPointer(String),
    /// The pusher's fault: no file can be called so here.
    #[error("`{}` cannot be unpacked: rename it, with letters in UTF-8 and without `..`", .0.escape_debug())]
    Path(String),
    /// The pusher's fault.
    #[error("the files are larger than {} together: remove what the app does not need", Size(*limit))]
    TooLarge {
        /// Bytes.
        limit: u64,
    },
    /// The pusher's fault.
    #[error("there are more than {MOST_FILES} files: remove what the app does not need")]
    TooMany,
    /// The host's fault: git does not say what it should.
    #[error("git did not give {0}")]
    Unread(&'static str),
    /// The host's fault: git or the disk failed.
    #[error("{0}")]
    Io(#[from] io::Error),
}

impl SourceError {
    /// Whether the operator must act, rather than who pushes.
    pub(super) fn is_host_fault(&self) -> bool {
        matches!(self, Self::Unread(_) | Self::Io(_))
    }
}

/// Writes the files of `commit` into `file`, as a tar archive of what git has: nothing is left out or rewritten. Gives
/// how many there are.
///
/// # Errors
/// [`SourceError`].
pub(super) async fn pack(
    objects: &Objects<'_>,
    commit: &ObjectId,
    file: &NamedTempFile,
    limit: u64,
) -> Result<usize, SourceError> {
    if !objects.is_commit(commit).await? {
        return Err(SourceError::NotACommit(commit.clone()));
    }
    let entries = read_tree(&objects.tree(commit).await?)?;
    check(&entries, limit)?;
    let mut git = objects.contents()?;
    let (Some(stdin), Some(stdout)) = (git.stdin(), git.stdout()) else {
        return Err(SourceError::Unread("its files"));
    };
    let stderr = git.stderr();
    let mut archive = BufWriter::with_capacity(BUFFER, File::from_std(file.as_file().try_clone()?));
    let written = async {
        tokio::try_join!(
            async { Ok(ask(stdin, &entries).await?) },
            write(BufReader::with_capacity(BUFFER, stdout), &entries, &mut archive)
        )
    };
    let (written, ()) = tokio::join!(written, child::log(stderr));
    written?;
    archive.write_all(&END).await?;
    archive.flush().await?;
    Ok(entries.len())
}

fn check(entries: &[TreeEntry], limit: u64) -> Result<(), SourceError> {
    if entries.is_empty() {
        return Err(SourceError::Empty);
    }
    if entries.len() > MOST_FILES {
        return Err(SourceError::TooMany);
    }
    if let Some(submodule) = entries.iter().find(|entry| entry.kind == EntryKind::Submodule) {
        return Err(SourceError::Submodule(submodule.path.clone()));
    }
    let bytes = entries.iter().fold(0, |bytes: u64, entry| bytes.saturating_add(entry.size));
    if bytes > limit { Err(SourceError::TooLarge { limit }) } else { Ok(()) }
}

/// Asks for every object; git may take its time to answer.
async fn ask(mut git: ChildStdin, entries: &[TreeEntry]) -> io::Result<()> {
    for entries in entries.chunks(1000) {
        let ids: String = entries.iter().flat_map(|entry| [entry.id.as_ref(), "\n"]).collect();
        git.write_all(ids.as_bytes()).await?;
    }
    Ok(())
}

async fn write(
    mut contents: impl AsyncBufRead + Unpin,
    entries: &[TreeEntry],
    archive: &mut BufWriter<File>,
) -> Result<(), SourceError> {
    for entry in entries {
        let mut line = String::new();
        (&mut contents).take(BLOCK).read_line(&mut line).await?;
        if line.trim_end() != format!("{} blob {}", entry.id, entry.size) {
            return Err(SourceError::Unread("a file"));
        }
        match entry.kind {
            EntryKind::Link => write_link(&mut contents, entry, archive).await?,
            _ => write_file(&mut contents, entry, archive).await?,
        }
        // After each object git writes a line's end.
        contents.read_u8().await?;
    }
    Ok(())
}

async fn write_link(
    contents: &mut (impl AsyncBufRead + Unpin),
    entry: &TreeEntry,
    archive: &mut BufWriter<File>,
) -> Result<(), SourceError> {
    if entry.size > LINK_LIMIT {
        return Err(SourceError::Path(entry.path.clone()));
    }
    let target = read(contents, entry.size).await?;
    let target = String::from_utf8(target).map_err(|_| SourceError::Path(entry.path.clone()))?;
    Ok(archive.write_all(&head(entry, Some(&target))?).await?)
}

async fn write_file(
    contents: &mut (impl AsyncBufRead + Unpin),
    entry: &TreeEntry,
    archive: &mut BufWriter<File>,
) -> Result<(), SourceError> {
    archive.write_all(&head(entry, None)?).await?;
    if entry.size <= LFS_LIMIT {
        let bytes = read(contents, entry.size).await?;
        if bytes.starts_with(LFS_POINTER) {
            return Err(SourceError::LfsPointer(entry.path.clone()));
        }
        archive.write_all(&bytes).await?;
    } else if tokio::io::copy_buf(&mut contents.take(entry.size), archive).await? != entry.size {
        return Err(SourceError::Unread("a whole file"));
    }
    let padding = entry.size.next_multiple_of(BLOCK) - entry.size;
    Ok(archive.write_all(&vec![0; usize::try_from(padding).unwrap_or_default()]).await?)
}

async fn read(contents: &mut (impl AsyncBufRead + Unpin), size: u64) -> io::Result<Vec<u8>> {
    let mut bytes = vec![0; usize::try_from(size).unwrap_or_default()];
    contents.read_exact(&mut bytes).await?;
    Ok(bytes)
}

/// An entry's header, with those before it that a long name needs.
fn head(entry: &TreeEntry, link: Option<&str>) -> io::Result<Vec<u8>> {
    let mut header = tar::Header::new_gnu();
    header.set_mtime(0);
    header.set_mode(if entry.kind == EntryKind::Executable { 0o755 } else { 0o644 });
    let mut archive = tar::Builder::new(Vec::new());
    if let Some(target) = link {
        header.set_entry_type(tar::EntryType::Symlink);
        header.set_size(0);
        archive.append_link(&mut header, &entry.path, target)?;
    } else {
        header.set_entry_type(tar::EntryType::Regular);
        header.set_size(entry.size);
        archive.append_data(&mut header, &entry.path, io::empty())?;
    }
    Ok(archive.get_ref().clone())
}

#[cfg(test)]
mod tests {
    use super::*;

    fn entry(kind: EntryKind, path: &str, size: u64) -> TreeEntry {
        TreeEntry { kind, id: "1a2b3c4d".repeat(5).parse().expect("legal"), size, path: path.to_owned() }
    }

    async fn packed(entries: &[TreeEntry], contents: &[u8]) -> Result<Vec<u8>, SourceError> {
        let file = NamedTempFile::new().expect("a file");
        let mut archive = BufWriter::new(File::from_std(file.reopen().expect("open")));
        write(contents, entries, &mut archive).await?;
        archive.flush().await.expect("written");
        Ok(std::fs::read(file.path()).expect("read"))
    }

    fn object(content: &str) -> String {
        format!("{} blob {}\n{content}\n", "1a2b3c4d".repeat(5), content.len())
    }

    #[tokio::test]
    async fn an_archive_has_every_file_as_git_does() {
        let long = format!("{}/x", "dir".repeat(60));
        let entries = [
            entry(EntryKind::File, "a", 1),
            entry(EntryKind::Executable, &long, 2000),
            entry(EntryKind::Link, "l", 3),
        ];
        let contents = object("1") + &object(&"x".repeat(2000)) + &object(&long[..3]);
        let bytes = packed(&entries, contents.as_bytes()).await.expect("packed");
        let mut archive = tar::Archive::new(bytes.as_slice());
        let seen = archive.entries().expect("read").map(|entry| {
            let entry = entry.expect("whole");
            let link = entry.link_name().expect("legal").map(|link| link.display().to_string());
            let header = entry.header();
            (
                entry.path().expect("legal").display().to_string(),
                header.mode().expect("legal"),
                entry.size(),
                link,
            )
        });
        let expected = [
            ("a".to_owned(), 0o644, 1, None),
            (long, 0o755, 2000, None),
            ("l".to_owned(), 0o644, 0, Some("dir".to_owned())),
        ];
        assert_eq!(seen.collect::<Vec<_>>(), expected);
    }

    #[tokio::test]
    async fn what_is_kept_elsewhere_is_named_with_its_remedy() {
        let pointer = "version https://git-lfs.github.com/spec/v1\noid sha256:00\nsize 3\n";
        let entries = [entry(EntryKind::File, "big.bin", pointer.len() as u64)];
        let refused = packed(&entries, object(pointer).as_bytes()).await.expect_err("refused");
        insta::assert_snapshot!(refused, @r"
        `big.bin` is a Git LFS pointer, and a push sends no file that LFS keeps.
        Put the file itself into the repository (`git lfs migrate export --include=PATH`), or fetch it while building.
        ");
        let refused = check(&[entry(EntryKind::Submodule, "lib/x", 0)], 1).expect_err("refused");
        insta::assert_snapshot!(refused, @r"
        `lib/x` is a submodule, and a push sends none of its files.
        Put the files themselves into the repository: `git rm --cached PATH`, remove PATH/.git, `git add PATH`.
        ");
        let refused = check(&[entry(EntryKind::File, "a", 2_000_000)], 1_000_000).expect_err("refused");
        insta::assert_snapshot!(refused, @"the files are larger than 1.0 MB together: remove what the app does not need");
    }

    #[tokio::test]
    async fn what_git_does_not_say_as_expected_is_an_error() {
        let entries = [entry(EntryKind::File, "a", 5)];
        for said in ["", "missing\n", &object("four"), &object("five5")[..50]] {
            let refused = packed(&entries, said.as_bytes()).await.expect_err("refused");
            assert!(refused.is_host_fault(), "{said}");
        }
    }
}
