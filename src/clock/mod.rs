//! The clock: the only room that reads the wall clock, so that a test can turn it.
//!
//! # Owns
//! The present moment, and how a moment is written.
//!
//! # Not here
//! Waiting: timers are `tokio::time`, which tests pause. Durations are `std::time::Duration`, and what is
//! measured on the way of a request is `std::time::Instant`.

use std::{
    fmt,
    str::FromStr,
    sync::{
        Arc,
        atomic::{AtomicI64, Ordering},
    },
    time::Duration,
};

/// A moment in UTC with a resolution of one microsecond.
#[derive(Clone, Copy, Debug, Eq, Hash, Ord, PartialEq, PartialOrd)]
pub struct Timestamp(i64);

impl Timestamp {
    /// The moment `micros` microseconds after 1970-01-01T00:00:00Z.
    #[must_use]
    pub fn from_unix_micros(micros: i64) -> Self {
        Self(micros)
    }

    /// Microseconds since 1970-01-01T00:00:00Z.
    #[must_use]
    pub fn unix_micros(self) -> i64 {
        self.0
    }

    /// Milliseconds since 1970-01-01T00:00:00Z.
    #[must_use]
    pub fn unix_millis(self) -> i64 {
        self.0 / 1000
    }
}

impl Timestamp {
    /// RFC 3339 in whole seconds, as the Platform API writes times: `2026-11-22T22:00:00Z`.
    #[must_use]
    pub fn in_seconds(self) -> String {
        let moment = jiff::Timestamp::from_second(self.0.div_euclid(1_000_000)).unwrap_or_default();
        moment.strftime("%Y-%m-%dT%H:%M:%SZ").to_string()
    }
}

/// RFC 3339 with microseconds and a numeric offset, as log lines carry it: `2026-11-22T22:00:00.000000+00:00`.
impl fmt::Display for Timestamp {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let moment = jiff::Timestamp::from_microsecond(self.0).map_err(|_| fmt::Error)?;
        write!(f, "{}", moment.strftime("%Y-%m-%dT%H:%M:%S%.6f+00:00"))
    }
}

/// The text is not a moment.
#[derive(Clone, Debug, Eq, PartialEq, thiserror::Error)]
#[error("`{0}` is not a time: write it as 2026-11-22T22:00:00.000000+00:00")]
pub struct InvalidTimestamp(String);

impl FromStr for Timestamp {
    type Err = InvalidTimestamp;

    /// Reads RFC 3339 with any offset; what is finer than a microsecond is cut off.
    fn from_str(text: &str) -> Result<Self, InvalidTimestamp> {
        let moment: Result<jiff::Timestamp, _> = text.parse();
        moment
            .map(|moment| Self(moment.as_microsecond()))
            .map_err(|_| InvalidTimestamp(text.chars().take(64).collect()))
    }
}

impl serde::Serialize for Timestamp {
    fn serialize<S: serde::Serializer>(&self, serializer: S) -> Result<S::Ok, S::Error> {
        serializer.collect_str(self)
    }
}

impl<'de> serde::Deserialize<'de> for Timestamp {
    fn deserialize<D: serde::Deserializer<'de>>(deserializer: D) -> Result<Self, D::Error> {
        let text = <std::borrow::Cow<'de, str>>::deserialize(deserializer)?;
        text.parse().map_err(serde::de::Error::custom)
    }
}

/// Where the present moment comes from. Clones share one clock.
#[derive(Clone, Debug)]
pub struct Clock(Hands);

#[derive(Clone, Debug)]
enum Hands {
    System,
    Turned(Arc<AtomicI64>),
}

impl Clock {
    /// The machine's clock.
    #[must_use]
    pub fn system() -> Self {
        Self(Hands::System)
    }

    /// A clock that stands at `start` until [`advance`](Self::advance) moves it.
    #[must_use]
    pub fn standing_at(start: Timestamp) -> Self {
        Self(Hands::Turned(Arc::new(AtomicI64::new(start.0))))
    }

    /// The present moment.
    #[must_use]
    pub fn now(&self) -> Timestamp {
        match &self.0 {
            Hands::System => Timestamp(jiff::Timestamp::now().as_microsecond()),
            Hands::Turned(micros) => Timestamp(micros.load(Ordering::Acquire)),
        }
    }

    /// Moves a standing clock forward; the system's clock moves by itself.
    pub fn advance(&self, by: Duration) {
        if let Hands::Turned(micros) = &self.0 {
            let by = i64::try_from(by.as_micros()).unwrap_or(i64::MAX);
            micros.fetch_add(by, Ordering::AcqRel);
        }
    }
}

impl Default for Clock {
    fn default() -> Self {
        Self::system()
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_moment_is_written_as_log_lines_carry_it() {
        let moment = Timestamp::from_unix_micros(1_795_384_800_000_042);
        insta::assert_snapshot!(moment, @"2026-11-22T22:00:00.000042+00:00");
    }

    #[test]
    fn a_moment_is_read_as_it_is_written() {
        let moment = Timestamp::from_unix_micros(1_795_384_800_000_042);
        assert_eq!(moment.to_string().parse(), Ok(moment));
        assert_eq!("2026-11-22T23:00:00.000042+01:00".parse(), Ok(moment));
        let error = "yesterday".parse::<Timestamp>().expect_err("no time");
        insta::assert_snapshot!(error, @"`yesterday` is not a time: write it as 2026-11-22T22:00:00.000000+00:00");
    }

    #[test]
    fn a_standing_clock_moves_only_when_turned() {
        let clock = Clock::standing_at(Timestamp::from_unix_micros(5));
        let twin = clock.clone();
        clock.advance(Duration::from_micros(7));
        assert_eq!(twin.now().unix_micros(), 12);
    }
}
