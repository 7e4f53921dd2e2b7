use super::{
    BuildError,
    buildpack::{Buildpack, hash_file, short},
};
use include_dir::{Dir, include_dir};
use serde::Deserialize;
use sha2::{Digest as _, Sha256};
use std::{
    fs::{self, Permissions},
    io,
    os::unix::fs::PermissionsExt,
    path::{Path, PathBuf},
};

/// Every buildpack that comes with this binary, and `order.toml`.
static EMBEDDED: Dir = include_dir!("$CARGO_MANIFEST_DIR/buildpacks");

/// The most characters of a name that an error shows.
const SHOWN: usize = 100;

/// `order.toml`: the buildpacks in the order in which they are asked.
#[derive(Debug, Deserialize)]
#[serde(deny_unknown_fields)]
struct Order {
    buildpacks: Vec<Named>,
}

#[derive(Debug, Deserialize)]
#[serde(deny_unknown_fields, rename_all = "kebab-case")]
struct Named {
    name: String,
    looks_for: String,
}

/// The buildpacks there are to choose from, unpacked.
#[derive(Clone, Debug)]
pub(super) struct Catalog {
    /// In the order in which they are asked.
    buildpacks: Vec<Buildpack>,
    allow_directories: bool,
}

impl Catalog {
    /// Unpacks the embedded buildpacks below `dir`, unless that very content is there already. Blocks.
    pub(super) fn open(dir: &Path, allow_directories: bool) -> Result<Self, BuildError> {
        let text = EMBEDDED.get_file("order.toml").and_then(|file| file.contents_utf8()).unwrap_or_default();
        let order: Order = toml::from_str(text).map_err(|error| BuildError::BadBuildpack {
            buildpack: "order.toml".to_owned(),
            reason: error.to_string(),
        })?;
        let mut buildpacks = Vec::new();
        for Named { name, looks_for } in order.buildpacks {
            if let Some(embedded) = EMBEDDED.get_dir(&name) {
                let unpacked =
                    unpack(embedded, dir).map_err(|cause| BuildError::host("unpack", dir, cause))?;
                buildpacks.push(Buildpack { looks_for, ..Buildpack::read(&name, &unpacked)? });
            }
        }
        Ok(Self { buildpacks, allow_directories })
    }

    /// Those to ask when none is chosen, in order.
    pub(super) fn in_order(&self) -> &[Buildpack] {
        &self.buildpacks
    }

    /// The buildpack called `name` (also `heroku/NAME`), or the one in the directory of that name where
    /// directories are allowed and it begins with `/`, `./` or `../`.
    pub(super) fn find(&self, name: &str) -> Result<Buildpack, BuildError> {
        let is_path = ["/", "./", "../"].iter().any(|start| name.starts_with(start));
        if is_path && self.allow_directories {
            let called = Path::new(name).file_name().unwrap_or_default().to_string_lossy();
            return Buildpack::read(&called, Path::new(name));
        }
        self.known(name).cloned()
    }

    /// The embedded buildpack called `name`, as Heroku writes it too: `heroku/NAME`, `urn:buildpack:heroku/NAME`.
    pub(super) fn known(&self, name: &str) -> Result<&Buildpack, BuildError> {
        let bare = name.strip_prefix("urn:buildpack:").unwrap_or(name);
        let bare = bare.strip_prefix("heroku/").unwrap_or(bare);
        let found = self.buildpacks.iter().find(|buildpack| buildpack.name == bare);
        found.ok_or_else(|| BuildError::UnknownBuildpack {
            name: name.chars().filter(|c| !c.is_control()).take(SHOWN).collect(),
            known: self.buildpacks.iter().map(|buildpack| buildpack.name.clone()).collect(),
        })
    }
}

/// Unpacks `embedded` to a directory named by its content: written beside, then renamed, so that what is there
/// is whole. What tests and tools left in a buildpack's directory is not unpacked.
fn unpack(embedded: &Dir, into: &Path) -> io::Result<PathBuf> {
    let mut files = Vec::new();
    gather(embedded, &mut files);
    let mut hasher = Sha256::new();
    for file in &files {
        hash_file(&mut hasher, file.path(), file.contents());
    }
    let name = embedded.path().to_string_lossy();
    let target = into.join(format!("{name}-{}", short(hasher)));
    if target.is_dir() {
        return Ok(target);
    }
    let beside = tempfile::Builder::new().prefix(".unpacking-").tempdir_in(into)?;
    for file in files {
        let path = file.path().strip_prefix(embedded.path()).unwrap_or(file.path());
        write(&beside.path().join(path), file.contents(), path.starts_with("bin"))?;
    }
    match fs::rename(beside.path(), &target) {
        Err(error) if !target.is_dir() => Err(error),
        _ => Ok(target), // perhaps somebody else was faster with the same content
    }
}

fn gather<'a>(dir: &'a Dir<'a>, files: &mut Vec<&'a include_dir::File<'a>>) {
    files.extend(
        dir.files().filter(|file| file.path().extension().is_none_or(|extension| extension != "pyc")),
    );
    for inner in dir.dirs() {
        gather(inner, files);
    }
}

fn write(path: &Path, bytes: &[u8], executable: bool) -> io::Result<()> {
    if let Some(parent) = path.parent() {
        fs::create_dir_all(parent)?;
    }
    fs::write(path, bytes)?;
    fs::set_permissions(path, Permissions::from_mode(if executable { 0o755 } else { 0o644 }))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_embedded_buildpacks_are_unpacked_once_and_can_run() {
        let dir = tempfile::tempdir().expect("dir");
        let first = Catalog::open(dir.path(), false).expect("opens");
        let again = Catalog::open(dir.path(), false).expect("opens");
        let names = |catalog: &Catalog| catalog.in_order().iter().map(|b| b.name.clone()).collect::<Vec<_>>();
        assert_eq!(names(&first), names(&again));
        assert!(names(&first).ends_with(&["wasm".to_owned(), "static".to_owned()]));
        assert_eq!(fs::read_dir(dir.path()).expect("dir").count(), first.in_order().len());
        for name in ["python", "heroku/python", "urn:buildpack:heroku/python"] {
            assert_eq!(first.known(name).expect("known").name, "python");
        }
        let detect = first.find("heroku/static").expect("known").dir.join("bin/detect");
        assert_eq!(fs::metadata(detect).expect("there").permissions().mode() & 0o111, 0o111);
    }

    #[test]
    fn an_unknown_name_lists_the_known_ones() {
        let dir = tempfile::tempdir().expect("dir");
        let catalog = Catalog::open(dir.path(), false).expect("opens");
        for name in
            ["cobol", "./wasm", "/etc", "heroku/./wasm", "wasm/../static", "https://example.com/wasm.git"]
        {
            let error = catalog.find(name).expect_err("unknown").to_string();
            assert!(error.starts_with(&format!("there is no buildpack `{name}`: choose from")), "{error}");
        }
    }
}
