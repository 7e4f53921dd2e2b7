//! Taking a bare git repository while it is pushed to, gathered into packs or removed.
//!
//! An object is never changed, and stored before a reference leads to it. So the references are read first, and then the
//! objects copied, loose ones before packs: gathering moves them in this direction. Where a file went away meanwhile, or
//! the packs changed, what is new is copied as well, from references that are read anew.

use super::{
    BackupError, names,
    slugs::open,
    writer::{Watch, Writer},
};
use std::{
    collections::{BTreeMap, BTreeSet},
    fmt::Write as _,
    io::{self, Read as _},
    path::{Path, PathBuf},
};

/// How often the objects are looked at.
const LOOKS: usize = 20;
/// The most bytes of one file that is no object: `packed-refs` of a million references.
const TEXT_LIMIT: u64 = 64 << 20;

/// Takes the repository in `dir` below `name`; `false` when there is none.
pub(super) fn take(
    dir: &Path,
    name: &str,
    writer: &mut Writer,
    watch: &mut Watch<'_>,
) -> Result<bool, BackupError> {
    let mut copied = BTreeSet::new();
    for _ in 0..LOOKS {
        let Some(texts) = Texts::read(dir)? else { return Ok(false) };
        let objects = objects(dir)?;
        let mut gone = false;
        for object in objects.iter().filter(|object| !copied.contains(*object)).collect::<Vec<_>>() {
            gone |= !copy_object(dir, name, object, writer, watch)?;
        }
        copied.extend(objects.iter().cloned());
        if !gone && packs(dir)?.iter().all(|pack| copied.contains(pack)) {
            texts.write(name, writer)?;
            return Ok(true);
        }
    }
    Err(BackupError::Restless { path: dir.to_owned() })
}

/// `false` when it is not there any more.
fn copy_object(
    dir: &Path,
    name: &str,
    object: &str,
    writer: &mut Writer,
    watch: &mut Watch<'_>,
) -> Result<bool, BackupError> {
    let path = dir.join(object);
    let Some(mut file) = open(&path)? else { return Ok(false) };
    let size = file.metadata().map_err(BackupError::io("read", &path))?.len();
    writer.file(&format!("{name}/{object}"), &mut file, size, watch)?;
    Ok(true)
}

/// Every object's file, loose ones before packs in the order of looking.
fn objects(dir: &Path) -> Result<BTreeSet<String>, BackupError> {
    let mut found = BTreeSet::new();
    for first in entries(&dir.join("objects"))? {
        if first.len() == 2 && names::is_hex(&first) {
            let below = entries(&dir.join("objects").join(&first))?;
            found.extend(below.into_iter().map(|rest| format!("objects/{first}/{rest}")));
        }
    }
    found.extend(packs(dir)?);
    // What is being written has another name.
    found.retain(|file| names::is_repository_file(file));
    Ok(found)
}

fn packs(dir: &Path) -> Result<BTreeSet<String>, BackupError> {
    let mut packs: BTreeSet<_> =
        entries(&dir.join("objects/pack"))?.into_iter().map(|pack| format!("objects/pack/{pack}")).collect();
    packs.retain(|file| names::is_repository_file(file));
    Ok(packs)
}

/// The names in a directory; none when it is not there.
fn entries(dir: &Path) -> Result<Vec<String>, BackupError> {
    let read = || match std::fs::read_dir(dir) {
        Ok(entries) => entries.map(|entry| Ok(entry?.file_name().into_string().ok())).collect(),
        Err(cause) if cause.kind() == io::ErrorKind::NotFound => Ok(Vec::new()),
        Err(cause) => Err(cause),
    };
    let names: io::Result<Vec<Option<String>>> = read();
    Ok(names.map_err(BackupError::io("read", dir))?.into_iter().flatten().collect())
}

