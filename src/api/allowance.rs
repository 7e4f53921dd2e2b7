use super::ApiLimits;
use crate::clock::Timestamp;
use crate::name::AccountId;
use std::{
    collections::HashMap,
    sync::{Mutex, PoisonError},
};

/// How often each account may still ask.
#[derive(Debug)]
pub(super) struct Allowance {
    rate: ApiLimits,
    buckets: Mutex<HashMap<AccountId, Bucket>>,
}

/// What an account has left, in millionths of a request, and since when.
#[derive(Clone, Copy, Debug)]
struct Bucket {
    micro_tokens: i64,
    at: Timestamp,
}

impl Allowance {
    pub(super) fn new(rate: ApiLimits) -> Self {
        Self { rate, buckets: Mutex::default() }
    }

    /// Takes one request; gives how many are left, `None` when there was none.
    pub(super) fn take(&self, account: AccountId, now: Timestamp) -> Option<u32> {
        // A panic elsewhere leaves the table whole, so poison is not passed on.
        let mut buckets = self.buckets.lock().unwrap_or_else(PoisonError::into_inner);
        let full = Bucket { micro_tokens: i64::from(self.rate.requests_at_once) * 1_000_000, at: now };
        let bucket = buckets.entry(account).or_insert(full);
        *bucket = bucket.refilled(self.rate, now);
        let left = bucket.micro_tokens.checked_sub(1_000_000).filter(|left| *left >= 0)?;
        bucket.micro_tokens = left;
        u32::try_from(left / 1_000_000).ok()
    }
}

impl Bucket {
    fn refilled(self, rate: ApiLimits, now: Timestamp) -> Self {
        let elapsed = now.unix_micros().saturating_sub(self.at.unix_micros()).max(0);
        let gained = elapsed.saturating_mul(i64::from(rate.requests_per_minute)) / 60;
        let full = i64::from(rate.requests_at_once) * 1_000_000;
        Self { micro_tokens: self.micro_tokens.saturating_add(gained).min(full), at: now.max(self.at) }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn at(seconds: i64) -> Timestamp {
        Timestamp::from_unix_micros(seconds * 1_000_000)
    }

    #[test]
    fn a_bucket_empties_and_fills_again() {
        let allowance = Allowance::new(ApiLimits {
            requests_at_once: 2,
            requests_per_minute: 60,
            ..ApiLimits::default()
        });
        let account = AccountId::random();
        let left: Vec<_> = [0, 0, 0, 1, 1, 100].map(|s| allowance.take(account, at(s))).into();
        assert_eq!(left, [Some(1), Some(0), None, Some(0), None, Some(1)]);
        assert_eq!(allowance.take(AccountId::random(), at(0)), Some(1), "another account has its own");
    }
}
