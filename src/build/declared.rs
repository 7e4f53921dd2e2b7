use serde::Deserialize;
use std::collections::BTreeMap;

/// The most config vars or process types that a buildpack may declare.
const ENTRIES: usize = 500;

/// What `bin/release` says.
#[derive(Debug, Default, Eq, PartialEq)]
pub(super) struct Release {
    pub(super) config_vars: BTreeMap<String, String>,
    pub(super) default_process_types: BTreeMap<String, String>,
}

/// The YAML of `bin/release`; what else there is (`addons`) has no meaning here.
#[derive(Debug, Deserialize)]
struct Document {
    config_vars: Option<BTreeMap<String, String>>,
    default_process_types: Option<BTreeMap<String, String>>,
}

impl Release {
    /// Reads YAML of bounded size and nesting.
    ///
    /// # Errors
    /// What is wrong with it, in words.
    pub(super) fn parse(yaml: &str) -> Result<Self, String> {
        if yaml.trim().trim_start_matches("---").trim().is_empty() {
            return Ok(Self::default());
        }
        let options = serde_saphyr::options! {
            budget: serde_saphyr::budget! { max_events: 10_000, max_aliases: 0, max_anchors: 0 },
            with_snippet: false,
        };
        let document: Option<Document> = serde_saphyr::from_str_with_options(yaml, options)
            .map_err(|error| format!("bin/release printed no YAML of the Buildpack API: {error}"))?;
        let Some(document) = document else { return Ok(Self::default()) };
        let release = Self {
            config_vars: document.config_vars.unwrap_or_default(),
            default_process_types: document.default_process_types.unwrap_or_default(),
        };
        if release.config_vars.len() > ENTRIES || release.default_process_types.len() > ENTRIES {
            return Err(format!("bin/release declares more than {ENTRIES} config vars or process types"));
        }
        Ok(release)
    }
}

/// The directories of `path` (a `PATH` as buildpacks write it) that lie in the app, relative to its root.
///
/// An entry counts when it is relative or below `/app` or `$HOME`; the system's directories and `$PATH` do not
/// exist in a dyno.
pub(super) fn path_in_app(path: &str) -> Vec<String> {
    path.split(':').filter_map(entry_in_app).collect()
}

fn entry_in_app(entry: &str) -> Option<String> {
    let homes = ["/app", "$HOME", "${HOME}"];
    let below = homes
        .iter()
        .find_map(|home| entry.strip_prefix(home))
        .filter(|rest| rest.is_empty() || rest.starts_with('/'));
    let relative = below
        .map(|rest| rest.trim_start_matches('/'))
        .or((!entry.starts_with(['/', '$'])).then_some(entry))?;
    let words: Vec<_> = relative.split('/').filter(|word| !word.is_empty() && *word != ".").collect();
    if entry.is_empty() || words.contains(&"..") {
        return None;
    }
    Some(if words.is_empty() { ".".to_owned() } else { words.join("/") })
}

/// The assignments of an `export` file: `export KEY=VALUE` lines with bare or quoted values. There is no shell:
/// `$PATH` in a `PATH` is the one thing put in. Also gives the lines that say more than this.
pub(super) fn exports(text: &str, path: &str) -> (Vec<(String, String)>, Vec<String>) {
    let (mut vars, mut unread) = (Vec::new(), Vec::new());
    for line in text.lines().map(str::trim).filter(|line| !line.is_empty() && !line.starts_with('#')) {
        match export(line, path) {
            Some(var) => vars.push(var),
            None => unread.push(line.split('=').next().unwrap_or_default().to_owned()),
        }
    }
    (vars, unread)
}

fn export(line: &str, path: &str) -> Option<(String, String)> {
    let (key, value) = line.strip_prefix("export ")?.split_once('=')?;
    let key = key.trim_start();
    let legal = key.chars().all(|c| c.is_ascii_alphanumeric() || c == '_') && !key.is_empty();
    let quoted = |quote| value.strip_prefix(quote).and_then(|rest: &str| rest.strip_suffix(quote));
    let bare = || (!value.contains([' ', '\t', ';', '&', '|'])).then_some(value);
    if let Some(literal) = quoted('\'') {
        return (legal && !literal.contains('\'')).then(|| (key.to_owned(), literal.to_owned()));
    }
    let mut value = quoted('"').or_else(bare)?.to_owned();
    if key == "PATH" {
        value = value.replace("${PATH}", path).replace("$PATH", path);
    }
    (legal && !value.contains(['$', '`', '\\', '"', '\''])).then(|| (key.to_owned(), value))
}

#[cfg(test)]
mod tests {
    use super::*;

    fn map(pairs: &[(&str, &str)]) -> BTreeMap<String, String> {
        pairs.iter().map(|(key, value)| ((*key).to_owned(), (*value).to_owned())).collect()
    }

    #[test]
    fn a_release_is_read_as_buildpacks_write_it() {
        let yaml = "---\naddons: []\nconfig_vars:\n  PATH: /app/.python/bin:$PATH\n  PORT: 5000\ndefault_process_types:\n  web: \"gunicorn app:app --bind 0.0.0.0:$PORT\"\n";
        let release = Release::parse(yaml).expect("YAML");
        assert_eq!(release.config_vars, map(&[("PATH", "/app/.python/bin:$PATH"), ("PORT", "5000")]));
        assert_eq!(release.default_process_types, map(&[("web", "gunicorn app:app --bind 0.0.0.0:$PORT")]));
    }

    #[test]
    fn an_empty_release_says_nothing() {
        for yaml in ["", "---\n", "--- {}\n", "config_vars:\ndefault_process_types: {}\n"] {
            assert_eq!(Release::parse(yaml), Ok(Release::default()), "{yaml:?}");
        }
    }

    #[test]
    fn what_is_no_release_is_refused() {
        let bomb = "a: &a [x,x]\nconfig_vars: {A: *a}\n";
        for yaml in ["- a\n- b\n", "config_vars: [1]\n", "{{", bomb] {
            assert!(Release::parse(yaml).is_err(), "{yaml:?}");
        }
    }

    #[test]
    fn only_directories_of_the_app_count_in_a_path() {
        let path = "/app/.python/bin:$HOME/x/:vendor/bin:/usr/bin:$PATH::/app:./y:../z:/application/b";
        assert_eq!(path_in_app(path), [".python/bin", "x", "vendor/bin", ".", "y"]);
    }

    #[test]
    fn plain_exports_are_read_and_shell_is_not() {
        let text = "# by go\nexport GOROOT=/cache/go\nexport PATH=\"/cache/go/bin:$PATH\"\nexport A='$x y'\nexport B=$(date)\nC=1\nexport D=1; rm x\n";
        let (vars, unread) = exports(text, "/bin");
        let vars: Vec<_> = vars.iter().map(|(key, value)| (key.as_str(), value.as_str())).collect();
        assert_eq!(vars, [("GOROOT", "/cache/go"), ("PATH", "/cache/go/bin:/bin"), ("A", "$x y")]);
        assert_eq!(unread, ["export B", "C", "export D"]);
    }

    proptest::proptest! {
        #[test]
        fn no_declared_path_leaves_the_app(path in "[a./$:HOMEp]{0,40}") {
            for entry in path_in_app(&path) {
                proptest::prop_assert!(!entry.starts_with('/') && !entry.split('/').any(|word| word == ".." || word.is_empty()));
            }
        }
    }
}
