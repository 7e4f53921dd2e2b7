//! The seal: XChaCha20-Poly1305 with a random nonce before the ciphertext.

use super::LedgerError;
use chacha20poly1305::{
    KeyInit as _, XChaCha20Poly1305, XNonce,
    aead::{Aead as _, Payload},
};
use std::sync::Arc;

const NONCE: usize = 24;

/// Random bytes of the system.
pub(super) fn random<const N: usize>() -> Result<[u8; N], LedgerError> {
    let mut bytes = [0; N];
    getrandom::fill(&mut bytes).map_err(|cause| LedgerError::Randomness(Arc::new(cause.into())))?;
    Ok(bytes)
}

/// Seals `clear`; only `key` and the same `context` open it.
pub(super) fn seal(key: &[u8; 32], context: &[u8], clear: &[u8]) -> Result<Vec<u8>, LedgerError> {
    let nonce: [u8; NONCE] = random()?;
    let payload = Payload { msg: clear, aad: context };
    let sealed = XChaCha20Poly1305::new(&(*key).into())
        .encrypt(&XNonce::from(nonce), payload)
        .expect("a value is shorter than the cipher's 256 GiB");
    Ok([&nonce[..], &sealed].concat())
}

/// What was sealed; `None` with another key or context, or when a bit was changed.
pub(super) fn unseal(key: &[u8; 32], context: &[u8], sealed: &[u8]) -> Option<Vec<u8>> {
    let (nonce, sealed) = sealed.split_first_chunk::<NONCE>()?;
    let payload = Payload { msg: sealed, aad: context };
    XChaCha20Poly1305::new(&(*key).into()).decrypt(&XNonce::from(*nonce), payload).ok()
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn only_the_same_key_context_and_bytes_open_a_seal() {
        let (key, other): ([u8; 32], [u8; 32]) = (random().expect("bytes"), random().expect("bytes"));
        let sealed = seal(&key, b"here", b"hunter2").expect("sealed");
        assert_eq!(unseal(&key, b"here", &sealed).as_deref(), Some(b"hunter2".as_slice()));
        assert_eq!(unseal(&key, b"there", &sealed), None);
        assert_eq!(unseal(&other, b"here", &sealed), None);
        for bit in 0..sealed.len() * 8 {
            let mut flipped = sealed.clone();
            flipped[bit / 8] ^= 1 << (bit % 8);
            assert_eq!(unseal(&key, b"here", &flipped), None, "bit {bit}");
        }
        assert_eq!(unseal(&key, b"here", &sealed[..20]), None);
        assert_ne!(seal(&key, b"here", b"hunter2").expect("sealed"), sealed, "the nonce is new each time");
    }
}
