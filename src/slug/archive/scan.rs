use super::{EntryPath, Refusal, UnpackLimits, entry_path::has_extension};
use crate::slug::SlugError;
use cap_std::fs::{Dir, DirEntry, FileType, FileTypeExt, MetadataExt};
use std::{collections::BTreeMap, os::unix::ffi::OsStrExt};

/// One thing found in a tree.
#[derive(Debug)]
pub(crate) struct Found {
    pub(crate) path: EntryPath,
    pub(crate) kind: FoundKind,
}

#[derive(Debug)]
pub(crate) enum FoundKind {
    Directory,
    File { executable: bool, size: u64 },
    Link { target: String },
}

/// Walks `tree` and returns what is in it, in canonical order.
///
/// Refuses by name what may not be in a slug, before anything is packed.
pub(crate) fn scan(tree: &Dir, limits: &UnpackLimits) -> Result<Vec<Found>, SlugError> {
    let mut walk = Walk { limits, found: Vec::new(), bytes: 0 };
    walk.directory(tree, None)?;
    Ok(walk.found)
}

struct Walk<'a> {
    limits: &'a UnpackLimits,
    found: Vec<Found>,
    bytes: u64,
}

impl Walk<'_> {
    /// Recursion is bounded, since a path has a limited number of components.
    fn directory(&mut self, dir: &Dir, prefix: Option<&EntryPath>) -> Result<(), SlugError> {
        let shown = prefix.map_or(".", EntryPath::as_str);
        let reading = || SlugError::io(format!("read the directory {shown}"));
        let mut entries: Vec<DirEntry> = dir.entries().and_then(Iterator::collect).map_err(reading())?;
        entries.sort_by_key(DirEntry::file_name);
        for entry in entries {
            let name = entry.file_name();
            let mut path = prefix.map_or_else(Vec::new, |prefix| format!("{}/", prefix.as_str()).into());
            path.extend(name.as_bytes());
            let refuse = |why| SlugError::Refused { entry: String::from_utf8_lossy(&path).into(), why };
            let path = EntryPath::parse(&path).map_err(refuse)?;
            let metadata = entry.metadata().map_err(SlugError::io(format!("look at {}", path.as_str())))?;
            let kind = found_kind(&metadata, dir, &name, &path)?;
            self.count(&kind).map_err(refuse)?;
            let below = matches!(kind, FoundKind::Directory).then(|| path.clone());
            self.found.push(Found { path, kind });
            if let Some(path) = below {
                let inner = dir.open_dir(&name).map_err(reading())?;
                self.directory(&inner, Some(&path))?;
            }
        }
        Ok(())
    }

    fn count(&mut self, kind: &FoundKind) -> Result<(), Refusal> {
        if let FoundKind::File { size, .. } = kind {
            self.bytes = self.bytes.saturating_add(*size);
        }
        self.limits.check(self.bytes, self.found.len() as u64 + 1, None)
    }
}

fn found_kind(
    metadata: &cap_std::fs::Metadata,
    dir: &Dir,
    name: &std::ffi::OsStr,
    path: &EntryPath,
) -> Result<FoundKind, SlugError> {
    let refuse = |why| SlugError::Refused { entry: path.as_str().to_owned(), why };
    let file_type = metadata.file_type();
    if file_type.is_dir() {
        Ok(FoundKind::Directory)
    } else if file_type.is_file() {
        Ok(FoundKind::File { executable: metadata.mode() & 0o100 != 0, size: metadata.len() })
    } else if file_type.is_symlink() {
        let target = dir
            .read_link_contents(name)
            .map_err(SlugError::io(format!("read the link {}", path.as_str())))?;
        let target = path.check_link(target.as_os_str().as_bytes()).map_err(refuse)?;
        if has_extension(&target, "cwasm") {
            return Err(refuse(Refusal::Compiled));
        }
        Ok(FoundKind::Link { target })
    } else {
        Err(refuse(Refusal::Special(special(file_type))))
    }
}

fn special(file_type: FileType) -> &'static str {
    if file_type.is_fifo() {
        "FIFO"
    } else if file_type.is_socket() {
        "socket"
    } else {
        "device"
    }
}

/// The five largest directories of the first two floors, with the bytes below each.
pub(crate) fn biggest_directories(found: &[Found]) -> Vec<(String, u64)> {
    let mut sums = BTreeMap::<String, u64>::new();
    for entry in found {
        let FoundKind::File { size, .. } = entry.kind else { continue };
        let parent = entry.path.parent();
        let mut names = parent.split('/');
        if let Some(first) = names.next().filter(|name| !name.is_empty()) {
            *sums.entry(first.to_owned()).or_default() += size;
            if let Some(second) = names.next() {
                *sums.entry(format!("{first}/{second}")).or_default() += size;
            }
        }
    }
    // A directory that is all in one below it is told by that one.
    let only_child = |path: &str, sum: u64| {
        let below = format!("{path}/");
        sums.iter().any(|(other, other_sum)| *other_sum == sum && other.starts_with(&below))
    };
    let mut sums: Vec<_> = sums
        .iter()
        .filter(|(path, sum)| !only_child(path, **sum))
        .map(|(path, sum)| (path.clone(), *sum))
        .collect();
    sums.sort_by(|(a, x), (b, y)| y.cmp(x).then_with(|| a.cmp(b)));
    sums.truncate(5);
    sums
}
