use super::{TlsError, description::Facts, leaf::valid_for};
use crate::clock::Timestamp;
use crate::dyno::make_private;
use crate::name::Hostname;
use crate::platform::data_dir::{remove_unfinished, write_whole};
use rcgen::{
    BasicConstraints, Certificate, CertificateParams, CidrSubnet, DistinguishedName, DnType, GeneralSubtree,
    IsCa, Issuer, KeyPair, KeyUsagePurpose, NameConstraints, PublicKeyData as _,
};
use std::{io, net::Ipv6Addr, path::Path, time::Duration};

/// The certificate, for everybody to trust, and its key.
pub(super) const CERTIFICATE: &str = "ca.pem";
const KEY: &str = "ca.key";

/// Ten years.
const LIFE: Duration = Duration::from_hours(3652 * 24);

/// The platform's own certificate authority. Its certificate allows it no names but this machine's own and those of the
/// domain, so that whoever trusts it trusts it with nothing else.
pub(super) struct Authority {
    issuer: Issuer<'static, KeyPair>,
    facts: Facts,
}

impl Authority {
    /// The authority in `dir`. A new one is made where there is none, and in place of one that has expired or is for
    /// another domain.
    pub(super) fn ensure(dir: &Path, domain: &Hostname, now: Timestamp) -> Result<Self, TlsError> {
        let failed = |cause| TlsError::File { action: "use", path: dir.to_owned(), cause };
        make_private(dir).map_err(failed)?;
        remove_unfinished(dir).map_err(failed)?;
        let why = match Self::read(dir)? {
            Some(kept) if kept.facts.has_expired(now) => "the one before has expired",
            Some(kept) if !kept.facts.permits(domain) => "the one before was for another domain",
            Some(kept) => return Ok(kept),
            None => "there was none",
        };
        let made = Self::make(dir, domain, now)?;
        tracing::info!(%domain, why, "made a certificate authority for https; `hokku ca` prints it, and how to trust it");
        Ok(made)
    }

    /// What is there; `None` unless it is a certificate with its key, which are written one after the other.
    fn read(dir: &Path) -> Result<Option<Self>, TlsError> {
        let (Some(certificate), Some(key)) = (text(dir, CERTIFICATE)?, text(dir, KEY)?) else {
            return Ok(None);
        };
        let (Ok(facts), Ok(key)) = (Facts::of_pem(&certificate), KeyPair::from_pem(&key)) else {
            return Ok(None);
        };
        if !facts.is_of_key(&key.subject_public_key_info()) {
            return Ok(None);
        }
        let issuer = Issuer::from_ca_cert_pem(&certificate, key)?;
        Ok(Some(Self { issuer, facts }))
    }

    fn make(dir: &Path, domain: &Hostname, now: Timestamp) -> Result<Self, TlsError> {
        let key = KeyPair::generate()?;
        let params = params(domain, now)?;
        let certificate: Certificate = params.self_signed(&key)?;
        let write = |name: &str, text: &str| {
            write_whole(dir, name, text).map_err(|cause| TlsError::File {
                action: "write",
                path: dir.join(name),
                cause,
            })
        };
        write(KEY, &key.serialize_pem())?;
        write(CERTIFICATE, &certificate.pem())?;
        let facts = Facts::of_der(certificate.der()).ok_or(rcgen::Error::CouldNotParseCertificate)?;
        Ok(Self { issuer: Issuer::new(params, key), facts })
    }

    pub(super) fn issuer(&self) -> &Issuer<'static, KeyPair> {
        &self.issuer
    }

    pub(super) fn has_expired(&self, now: Timestamp) -> bool {
        self.facts.has_expired(now)
    }
}

fn params(domain: &Hostname, now: Timestamp) -> Result<CertificateParams, TlsError> {
    let mut params = CertificateParams::default();
    // A name of its own, since a machine may trust several.
    let mut mark = [0; 4];
    getrandom::fill(&mut mark)?;
    params.distinguished_name = DistinguishedName::new();
    params.distinguished_name.push(DnType::OrganizationName, "Hokku");
    params
        .distinguished_name
        .push(DnType::CommonName, format!("Hokku authority {} for {domain}", hex::encode(mark)));
    params.is_ca = IsCa::Ca(BasicConstraints::Constrained(0));
    params.key_usages = vec![KeyUsagePurpose::KeyCertSign, KeyUsagePurpose::CrlSign];
    let name = |name: &Hostname| GeneralSubtree::DnsName(name.to_string());
    let mut permitted_subtrees = vec![
        name(&Hostname::localhost()),
        GeneralSubtree::IpAddress(CidrSubnet::from_v4_prefix([127, 0, 0, 0], 8)),
        GeneralSubtree::IpAddress(CidrSubnet::from_v6_prefix(Ipv6Addr::LOCALHOST.octets(), 128)),
    ];
    if *domain != Hostname::localhost() {
        permitted_subtrees.push(name(domain));
    }
    params.name_constraints = Some(NameConstraints { permitted_subtrees, excluded_subtrees: Vec::new() });
    valid_for(&mut params, now, LIFE)?;
    Ok(params)
}

fn text(dir: &Path, name: &str) -> Result<Option<String>, TlsError> {
    let path = dir.join(name);
    match std::fs::read_to_string(&path) {
        Ok(text) => Ok(Some(text)),
        Err(error) if error.kind() == io::ErrorKind::NotFound => Ok(None),
        Err(cause) => Err(TlsError::File { action: "read", path, cause }),
    }
}
