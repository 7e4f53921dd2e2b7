use super::{AccountError, password::Password};
use crate::ledger::PasswordHash;
use argon2::{
    Algorithm, Argon2, Params, Version,
    password_hash::{PasswordHasher as _, PasswordVerifier as _},
};
use std::sync::Arc;
use tokio::sync::Semaphore;

/// OWASP's parameters for argon2id: 19 MiB, two passes, one lane.
const PARAMS: Params = match Params::new(19 * 1024, 2, 1, None) {
    Ok(params) => params,
    Err(_) => panic!("these are legal"),
};

/// How many passwords are hashed at one time: a bound on memory, and on the processors that logins may take.
const AT_ONCE: usize = 2;

/// How many may wait for it or be at it.
const PLACES: usize = 64;

/// What the password for an account without one, or for no account, is hashed with.
const NOBODYS_SALT: &[u8] = b"nobody's salt...";

/// Hashes passwords off the async threads, few at a time.
pub(super) struct Hashing {
    places: Arc<Semaphore>,
    turns: Arc<Semaphore>,
}

/// More passwords wait to be hashed than there are places.
#[derive(Clone, Copy, Debug, Eq, PartialEq)]
pub(super) struct Busy;

impl Hashing {
    pub(super) fn new() -> Self {
        Self { places: Arc::new(Semaphore::new(PLACES)), turns: Arc::new(Semaphore::new(AT_ONCE)) }
    }

    /// What `password` will be checked with.
    pub(super) async fn hash(&self, password: Password) -> Result<PasswordHash, AccountError> {
        let hashed = self.work(move || argon2().hash_password(password.reveal())).await;
        match hashed.map_err(|Busy| AccountError::Busy)? {
            Ok(hash) => Ok(PasswordHash::new(hash.to_string())),
            Err(error) => Err(AccountError::Unhashable(error.to_string())),
        }
    }

    /// Whether `password` is the one of `hash`. The work is the same where there is none.
    pub(super) async fn verify(&self, password: Password, hash: Option<PasswordHash>) -> Result<bool, Busy> {
        self.work(move || {
            if let Some(hash) = hash {
                return argon2().verify_password(password.reveal(), hash.reveal()).is_ok();
            }
            // The result says nothing, and must not be optimized away.
            std::hint::black_box(argon2().hash_password_with_salt(password.reveal(), NOBODYS_SALT)).ok();
            false
        })
        .await
    }

    /// Does `work` in its turn. It keeps the turn until it ends, whether its caller waits or not.
    async fn work<T: Send + 'static>(&self, work: impl FnOnce() -> T + Send + 'static) -> Result<T, Busy> {
        let place = Arc::clone(&self.places).try_acquire_owned().map_err(|_| Busy)?;
        let turn = Arc::clone(&self.turns).acquire_owned().await.map_err(|_| Busy)?;
        let worked = tokio::task::spawn_blocking(move || {
            let done = work();
            drop((place, turn));
            done
        });
        worked.await.map_err(|_| Busy)
    }
}

fn argon2() -> Argon2<'static> {
    Argon2::new(Algorithm::Argon2id, Version::V0x13, PARAMS)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[tokio::test]
    async fn a_hash_says_how_it_was_made_and_takes_one_password() {
        let hashing = Hashing::new();
        let hash = hashing.hash(Password::given("correct horse")).await.expect("hashed");
        assert!(hash.reveal().starts_with("$argon2id$v=19$m=19456,t=2,p=1$"), "{}", hash.reveal());
        for (password, is_it) in [("correct horse", true), ("correct house", false), ("", false)] {
            let verified = hashing.verify(Password::given(password), Some(hash.clone())).await;
            assert_eq!(verified, Ok(is_it), "{password}");
        }
        assert_eq!(hashing.verify(Password::given("correct horse"), None).await, Ok(false));
        let other = hashing.hash(Password::given("correct horse")).await.expect("hashed");
        assert_ne!(other, hash, "each has its own salt");
    }

    #[tokio::test]
    async fn who_finds_no_place_is_told_at_once() {
        let hashing = Hashing::new();
        let taken = Arc::clone(&hashing.places).try_acquire_many_owned(64).expect("all of them");
        assert_eq!(hashing.verify(Password::given("x"), None).await, Err(Busy));
        drop(taken);
        assert_eq!(hashing.verify(Password::given("x"), None).await, Ok(false));
    }
}
