use super::{LedgerError, cipher};
use hmac::{Hmac, KeyInit as _, Mac as _};
use sha2::Sha256;
use std::{
    fmt,
    fs::{self, File},
    io::{self, Write as _},
    os::unix::fs::PermissionsExt as _,
    path::Path,
    sync::Arc,
};

/// The platform's key: 256 bits that wrap the apps' keys. Never shown.
#[derive(Clone)]
pub struct PlatformKey(pub(super) [u8; 32]);

impl fmt::Debug for PlatformKey {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str("PlatformKey(…)")
    }
}

impl PlatformKey {
    /// From `HOKKU_PLATFORM_KEY`'s text: 64 hexadecimal digits.
    ///
    /// # Errors
    /// [`LedgerError::KeyText`] when it is something else.
    pub fn from_hex(text: &str) -> Result<Self, LedgerError> {
        Self::parse(text).ok_or_else(|| LedgerError::KeyText { from: "HOKKU_PLATFORM_KEY".to_owned() })
    }

    /// Reads `file`, or makes it (0600) with a new key when it is not there. The file is there as a whole or not at
    /// all, whatever happens meanwhile.
    ///
    /// # Errors
    /// [`LedgerError`] when others may read it, when it is damaged, or cannot be written.
    pub fn of_file(file: &Path) -> Result<Self, LedgerError> {
        let failed = |cause| LedgerError::KeyFile { file: file.to_owned(), cause: Arc::new(cause) };
        match Self::read(file) {
            Err(LedgerError::KeyFile { cause, .. }) if cause.kind() == io::ErrorKind::NotFound => {}
            read => return read,
        }
        let key = Self(cipher::random()?);
        match key.write_new(file) {
            // Another process was faster: its key holds.
            Err(cause) if cause.kind() == io::ErrorKind::AlreadyExists => Self::read(file),
            Err(cause) => Err(failed(cause)),
            Ok(()) => Ok(key),
        }
    }

    /// 256 bits for another `purpose`, always the same for one platform; they tell nothing of the key.
    #[must_use]
    pub fn derive(&self, purpose: &str) -> [u8; 32] {
        let mac = Hmac::<Sha256>::new_from_slice(&self.0).map(|mac| mac.chain_update(purpose).finalize());
        mac.map(|mac| mac.into_bytes().into()).unwrap_or_default()
    }

    /// A new one that is kept nowhere.
    pub(super) fn random() -> Result<Self, LedgerError> {
        cipher::random().map(Self)
    }

    fn parse(text: &str) -> Option<Self> {
        let mut key = [0; 32];
        hex::decode_to_slice(text.trim_end(), &mut key).ok()?;
        Some(Self(key))
    }

    fn read(file: &Path) -> Result<Self, LedgerError> {
        let failed = |cause| LedgerError::KeyFile { file: file.to_owned(), cause: Arc::new(cause) };
        let mode = fs::metadata(file).map_err(failed)?.permissions().mode();
        if mode & 0o077 != 0 {
            return Err(LedgerError::KeyOpenToOthers { file: file.to_owned() });
        }
        let text = fs::read(file).map_err(failed)?;
        let key = std::str::from_utf8(&text).ok().and_then(Self::parse);
        key.ok_or_else(|| LedgerError::KeyText { from: file.display().to_string() })
    }

    fn write_new(&self, file: &Path) -> io::Result<()> {
        let dir = file.parent().filter(|dir| !dir.as_os_str().is_empty()).unwrap_or(Path::new("."));
        // Made with 0600.
        let mut temporary = tempfile::NamedTempFile::new_in(dir)?;
        writeln!(temporary, "{}", hex::encode(self.0))?;
        temporary.as_file().sync_all()?;
        temporary.persist_noclobber(file).map_err(|refused| refused.error)?;
        File::open(dir)?.sync_all()
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_key_is_made_once_and_read_again() {
        let dir = tempfile::tempdir().expect("a directory");
        let file = dir.path().join("platform.key");
        let made = PlatformKey::of_file(&file).expect("made");
        assert_eq!(PlatformKey::of_file(&file).expect("read").0, made.0);
        assert_eq!(fs::metadata(&file).expect("there").permissions().mode() & 0o777, 0o600);
        assert_eq!(fs::read_dir(dir.path()).expect("a directory").count(), 1, "nothing is left beside it");
        let text = fs::read_to_string(&file).expect("text");
        assert_eq!(PlatformKey::from_hex(text.trim_end()).expect("a key").0, made.0);
        assert_ne!(made.0, PlatformKey::random().expect("another").0);
        assert_eq!(format!("{made:?}"), "PlatformKey(…)");
    }

    #[test]
    fn a_key_that_others_may_read_is_refused() {
        let dir = tempfile::tempdir().expect("a directory");
        let file = dir.path().join("platform.key");
        PlatformKey::of_file(&file).expect("made");
        fs::set_permissions(&file, fs::Permissions::from_mode(0o640)).expect("set");
        let refused = PlatformKey::of_file(&file).expect_err("open to others").to_string();
        let refused = refused.replace(&dir.path().display().to_string(), "DATA");
        insta::assert_snapshot!(refused, @"DATA/platform.key can be read by others; make it yours alone: chmod 600 DATA/platform.key");
    }

    #[test]
    fn a_damaged_key_is_refused_and_not_shown() {
        let refused = PlatformKey::from_hex("secret").expect_err("too short");
        insta::assert_snapshot!(refused, @"HOKKU_PLATFORM_KEY is not a platform key: it must be 64 hexadecimal digits");
        let dir = tempfile::tempdir().expect("a directory");
        let file = dir.path().join("platform.key");
        PlatformKey::of_file(&file).expect("made");
        fs::write(&file, "").expect("emptied");
        let refused = PlatformKey::of_file(&file).expect_err("empty").to_string();
        let refused = refused.replace(&dir.path().display().to_string(), "DATA");
        insta::assert_snapshot!(refused, @"DATA/platform.key is not a platform key: it must be 64 hexadecimal digits");
        let missing = PlatformKey::of_file(Path::new("/nowhere/platform.key")).expect_err("no directory");
        assert!(missing.to_string().starts_with("cannot use the platform's key in /nowhere/platform.key: "));
    }
}
