use super::{
    TlsError,
    authority::Authority,
    leaf::{RENEWAL, issue},
};
use crate::clock::Timestamp;
use crate::name::Hostname;
use arc_swap::{ArcSwap, ArcSwapOption};
use rcgen::KeyPair;
use rustls::{
    server::{ClientHello, ResolvesServerCert},
    sign::CertifiedKey,
};
use std::{
    collections::HashMap,
    fmt,
    sync::{Arc, Mutex, PoisonError},
};

/// Hosts for which a certificate of their own is kept.
const MOST_HOSTS: usize = 256;

/// Which certificate a client is shown: the operator's, if there is one, for all but this machine's own names; else one
/// of the platform's authority.
pub(super) struct Certificates {
    domain: Hostname,
    own: ArcSwap<Own>,
    operators: ArcSwapOption<CertifiedKey>,
}

/// What the platform's authority signed with one key.
struct Own {
    authority: Authority,
    key: KeyPair,
    at: Timestamp,
    /// For clients that name no host, and for all hosts that it has.
    general: Arc<CertifiedKey>,
    /// For hosts that it cannot.
    by_host: Mutex<HashMap<Hostname, Arc<CertifiedKey>>>,
}

impl Certificates {
    pub(super) fn new(authority: Authority, domain: Hostname, now: Timestamp) -> Result<Self, TlsError> {
        let own = ArcSwap::from_pointee(Own::new(authority, &domain, now)?);
        Ok(Self { domain, own, operators: ArcSwapOption::empty() })
    }

    pub(super) fn is_due(&self, now: Timestamp) -> bool {
        let own = self.own.load();
        let age = now.unix_micros().saturating_sub(own.at.unix_micros());
        own.authority.has_expired(now) || u128::try_from(age).is_ok_and(|age| age >= RENEWAL.as_micros())
    }

    /// Signs everything anew, with a new key.
    pub(super) fn renew(&self, authority: Authority, now: Timestamp) -> Result<(), TlsError> {
        self.own.store(Arc::new(Own::new(authority, &self.domain, now)?));
        Ok(())
    }

    pub(super) fn set_operators(&self, certified: Option<Arc<CertifiedKey>>) {
        self.operators.store(certified);
    }

    /// The certificate for a client that names `host`; clients name no addresses.
    pub(super) fn of(&self, host: Option<&str>) -> Arc<CertifiedKey> {
        let host: Option<Hostname> = host.and_then(|host| host.parse().ok());
        let is_local = host.as_ref().is_none_or(|host| host.is_within(&Hostname::localhost()));
        if let (false, Some(operators)) = (is_local, self.operators.load_full()) {
            return operators;
        }
        let own = self.own.load();
        match host.filter(|host| is_local || host.is_within(&self.domain)) {
            Some(host) => own.of(host, &self.domain),
            None => Arc::clone(&own.general),
        }
    }
}

impl Own {
    fn new(authority: Authority, domain: &Hostname, now: Timestamp) -> Result<Self, TlsError> {
        let key = KeyPair::generate()?;
        let general = issue(&authority, &key, general_names(domain), now)?;
        Ok(Self { authority, key, at: now, general, by_host: Mutex::default() })
    }

    fn of(&self, host: Hostname, domain: &Hostname) -> Arc<CertifiedKey> {
        let mut names = general_names(domain);
        if names.iter().any(|name| *name == host.as_ref()) {
            return Arc::clone(&self.general);
        }
        if let Some(kept) = self.kept().get(&host) {
            return Arc::clone(kept);
        }
        names.insert(0, host.to_string());
        match issue(&self.authority, &self.key, names, self.at) {
            Ok(certified) => self.keep(host, certified),
            Err(error) => {
                tracing::error!(%error, %host, "cannot sign a certificate");
                Arc::clone(&self.general)
            }
        }
    }

    fn keep(&self, host: Hostname, certified: Arc<CertifiedKey>) -> Arc<CertifiedKey> {
        let mut kept = self.kept();
        // Whoever asks for so many is no browser; signing again costs little.
        if kept.len() >= MOST_HOSTS {
            kept.clear();
        }
        kept.insert(host, Arc::clone(&certified));
        certified
    }

    fn kept(&self) -> std::sync::MutexGuard<'_, HashMap<Hostname, Arc<CertifiedKey>>> {
        self.by_host.lock().unwrap_or_else(PoisonError::into_inner)
    }
}

/// What every certificate of the platform's own is for. There is no `*.localhost` among it: clients take no wildcard right
/// below the root, and some refuse a certificate that has one.
fn general_names(domain: &Hostname) -> Vec<String> {
    let mut names = ["localhost", "127.0.0.1", "::1"].map(str::to_owned).to_vec();
    if *domain != Hostname::localhost() {
        names.push(domain.to_string());
    }
    if domain.as_ref().contains('.') {
        names.push(format!("*.{domain}"));
    }
    names
}

impl ResolvesServerCert for Certificates {
    fn resolve(&self, hello: ClientHello<'_>) -> Option<Arc<CertifiedKey>> {
        Some(self.of(hello.server_name()))
    }
}

impl fmt::Debug for Certificates {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("Certificates").field("domain", &self.domain).finish_non_exhaustive()
    }
}
