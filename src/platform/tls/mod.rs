//! Certificates for the platform's port: those of an authority of its own, and one that the operator may give.

mod authority;
mod certificates;
mod config;
mod description;
mod error;
mod leaf;
mod operator;

pub use config::TlsConfig;
pub use description::CaCertificate;
pub use error::TlsError;

use crate::clock::Clock;
use crate::name::Hostname;
use authority::Authority;
use certificates::Certificates;
use operator::Operator;
use rustls::{ServerConfig, crypto::ring};
use std::{
    path::{Path, PathBuf},
    sync::Arc,
    time::Duration,
};
use tokio::time::{MissedTickBehavior, interval};

/// The directory of the authority, in the data directory.
const DIR: &str = "tls";

/// How often certificates are looked at.
const LOOK: Duration = Duration::from_mins(1);

/// What the platform's port needs for TLS, and what keeps it fresh.
pub(super) struct Tls {
    dir: PathBuf,
    domain: Hostname,
    clock: Clock,
    certificates: Arc<Certificates>,
    operator: Option<Operator>,
}

impl Tls {
    /// Takes the authority in `data_dir`, or makes one, and reads the operator's certificate if there is one.
    pub(super) fn open(
        data_dir: &Path,
        domain: &Hostname,
        config: &TlsConfig,
        clock: Clock,
    ) -> Result<Self, TlsError> {
        let (dir, domain, now) = (data_dir.join(DIR), domain.clone(), clock.now());
        let operator = Operator::of(config, now)?;
        let authority = Authority::ensure(&dir, &domain, now)?;
        let certificates = Certificates::new(authority, domain.clone(), now)?;
        certificates.set_operators(operator.as_ref().map(Operator::certified));
        Ok(Self { dir, domain, clock, certificates: Arc::new(certificates), operator })
    }

    /// Whether the operator gave a certificate.
    pub(super) fn is_operators(&self) -> bool {
        self.operator.is_some()
    }

    /// TLS 1.2 and 1.3 with these certificates.
    pub(super) fn server_config(&self) -> Result<ServerConfig, TlsError> {
        let mut config = ServerConfig::builder_with_provider(Arc::new(ring::default_provider()))
            .with_safe_default_protocol_versions()?
            .with_no_client_auth()
            .with_cert_resolver(self.certificates.clone());
        config.ticketer = ring::Ticketer::new()?;
        Ok(config)
    }

    /// Renews what is due, and takes what the operator has changed, until it is dropped.
    pub(super) async fn keep_fresh(mut self) {
        let mut looks = interval(LOOK);
        looks.set_missed_tick_behavior(MissedTickBehavior::Delay);
        loop {
            looks.tick().await;
            self.refresh();
        }
    }

    /// One look. What cannot be renewed stays as it is until the next one.
    fn refresh(&mut self) {
        let now = self.clock.now();
        if self.certificates.is_due(now) {
            let renewed = Authority::ensure(&self.dir, &self.domain, now)
                .and_then(|authority| self.certificates.renew(authority, now));
            match renewed {
                Ok(()) => tracing::info!("renewed the platform's own certificate"),
                Err(error) => tracing::error!(%error, "cannot renew the platform's own certificate"),
            }
        }
        if let Some(operator) = &mut self.operator
            && operator.look(now)
        {
            self.certificates.set_operators(Some(operator.certified()));
        }
    }
}

#[cfg(test)]
mod tests;
