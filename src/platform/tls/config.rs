use documented::DocumentedFields;
use serde::{Deserialize, Serialize};
use std::path::PathBuf;

/// Certificates for https, which is spoken on the same port as http.
#[derive(Clone, Debug, Default, Deserialize, DocumentedFields, Eq, PartialEq, Serialize)]
#[serde(default, deny_unknown_fields, rename_all = "kebab-case")]
pub struct TlsConfig {
    /// A certificate for the domain and all names below it, with those between it and its root, as a PEM file; addresses
    /// are given out as https then. It is read again when it changes. Default: none, the platform's own authority signs
    /// one (`hokku ca`), as it always does for localhost.
    pub certificate: PathBuf,
    /// The certificate's private key, as a PEM file.
    pub key: PathBuf,
    /// Whether apps answer requests over http by sending them on to https. Default: false.
    pub redirect: bool,
}
