use crate::build::walk_source;
use anyhow::{Context as _, bail};
use flate2::{Compression, write::GzEncoder};
use sha2::{Digest as _, Sha256};
use std::{
    fs::{self, File},
    io::{self, BufWriter, Read, Seek as _, Write},
    os::unix::fs::PermissionsExt as _,
    path::{Path, PathBuf},
};

/// A directory as it is sent to be built: a tar.gz of what `hokku build` would take, in a temporary file that is gone
/// with this value.
pub(super) struct SourceArchive {
    pub(super) file: File,
    pub(super) size: u64,
    /// `SHA256:` and the digest, as the API wants it.
    pub(super) checksum: String,
}

impl SourceArchive {
    /// Packs `dir`. The same files make the same bytes: sorted, without owners and times. Blocks.
    pub(super) fn pack(dir: &Path) -> anyhow::Result<Self> {
        let root = fs::canonicalize(dir).with_context(|| format!("cannot read {}", dir.display()))?;
        let mut paths = Vec::new();
        for entry in walk_source(&root, None) {
            let entry = entry.with_context(|| format!("cannot read {}", dir.display()))?;
            if entry.depth() > 0 {
                paths.push(entry.into_path());
            }
        }
        if paths.is_empty() {
            bail!("there is nothing to deploy in {}", dir.display());
        }
        paths.sort_unstable();
        Self::of_paths(&root, &paths)
    }

    fn of_paths(root: &Path, paths: &[PathBuf]) -> anyhow::Result<Self> {
        let file = tempfile::tempfile().context("cannot make a temporary file for the upload")?;
        let hashing = Hashing { out: BufWriter::new(file), digest: Sha256::new() };
        let mut tar = tar::Builder::new(GzEncoder::new(hashing, Compression::default()));
        for path in paths {
            let name = path.strip_prefix(root).unwrap_or(path);
            append(&mut tar, path, name).with_context(|| format!("cannot pack {}", name.display()))?;
        }
        let finished = tar.into_inner().and_then(GzEncoder::finish).and_then(Hashing::finish);
        let (mut file, checksum) = finished.context("cannot write the temporary file for the upload")?;
        let size = file.stream_position()?;
        file.rewind()?;
        Ok(Self { file, size, checksum })
    }
}

fn append(tar: &mut tar::Builder<impl Write>, path: &Path, name: &Path) -> anyhow::Result<()> {
    let kind = fs::symlink_metadata(path)?.file_type();
    let mut header = tar::Header::new_gnu();
    header.set_mtime(0);
    header.set_size(0);
    header.set_mode(0o755);
    if kind.is_dir() {
        header.set_entry_type(tar::EntryType::Directory);
        tar.append_data(&mut header, name, io::empty())?;
    } else if kind.is_symlink() {
        header.set_entry_type(tar::EntryType::Symlink);
        tar.append_link(&mut header, name, fs::read_link(path)?)?;
    } else if kind.is_file() {
        let file = File::open(path)?;
        let meta = file.metadata()?;
        header.set_mode(if meta.permissions().mode() & 0o111 == 0 { 0o644 } else { 0o755 });
        header.set_size(meta.len());
        let mut exactly = Exactly { file, left: meta.len() };
        tar.append_data(&mut header, name, &mut exactly)?;
    } else {
        bail!("it is neither a file, nor a directory, nor a link");
    }
    Ok(())
}

/// A file as long as it was said to be: in an archive anything else would shift what follows.
struct Exactly {
    file: File,
    left: u64,
}

impl Read for Exactly {
    fn read(&mut self, buffer: &mut [u8]) -> io::Result<usize> {
        let wanted = buffer.len().min(usize::try_from(self.left).unwrap_or(usize::MAX));
        let count = self.file.read(&mut buffer[..wanted])?;
        if count == 0 && wanted > 0 {
            return Err(io::Error::other("it became shorter meanwhile"));
        }
        self.left -= count as u64;
        Ok(count)
    }
}

/// Hashes what it passes on.
struct Hashing {
    out: BufWriter<File>,
    digest: Sha256,
}

impl Hashing {
    fn finish(self) -> io::Result<(File, String)> {
        let file = self.out.into_inner().map_err(io::IntoInnerError::into_error)?;
        Ok((file, format!("SHA256:{}", hex::encode(self.digest.finalize()))))
    }
}

impl Write for Hashing {
    fn write(&mut self, bytes: &[u8]) -> io::Result<usize> {
        let count = self.out.write(bytes)?;
        self.digest.update(&bytes[..count]);
        Ok(count)
    }

    fn flush(&mut self) -> io::Result<()> {
        self.out.flush()
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn app(files: &[(&str, &str)]) -> tempfile::TempDir {
        let dir = tempfile::tempdir().expect("dir");
        for (name, text) in files {
            let path = dir.path().join(name);
            fs::create_dir_all(path.parent().expect("a parent")).expect("dir");
            fs::write(path, text).expect("file");
        }
        dir
    }

    #[test]
    fn what_a_build_takes_is_packed_and_nothing_else() {
        let long = format!("{}/x", "d".repeat(150));
        let dir = app(&[
            (".env", "SECRET=1"),
            (".git/config", "secret"),
            (".gitignore", "*.log"),
            ("debug.log", "ignored"),
            ("old.slug", "a slug"),
            ("bin/run", "#!/bin/sh"),
            ("app.py", "hello"),
            (&long, "deep"),
        ]);
        fs::set_permissions(dir.path().join("bin/run"), fs::Permissions::from_mode(0o700)).expect("mode");
        std::os::unix::fs::symlink("bin/run", dir.path().join("start")).expect("link");

        let archive = SourceArchive::pack(dir.path()).expect("packed");
        let mut tar = tar::Archive::new(flate2::read::GzDecoder::new(&archive.file));
        let entries = tar.entries().expect("entries").map(|entry| {
            let entry = entry.expect("entry");
            let header = entry.header();
            let link = entry.link_name().expect("link").map(|to| format!(" -> {}", to.display()));
            let name = entry.path().expect("path").display().to_string().replace(&"d".repeat(150), "d*150");
            let facts =
                (header.mode().expect("mode"), header.size().expect("size"), header.mtime().expect("time"));
            format!("{name}{} {:o} {} {}", link.unwrap_or_default(), facts.0, facts.1, facts.2)
        });
        insta::assert_snapshot!(entries.collect::<Vec<_>>().join("\n"), @r"
        .gitignore 644 5 0
        app.py 644 5 0
        bin 755 0 0
        bin/run 755 9 0
        d*150 755 0 0
        d*150/x 644 4 0
        start -> bin/run 755 0 0
        ");
    }

    #[test]
    fn the_same_files_make_the_same_bytes_and_the_checksum_is_theirs() {
        let files = [("b", "2"), ("a/c", "1")];
        let (one, other) = (app(&files), app(&files));
        let pack = |dir: &tempfile::TempDir| SourceArchive::pack(dir.path()).expect("packed");
        let (mut one, other) = (pack(&one), pack(&other));
        assert_eq!(one.checksum, other.checksum);
        let mut bytes = Vec::new();
        one.file.read_to_end(&mut bytes).expect("read");
        assert_eq!(one.size, bytes.len() as u64);
        assert_eq!(one.checksum, format!("SHA256:{}", hex::encode(Sha256::digest(&bytes))));
    }

    #[test]
    fn nothing_is_not_deployed() {
        let dir = app(&[(".env", "A=1")]);
        let error = SourceArchive::pack(dir.path()).err().expect("refused").to_string();
        assert_eq!(error, format!("there is nothing to deploy in {}", dir.path().display()));
    }
}
