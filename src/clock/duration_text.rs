//! Durations in settings, as people write them: `30s`, `1m 30s`, `24h`. For `#[serde(with = "…")]`.

use jiff::{
    SignedDuration,
    fmt::friendly::{Designator, SpanPrinter},
};
use serde::{Deserialize as _, Deserializer, Serializer, de::Error as _};
use std::{borrow::Cow, time::Duration};

/// Writes a duration in the largest units that show it exactly.
///
/// # Errors
/// Those of the serializer.
pub fn serialize<S: Serializer>(duration: &Duration, serializer: S) -> Result<S::Ok, S::Error> {
    let signed = SignedDuration::try_from(*duration).unwrap_or(SignedDuration::MAX);
    let text = SpanPrinter::new().designator(Designator::Compact).duration_to_string(&signed);
    serializer.serialize_str(&text)
}

/// Reads what a person wrote.
///
/// # Errors
/// For what is no duration, or a negative one.
pub fn deserialize<'de, D: Deserializer<'de>>(deserializer: D) -> Result<Duration, D::Error> {
    let text = <Cow<'de, str>>::deserialize(deserializer)?;
    let wrong = || D::Error::custom(format!("`{text}` is not a duration: write it as 30s, 5m or 24h"));
    let signed: SignedDuration = text.parse().map_err(|_| wrong())?;
    Duration::try_from(signed).map_err(|_| wrong())
}

#[cfg(test)]
mod tests {
    use serde::{Deserialize, Serialize};
    use std::time::Duration;

    #[derive(Debug, Deserialize, PartialEq, Serialize)]
    struct Setting {
        #[serde(with = "super")]
        after: Duration,
    }

    #[test]
    fn a_duration_is_written_as_people_write_it_and_read_back() {
        for (seconds, text) in [(30, "30s"), (75, "1m 15s"), (86_400, "24h"), (0, "0s")] {
            let setting = Setting { after: Duration::from_secs(seconds) };
            let written = toml::to_string(&setting).expect("written");
            assert_eq!(written, format!("after = \"{text}\"\n"));
            assert_eq!(toml::from_str::<Setting>(&written), Ok(setting));
        }
    }

    #[test]
    fn what_is_no_duration_is_refused() {
        for text in ["30", "\"30\"", "\"-5s\"", "\"soon\"", "\"\""] {
            assert!(toml::from_str::<Setting>(&format!("after = {text}")).is_err(), "{text}");
        }
        let error = toml::from_str::<Setting>("after = \"soon\"").expect_err("refused");
        insta::assert_snapshot!(error.message(), @"`soon` is not a duration: write it as 30s, 5m or 24h");
    }
}
