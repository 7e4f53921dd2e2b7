use std::{io, path::PathBuf};

/// Why the platform has no certificate: the operator's to mend.
#[derive(Debug, thiserror::Error)]
#[non_exhaustive]
pub enum TlsError {
    /// Only one of two files is set.
    #[error("[tls] sets a {given} and no {missing}; set both, or neither")]
    Half {
        /// The key that is set.
        given: &'static str,
        /// The one that is not.
        missing: &'static str,
    },
    /// A file cannot be read or written.
    #[error("cannot {action} {}: {cause}", path.display())]
    File {
        /// What failed.
        action: &'static str,
        /// The file.
        path: PathBuf,
        /// The system's words.
        #[source]
        cause: io::Error,
    },
    /// The file is not what it should be.
    #[error("{} is not {expected} in PEM", path.display())]
    NotPem {
        /// The file.
        path: PathBuf,
        /// What was expected.
        expected: &'static str,
    },
    /// The key is another one's.
    #[error("the key {} is not that of the certificate {}; give the key with which it was asked for", key.display(), certificate.display())]
    Mismatch {
        /// The key's file.
        key: PathBuf,
        /// The certificate's file.
        certificate: PathBuf,
    },
    /// The certificate is too old.
    #[error("the certificate {} expired at {at}; renew it", path.display())]
    Expired {
        /// The certificate's file.
        path: PathBuf,
        /// When it did.
        at: String,
    },
    /// The certificate is too new, or the machine's clock is wrong.
    #[error("the certificate {} is valid from {at} on only; look at the clock of this machine", path.display())]
    NotYetValid {
        /// The certificate's file.
        path: PathBuf,
        /// From when on it is.
        at: String,
    },
    /// No platform has run on this data directory.
    #[error("there is no certificate authority in {}; `hokku up` makes it at its first start", path.display())]
    NoAuthority {
        /// Where it would be.
        path: PathBuf,
    },
    /// A certificate cannot be made.
    #[error("cannot make a certificate: {0}")]
    Make(#[from] rcgen::Error),
    /// The machinery of TLS does not start.
    #[error("cannot set up TLS: {0}")]
    Setup(#[from] rustls::Error),
    /// There is no randomness for serial numbers.
    #[error("the system gives no randomness: {0}")]
    Random(#[from] getrandom::Error),
}
