use std::{fmt, str::FromStr};

/// The version of a release: `v1`, `v2`, … dense within one app.
#[derive(Clone, Copy, Debug, Eq, Hash, Ord, PartialEq, PartialOrd)]
pub struct ReleaseVersion(u64);

/// The text is not a release version.
#[derive(Clone, Debug, Eq, PartialEq, thiserror::Error)]
#[error("`{0}` is not a release version: write v and a number from 1, as v12")]
pub struct InvalidReleaseVersion(String);

impl ReleaseVersion {
    /// The first release of every app.
    pub const FIRST: Self = Self(1);

    /// The version after this one.
    #[must_use]
    pub fn next(self) -> Self {
        Self(self.0 + 1)
    }

    /// The bare number, 1 for `v1`.
    #[must_use]
    pub fn number(self) -> u64 {
        self.0
    }
}

impl fmt::Display for ReleaseVersion {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "v{}", self.0)
    }
}

impl FromStr for ReleaseVersion {
    type Err = InvalidReleaseVersion;

    /// Reads `v12` and `12`.
    fn from_str(text: &str) -> Result<Self, InvalidReleaseVersion> {
        let digits = text.strip_prefix('v').unwrap_or(text);
        let number = if digits.starts_with('+') { None } else { digits.parse().ok() };
        match number {
            Some(number) if number > 0 => Ok(Self(number)),
            _ => Err(InvalidReleaseVersion(text.chars().take(64).collect())),
        }
    }
}

impl serde::Serialize for ReleaseVersion {
    /// As its number.
    fn serialize<S: serde::Serializer>(&self, serializer: S) -> Result<S::Ok, S::Error> {
        serializer.serialize_u64(self.0)
    }
}

impl<'de> serde::Deserialize<'de> for ReleaseVersion {
    fn deserialize<D: serde::Deserializer<'de>>(deserializer: D) -> Result<Self, D::Error> {
        let number = u64::deserialize(deserializer)?;
        number.to_string().parse().map_err(serde::de::Error::custom)
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn versions_parse_print_and_count() {
        assert_eq!("v12".parse::<ReleaseVersion>().map(|v| v.next().to_string()), Ok("v13".to_owned()));
        assert_eq!("3".parse::<ReleaseVersion>().map(ReleaseVersion::number), Ok(3));
        for text in ["", "v", "v0", "v-1", "v+1", "vv1", "latest"] {
            assert!(text.parse::<ReleaseVersion>().is_err(), "{text}");
        }
    }
}
