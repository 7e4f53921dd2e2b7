//! What apps may not be called, and what they are called when nobody says.

use crate::name::AppName;

/// Hosts of the platform itself, and names that a visitor would take for its own.
const RESERVED: [&str; 21] = [
    "account",
    "admin",
    "administrator",
    "api",
    "auth",
    "billing",
    "console",
    "dashboard",
    "git",
    "hokku",
    "localhost",
    "login",
    "mail",
    "ns1",
    "ns2",
    "registry",
    "root",
    "status",
    "support",
    "webmail",
    "www",
];

const ADJECTIVES: [&str; 40] = [
    "amber", "autumn", "bare", "blue", "bright", "calm", "clear", "cool", "dewy", "distant", "early",
    "evening", "faint", "fallen", "first", "frosty", "gentle", "gray", "green", "hidden", "late", "lone",
    "long", "mossy", "old", "pale", "quiet", "red", "ripe", "silent", "slow", "small", "snowy", "soft",
    "spring", "still", "summer", "warm", "white", "winter",
];

const NOUNS: [&str; 40] = [
    "bamboo", "bell", "blossom", "branch", "breeze", "bridge", "brook", "cherry", "cicada", "cloud", "crane",
    "crow", "dawn", "dew", "dusk", "field", "firefly", "frog", "garden", "gate", "grass", "heron", "hill",
    "iris", "lantern", "leaf", "maple", "mist", "moon", "path", "pine", "plum", "pond", "rain", "reed",
    "river", "snow", "sparrow", "temple", "willow",
];

/// Whether no app may have this name.
pub(super) fn is_reserved(name: &AppName) -> bool {
    RESERVED.contains(&name.as_ref())
}

/// A name like `quiet-pond-4821`.
pub(super) fn any_name() -> AppName {
    let of = |words: &[&'static str; 40]| words[fastrand::usize(..words.len())];
    AppName::like(&format!("{}-{}-{}", of(&ADJECTIVES), of(&NOUNS), fastrand::u32(1000..100_000)))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_platforms_own_names_are_reserved() {
        for name in RESERVED {
            assert!(is_reserved(&name.parse().expect("a name that an app could have")), "{name}");
        }
        assert!(!is_reserved(&AppName::like("shop")));
    }

    #[test]
    fn own_names_are_three_words_as_they_are_written() {
        for _ in 0..1000 {
            let name = any_name();
            assert_eq!(name.as_ref().split('-').count(), 3, "{name}");
            assert!(!is_reserved(&name) && name.as_ref().len() < 30);
        }
    }
}
