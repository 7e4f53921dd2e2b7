use super::{Digest, archive::EntryPath};
use crate::name::ProcessType;
use serde::{Deserialize, Serialize};
use std::collections::{BTreeMap, HashSet};

/// The stack of this version: what a slug may expect around it.
pub const STACK: &str = "hokku-1";

/// What a slug is: `slug.toml`.
///
/// Its bytes are the slug's identity, so writing is deterministic and unknown keys are errors.
#[derive(Clone, Debug, Deserialize, Eq, PartialEq, Serialize)]
#[serde(deny_unknown_fields, rename_all = "kebab-case")]
pub struct Manifest {
    /// Version of this format: 1.
    pub format: u32,
    /// What the slug expects around it: `hokku-1`.
    pub stack: String,
    /// Which program packed it, as `hokku 0.1.0`.
    pub created_by: String,
    /// Directories in which programs are looked up, relative to the app's root; `.` is the root itself.
    pub path: Vec<String>,
    /// The buildpacks that made it, in the order they ran.
    #[serde(default, skip_serializing_if = "Vec::is_empty")]
    pub buildpacks: Vec<BuildpackStamp>,
    /// The app's files.
    pub tree: Tree,
    /// Every program on the path, in the order of their paths.
    #[serde(default, skip_serializing_if = "Vec::is_empty")]
    pub programs: Vec<Program>,
    /// Default config vars, which the app's own override.
    #[serde(default, skip_serializing_if = "BTreeMap::is_empty")]
    pub config: BTreeMap<String, String>,
    /// What can be run, by process type.
    #[serde(default, skip_serializing_if = "BTreeMap::is_empty")]
    pub processes: BTreeMap<ProcessType, Process>,
}

/// A buildpack that took part in making a slug.
#[derive(Clone, Debug, Deserialize, Eq, PartialEq, Serialize)]
#[serde(deny_unknown_fields, rename_all = "kebab-case")]
pub struct BuildpackStamp {
    /// Its name, as `python`.
    pub name: String,
    /// Its version.
    pub version: String,
}

/// The blob that holds the app's files: a canonical tar archive in zstd.
#[derive(Clone, Debug, Deserialize, Eq, PartialEq, Serialize)]
#[serde(deny_unknown_fields, rename_all = "kebab-case")]
pub struct Tree {
    /// Names the blob.
    pub digest: Digest,
    /// Bytes of the blob.
    pub size: u64,
    /// Bytes of all files in it.
    pub unpacked: u64,
    /// Files, directories and links in it.
    pub entries: u64,
}

/// A wasm program on the path: a blob of its own, which many slugs share.
#[derive(Clone, Debug, Deserialize, Eq, PartialEq, Serialize)]
#[serde(deny_unknown_fields, rename_all = "kebab-case")]
pub struct Program {
    /// Where it lies, relative to the app's root; two paths may name one blob.
    pub path: String,
    /// Names the blob: a wasm module or component in binary form.
    pub digest: Digest,
    /// Bytes of the blob.
    pub size: u64,
}

/// A process type: what its dynos run.
#[derive(Clone, Debug, Deserialize, Eq, PartialEq, Serialize)]
#[serde(deny_unknown_fields, rename_all = "kebab-case")]
pub struct Process {
    /// The command line, as in a Procfile; see [`super::CommandLine`].
    pub command: String,
    /// How it serves, where that cannot be seen from the program itself.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub serves: Option<Serves>,
}

/// How a web process serves requests. Written as in a manifest: `http`, `port`, `cgi`, `static`.
#[derive(Clone, Copy, Debug, Deserialize, Eq, PartialEq, Serialize)]
#[serde(rename_all = "kebab-case")]
pub enum Serves {
    /// A component that exports `wasi:http`; the router calls it.
    Http,
    /// A long-running process that listens on `$PORT`.
    Port,
    /// A command started for each request (RFC 3875).
    Cgi,
    /// Files served by the host straight from the slug, without a guest.
    Static,
}

impl std::fmt::Display for Serves {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        f.write_str(match self {
            Self::Http => "http",
            Self::Port => "port",
            Self::Cgi => "cgi",
            Self::Static => "static",
        })
    }
}

