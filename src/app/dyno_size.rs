use std::{fmt, str::FromStr};

/// How much a dyno may take, by Heroku's names.
#[derive(Clone, Copy, Debug, Default, Eq, Hash, Ord, PartialEq, PartialOrd)]
pub enum DynoSize {
    /// 512 MiB.
    Eco,
    /// 512 MiB.
    Basic,
    /// 512 MiB; what a process type has unless told otherwise.
    #[default]
    Standard1X,
    /// 1 GiB.
    Standard2X,
    /// 2.5 GiB.
    PerformanceM,
    /// 14 GiB.
    PerformanceL,
}

/// The text is not a dyno size.
#[derive(Clone, Debug, Eq, PartialEq, thiserror::Error)]
#[error(
    "`{0}` is not a dyno size; there are eco, basic, standard-1x, standard-2x, performance-m, performance-l"
)]
pub struct InvalidDynoSize(String);

impl DynoSize {
    /// Every size, the smallest first.
    pub const ALL: [Self; 6] =
        [Self::Eco, Self::Basic, Self::Standard1X, Self::Standard2X, Self::PerformanceM, Self::PerformanceL];

    /// As the API writes it: `Standard-1X`.
    #[must_use]
    pub fn name(self) -> &'static str {
        match self {
            Self::Eco => "Eco",
            Self::Basic => "Basic",
            Self::Standard1X => "Standard-1X",
            Self::Standard2X => "Standard-2X",
            Self::PerformanceM => "Performance-M",
            Self::PerformanceL => "Performance-L",
        }
    }

    /// Bytes of memory that one instance of a guest may have.
    #[must_use]
    pub fn memory(self) -> u64 {
        match self {
            Self::Eco | Self::Basic | Self::Standard1X => 512 << 20,
            Self::Standard2X => 1 << 30,
            Self::PerformanceM => 2560 << 20,
            Self::PerformanceL => 14 << 30,
        }
    }
}

impl fmt::Display for DynoSize {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.pad(self.name())
    }
}

impl FromStr for DynoSize {
    type Err = InvalidDynoSize;

    /// Reads a name in any letter case, as the official CLI sends it.
    fn from_str(text: &str) -> Result<Self, InvalidDynoSize> {
        let named = Self::ALL.into_iter().find(|size| size.name().eq_ignore_ascii_case(text));
        named.ok_or_else(|| InvalidDynoSize(text.chars().take(64).collect()))
    }
}

crate::name::serde_as_text!(DynoSize);

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn sizes_are_read_in_any_case() {
        assert_eq!("standard-2x".parse(), Ok(DynoSize::Standard2X));
        assert_eq!("Performance-M".parse(), Ok(DynoSize::PerformanceM));
        insta::assert_snapshot!("huge".parse::<DynoSize>().expect_err("illegal"), @"`huge` is not a dyno size; there are eco, basic, standard-1x, standard-2x, performance-m, performance-l");
    }
}
