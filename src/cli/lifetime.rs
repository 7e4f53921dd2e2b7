use std::str::FromStr;

/// How long a token lives, in seconds.
#[derive(Clone, Copy, Debug, Eq, PartialEq)]
pub(super) struct Lifetime(u64);

/// The text is no length of time.
#[derive(Debug, Eq, PartialEq, thiserror::Error)]
#[error("`{0}` is no length of time: use a number with s, m, h, d or w, like 30d")]
pub(super) struct InvalidLifetime(String);

impl FromStr for Lifetime {
    type Err = InvalidLifetime;

    /// `30d`, `12h`, and as Heroku has it a plain number of seconds.
    fn from_str(text: &str) -> Result<Self, InvalidLifetime> {
        let invalid = || InvalidLifetime(text.chars().take(40).collect());
        let units = [("s", 1), ("m", 60), ("h", 3600), ("d", 86_400), ("w", 7 * 86_400)];
        let unit = units.iter().find_map(|(unit, length)| Some((text.strip_suffix(unit)?, *length)));
        let (number, length) = unit.unwrap_or((text, 1));
        let number: u32 = number.parse().map_err(|_| invalid())?;
        if number == 0 { Err(invalid()) } else { Ok(Self(u64::from(number) * length)) }
    }
}

impl Lifetime {
    pub(super) fn seconds(self) -> u64 {
        self.0
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn lengths_of_time_are_read() {
        let read = |text: &str| text.parse::<Lifetime>().map(Lifetime::seconds);
        for (text, seconds) in [("90", 90), ("90s", 90), ("2m", 120), ("1h", 3600), ("30d", 2_592_000)] {
            assert_eq!(read(text), Ok(seconds), "{text}");
        }
        for text in ["", "d", "0d", "-1d", "1.5h", "30 d", "99999999999"] {
            assert!(read(text).is_err(), "{text}");
        }
        let error = "soon".parse::<Lifetime>().expect_err("illegal").to_string();
        insta::assert_snapshot!(error, @"`soon` is no length of time: use a number with s, m, h, d or w, like 30d");
    }
}
