use super::encoding::{Accepted, Encoding};
use bytes::Bytes;
use cap_std::fs::Dir;
use http::HeaderValue;
use sha2::{Digest, Sha256};
use std::io::{self, Read as _};

/// Files up to this size are kept in memory while there is room; larger ones are read anew for each request.
pub(super) const SMALL: u64 = 256 * 1024;

/// A file of the site with all its encodings.
#[derive(Debug)]
pub(super) struct Asset {
    pub(super) content_type: HeaderValue,
    /// Identity first.
    variants: Vec<Variant>,
}

/// One encoding of a file.
#[derive(Debug)]
pub(super) struct Variant {
    pub(super) encoding: Encoding,
    /// The file under the site's root.
    pub(super) path: String,
    pub(super) length: u64,
    pub(super) etag: HeaderValue,
    /// The content, if it is small.
    pub(super) bytes: Option<Bytes>,
}

impl Asset {
    /// Reads and hashes the file `path` and what stands precompressed beside it. Blocks.
    ///
    /// # Errors
    /// As the system says; [`io::ErrorKind::NotFound`] also for what is no plain file.
    pub(super) fn load(root: &Dir, path: &str) -> io::Result<Self> {
        let mut variants = vec![Variant::load(root, path, Encoding::Identity)?];
        for encoding in Encoding::ALL.into_iter().filter(|encoding| *encoding != Encoding::Identity) {
            match Variant::load(root, path, encoding) {
                Ok(variant) => variants.push(variant),
                Err(error) if is_missing(&error) => {}
                Err(error) => return Err(error),
            }
        }
        Ok(Self { content_type: content_type(path), variants })
    }

    /// The encoding that the client likes best.
    pub(super) fn variant(&self, accepted: &Accepted<'_>) -> &Variant {
        let best = accepted.best(|encoding| self.variants.iter().any(|variant| variant.encoding == encoding));
        self.variants.iter().find(|variant| variant.encoding == best).unwrap_or(&self.variants[0])
    }

    /// Whether what is sent depends on `Accept-Encoding`.
    pub(super) fn varies(&self) -> bool {
        self.variants.len() > 1
    }

    /// Bytes kept in memory.
    pub(super) fn held(&self) -> usize {
        self.variants.iter().filter_map(|variant| variant.bytes.as_ref()).map(Bytes::len).sum()
    }
}

impl Variant {
    fn load(root: &Dir, path: &str, encoding: Encoding) -> io::Result<Self> {
        let path = format!("{path}{}", encoding.suffix());
        // Asked before it is opened: opening a pipe would wait for its writer.
        if !root.metadata(&path)?.is_file() {
            return Err(io::ErrorKind::NotFound.into());
        }
        let mut file = root.open(&path)?;
        let length = file.metadata()?.len();
        let (digest, bytes) = if length <= SMALL {
            let mut content = Vec::new();
            file.take(SMALL).read_to_end(&mut content)?;
            (Sha256::digest(&content), Some(Bytes::from(content)))
        } else {
            let mut hasher = Sha256::new();
            let mut buffer = vec![0; 64 * 1024];
            while let count @ 1.. = file.read(&mut buffer)? {
                hasher.update(&buffer[..count]);
            }
            (hasher.finalize(), None)
        };
        let length = bytes.as_ref().map_or(length, |bytes| bytes.len() as u64);
        Ok(Self { encoding, path, length, etag: etag(&digest, encoding), bytes })
    }
}

/// Strong: half of the content's SHA-256, and the encoding, so that no two encodings share a tag.
fn etag(digest: &[u8], encoding: Encoding) -> HeaderValue {
    let text = format!("\"{}{}\"", hex::encode(&digest[..16]), encoding.suffix().replace('.', "-"));
    HeaderValue::try_from(text).unwrap_or(HeaderValue::from_static("\"\""))
}

fn content_type(path: &str) -> HeaderValue {
    let guess = match mime_guess::from_path(path).first_raw() {
        None => "application/octet-stream",
        // RFC 9239 made the older name obsolete.
        Some("application/javascript") => "text/javascript",
        Some(guess) => guess,
    };
    let charset = if guess.starts_with("text/") { "; charset=utf-8" } else { "" };
    HeaderValue::try_from(format!("{guess}{charset}")).unwrap_or(HeaderValue::from_static(guess))
}

/// Whether the error says that there is no such file for the world to see; a link out of the root among them.
pub(super) fn is_missing(error: &io::Error) -> bool {
    use io::ErrorKind::{
        InvalidFilename, InvalidInput, IsADirectory, NotADirectory, NotFound, PermissionDenied,
    };
    let kind = error.kind();
    matches!(
        kind,
        InvalidFilename | InvalidInput | IsADirectory | NotADirectory | NotFound | PermissionDenied
    ) || error.raw_os_error() == Some(rustix::io::Errno::LOOP.raw_os_error())
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn types_come_from_names() {
        for (path, wanted) in [
            ("index.html", "text/html; charset=utf-8"),
            ("a/app.js", "text/javascript; charset=utf-8"),
            ("m.mjs", "text/javascript; charset=utf-8"),
            ("s.css", "text/css; charset=utf-8"),
            ("d.json", "application/json"),
            ("i.svg", "image/svg+xml"),
            ("p.wasm", "application/wasm"),
            ("f.woff2", "font/woff2"),
            ("x.unheard-of", "application/octet-stream"),
            ("LICENSE", "application/octet-stream"),
        ] {
            assert_eq!(content_type(path), wanted, "{path}");
        }
    }

    #[test]
    fn no_two_encodings_share_a_tag() {
        let tags: Vec<_> = Encoding::ALL.map(|encoding| etag(&[7; 32], encoding)).to_vec();
        assert_eq!(tags[0], "\"07070707070707070707070707070707-br\"");
        assert_eq!(tags[3], "\"07070707070707070707070707070707\"");
        assert!(tags.iter().enumerate().all(|(index, tag)| !tags[..index].contains(tag)));
    }
}
