use sha2::{Digest as _, Sha256};
use std::{fmt, io, str::FromStr};

/// The SHA-256 of some bytes, written `sha256:` and 64 lower-case hexadecimal digits.
#[derive(Clone, Copy, Eq, Hash, Ord, PartialEq, PartialOrd)]
pub struct Digest([u8; 32]);

/// The digest of a manifest's bytes: the name of a slug.
#[derive(Clone, Copy, Eq, Hash, Ord, PartialEq, PartialOrd)]
pub struct SlugDigest(Digest);

/// The text is not a digest.
#[derive(Clone, Debug, Eq, PartialEq, thiserror::Error)]
#[error("`{0}` is not a digest: write sha256: and 64 digits of 0-9 and a-f")]
pub struct InvalidDigest(String);

impl Digest {
    /// The digest of `bytes`. For bytes that are not in memory, see [`HashingWriter`].
    #[must_use]
    pub fn of(bytes: &[u8]) -> Self {
        Self(Sha256::digest(bytes).into())
    }

    /// The 64 hexadecimal digits alone, for file names.
    #[must_use]
    pub fn hex(&self) -> String {
        hex::encode(self.0)
    }
}

impl SlugDigest {
    /// The name of the slug whose manifest is `bytes`.
    #[must_use]
    pub fn of_manifest(bytes: &[u8]) -> Self {
        Self(Digest::of(bytes))
    }

    /// The 64 hexadecimal digits alone, for file names.
    #[must_use]
    pub fn hex(&self) -> String {
        self.0.hex()
    }

    /// The digest of the manifest's bytes.
    #[must_use]
    pub fn digest(&self) -> Digest {
        self.0
    }
}

impl fmt::Display for Digest {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "sha256:{}", self.hex())
    }
}

impl FromStr for Digest {
    type Err = InvalidDigest;

    fn from_str(text: &str) -> Result<Self, InvalidDigest> {
        let lower = |c: &u8| matches!(c, b'0'..=b'9' | b'a'..=b'f');
        let mut bytes = [0; 32];
        text.strip_prefix("sha256:")
            .filter(|digits| digits.as_bytes().iter().all(lower))
            .and_then(|digits| hex::decode_to_slice(digits, &mut bytes).ok())
            .map(|()| Self(bytes))
            .ok_or_else(|| InvalidDigest(text.chars().take(80).collect()))
    }
}

impl fmt::Display for SlugDigest {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        self.0.fmt(f)
    }
}

impl FromStr for SlugDigest {
    type Err = InvalidDigest;

    fn from_str(text: &str) -> Result<Self, InvalidDigest> {
        text.parse().map(Self)
    }
}

/// `Debug` as the text, and serde as a string, for both kinds of digest.
macro_rules! as_text {
    ($name:ident) => {
        impl fmt::Debug for $name {
            fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
                fmt::Display::fmt(self, f)
            }
        }

        crate::name::serde_as_text!($name);
    };
}
as_text!(Digest);
as_text!(SlugDigest);

/// Hashes and counts the bytes that pass through to or from `inner`.
pub struct Hashing<I> {
    inner: I,
    sha256: Sha256,
    count: u64,
}

/// A writer that knows the digest of what was written.
pub type HashingWriter<W> = Hashing<W>;

impl<I> Hashing<I> {
    /// Starts with no bytes seen.
    pub fn new(inner: I) -> Self {
        Self { inner, sha256: Sha256::new(), count: 0 }
    }

    /// How many bytes have passed.
    pub fn count(&self) -> u64 {
        self.count
    }

    /// Ends with the inner stream, and the digest and number of the bytes that passed.
    pub fn finish(self) -> (I, Digest, u64) {
        (self.inner, Digest(self.sha256.finalize().into()), self.count)
    }

    fn pass(&mut self, bytes: &[u8]) {
        self.sha256.update(bytes);
        self.count += bytes.len() as u64;
    }
}

impl<W: io::Write> io::Write for Hashing<W> {
    fn write(&mut self, bytes: &[u8]) -> io::Result<usize> {
        let written = self.inner.write(bytes)?;
        self.pass(&bytes[..written]);
        Ok(written)
    }

    fn flush(&mut self) -> io::Result<()> {
        self.inner.flush()
    }
}

impl<R: io::Read> io::Read for Hashing<R> {
    fn read(&mut self, buffer: &mut [u8]) -> io::Result<usize> {
        let read = self.inner.read(buffer)?;
        self.pass(&buffer[..read]);
        Ok(read)
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use std::io::{Read as _, Write as _};

    #[test]
    fn a_digest_is_read_as_it_is_written() {
        let digest = Digest::of(b"hokku");
        assert_eq!(digest.to_string().parse(), Ok(digest));
        assert_eq!(digest.to_string().len(), 71);
        let upper = digest.to_string().to_uppercase();
        for text in ["", "sha256:", "sha256:00", &digest.hex(), &upper, &format!("{digest}0")] {
            assert!(text.parse::<Digest>().is_err(), "{text}");
        }
        insta::assert_snapshot!("md5:12".parse::<Digest>().expect_err("illegal"), @"`md5:12` is not a digest: write sha256: and 64 digits of 0-9 and a-f");
    }

    #[test]
    fn streams_hash_what_passes() {
        let mut writer = HashingWriter::new(Vec::new());
        writer.write_all(b"hok").and_then(|()| writer.write_all(b"ku")).expect("memory");
        let (written, digest, count) = writer.finish();
        assert_eq!((written.as_slice(), digest, count), (b"hokku".as_slice(), Digest::of(b"hokku"), 5));
        let mut reader = Hashing::new(b"hokku".as_slice());
        reader.read_to_end(&mut Vec::new()).expect("memory");
        assert_eq!(reader.finish().1, digest);
    }
}
