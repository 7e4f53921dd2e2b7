use std::fmt::Write as _;

/// A request's path, decoded and safe to look up: no part is empty, `.`, `..` or hidden (a `Procfile` is), or holds a `/` or NUL.
#[derive(Clone, Debug, Eq, PartialEq)]
pub(super) struct SitePath {
    parts: Vec<String>,
    directory: bool,
}

impl SitePath {
    /// Reads the path of a request's target; `None` for one that no file can have.
    pub(super) fn parse(path: &str) -> Option<Self> {
        let path = path.strip_prefix('/')?;
        let directory = path.is_empty() || path.ends_with('/') || path.ends_with("/.") || path == ".";
        let mut parts = Vec::new();
        for part in path.split('/').filter(|part| !part.is_empty() && *part != ".") {
            parts.push(part_of(part)?);
        }
        Some(Self { parts, directory })
    }

    /// Whether it names a directory, by a slash at its end.
    pub(super) fn is_directory(&self) -> bool {
        self.directory
    }

    /// The name under the site's root, `docs/intro`; empty for the root itself.
    pub(super) fn name(&self) -> String {
        self.parts.join("/")
    }

    /// The last part; empty for the root.
    pub(super) fn last(&self) -> &str {
        self.parts.last().map_or("", String::as_str)
    }

    /// The path of this directory as a link.
    pub(super) fn as_directory(&self) -> String {
        link(&self.parts, !self.parts.is_empty())
    }

    /// The path of the page `about.html` without its extension, or of the directory whose `index.html` this is;
    /// `None` if it is no page.
    pub(super) fn as_clean_page(&self) -> Option<String> {
        let (last, before) = self.parts.split_last()?;
        let stem = last.strip_suffix(".html")?;
        if stem == "index" {
            return Some(link(before, !before.is_empty()));
        }
        let mut parts = before.to_vec();
        parts.push(stem.to_owned());
        (!stem.is_empty()).then(|| link(&parts, false))
    }
}

/// One decoded part of a path, if it may be looked up.
fn part_of(part: &str) -> Option<String> {
    let decoded = decode(part)?;
    let hidden = decoded == "Procfile" || decoded.starts_with('.') && decoded != ".well-known";
    let legal = !hidden && !decoded.is_empty() && !decoded.contains(['/', '\\', '\0']);
    legal.then_some(decoded)
}

fn decode(part: &str) -> Option<String> {
    let mut bytes = Vec::with_capacity(part.len());
    let mut rest = part.as_bytes();
    while let Some((&byte, after)) = rest.split_first() {
        rest = after;
        if byte != b'%' {
            bytes.push(byte);
            continue;
        }
        let (digits, after) = rest.split_at_checked(2)?;
        let mut value = [0];
        hex::decode_to_slice(digits, &mut value).ok()?;
        bytes.push(value[0]);
        rest = after;
    }
    String::from_utf8(bytes).ok()
}

/// An absolute path on this host: one slash in front, so that it can never be read as another host.
fn link(parts: &[String], directory: bool) -> String {
    let mut link = String::new();
    for part in parts {
        link.push('/');
        part.bytes().for_each(|byte| push_encoded(&mut link, byte));
    }
    if directory || link.is_empty() {
        link.push('/');
    }
    link
}

fn push_encoded(link: &mut String, byte: u8) {
    if byte.is_ascii_alphanumeric() || matches!(byte, b'-' | b'.' | b'_' | b'~') {
        link.push(char::from(byte));
    } else {
        // Writing to a String cannot fail.
        let _ = write!(link, "%{byte:02X}");
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use proptest::prelude::*;

    fn read(path: &str) -> Option<(String, bool)> {
        SitePath::parse(path).map(|path| (path.name(), path.is_directory()))
    }

    #[test]
    fn paths_are_decoded_once() {
        let some = |name: &str, directory| Some((name.to_owned(), directory));
        assert_eq!(read("/"), some("", true));
        assert_eq!(read("/a//./b%20c"), some("a/b c", false));
        assert_eq!(read("/docs/"), some("docs", true));
        assert_eq!(read("/docs/."), some("docs", true));
        assert_eq!(read("/%2561"), some("%61", false));
        assert_eq!(read("/.well-known/x"), some(".well-known/x", false));
        assert_eq!(read("/caf%C3%A9"), some("café", false));
    }

    #[test]
    fn what_no_file_may_be_called_is_refused() {
        for path in [
            "",
            "a",
            "*",
            "/..",
            "/a/../b",
            "/%2e%2e/b",
            "/.env",
            "/a/.git/x",
            "/%2eenv",
            "/a%2fb",
            "/a%5Cb",
            "/a%00",
            "/%",
            "/%4",
            "/%zz",
            "/%ff",
            "/%2E",
        ] {
            assert_eq!(read(path), None, "{path}");
        }
    }

    #[test]
    fn links_stay_on_this_host() {
        let path = |text| SitePath::parse(text).expect("legal");
        assert_eq!(path("//evil.example/a b").as_directory(), "/evil.example/a%20b/");
        assert_eq!(path("/").as_directory(), "/");
        assert_eq!(path("/a/about.html").as_clean_page().as_deref(), Some("/a/about"));
        assert_eq!(path("/a/index.html").as_clean_page().as_deref(), Some("/a/"));
        assert_eq!(path("/index.html").as_clean_page().as_deref(), Some("/"));
        assert_eq!(path("/a.txt").as_clean_page(), None);
    }

    proptest! {
        #[test]
        fn no_part_can_leave_the_root(path in "/(\\.|/|%2e|%2F|%5c|[a-z%\\\\]|%00|\u{e9}){0,24}") {
            if let Some(path) = SitePath::parse(&path) {
                for part in &path.parts {
                    prop_assert!(!part.is_empty() && !part.starts_with('.') || part == ".well-known");
                    prop_assert!(!part.contains(['/', '\\', '\0']));
                }
                prop_assert_eq!(SitePath::parse(&path.as_directory()).map(|again| again.parts), Some(path.parts.clone()));
                prop_assert!(!path.as_directory().starts_with("//"));
            }
        }
    }
}
