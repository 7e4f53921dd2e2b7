use super::BuildError;
use cap_std::{
    ambient_authority,
    fs::{Dir, OpenOptions, PermissionsExt},
};
use ignore::{DirEntry, WalkBuilder};
use std::{
    fs, io,
    io::Read,
    path::{Path, PathBuf},
};
use tokio_util::sync::CancellationToken;

/// The names that never become part of a build, at any depth: history and secrets.
const NEVER: [&str; 2] = [".git", ".env"];

/// How the name of a slug ends.
const SLUG_END: &[u8] = b".slug";

/// How the name of a slug starts while it is being written, as [`Slug::export`](crate::slug::Slug::export) does.
const UNFINISHED_SLUG: &[u8] = b".hokku-slug-";

/// An app's source directory, and what may be taken of it.
#[derive(Clone, Debug)]
pub(super) struct SourceTree {
    pub(super) root: PathBuf,
    /// The most bytes of all files together.
    pub(super) limit: u64,
    /// A directory that is left out wherever it is: the builder's own cache may lie inside the source.
    pub(super) except: PathBuf,
}

impl SourceTree {
    /// Copies the source to the empty directory `into`: what [`walk_source`] finds. Executable bits are kept;
    /// owners and times are not.
    ///
    /// Blocks. Stops early when `stop` is cancelled.
    pub(super) fn copy(&self, into: &Path, stop: &CancellationToken) -> Result<(), BuildError> {
        let source = |cause| BuildError::Source { path: self.root.clone(), cause };
        let root = fs::canonicalize(&self.root).map_err(source)?;
        let from = Dir::open_ambient_dir(&root, ambient_authority()).map_err(source)?;
        let to = Dir::open_ambient_dir(into, ambient_authority())
            .map_err(|cause| BuildError::host("open", into, cause))?;
        let mut copy = Copy { from, to, into, left: self.limit, limit: self.limit, links: Vec::new() };
        for entry in walk_source(&root, Some(&self.except)) {
            if stop.is_cancelled() {
                return Err(BuildError::Cancelled);
            }
            let entry = entry.map_err(|error| source(into_io(error)))?;
            if entry.depth() > 0 {
                let path = entry.path().strip_prefix(&root).unwrap_or(entry.path());
                copy.entry(path, &entry)?;
            }
        }
        copy.check_links()
    }
}

/// The files, directories and links below `root` that a build takes, and `root` itself, in no order.
///
/// Left out are `.git` and `.env`; what a `.gitignore` or `.slugignore` names, each for its own directory and
/// those below; the directory `except`; and slugs in the root, because that is where one is put by default.
/// Links are not followed. An entry that cannot be read is given as an error.
pub(crate) fn walk_source(root: &Path, except: Option<&Path>) -> ignore::Walk {
    let except = except.map(Path::to_owned);
    let wanted = move |entry: &DirEntry| {
        entry.depth() == 0
            || !NEVER.iter().any(|name| entry.file_name() == *name)
                && except.as_deref() != Some(entry.path())
                && !is_slug_in_root(entry)
    };
    WalkBuilder::new(root)
        .standard_filters(false)
        .git_ignore(true)
        .require_git(false)
        .add_custom_ignore_filename(".slugignore")
        .filter_entry(wanted)
        .build()
}

fn is_slug_in_root(entry: &DirEntry) -> bool {
    let name = entry.file_name().as_encoded_bytes();
    entry.depth() == 1
        && entry.file_type().is_some_and(|kind| kind.is_file())
        && (name.ends_with(SLUG_END) || name.starts_with(UNFINISHED_SLUG))
}

fn into_io(error: ignore::Error) -> io::Error {
    let text = error.to_string();
    error.into_io_error().unwrap_or_else(|| io::Error::other(text))
}

struct Copy<'a> {
    from: Dir,
    to: Dir,
    into: &'a Path,
    limit: u64,
    left: u64,
    links: Vec<PathBuf>,
}

