use super::{
    Refusal,
    limits::{DEPTH, NAME_BYTES, PATH_BYTES},
};
use std::cmp::Ordering;

/// A path that may be in a tree: relative, UTF-8, plain components only, within the limits.
///
/// Ordered by component, so that a directory comes before what is in it and nothing comes between.
#[derive(Clone, Debug, Eq, Hash, PartialEq)]
pub(crate) struct EntryPath(String);

impl EntryPath {
    pub(crate) fn parse(bytes: &[u8]) -> Result<Self, Refusal> {
        let path = std::str::from_utf8(bytes).map_err(|_| Refusal::NotUtf8)?;
        if path.contains('\0') {
            return Err(Refusal::Nul);
        }
        if path.starts_with('/') {
            return Err(Refusal::Absolute);
        }
        if path.len() > PATH_BYTES {
            return Err(Refusal::TooLong { length: path.len() });
        }
        let mut depth = 0;
        for name in path.split('/') {
            depth += 1;
            match name {
                ".." => return Err(Refusal::Parent),
                "" | "." => return Err(Refusal::NotPlain),
                name if name.len() > NAME_BYTES => {
                    return Err(Refusal::NameTooLong { length: name.len() });
                }
                _ => {}
            }
        }
        if depth > DEPTH {
            return Err(Refusal::TooDeep { depth });
        }
        if has_extension(path, "cwasm") {
            return Err(Refusal::Compiled);
        }
        Ok(Self(path.to_owned()))
    }

    pub(crate) fn as_str(&self) -> &str {
        &self.0
    }

    /// The directory that holds it, empty at the root.
    pub(crate) fn parent(&self) -> &str {
        self.0.rsplit_once('/').map_or("", |(parent, _)| parent)
    }

    /// Whether it lies somewhere below the directory `other`.
    pub(super) fn is_below(&self, other: &str) -> bool {
        self.0.strip_prefix(other).is_some_and(|rest| rest.starts_with('/'))
    }

    /// Checks where a symbolic link of this path points; see the invariant in the module's header.
    pub(super) fn check_link(&self, target: &[u8]) -> Result<String, Refusal> {
        let target = std::str::from_utf8(target).map_err(|_| Refusal::LinkTarget)?.to_owned();
        if target.is_empty() || target.len() > PATH_BYTES || target.contains('\0') {
            return Err(Refusal::LinkTarget);
        }
        if target.starts_with('/') {
            return Err(Refusal::LinkAbsolute { target });
        }
        let mut above = self.0.split('/').count() - 1;
        let mut named = false;
        for name in target.split('/') {
            match name {
                "" | "." => {}
                ".." if named => return Err(Refusal::LinkWinds { target }),
                ".." if above == 0 => return Err(Refusal::LinkLeaves { target }),
                ".." => above -= 1,
                _ => named = true,
            }
        }
        Ok(target)
    }
}

impl Ord for EntryPath {
    fn cmp(&self, other: &Self) -> Ordering {
        self.0.split('/').cmp(other.0.split('/'))
    }
}

impl PartialOrd for EntryPath {
    fn partial_cmp(&self, other: &Self) -> Option<Ordering> {
        Some(self.cmp(other))
    }
}

/// Whether the name ends in `.extension`, in any case.
pub(super) fn has_extension(path: &str, extension: &str) -> bool {
    path.rsplit_once('.').is_some_and(|(_, last)| last.eq_ignore_ascii_case(extension))
}

/// Whether the name is that of WebAssembly text.
pub(crate) fn is_wat(path: &str) -> bool {
    has_extension(path, "wat")
}

/// Whether `head`, the first bytes of a file, start compiled code: an ELF file with wasmtime's OS ABI (200).
pub(crate) fn is_compiled(head: &[u8]) -> bool {
    head.starts_with(b"\x7fELF") && head.get(7) == Some(&200)
}

#[cfg(test)]
mod tests {
    use super::*;

    fn refused(path: &str) -> Refusal {
        EntryPath::parse(path.as_bytes()).expect_err("refused")
    }

    #[test]
    fn plain_paths_are_taken_and_others_refused() {
        for path in ["a", "a/b c/ü", ".env", "...", "a\\b", "cwasm", "x.cwasm/y"] {
            assert!(EntryPath::parse(path.as_bytes()).is_ok(), "{path}");
        }
        assert_eq!(refused("../etc/passwd"), Refusal::Parent);
        assert_eq!(refused("a/../../b"), Refusal::Parent);
        assert_eq!(refused("/etc/passwd"), Refusal::Absolute);
        assert_eq!(refused("a\0b"), Refusal::Nul);
        assert_eq!(refused("lib/x.CWASM"), Refusal::Compiled);
        for path in ["", ".", "a//b", "a/", "./a"] {
            assert_eq!(refused(path), Refusal::NotPlain, "{path}");
        }
        assert_eq!(EntryPath::parse(b"\xff"), Err(Refusal::NotUtf8));
        assert_eq!(refused(&"a/".repeat(600)), Refusal::TooLong { length: 1200 });
        assert_eq!(refused(&"a".repeat(300)), Refusal::NameTooLong { length: 300 });
        assert_eq!(refused(&vec!["a"; 101].join("/")), Refusal::TooDeep { depth: 101 });
    }

    #[test]
    fn links_stay_inside() {
        let link = EntryPath::parse(b"a/b/link").expect("plain");
        for target in ["x", "../x", "../../x", "./x/./y", ".", "../..", "x/y/"] {
            assert!(link.check_link(target.as_bytes()).is_ok(), "{target}");
        }
        let refused = |target: &str| link.check_link(target.as_bytes()).expect_err("refused").to_string();
        insta::assert_snapshot!(refused("/etc/passwd"), @"it links to the absolute path `/etc/passwd`: link to a relative path inside the app");
        insta::assert_snapshot!(refused("../../../x"), @"it links to `../../../x`, which is outside of the app: put the file into the app");
        insta::assert_snapshot!(refused("x/../../y"), @"its link target `x/../../y` has `..` after a name: write the target with `..` only at its start");
        assert!(link.check_link(b"").is_err() && link.check_link(b"\xff").is_err());
    }

    #[test]
    fn a_directory_comes_right_before_what_is_in_it() {
        let mut paths: Vec<_> = ["a-b", "a", "a/b", "a.c"]
            .iter()
            .map(|p| EntryPath::parse(p.as_bytes()).expect("plain"))
            .collect();
        paths.sort();
        let order: Vec<_> = paths.iter().map(EntryPath::as_str).collect();
        assert_eq!(order, ["a", "a/b", "a-b", "a.c"]);
    }

    proptest::proptest! {
        #[test]
        fn any_bytes_are_judged_without_panic(bytes: Vec<u8>, target: Vec<u8>) {
            if let Ok(path) = EntryPath::parse(&bytes) {
                let _ = path.check_link(&target);
            }
        }
    }
}
