use reqwest::StatusCode;
use rustls::CertificateError;
use std::path::PathBuf;

/// Why the platform did not do what was asked.
#[derive(Debug, thiserror::Error)]
pub(in crate::cli) enum ClientError {
    /// The caller's: `HOKKU_HOST` is nothing that can be reached.
    #[error("`{text}` is no host: set HOKKU_HOST to something like http://localhost:8080")]
    BadHost {
        /// What was given.
        text: String,
    },
    /// The caller's: a password in an address is seen by too many.
    #[error("HOKKU_HOST holds a name or password: put the token into HOKKU_API_KEY instead")]
    HostWithPassword,
    /// The caller's: a file with certificates is none.
    #[error("cannot read certificates from {}, which {named_by} names: {why}", file.display())]
    BadAuthority {
        /// The file.
        file: PathBuf,
        /// `HOKKU_CA_FILE`.
        named_by: &'static str,
        /// What is wrong.
        why: String,
    },
    /// The system trusts no authority at all, and none was named.
    #[error(
        "this machine has no certificates of authorities, so it cannot know {host}: install its package ca-certificates, \
         or set HOKKU_CA_FILE to a file with the authority of {host}"
    )]
    NoAuthorities {
        /// Scheme, name and port.
        host: String,
    },
    /// Who answers cannot show that it is the platform.
    #[error(
        "{host} shows a certificate that is not trusted ({why}): if it has an authority of its own, save what `hokku ca` \
         prints on the platform's machine, and set HOKKU_CA_FILE to that file"
    )]
    Untrusted {
        /// Scheme, name and port.
        host: String,
        /// What is wrong with the certificate.
        why: String,
    },
    /// Who answers has another name.
    #[error(
        "{host} shows a certificate for another name: set HOKKU_HOST to the name that the platform goes by"
    )]
    OtherName {
        /// Scheme, name and port.
        host: String,
    },
    /// The e-mail address or the password is wrong.
    #[error("{host} does not accept that e-mail address and password")]
    BadLogin {
        /// Scheme, name and port.
        host: String,
    },
    /// The platform's: it gave out something that is no address.
    #[error("{host} gave out an address that is none: is HOKKU_HOST right?")]
    BadAddress {
        /// Scheme, name and port.
        host: String,
    },
    /// The platform took no more of an upload. Its answer, if it gave one, is lost with the connection.
    #[error("{host} closed the upload before its end: it may be larger than the platform takes ({why})")]
    UploadClosed {
        /// Scheme, name and port.
        host: String,
        /// How.
        why: String,
    },
    /// Nobody answers.
    #[error("cannot reach a platform at {host}{why}: start one with `hokku up`, or set HOKKU_HOST")]
    Unreachable {
        /// Scheme, name and port.
        host: String,
        /// The cause in parentheses, if it says more than that nobody listens.
        why: String,
    },
    /// The platform took too long.
    #[error("{host} did not answer in time; see with `hokku ps` or `hokku releases` whether it was done")]
    TimedOut {
        /// Scheme, name and port.
        host: String,
    },
    /// The connection ended in the middle.
    #[error("the connection to {host} broke: {why}")]
    Lost {
        /// Scheme, name and port.
        host: String,
        /// How.
        why: String,
    },
    /// The token is missing or wrong.
    #[error(
        "{host} {problem}: log in with `hokku login`, or set HOKKU_API_KEY to a token; the owner's is in the file \
         `owner-token` in the platform's data directory"
    )]
    Unauthorized {
        /// Scheme, name and port.
        host: String,
        /// What is wrong.
        problem: &'static str,
    },
    /// The platform does not say which of its tokens is the one in use.
    #[error("{host} does not tell which token this is")]
    UnknownToken {
        /// Scheme, name and port.
        host: String,
    },
    /// The platform says no, in its own words.
    #[error("{message}")]
    Refused {
        /// The HTTP status.
        status: StatusCode,
        /// Heroku's word for the kind: `not_found`.
        id: String,
        /// For people.
        message: String,
        /// What was not found: `app`.
        resource: Option<String>,
    },
    /// Whatever it is, it is no platform.
    #[error("{host} does not answer as a platform does (HTTP status {status}): is HOKKU_HOST right?")]
    Foreign {
        /// Scheme, name and port.
        host: String,
        /// The HTTP status.
        status: StatusCode,
    },
}

impl ClientError {
    /// What went wrong below HTTP. The address itself stays out of it: it may hold a secret.
    pub(super) fn of_transport(host: String, error: reqwest::Error) -> Self {
        let error = error.without_url();
        if error.is_timeout() && !error.is_connect() {
            return Self::TimedOut { host };
        }
        let mut deepest: &(dyn std::error::Error + 'static) = &error;
        let mut refused = false;
        while let Some(cause) = deepest.source() {
            deepest = cause;
            let io = cause.downcast_ref::<std::io::Error>();
            refused |= io.is_some_and(|io| io.kind() == std::io::ErrorKind::ConnectionRefused);
            if let Some(rustls::Error::InvalidCertificate(why)) = io.and_then(of_tls) {
                return Self::of_certificate(host, why);
            }
        }
        let why = deepest.to_string();
        match error.is_connect() {
            true if refused => Self::Unreachable { host, why: String::new() },
            true => Self::Unreachable { host, why: format!(" ({why})") },
            false => Self::Lost { host, why },
        }
    }

    fn of_certificate(host: String, why: &CertificateError) -> Self {
        match why {
            CertificateError::NotValidForName | CertificateError::NotValidForNameContext { .. } => {
                Self::OtherName { host }
            }
            CertificateError::UnknownIssuer => {
                Self::Untrusted { host, why: "its authority is unknown here".to_owned() }
            }
            other => Self::Untrusted { host, why: other.to_string() },
        }
    }

    /// Whether the same may well work a little later: the connection failed, not the request.
    pub(in crate::cli) fn is_transport(&self) -> bool {
        matches!(self, Self::Unreachable { .. } | Self::TimedOut { .. } | Self::Lost { .. })
    }

    /// Whether there is nothing at that address, or no longer.
    pub(in crate::cli) fn is_gone(&self) -> bool {
        matches!(self, Self::Refused { status, .. } | Self::Foreign { status, .. }
            if matches!(*status, StatusCode::NOT_FOUND | StatusCode::FORBIDDEN | StatusCode::GONE))
    }

    /// Whether the app that was named is not there.
    pub(in crate::cli) fn is_unknown_app(&self) -> bool {
        matches!(self, Self::Refused { id, resource: Some(resource), .. } if id == "not_found" && resource == "app")
    }
}

/// The error of TLS inside those of a connection; it is not among their sources.
fn of_tls(io: &std::io::Error) -> Option<&rustls::Error> {
    let inner = io.get_ref()?;
    inner.downcast_ref().or_else(|| inner.downcast_ref().and_then(of_tls))
}
