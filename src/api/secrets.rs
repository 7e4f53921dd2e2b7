use super::error::ApiError;
use sha2::{Digest as _, Sha256};
use std::fmt;

/// The bytes that SHA-256 works on at a time.
const BLOCK: usize = 64;

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
        hex::encode(hmac(&self.0, name.as_bytes()))
    }

    /// Whether `given` is what [`of`](Self::of) says; takes as long for a near miss as for a far one.
    pub(super) fn is_of(&self, name: &str, given: &str) -> bool {
        let wanted = self.of(name);
        let differing = wanted.bytes().zip(given.bytes()).fold(0, |sum, (a, b)| sum | (a ^ b));
        wanted.len() == given.len() && differing == 0
    }
}

/// A secret for one use: 256 random bits in hexadecimal digits.
pub(super) fn random() -> Result<String, ApiError> {
    let mut bytes = [0; 32];
    getrandom::fill(&mut bytes).map_err(|cause| ApiError::operator("draw a secret", &cause))?;
    Ok(hex::encode(bytes))
}

/// HMAC with SHA-256 (RFC 2104) for a key that is shorter than a block.
fn hmac(key: &[u8; 32], message: &[u8]) -> [u8; 32] {
    let mut block = [0; BLOCK];
    block[..key.len()].copy_from_slice(key);
    let inner = Sha256::new().chain_update(block.map(|byte| byte ^ 0x36)).chain_update(message).finalize();
    Sha256::new().chain_update(block.map(|byte| byte ^ 0x5c)).chain_update(inner).finalize().into()
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_mac_is_the_one_of_rfc_4231() {
        // Its second case: the key "Jefe", which zeros lengthen to any size within a block.
        let mut key = [0; 32];
        key[..4].copy_from_slice(b"Jefe");
        let mac = hmac(&key, b"what do ya want for nothing?");
        insta::assert_snapshot!(hex::encode(mac), @"5bdcc146bf60754e6a042426089575c75a003f089d2739839dec58b964ec3843");
    }

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
