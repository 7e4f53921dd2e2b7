use super::{TlsError, authority::Authority};
use crate::clock::Timestamp;
use rcgen::{CertificateParams, DnType, ExtendedKeyUsagePurpose, KeyPair, KeyUsagePurpose, SerialNumber};
use rustls::pki_types::PrivateKeyDer;
use rustls::{crypto::ring, sign::CertifiedKey};
use std::{sync::Arc, time::Duration};

/// How long a certificate of the platform's own is valid: less than the 398 days that clients take.
pub(super) const LIFE: Duration = Duration::from_hours(90 * 24);
/// When it is renewed.
pub(super) const RENEWAL: Duration = Duration::from_hours(60 * 24);
/// Clocks of clients may be late.
const SKEW: Duration = Duration::from_hours(1);

/// Signs a certificate for `names`, which is valid from `now` on.
pub(super) fn issue(
    authority: &Authority,
    key: &KeyPair,
    names: Vec<String>,
    now: Timestamp,
) -> Result<Arc<CertifiedKey>, TlsError> {
    let mut leaf = CertificateParams::new(names)?;
    leaf.distinguished_name = rcgen::DistinguishedName::new();
    leaf.distinguished_name.push(DnType::CommonName, "Hokku platform");
    leaf.key_usages = vec![KeyUsagePurpose::DigitalSignature];
    leaf.extended_key_usages = vec![ExtendedKeyUsagePurpose::ServerAuth];
    leaf.use_authority_key_identifier_extension = true;
    valid_for(&mut leaf, now, LIFE)?;
    let certificate = leaf.signed_by(key, authority.issuer())?;
    let key = PrivateKeyDer::try_from(key.serialize_der())
        .map_err(|text| rustls::Error::General(text.to_owned()))?;
    let key = ring::sign::any_ecdsa_type(&key)?;
    Ok(Arc::new(CertifiedKey::new(vec![certificate.der().clone()], key)))
}

/// Sets the time of validity, and a serial number that no other certificate has.
pub(super) fn valid_for(
    params: &mut CertificateParams,
    now: Timestamp,
    life: Duration,
) -> Result<(), TlsError> {
    let now = rcgen::date_time_ymd(1970, 1, 1) + Duration::from_micros(now.unix_micros().unsigned_abs());
    params.not_before = now - SKEW;
    params.not_after = now + life;
    let mut serial = [0; 16];
    getrandom::fill(&mut serial)?;
    // A number above zero.
    serial[0] = (serial[0] & 0x7f) | 0x40;
    params.serial_number = Some(SerialNumber::from_slice(&serial));
    Ok(())
}