/// The text is not a manifest that this version can use.
#[derive(Clone, Debug, Eq, PartialEq, thiserror::Error)]
#[non_exhaustive]
pub enum ManifestError {
    /// The text is not TOML, or not of this shape.
    #[error("slug.toml is not a manifest: {0}")]
    Syntax(String),
    /// The format is newer than this version knows.
    #[error("made by a newer hokku (format {found}; this one reads {}): upgrade hokku", Manifest::FORMAT)]
    Newer {
        /// The format found.
        found: u64,
    },
    /// The slug expects another stack.
    #[error("made for the stack `{}`; this hokku runs {STACK}: build the app again", found.escape_debug())]
    Stack {
        /// The stack found.
        found: String,
    },
    /// The text is too large.
    #[error(
        "slug.toml has {size} bytes; the limit is {}: list fewer programs and config vars",
        Manifest::BYTES_LIMIT
    )]
    TooLarge {
        /// Bytes of the text.
        size: u64,
    },
    /// A list is too long.
    #[error("slug.toml lists {found} {what}; the limit is {limit}: leave out what the app does not need")]
    TooMany {
        /// What is listed.
        what: &'static str,
        /// How many are listed.
        found: usize,
        /// The most allowed.
        limit: usize,
    },
    /// A value cannot be.
    #[error("slug.toml: {what} `{}` {why}", value.escape_debug())]
    Value {
        /// What the value is for.
        what: &'static str,
        /// The value.
        value: String,
        /// What is wrong with it, and what to do.
        why: String,
    },
}

impl Manifest {
    /// The format this version writes, and the newest it reads.
    pub const FORMAT: u32 = 1;
    /// Most bytes of a manifest: 1 MiB.
    pub const BYTES_LIMIT: u64 = 1 << 20;
    /// Most programs, and most process types, of a slug.
    const PROGRAMS: usize = 1000;
    const PROCESSES: usize = 100;
    const PATH: usize = 64;

    /// Reads a manifest of format 1.
    ///
    /// # Errors
    /// [`ManifestError`] for a newer format, another stack, unknown keys, or values that cannot be.
    pub fn from_toml(text: &str) -> Result<Self, ManifestError> {
        #[derive(Deserialize)]
        struct Format {
            format: u64,
        }
        if text.len() as u64 > Self::BYTES_LIMIT {
            return Err(ManifestError::TooLarge { size: text.len() as u64 });
        }
        let syntax = |error: toml::de::Error| ManifestError::Syntax(error.message().to_owned());
        let Format { format } = toml::from_str(text).map_err(syntax)?;
        match format {
            0 => return Err(ManifestError::Syntax("its format is 0".to_owned())),
            found if found > u64::from(Self::FORMAT) => return Err(ManifestError::Newer { found }),
            _ => {}
        }
        let manifest: Self = toml::from_str(text).map_err(syntax)?;
        manifest.check()?;
        Ok(manifest)
    }

    /// The bytes that are stored, and whose digest names the slug.
    ///
    /// # Errors
    /// [`ManifestError`] when the manifest would not be read back.
    pub fn to_toml(&self) -> Result<String, ManifestError> {
        self.check()?;
        let text = toml::to_string(self).map_err(|error| ManifestError::Syntax(error.to_string()))?;
        match text.len() as u64 {
            size if size > Self::BYTES_LIMIT => Err(ManifestError::TooLarge { size }),
            _ => Ok(text),
        }
    }

    /// Bytes of the tree and of every distinct program, packed: the slug's size.
    #[must_use]
    pub fn size(&self) -> u64 {
        self.blobs().iter().fold(0, |sum, (_, size)| sum.saturating_add(*size))
    }

    /// Every blob the slug needs, once, the tree first.
    #[must_use]
    pub fn blobs(&self) -> Vec<(Digest, u64)> {
        let mut seen = HashSet::new();
        std::iter::once((self.tree.digest, self.tree.size))
            .chain(self.programs.iter().map(|program| (program.digest, program.size)))
            .filter(|(digest, _)| seen.insert(*digest))
            .collect()
    }

    fn check(&self) -> Result<(), ManifestError> {
        if self.stack != STACK {
            return Err(ManifestError::Stack { found: self.stack.clone() });
        }
        few("directories of the path", self.path.len(), Self::PATH)?;
        few("programs", self.programs.len(), Self::PROGRAMS)?;
        few("process types", self.processes.len(), Self::PROCESSES)?;
        self.path.iter().try_for_each(|dir| check_path_directory(dir))?;
        let (mut paths, mut sizes) = (HashSet::new(), BTreeMap::new());
        sizes.insert(self.tree.digest, self.tree.size);
        for program in &self.programs {
            let path = check_path("program", &program.path)?;
            let on_path = self.path.iter().any(|dir| dir == if path.is_empty() { "." } else { path });
            if !on_path {
                return Err(value("program", &program.path, "is not in a directory of the path"));
            }
            if !paths.insert(&program.path) {
                return Err(value("program", &program.path, "is there twice"));
            }
            if *sizes.entry(program.digest).or_insert(program.size) != program.size {
                return Err(value("program", &program.path, "gives its blob another size"));
            }
        }
        self.processes.iter().try_for_each(|(name, process)| check_process(name, process))?;
        self.config.iter().try_for_each(|(key, value)| check_config(key, value))
    }
}

