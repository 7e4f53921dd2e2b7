use super::{ClientError, host::Host};
use reqwest::Certificate;
use std::path::{Path, PathBuf};

/// Where the platform of a data directory keeps its authority's certificate.
const OWN: &str = "tls/ca.pem";

/// The authorities that are trusted beside the system's, for one host.
#[derive(Clone, Default)]
pub(super) struct Authorities {
    certificates: Vec<Certificate>,
    /// What git shall trust; it takes one file.
    pub(super) file: Option<PathBuf>,
}

impl Authorities {
    /// Those in the file of `HOKKU_CA_FILE`, and for this machine the one of the data directory's platform. Only https
    /// needs any.
    pub(super) fn of(
        host: &Host,
        named: Option<&Path>,
        data_dir: Option<&Path>,
    ) -> Result<Self, ClientError> {
        let mut all = Self::default();
        if !host.is_https() {
            return Ok(all);
        }
        let own = data_dir.filter(|_| host.is_loopback()).map(|dir| dir.join(OWN)).filter(|own| own.exists());
        let own = own.map(|own| (own, "the data directory"));
        let named = named.map(|named| (named.to_owned(), "HOKKU_CA_FILE"));
        for (file, named_by) in named.into_iter().chain(own) {
            all.certificates.extend(certificates(&file, named_by)?);
            all.file.get_or_insert(std::path::absolute(&file).unwrap_or(file));
        }
        Ok(all)
    }

    /// A client that trusts them. Without https it looks for none, so that it works where no authority is known.
    pub(super) fn client(
        &self,
        builder: reqwest::ClientBuilder,
        host: &Host,
    ) -> Result<reqwest::Client, ClientError> {
        let builder = if host.is_https() {
            builder.tls_certs_merge(self.certificates.iter().cloned())
        } else {
            builder.tls_certs_only([])
        };
        // Nothing else of what is built can fail.
        builder.build().map_err(|_| ClientError::NoAuthorities { host: host.to_string() })
    }
}

fn certificates(file: &Path, named_by: &'static str) -> Result<Vec<Certificate>, ClientError> {
    let bad = |why: String| ClientError::BadAuthority { file: file.to_owned(), named_by, why };
    let pem = std::fs::read(file).map_err(|error| bad(error.to_string()))?;
    let found = Certificate::from_pem_bundle(&pem).map_err(|error| bad(error.to_string()))?;
    if found.is_empty() { Err(bad("there is none in it".to_owned())) } else { Ok(found) }
}