impl Copy<'_> {
    fn entry(&mut self, path: &Path, entry: &DirEntry) -> Result<(), BuildError> {
        match entry.file_type() {
            Some(kind) if kind.is_dir() => self.to.create_dir(path).map_err(|cause| self.host(cause)),
            Some(kind) if kind.is_symlink() => self.link(path),
            Some(kind) if kind.is_file() => self.file(path),
            _ => Err(BuildError::SpecialFile { path: path.to_owned() }),
        }
    }

    fn file(&mut self, path: &Path) -> Result<(), BuildError> {
        if path.extension().is_some_and(|extension| extension == "cwasm") {
            return Err(BuildError::CompiledCode { path: path.to_owned() });
        }
        let source = |cause| BuildError::Source { path: path.to_owned(), cause };
        let file = self.from.open(path).map_err(source)?;
        let mode = file.metadata().map_err(source)?.permissions().mode();
        let mut options = OpenOptions::new();
        let target = self.to.open_with(path, options.write(true).create_new(true));
        let mut target = target.map_err(|cause| self.host(cause))?.into_std();
        let count = io::copy(&mut file.into_std().take(self.left + 1), &mut target);
        let count = count.map_err(|cause| self.host(cause))?;
        self.left = self.left.checked_sub(count).ok_or(BuildError::SourceTooLarge { limit: self.limit })?;
        let mode = if mode & 0o111 == 0 { 0o644 } else { 0o755 };
        let permissions: fs::Permissions = std::os::unix::fs::PermissionsExt::from_mode(mode);
        target.set_permissions(permissions).map_err(|cause| self.host(cause))
    }

    fn link(&mut self, path: &Path) -> Result<(), BuildError> {
        let source = |cause| BuildError::Source { path: path.to_owned(), cause };
        let target = self.from.read_link_contents(path).map_err(source)?;
        if target.is_absolute() {
            return Err(BuildError::LinkOutside { path: path.to_owned(), target });
        }
        self.to.symlink_contents(&target, path).map_err(|cause| self.host(cause))?;
        self.links.push(path.to_owned());
        Ok(())
    }

    /// Follows each link through the copy, where a way out is refused with `PermissionDenied`. A link to what
    /// was left out leads nowhere, and stays.
    fn check_links(self) -> Result<(), BuildError> {
        for path in self.links {
            match self.to.metadata(&path) {
                Err(error) if error.kind() == io::ErrorKind::PermissionDenied => {
                    let target = self.to.read_link_contents(&path).unwrap_or_default();
                    return Err(BuildError::LinkOutside { path, target });
                }
                _ => {}
            }
        }
        Ok(())
    }

    fn host(&self, cause: io::Error) -> BuildError {
        BuildError::host("copy the app's source to", self.into, cause)
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use std::os::unix::fs::{PermissionsExt, symlink};

    /// A source directory with `files`, and an empty one for the copy.
    fn directories(files: &[(&str, &str)]) -> (tempfile::TempDir, tempfile::TempDir) {
        let (from, to) = (tempfile::tempdir().expect("dir"), tempfile::tempdir().expect("dir"));
        for (path, text) in files {
            let path = from.path().join(path);
            fs::create_dir_all(path.parent().expect("a parent")).expect("dir");
            fs::write(path, text).expect("file");
        }
        (from, to)
    }

    fn copy(from: &Path, to: &Path, limit: u64) -> Result<Vec<String>, BuildError> {
        let tree = SourceTree { root: from.to_owned(), limit, except: from.join("cache") };
        tree.copy(to, &CancellationToken::new())?;
        let walk = WalkBuilder::new(to).standard_filters(false).sort_by_file_name(Ord::cmp).build();
        let paths = walk.map(|entry| entry.expect("entry").into_path());
        let relative = paths.filter_map(|path| Some(path.strip_prefix(to).ok()?.to_str()?.to_owned()));
        Ok(relative.filter(|path| !path.is_empty()).collect())
    }

    #[test]
    fn history_secrets_and_what_is_ignored_stay_behind() {
        let (from, to) = directories(&[
            (".git/HEAD", ""),
            (".env", "TOKEN=1"),
            ("sub/.env", "TOKEN=1"),
            (".gitignore", "*.log\n/tmp/\n"),
            (".slugignore", "docs\n"),
            ("app.py", ""),
            ("a.log", ""),
            ("tmp/x", ""),
            ("docs/big", ""),
            ("cache/old", ""),
            (".hidden", ""),
            ("sub/b", ""),
        ]);
        let copied = copy(from.path(), to.path(), 1000).expect("copies");
        assert_eq!(copied, [".gitignore", ".hidden", ".slugignore", "app.py", "sub", "sub/b"]);
    }

    #[test]
    fn slugs_in_the_root_stay_behind() {
        let (from, to) = directories(&[
            ("app.slug", ""),
            (".hokku-slug-Xy12", ""),
            ("slug", ""),
            ("a.slug.txt", ""),
            ("garden.slug/a", ""),
            ("public/garden.slug", ""),
            ("public/.hokku-slug-Xy12", ""),
        ]);
        let copied = copy(from.path(), to.path(), 1000).expect("copies");
        let kept = ["public", "public/.hokku-slug-Xy12", "public/garden.slug", "slug"];
        assert_eq!(copied, [&["a.slug.txt", "garden.slug", "garden.slug/a"], &kept[..]].concat());
    }

    #[tokio::test]
    async fn the_slug_of_the_build_before_stays_behind() {
        use crate::slug::{PackPlan, Slug, SlugStore};
        let (from, to) = directories(&[("index.html", "")]);
        let tree = Dir::open_ambient_dir(from.path(), ambient_authority()).expect("dir");
        let slug = Slug::pack(&SlugStore::in_memory(), tree, PackPlan::default()).await.expect("a slug");
        slug.export(&from.path().join("site.slug")).await.expect("exports");
        assert_eq!(copy(from.path(), to.path(), 1000).expect("copies"), ["index.html"]);
    }

    #[test]
    fn executable_bits_and_inner_links_are_kept() {
        let (from, to) = directories(&[("bin/run", "x"), ("plain", "x")]);
        fs::set_permissions(from.path().join("bin/run"), fs::Permissions::from_mode(0o700)).expect("mode");
        symlink("bin/run", from.path().join("start")).expect("link");
        symlink("../plain", from.path().join("bin/up")).expect("link");
        symlink("nowhere", from.path().join("dangling")).expect("link");
        copy(from.path(), to.path(), 1000).expect("copies");
        let mode = |path| fs::metadata(to.path().join(path)).expect("there").permissions().mode() & 0o777;
        assert_eq!((mode("start"), mode("bin/up")), (0o755, 0o644));
    }

    #[test]
    fn a_link_out_of_the_tree_is_refused_by_name() {
        for target in ["/etc/passwd", "../secret", "up/../secret"] {
            let (from, to) = directories(&[("a/b/file", "")]);
            symlink("../..", from.path().join("a/b/up")).expect("link");
            let name = if target.starts_with("up") { "a/b/leak" } else { "leak" };
            symlink(target, from.path().join(name)).expect("link");
            let error = copy(from.path(), to.path(), 1000).expect_err("refused");
            assert!(
                matches!(error, BuildError::LinkOutside { path, .. } if path == Path::new(name)),
                "{target}"
            );
        }
    }

    #[test]
    fn what_is_no_file_and_what_is_native_code_is_refused_by_name() {
        let (from, to) = directories(&[]);
        let pipe = from.path().join("pipe");
        rustix::fs::mknodat(rustix::fs::CWD, &pipe, rustix::fs::FileType::Fifo, 0o600.into(), 0)
            .expect("fifo");
        insta::assert_snapshot!(copy(from.path(), to.path(), 9).expect_err("refused"), @"pipe is a socket, pipe or device: remove it or name it in .slugignore");
        let (from, to) = directories(&[("bin/app.cwasm", "")]);
        insta::assert_snapshot!(copy(from.path(), to.path(), 9).expect_err("refused"), @"bin/app.cwasm is compiled native code, which is never taken from an app: give the .wasm file it was made from");
    }

    #[test]
    fn too_much_source_is_refused_with_the_limit() {
        let (from, to) = directories(&[("a", "12345"), ("b", "12345")]);
        assert!(copy(from.path(), to.path(), 10).is_ok());
        let (from, to) = directories(&[("a", "12345"), ("b", "123456")]);
        insta::assert_snapshot!(copy(from.path(), to.path(), 10).expect_err("refused"), @"the app's source is larger than 10 bytes: name what is not needed at run time in .slugignore");
    }
}
