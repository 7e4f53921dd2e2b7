use super::{
    Digest, Program, Refusal, SlugError,
    archive::{is_compiled, is_wat},
    digest::HashingWriter,
    plan::PathDirectory,
};
use bytes::Bytes;
use cap_std::fs::{Dir, File};
use std::{
    collections::HashSet,
    ffi::OsString,
    io::{self, Read},
    os::unix::ffi::OsStrExt,
};

/// The first bytes of every wasm module and component.
pub(super) const MAGIC: &[u8] = b"\0asm";
/// Most bytes of a `.wat` text: 4 MiB.
const WAT_LIMIT: u64 = 4 << 20;

/// The wasm programs of a tree.
#[derive(Debug, Default)]
pub(super) struct Programs {
    /// In the order of their paths.
    pub(super) found: Vec<FoundProgram>,
    /// Paths of files that the tree's archive leaves out.
    pub(super) apart: HashSet<String>,
}

#[derive(Debug)]
pub(super) struct FoundProgram {
    pub(super) program: Program,
    /// The bytes of a program that was text in the tree; others are read from the tree again.
    pub(super) converted: Option<Bytes>,
}

/// Finds every program directly in a directory of the PATH. Blocking; reads each program once to hash it.
pub(super) fn find(tree: &Dir, path: &[PathDirectory]) -> Result<Programs, SlugError> {
    let mut programs = Programs::default();
    for directory in path {
        let reading = || SlugError::io(format!("read the directory {}", directory.path));
        let entries = match tree.read_dir(&directory.path) {
            Err(absent) if absent.kind() == io::ErrorKind::NotFound => continue,
            Err(absent) if absent.kind() == io::ErrorKind::NotADirectory => continue,
            entries => entries.map_err(reading())?,
        };
        for entry in entries {
            let name = entry.map_err(reading())?.file_name();
            programs.look_at(tree, directory, &name)?;
        }
    }
    programs.found.sort_by(|a, b| a.program.path.cmp(&b.program.path));
    Ok(programs)
}

impl Programs {
    fn look_at(&mut self, tree: &Dir, directory: &PathDirectory, name: &OsString) -> Result<(), SlugError> {
        let refuse = |why| {
            let entry = format!("{}/{}", directory.path, name.to_string_lossy());
            SlugError::Refused { entry, why }
        };
        let path = directory.join(name.as_bytes()).map_err(refuse)?;
        let path = path.as_str();
        // Follows links, inside the tree only: one program may have two names.
        let Ok(true) = tree.metadata(path).map(|metadata| metadata.is_file()) else { return Ok(()) };
        let reading = || SlugError::io(format!("read {path}"));
        let mut file = tree.open(path).map_err(reading())?;
        let mut head = Vec::new();
        (&mut file).take(8).read_to_end(&mut head).map_err(reading())?;
        if is_compiled(&head) {
            return Err(refuse(Refusal::Compiled));
        }
        if head.starts_with(MAGIC) {
            let mut hashing = HashingWriter::new(io::sink());
            io::copy(&mut head.as_slice().chain(file), &mut hashing).map_err(reading())?;
            let (_, digest, size) = hashing.finish();
            self.add(path, digest, size, None);
            if directory.apart {
                self.apart.insert(path.to_owned());
            }
        } else if is_wat(path) && !directory.apart {
            let wasm = convert(path, head.as_slice().chain(file))?;
            self.add(path, Digest::of(&wasm), wasm.len() as u64, Some(wasm));
        }
        Ok(())
    }

    fn add(&mut self, path: &str, digest: Digest, size: u64, converted: Option<Bytes>) {
        let program = Program { path: path.to_owned(), digest, size };
        self.found.push(FoundProgram { program, converted });
    }
}

fn convert(path: &str, text: io::Chain<&[u8], File>) -> Result<Bytes, SlugError> {
    let wrong = |message: String| SlugError::Wat { path: path.to_owned(), message };
    let mut bytes = Vec::new();
    text.take(WAT_LIMIT + 1).read_to_end(&mut bytes).map_err(SlugError::io(format!("read {path}")))?;
    if bytes.len() as u64 > WAT_LIMIT {
        let message = format!("it has more than {WAT_LIMIT} bytes; put the binary `.wasm` there instead");
        return Err(wrong(message));
    }
    let placed = |mut error: wat::Error| {
        error.set_path(path);
        wrong(error.to_string())
    };
    wat::parse_bytes(&bytes).map(|wasm| wasm.into_owned().into()).map_err(placed)
}
