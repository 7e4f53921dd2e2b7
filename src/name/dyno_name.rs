use super::ProcessType;
use std::{fmt, str::FromStr};

/// The name of a dyno: its process type and number, `web.1`, `run.4821`.
#[derive(Clone, Eq, Hash, Ord, PartialEq, PartialOrd)]
pub struct DynoName {
    process_type: ProcessType,
    number: u32,
}

/// The text is not a dyno name.
#[derive(Clone, Debug, Eq, PartialEq, thiserror::Error)]
#[error("`{0}` is not a dyno name: write TYPE.NUMBER, as web.1")]
pub struct InvalidDynoName(String);

impl DynoName {
    /// The `number`th dyno of a type; a formation counts from 1.
    #[must_use]
    pub fn new(process_type: ProcessType, number: u32) -> Self {
        Self { process_type, number }
    }

    /// A one-off dyno with a random number of four digits, as Heroku names them.
    #[must_use]
    pub fn one_off(process_type: ProcessType) -> Self {
        Self::new(process_type, fastrand::u32(1000..10_000))
    }

    /// The process type this dyno runs.
    #[must_use]
    pub fn process_type(&self) -> &ProcessType {
        &self.process_type
    }

    /// Its number among the dynos of its type.
    #[must_use]
    pub fn number(&self) -> u32 {
        self.number
    }
}

impl fmt::Display for DynoName {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "{}.{}", self.process_type, self.number)
    }
}

impl fmt::Debug for DynoName {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "\"{self}\"")
    }
}

impl FromStr for DynoName {
    type Err = InvalidDynoName;

    fn from_str(text: &str) -> Result<Self, InvalidDynoName> {
        let invalid = || InvalidDynoName(text.chars().take(80).collect());
        let (process_type, number) = text.rsplit_once('.').ok_or_else(invalid)?;
        Ok(Self {
            process_type: process_type.parse().map_err(|_| invalid())?,
            number: number.parse().ok().filter(|n| *n > 0).ok_or_else(invalid)?,
        })
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_name_is_read_as_it_is_written() {
        let name: DynoName = "web.1".parse().expect("legal");
        assert_eq!((name.process_type().as_ref(), name.number()), ("web", 1));
        assert_eq!(name.to_string(), "web.1");
        for text in ["web", "web.0", "web.x", ".1", "web.-1", "a b.1"] {
            assert!(text.parse::<DynoName>().is_err(), "{text}");
        }
    }
}