/// Everything of a repository but its objects, in memory.
struct Texts {
    files: Vec<(&'static str, String)>,
    references: String,
}

impl Texts {
    /// `None` when there is no repository (any more).
    fn read(dir: &Path) -> Result<Option<Self>, BackupError> {
        let mut loose = BTreeMap::new();
        read_loose(dir, "refs", &mut loose)?;
        // After the loose ones: packing moves them here.
        let packed = text(&dir.join("packed-refs"))?.unwrap_or_default();
        let mut files = Vec::new();
        for file in ["HEAD", "config", "description", "shallow"] {
            files.extend(text(&dir.join(file))?.map(|text| (file, text)));
        }
        let present = files.first().is_some_and(|(file, _)| *file == "HEAD");
        Ok(present.then(|| Self { files, references: together(&loose, &packed) }))
    }

    fn write(&self, name: &str, writer: &mut Writer) -> Result<(), BackupError> {
        for (file, text) in &self.files {
            writer.bytes(&format!("{name}/{file}"), text.as_bytes())?;
        }
        writer.bytes(&format!("{name}/packed-refs"), self.references.as_bytes())
    }
}

/// Reads the files below `name`: each is a reference.
fn read_loose(dir: &Path, name: &str, loose: &mut BTreeMap<String, String>) -> Result<(), BackupError> {
    for entry in entries(&dir.join(name))? {
        let name = format!("{name}/{entry}");
        let path: PathBuf = dir.join(&name);
        if path.is_dir() {
            read_loose(dir, &name, loose)?;
        } else if let Some(text) = text(&path)?
            && is_object_id(text.trim_end())
        {
            // A reference that is being written has `.lock` at its end, which no reference may have.
            if path.extension().is_none_or(|extension| extension != "lock") {
                loose.insert(name, text.trim_end().to_owned());
            }
        }
    }
    Ok(())
}

fn is_object_id(text: &str) -> bool {
    matches!(text.len(), 40 | 64) && names::is_hex(text)
}

/// A file's text; `None` when it is not there.
fn text(path: &Path) -> Result<Option<String>, BackupError> {
    let Some(file) = open(path)? else { return Ok(None) };
    let mut text = String::new();
    let read = file.take(TEXT_LIMIT + 1).read_to_string(&mut text);
    match read.map_err(BackupError::io("read", path))? as u64 {
        size if size > TEXT_LIMIT => {
            let cause = io::Error::other(format!("it has more than {TEXT_LIMIT} bytes"));
            Err(BackupError::io("read", path)(cause))
        }
        _ => Ok(Some(text)),
    }
}

/// All references as `packed-refs` has them; a loose one goes before a packed one.
fn together(loose: &BTreeMap<String, String>, packed: &str) -> String {
    let (mut all, mut kept) = (String::new(), true);
    for line in packed.lines().filter(|line| !line.starts_with('#')) {
        // A line with `^` belongs to the tag before it.
        if !line.starts_with('^') {
            kept = line.split_once(' ').is_some_and(|(_, name)| !loose.contains_key(name));
        }
        if kept {
            all.push_str(line);
            all.push('\n');
        }
    }
    for (name, id) in loose {
        // Writing to a string cannot fail.
        let _ = writeln!(all, "{id} {name}");
    }
    all
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_loose_reference_goes_before_a_packed_one() {
        let (old, new, tag) = ("a".repeat(40), "b".repeat(40), "c".repeat(40));
        let packed = format!(
            "# pack-refs with: peeled fully-peeled sorted \n{old} refs/heads/main\n{tag} refs/tags/v1\n^{old}\n{tag} refs/tags/v2\n^{old}\n"
        );
        let loose =
            [("refs/heads/main".to_owned(), new.clone()), ("refs/tags/v2".to_owned(), new.clone())].into();
        let wanted = format!("{tag} refs/tags/v1\n^{old}\n{new} refs/heads/main\n{new} refs/tags/v2\n");
        assert_eq!(together(&loose, &packed), wanted);
    }
}