fn few(what: &'static str, found: usize, limit: usize) -> Result<(), ManifestError> {
    if found > limit { Err(ManifestError::TooMany { what, found, limit }) } else { Ok(()) }
}

fn value(what: &'static str, value: &str, why: impl Into<String>) -> ManifestError {
    ManifestError::Value { what, value: value.chars().take(200).collect(), why: why.into() }
}

/// Checks a path of the app's tree; returns the directory it is in.
fn check_path<'a>(what: &'static str, path: &'a str) -> Result<&'a str, ManifestError> {
    EntryPath::parse(path.as_bytes()).map_err(|why| value(what, path, format!("is refused: {why}")))?;
    Ok(path.rsplit_once('/').map_or("", |(parent, _)| parent))
}

/// Checks a directory of the path: `.`, or a plain path below the app's root.
pub(super) fn check_path_directory(dir: &str) -> Result<(), ManifestError> {
    if dir == "." { Ok(()) } else { check_path("path directory", dir).map(drop) }
}

fn check_process(name: &ProcessType, process: &Process) -> Result<(), ManifestError> {
    if process.command.len() > super::CommandLine::BYTES_LIMIT {
        let why = format!("has a command of more than {} bytes", super::CommandLine::BYTES_LIMIT);
        return Err(value("process type", name.as_ref(), why));
    }
    Ok(())
}

/// The values are an app's own and are not shown.
fn check_config(key: &str, text: &str) -> Result<(), ManifestError> {
    let legal = !key.is_empty()
        && !key.starts_with(|c: char| c.is_ascii_digit())
        && key.chars().all(|c| c.is_ascii_alphanumeric() || c == '_');
    if !legal {
        return Err(value("config var", key, "is not a name: use letters, digits and _"));
    }
    if text.contains('\0') {
        return Err(value("config var", key, "holds a NUL byte"));
    }
    Ok(())
}

#[cfg(test)]
pub(super) mod tests {
    use super::*;

    /// The manifest that tests look at: a Python app with a program of its own.
    pub(in crate::slug) fn manifest() -> Manifest {
        let program =
            |path: &str| Program { path: path.to_owned(), digest: Digest::of(path.as_bytes()), size: 8 };
        let process = |command: &str, serves| Process { command: command.to_owned(), serves };
        Manifest {
            format: Manifest::FORMAT,
            stack: STACK.to_owned(),
            created_by: "hokku 0.1.0".to_owned(),
            path: vec![".python/bin".to_owned(), "bin".to_owned(), ".".to_owned()],
            buildpacks: vec![BuildpackStamp { name: "python".to_owned(), version: "1".to_owned() }],
            tree: Tree { digest: Digest::of(b"tree"), size: 100, unpacked: 300, entries: 4 },
            programs: [".python/bin/gunicorn.wasm", ".python/bin/python.wasm", "bin/server.wat", "tool"]
                .map(program)
                .into(),
            config: BTreeMap::from([("LANG".to_owned(), "en_US.UTF-8".to_owned())]),
            processes: BTreeMap::from([
                (ProcessType::web(), process("gunicorn app:app", Some(Serves::Http))),
                ("worker".parse().expect("legal"), process("python worker.py", None)),
            ]),
        }
    }

