use super::{
    object_id::ObjectId,
    source::{MOST_FILES, SourceError},
};

/// What a commit has at one path.
#[derive(Clone, Debug, Eq, PartialEq)]
pub(super) struct TreeEntry {
    pub(super) kind: EntryKind,
    pub(super) id: ObjectId,
    /// Bytes.
    pub(super) size: u64,
    pub(super) path: String,
}

#[derive(Clone, Copy, Debug, Eq, PartialEq)]
pub(super) enum EntryKind {
    File,
    Executable,
    Link,
    Submodule,
}

/// Reads what `git ls-tree -r -z -l` prints: `MODE TYPE ID SIZE\tPATH\0` each.
///
/// # Errors
/// [`SourceError::Path`] for a path that cannot be unpacked; [`SourceError::Unread`] for what git never prints.
pub(super) fn read_tree(bytes: &[u8]) -> Result<Vec<TreeEntry>, SourceError> {
    let Some(bytes) = bytes.strip_suffix(b"\0") else {
        return if bytes.is_empty() { Ok(Vec::new()) } else { Err(SourceError::Unread("its list of files")) };
    };
    // Before any of them takes memory.
    if bytes.split(|byte| *byte == 0).count() > MOST_FILES {
        return Err(SourceError::TooMany);
    }
    bytes.split(|byte| *byte == 0).map(read_entry).collect()
}

fn read_entry(entry: &[u8]) -> Result<TreeEntry, SourceError> {
    let unread = || SourceError::Unread("its list of files");
    let tab = entry.iter().position(|byte| *byte == b'\t').ok_or_else(unread)?;
    let path = path(&entry[tab + 1..])?;
    let head = std::str::from_utf8(&entry[..tab]).map_err(|_| unread())?;
    let mut words = head.split_ascii_whitespace();
    let mut word = || words.next().ok_or_else(unread);
    let (mode, kind, id, size) = (word()?, word()?, word()?, word()?);
    let kind = match (mode, kind) {
        ("160000", "commit") => EntryKind::Submodule,
        ("120000", "blob") => EntryKind::Link,
        ("100755", "blob") => EntryKind::Executable,
        // Old versions of git wrote 100664.
        (mode, "blob") if mode.starts_with("100") => EntryKind::File,
        _ => return Err(unread()),
    };
    let size = if kind == EntryKind::Submodule { 0 } else { size.parse().map_err(|_| unread())? };
    Ok(TreeEntry { kind, id: id.parse().map_err(|_| unread())?, size, path })
}

fn path(bytes: &[u8]) -> Result<String, SourceError> {
    let text = String::from_utf8_lossy(bytes).into_owned();
    let plain = |name: &str| !matches!(name, "" | "." | "..");
    if std::str::from_utf8(bytes).is_ok() && text.split('/').all(plain) {
        Ok(text)
    } else {
        Err(SourceError::Path(text))
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use proptest::prelude::*;

    const ID: &str = "1a2b3c4d1a2b3c4d1a2b3c4d1a2b3c4d1a2b3c4d";

    #[test]
    fn every_kind_of_entry_is_read() {
        let text = format!(
            "100644 blob {ID}      12\ta b\tc\0100755 blob {ID}       0\tbin/x\0120000 blob {ID}       3\tlink\0160000 commit {ID}       -\tlib/é\0"
        );
        let entries = read_tree(text.as_bytes()).expect("legal");
        let seen: Vec<_> =
            entries.iter().map(|entry| (entry.kind, entry.size, entry.path.as_str())).collect();
        assert_eq!(
            seen,
            [
                (EntryKind::File, 12, "a b\tc"),
                (EntryKind::Executable, 0, "bin/x"),
                (EntryKind::Link, 3, "link"),
                (EntryKind::Submodule, 0, "lib/é")
            ]
        );
        assert_eq!(read_tree(b"").expect("empty"), []);
    }

    #[test]
    fn a_path_that_cannot_be_unpacked_is_named() {
        for path in [&b"a/../b"[..], b"/etc", b"a//b", b"\xff"] {
            let text = [format!("100644 blob {ID} 1\t").as_bytes(), path, b"\0"].concat();
            assert!(matches!(read_tree(&text), Err(SourceError::Path(_))), "{path:?}");
        }
    }

    proptest! {
        #[test]
        fn garbage_is_refused_and_never_panics(bytes in prop::collection::vec(any::<u8>(), 0..200)) {
            if let Ok(entries) = read_tree(&bytes) {
                prop_assert!(entries.iter().all(|entry| !entry.path.split('/').any(|name| name == "..")));
            }
        }

        #[test]
        fn what_git_prints_is_read_back(paths in prop::collection::vec("[a-zA-Z0-9 é\t\n]{1,20}(/[a-z]{1,9}){0,3}", 0..20), size in any::<u32>()) {
            let lines = paths.iter().map(|path| format!("100644 blob {ID} {size:>7}\t{path}\0"));
            let text = lines.collect::<Vec<_>>().concat();
            let entries = read_tree(text.as_bytes()).expect("legal");
            let read: Vec<_> = entries.into_iter().map(|entry| entry.path).collect();
            prop_assert_eq!(read, paths);
        }
    }
}
