//! The pause before a crashed dyno is tried again.
//!
//! Heroku restarts it once at once and then makes it wait for 20 minutes and more, which protects a host that bills by
//! the hour. Here a developer sits in front of it: at once, then after 1 s, 2 s, 4 s, … up to 5 minutes. A dyno that
//! ran for [`STEADY`] begins anew.

use std::time::Duration;

/// A dyno that ran this long is in no crash loop.
pub(super) const STEADY: Duration = Duration::from_mins(1);
const FIRST: Duration = Duration::from_secs(1);
const LONGEST: Duration = Duration::from_mins(5);

/// How long a dyno that crashed `crashes` times in a row waits.
pub(super) fn pause(crashes: u32) -> Duration {
    match crashes {
        0 | 1 => Duration::ZERO,
        more => FIRST.saturating_mul(2_u32.saturating_pow(more - 2)).min(LONGEST),
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use proptest::prelude::*;

    #[test]
    fn the_first_retry_is_at_once_and_later_ones_wait_up_to_five_minutes() {
        let seconds = (1..=12).map(|crashes| pause(crashes).as_secs()).collect::<Vec<_>>();
        assert_eq!(seconds, [0, 1, 2, 4, 8, 16, 32, 64, 128, 256, 300, 300]);
    }

    proptest! {
        #[test]
        fn pauses_grow_and_are_bounded(crashes: u32) {
            prop_assert!(pause(crashes) <= pause(crashes.saturating_add(1)));
            prop_assert!(pause(crashes) <= LONGEST);
        }
    }
}