    /// Format 1 as it is on disks: this text must be readable, and be written byte for byte, for ever.
    #[test]
    fn format_1_is_as_it_always_was() {
        let text = manifest().to_toml().expect("legal");
        insta::assert_snapshot!(text, @r#"
    format = 1
    stack = "hokku-1"
    created-by = "hokku 0.1.0"
    path = [".python/bin", "bin", "."]

    [[buildpacks]]
    name = "python"
    version = "1"

    [tree]
    digest = "sha256:dc9c5edb8b2d479e697b4b0b8ab874f32b325138598ce9e7b759eb8292110622"
    size = 100
    unpacked = 300
    entries = 4

    [[programs]]
    path = ".python/bin/gunicorn.wasm"
    digest = "sha256:93aec60440482cf3aca6ae583c5b945ebc9d7a52c9a51323ff0a18726de7b40a"
    size = 8

    [[programs]]
    path = ".python/bin/python.wasm"
    digest = "sha256:cc64dffcccf5825f3e6905317f721a03ff4e10128521e7b660a87e07e90d4ebf"
    size = 8

    [[programs]]
    path = "bin/server.wat"
    digest = "sha256:0e4830d7ec9128b907e84779c1c1bf5649744d28081d8f20b1397bc0a19354f8"
    size = 8

    [[programs]]
    path = "tool"
    digest = "sha256:7c9bbe5ec9b3fb774e8fa0f54247e93c34ddf8e5d16fe3073420de0ae81a262d"
    size = 8

    [config]
    LANG = "en_US.UTF-8"

    [processes.web]
    command = "gunicorn app:app"
    serves = "http"

    [processes.worker]
    command = "python worker.py"
    "#);
        assert_eq!(Manifest::from_toml(&text), Ok(manifest()));
        insta::assert_snapshot!(Digest::of(text.as_bytes()), @"sha256:b25c8bd755342837e3cfec8454b651f1e1122532d92bc1cdea40358012aa4667");
    }

    fn error(change: impl FnOnce(String) -> String) -> String {
        let text = change(manifest().to_toml().expect("legal"));
        Manifest::from_toml(&text).expect_err("illegal").to_string()
    }

    fn unwritable(change: impl FnOnce(&mut Manifest)) -> String {
        let mut manifest = manifest();
        change(&mut manifest);
        manifest.to_toml().expect_err("illegal").to_string()
    }

    #[test]
    fn what_cannot_be_is_refused_with_a_reason() {
        insta::assert_snapshot!(error(|t| t.replace("format = 1", "format = 2\nfuture = true")), @"made by a newer hokku (format 2; this one reads 1): upgrade hokku");
        insta::assert_snapshot!(error(|t| t.replace("format = 1", "format = 0")), @"slug.toml is not a manifest: its format is 0");
        insta::assert_snapshot!(error(|t| t.replace("hokku-1", "heroku-24")), @"made for the stack `heroku-24`; this hokku runs hokku-1: build the app again");
        insta::assert_snapshot!(error(|t| t.replace("unpacked = 300", "unpacked = 300\nx = 1")), @"slug.toml is not a manifest: unknown field `x`, expected one of `digest`, `size`, `unpacked`, `entries`");
        insta::assert_snapshot!(error(|_| "not toml".to_owned()), @"slug.toml is not a manifest: key with no value, expected `=`");
        insta::assert_snapshot!(error(|t| t + &"#".repeat(1 << 20)), @"slug.toml has 1049514 bytes; the limit is 1048576: list fewer programs and config vars");
        insta::assert_snapshot!(unwritable(|m| m.path.push("../bin".into())), @"slug.toml: path directory `../bin` is refused: its path has a `..` component: paths in a slug only go down from the app's root");
        insta::assert_snapshot!(unwritable(|m| m.programs[0].path = "lib/x.wasm".into()), @"slug.toml: program `lib/x.wasm` is not in a directory of the path");
        insta::assert_snapshot!(unwritable(|m| m.programs[0].path = "tool".into()), @"slug.toml: program `tool` is there twice");
        insta::assert_snapshot!(unwritable(|m| m.programs[0].path = "bin/x.cwasm".into()), @"slug.toml: program `bin/x.cwasm` is refused: compiled WebAssembly is native code and is made on the host only: put the `.wasm` file there instead");
        insta::assert_snapshot!(unwritable(|m| m.programs = vec![m.programs[0].clone(); 1001]), @"slug.toml lists 1001 programs; the limit is 1000: leave out what the app does not need");
        insta::assert_snapshot!(unwritable(|m| { m.config.insert("A-B".into(), "hunter2".into()); }), @"slug.toml: config var `A-B` is not a name: use letters, digits and _");
        insta::assert_snapshot!(unwritable(|m| { m.config.insert("A".into(), "hunter2\0".into()); }), @"slug.toml: config var `A` holds a NUL byte");
    }

    #[test]
    fn a_blob_is_counted_once() {
        let mut manifest = manifest();
        assert_eq!((manifest.blobs().len(), manifest.size()), (5, 132));
        manifest.programs[1].digest = manifest.programs[0].digest;
        assert_eq!((manifest.blobs().len(), manifest.size()), (4, 124));
    }
}
