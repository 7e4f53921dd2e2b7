use super::{DIR, TlsError, authority::CERTIFICATE};
use crate::clock::Timestamp;
use crate::name::Hostname;
use rustls::pki_types::{CertificateDer, pem::PemObject as _};
use sha2::{Digest as _, Sha256};
use std::{
    io,
    path::{Path, PathBuf},
};
use x509_parser::{
    extensions::{GeneralName, ParsedExtension},
    prelude::{FromDer as _, X509Certificate},
};

/// What a certificate says about itself.
#[derive(Clone, Debug, Eq, PartialEq)]
pub(super) struct Facts {
    /// The first and the last second of its life.
    pub(super) from: Timestamp,
    pub(super) until: Timestamp,
    subject: String,
    key: Vec<u8>,
    /// The names that an authority may sign for.
    permitted: Vec<String>,
    fingerprint: [u8; 32],
}

impl Facts {
    /// The facts of the first certificate in `pem`.
    pub(super) fn of_pem(pem: &str) -> Result<Self, &'static str> {
        const WRONG: &str = "a certificate";
        let der = CertificateDer::from_pem_slice(pem.as_bytes()).map_err(|_| WRONG)?;
        Self::of_der(&der).ok_or(WRONG)
    }

    pub(super) fn of_der(der: &CertificateDer<'_>) -> Option<Self> {
        let (_, certificate) = X509Certificate::from_der(der).ok()?;
        let validity = certificate.validity();
        let moment = |time: x509_parser::time::ASN1Time| {
            Timestamp::from_unix_micros(time.timestamp().saturating_mul(1_000_000))
        };
        Some(Self {
            from: moment(validity.not_before),
            until: moment(validity.not_after),
            subject: certificate.subject().to_string(),
            key: certificate.public_key().raw.to_vec(),
            permitted: permitted(&certificate),
            fingerprint: Sha256::digest(der).into(),
        })
    }

    pub(super) fn has_expired(&self, now: Timestamp) -> bool {
        self.until <= now
    }

    pub(super) fn permits(&self, domain: &Hostname) -> bool {
        self.permitted.iter().any(|name| *name == domain.as_ref())
    }

    /// Whether `key`, as it stands in certificates, is the certificate's.
    pub(super) fn is_of_key(&self, key: &[u8]) -> bool {
        self.key == key
    }
}

fn permitted(certificate: &X509Certificate<'_>) -> Vec<String> {
    let constraints =
        certificate.extensions().iter().find_map(|extension| match extension.parsed_extension() {
            ParsedExtension::NameConstraints(constraints) => constraints.permitted_subtrees.as_ref(),
            _ => None,
        });
    constraints.into_iter().flatten().filter_map(|subtree| permitted_name(&subtree.base)).collect()
}

fn permitted_name(name: &GeneralName<'_>) -> Option<String> {
    match name {
        GeneralName::DNSName(name) => Some((*name).to_owned()),
        // Address, then mask.
        GeneralName::IPAddress([a, b, c, d, mask @ ..]) if mask.len() == 4 => {
            Some(format!("{}/{}", std::net::Ipv4Addr::new(*a, *b, *c, *d), ones(mask)))
        }
        GeneralName::IPAddress(bytes) => {
            let (address, mask) = bytes.split_at_checked(16)?;
            let address: [u8; 16] = address.try_into().ok()?;
            Some(format!("{}/{}", std::net::Ipv6Addr::from(address), ones(mask)))
        }
        _ => None,
    }
}

fn ones(mask: &[u8]) -> u32 {
    mask.iter().map(|byte| byte.count_ones()).sum()
}

/// The certificate of a platform's own authority, as a person needs it to trust it.
#[derive(Clone, Debug)]
pub struct CaCertificate {
    path: PathBuf,
    pem: String,
    facts: Facts,
}

impl CaCertificate {
    /// Reads it from the platform's data directory; the platform may run meanwhile.
    ///
    /// # Errors
    /// [`TlsError::NoAuthority`] where no platform has run, [`TlsError::File`], [`TlsError::NotPem`].
    pub fn read(data_dir: &Path) -> Result<Self, TlsError> {
        let path = data_dir.join(DIR).join(CERTIFICATE);
        let pem = match std::fs::read_to_string(&path) {
            Ok(pem) => pem,
            Err(error) if error.kind() == io::ErrorKind::NotFound => {
                return Err(TlsError::NoAuthority { path });
            }
            Err(cause) => return Err(TlsError::File { action: "read", path, cause }),
        };
        match Facts::of_pem(&pem) {
            Ok(facts) => Ok(Self { path, pem, facts }),
            Err(expected) => Err(TlsError::NotPem { path, expected }),
        }
    }

    /// Its file.
    #[must_use]
    pub fn path(&self) -> &Path {
        &self.path
    }

    /// It as PEM.
    #[must_use]
    pub fn pem(&self) -> &str {
        &self.pem
    }

    /// Its own name.
    #[must_use]
    pub fn subject(&self) -> &str {
        &self.facts.subject
    }

    /// Until when it is valid.
    #[must_use]
    pub fn valid_until(&self) -> Timestamp {
        self.facts.until
    }

    /// The names and addresses that it may sign for, each with all below it.
    #[must_use]
    pub fn names(&self) -> &[String] {
        &self.facts.permitted
    }

    /// The SHA-256 of its DER, as other programs show it: `AB:CD:…`.
    #[must_use]
    pub fn fingerprint(&self) -> String {
        self.facts.fingerprint.map(|byte| format!("{byte:02X}")).join(":")
    }
}
