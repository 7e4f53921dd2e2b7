use std::{
    io,
    os::unix::fs::{DirBuilderExt as _, MetadataExt as _, PermissionsExt as _},
    path::Path,
};

/// Makes the directory `dir` (and those above it) so that only this user may write in it; takes the right from others
/// where they have it.
///
/// Compiled code is run as it is found, so nobody else may write where it lies.
///
/// # Errors
/// [`io::ErrorKind::PermissionDenied`] when it belongs to another user; the system's other errors.
pub fn make_private(dir: &Path) -> io::Result<()> {
    std::fs::DirBuilder::new().recursive(true).mode(0o700).create(dir)?;
    let metadata = std::fs::metadata(dir)?;
    if metadata.uid() != rustix::process::geteuid().as_raw() {
        let what = format!("{} belongs to another user: choose another directory", dir.display());
        return Err(io::Error::new(io::ErrorKind::PermissionDenied, what));
    }
    let mut permissions = metadata.permissions();
    if permissions.mode() & 0o022 != 0 {
        permissions.set_mode(permissions.mode() & !0o022);
        std::fs::set_permissions(dir, permissions)?;
    }
    Ok(())
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn others_lose_the_right_to_write() {
        let parent = tempfile::tempdir().expect("a directory");
        let dir = parent.path().join("cache/compiled");
        make_private(&dir).expect("made");
        let mode = || std::fs::metadata(&dir).expect("there").permissions().mode() & 0o777;
        assert_eq!(mode(), 0o700);
        std::fs::set_permissions(&dir, std::os::unix::fs::PermissionsExt::from_mode(0o777)).expect("set");
        make_private(&dir).expect("mended");
        assert_eq!(mode(), 0o755);
    }
}
