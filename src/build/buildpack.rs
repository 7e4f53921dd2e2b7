use super::BuildError;
use serde::Deserialize;
use sha2::{Digest as _, Sha256};
use std::{
    fs, io,
    path::{Path, PathBuf},
};

/// A buildpack as a directory: `bin/detect`, `bin/compile`, `bin/release`, perhaps `bin/toolchain`.
#[derive(Clone, Debug)]
pub(super) struct Buildpack {
    /// What it is chosen by.
    pub(super) name: String,
    /// From its `buildpack.toml`; `0` where that says nothing.
    pub(super) version: String,
    /// What it looks for, in words.
    pub(super) looks_for: String,
    /// Shared by all builds: no build writes here.
    pub(super) dir: PathBuf,
    /// 16 hexadecimal digits that change with any of its files.
    pub(super) digest: String,
}

/// `buildpack.toml`: `name`, `version` and `looks-for`, at the top or in `[buildpack]`; what else there may be
/// is for others.
#[derive(Debug, Default, Deserialize)]
struct About {
    version: Option<String>,
    #[serde(rename = "looks-for")]
    looks_for: Option<String>,
    buildpack: Option<Box<About>>,
}

impl Buildpack {
    /// Reads the buildpack in `dir`, to be known by `name`.
    pub(super) fn read(name: &str, dir: &Path) -> Result<Self, BuildError> {
        let bad = |reason: String| BuildError::BadBuildpack { buildpack: name.to_owned(), reason };
        for script in ["bin/detect", "bin/compile"] {
            if !dir.join(script).is_file() {
                return Err(bad(format!("{script} is missing in {}", dir.display())));
            }
        }
        let text = match fs::read_to_string(dir.join("buildpack.toml")) {
            Err(error) if error.kind() == io::ErrorKind::NotFound => String::new(),
            other => other.map_err(|cause| BuildError::host("read", &dir.join("buildpack.toml"), cause))?,
        };
        let about: About = toml::from_str(&text).map_err(|error| bad(format!("buildpack.toml: {error}")))?;
        let inner = about.buildpack.unwrap_or_default();
        let digest = digest(dir).map_err(|cause| BuildError::host("read", dir, cause))?;
        Ok(Self {
            name: name.to_owned(),
            version: about.version.or(inner.version).unwrap_or_else(|| "0".to_owned()),
            looks_for: about
                .looks_for
                .or(inner.looks_for)
                .unwrap_or_else(|| "what its bin/detect says".to_owned()),
            dir: fs::canonicalize(dir).map_err(|cause| BuildError::host("open", dir, cause))?,
            digest,
        })
    }

    /// The name of its toolchain's directory: another version has another.
    pub(super) fn toolchain_key(&self) -> String {
        let name: String =
            self.name.chars().map(|c| if c.is_ascii_alphanumeric() { c } else { '-' }).collect();
        format!("{name}-{}", self.digest)
    }

    /// Whether it has `script`, as `bin/toolchain`.
    pub(super) fn has(&self, script: &str) -> bool {
        self.dir.join(script).is_file()
    }
}

/// The files below `dir`, relative and in order. Links and what is no file are not part of a buildpack.
pub(super) fn files(dir: &Path) -> io::Result<Vec<PathBuf>> {
    let mut found = Vec::new();
    let mut todo = vec![PathBuf::new()];
    while let Some(below) = todo.pop() {
        for entry in fs::read_dir(dir.join(&below))? {
            let entry = entry?;
            let path = below.join(entry.file_name());
            let kind = entry.file_type()?;
            if kind.is_dir() && entry.file_name() != ".git" && entry.file_name() != "__pycache__" {
                todo.push(path);
            } else if kind.is_file() {
                found.push(path);
            }
        }
    }
    found.sort();
    Ok(found)
}

fn digest(dir: &Path) -> io::Result<String> {
    let mut hasher = Sha256::new();
    for path in files(dir)? {
        let bytes = fs::read(dir.join(&path))?;
        hash_file(&mut hasher, &path, &bytes);
    }
    Ok(short(hasher))
}

pub(super) fn hash_file(hasher: &mut Sha256, path: &Path, bytes: &[u8]) {
    let path = path.as_os_str().as_encoded_bytes();
    hasher.update((path.len() as u64).to_le_bytes());
    hasher.update(path);
    hasher.update((bytes.len() as u64).to_le_bytes());
    hasher.update(bytes);
}

pub(super) fn short(hasher: Sha256) -> String {
    hex::encode(&hasher.finalize()[..8])
}
