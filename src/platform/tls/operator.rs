use super::{TlsConfig, TlsError, description::Facts};
use crate::clock::Timestamp;
use rustls::pki_types::{CertificateDer, PrivateKeyDer, pem::PemObject as _};
use rustls::{Error, InconsistentKeys, crypto::ring, sign::CertifiedKey};
use std::{
    fs::File,
    io::{self, Read as _},
    path::{Path, PathBuf},
    sync::Arc,
};

/// The most bytes of a file.
const MOST: u64 = 1 << 20;

/// The certificate that the operator gave, and where it comes from.
pub(super) struct Operator {
    files: Files,
    /// What was read last, taken or not.
    read: Option<[Vec<u8>; 2]>,
    certified: Arc<CertifiedKey>,
}

#[derive(Clone)]
struct Files {
    certificate: PathBuf,
    key: PathBuf,
}

impl Operator {
    /// What `config` names; `None` if it names nothing.
    pub(super) fn of(config: &TlsConfig, now: Timestamp) -> Result<Option<Self>, TlsError> {
        let is_set = |path: &Path| !path.as_os_str().is_empty();
        match (is_set(&config.certificate), is_set(&config.key)) {
            (false, false) => return Ok(None),
            (true, false) => return Err(TlsError::Half { given: "certificate", missing: "key" }),
            (false, true) => return Err(TlsError::Half { given: "key", missing: "certificate" }),
            (true, true) => {}
        }
        let files = Files { certificate: config.certificate.clone(), key: config.key.clone() };
        let read = files.read()?;
        let certified = files.certified(&read, now)?;
        Ok(Some(Self { files, read: Some(read), certified }))
    }

    pub(super) fn certified(&self) -> Arc<CertifiedKey> {
        Arc::clone(&self.certified)
    }

    /// Looks whether the files have changed, and takes what is new. What is wrong with them is said once; until it is
    /// mended the certificate before stays.
    pub(super) fn look(&mut self, now: Timestamp) -> bool {
        let read = match self.files.read() {
            Ok(read) if self.read.as_ref() == Some(&read) => return false,
            Ok(read) => read,
            Err(error) => {
                if self.read.take().is_some() {
                    tracing::error!(%error, "the certificate of [tls] stays as it was");
                }
                return false;
            }
        };
        let taken = self.files.certified(&read, now);
        self.read = Some(read);
        match taken {
            Ok(certified) => {
                tracing::info!("took the new certificate of [tls]");
                self.certified = certified;
                true
            }
            Err(error) => {
                tracing::error!(%error, "the certificate of [tls] stays as it was");
                false
            }
        }
    }
}

impl Files {
    fn read(&self) -> Result<[Vec<u8>; 2], TlsError> {
        let read = |path: &Path| {
            read_bounded(path).map_err(|cause| TlsError::File {
                action: "read",
                path: path.to_owned(),
                cause,
            })
        };
        Ok([read(&self.certificate)?, read(&self.key)?])
    }

    fn certified(&self, [chain, key]: &[Vec<u8>; 2], now: Timestamp) -> Result<Arc<CertifiedKey>, TlsError> {
        let not_pem = |path: &Path, expected| TlsError::NotPem { path: path.to_owned(), expected };
        let no_certificate = || not_pem(&self.certificate, "a certificate");
        let chain: Vec<_> =
            CertificateDer::pem_slice_iter(chain).collect::<Result<_, _>>().map_err(|_| no_certificate())?;
        let facts = chain.first().and_then(Facts::of_der).ok_or_else(no_certificate)?;
        self.check_time(&facts, now)?;
        let no_key = || not_pem(&self.key, "a private key");
        let key = PrivateKeyDer::from_pem_slice(key).map_err(|_| no_key())?;
        match CertifiedKey::from_der(chain, key, &ring::default_provider()) {
            Ok(certified) => Ok(Arc::new(certified)),
            Err(Error::InconsistentKeys(InconsistentKeys::KeyMismatch)) => {
                let (key, certificate) = (self.key.clone(), self.certificate.clone());
                Err(TlsError::Mismatch { key, certificate })
            }
            Err(_) => Err(no_key()),
        }
    }

    fn check_time(&self, facts: &Facts, now: Timestamp) -> Result<(), TlsError> {
        let path = self.certificate.clone();
        if facts.has_expired(now) {
            return Err(TlsError::Expired { path, at: facts.until.in_seconds() });
        }
        if facts.from > now {
            return Err(TlsError::NotYetValid { path, at: facts.from.in_seconds() });
        }
        Ok(())
    }
}

fn read_bounded(path: &Path) -> io::Result<Vec<u8>> {
    let mut bytes = Vec::new();
    if File::open(path)?.take(MOST).read_to_end(&mut bytes)? as u64 == MOST {
        return Err(io::ErrorKind::FileTooLarge.into());
    }
    Ok(bytes)
}
