use super::error::ApiError;
use hmac::{Hmac, KeyInit as _, Mac as _};
use sha2::Sha256;
use std::fmt;

/// What the addresses of output streams are derived from: 256 bits of one platform, the same after a restart. Never
/// shown.
#[derive(Clone)]
pub struct ApiSecret([u8; 32]);

impl fmt::Debug for ApiSecret {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str("ApiSecret(…)")
    }
}

impl ApiSecret {
    /// From bytes that nobody can guess.
    #[must_use]
    pub fn from_bytes(bytes: [u8; 32]) -> Self {
        Self(bytes)
    }

    /// What makes the address of `name` unguessable: always the same for one name.
    pub(super) fn of(&self, name: &str) -> String {
        mac(&self.0, name).map(|mac| hex::encode(mac.finalize().into_bytes())).unwrap_or_default()
    }

    /// Whether `given` is what [`of`](Self::of) says; takes as long for a near miss as for a far one.
    pub(super) fn is_of(&self, name: &str, given: &str) -> bool {
        let given = hex::decode(given).unwrap_or_default();
        mac(&self.0, name).is_some_and(|mac| mac.verify_slice(&given).is_ok())
    }
}

/// A secret for one use: 256 random bits in hexadecimal digits.
pub(super) fn random() -> Result<String, ApiError> {
    let mut bytes = [0; 32];
    getrandom::fill(&mut bytes).map_err(|cause| ApiError::operator("draw a secret", &cause))?;
    Ok(hex::encode(bytes))
}

/// HMAC with SHA-256 (RFC 2104).
fn mac(key: &[u8; 32], message: &str) -> Option<Hmac<Sha256>> {
    Hmac::new_from_slice(key).ok().map(|mac: Hmac<Sha256>| mac.chain_update(message))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn only_the_whole_secret_of_that_name_opens() {
        let secret = ApiSecret::from_bytes([7; 32]);
        let right = secret.of("builds/1");
        assert!(secret.is_of("builds/1", &right));
        for (name, given) in [("builds/2", right.as_str()), ("builds/1", &right[1..]), ("builds/1", "")] {
            assert!(!secret.is_of(name, given), "{name}");
        }
    }
}
