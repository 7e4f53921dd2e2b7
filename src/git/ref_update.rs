use super::object_id::ObjectId;

/// What one push wants with one reference, as git tells its hooks: `OLD NEW NAME`.
#[derive(Clone, Debug, Eq, PartialEq)]
pub(super) struct RefUpdate {
    /// Where it is.
    pub(super) old: ObjectId,
    /// Where it shall be.
    pub(super) new: ObjectId,
    /// Its name. It is compared and shown, and never given to git.
    pub(super) name: String,
}

impl RefUpdate {
    /// Reads one line without its end.
    pub(super) fn parse(line: &str) -> Option<Self> {
        let mut words = line.splitn(3, ' ');
        let (old, new, name) = (words.next()?, words.next()?, words.next()?);
        let legal = name.starts_with("refs/") && !name.chars().any(|c| c.is_control() || c == ' ');
        let update = Self { old: old.parse().ok()?, new: new.parse().ok()?, name: name.to_owned() };
        legal.then_some(update)
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use proptest::prelude::*;

    #[test]
    fn a_line_of_git_is_read() {
        let (old, new) = ("0".repeat(40), "1a2b3c4d".repeat(5));
        let update = RefUpdate::parse(&format!("{old} {new} refs/heads/main")).expect("legal");
        assert!(update.old.is_none() && !update.new.is_none());
        assert_eq!((update.new.short(), update.name.as_str()), ("1a2b3c4", "refs/heads/main"));
        for wrong in [
            "",
            "a b c",
            &format!("{old} {new}"),
            &format!("{old} {new} HEAD"),
            &format!("{old} {new} refs/x\u{7}"),
        ] {
            assert_eq!(RefUpdate::parse(wrong), None, "{wrong}");
        }
    }

    proptest! {
        #[test]
        fn no_line_is_a_surprise(line in ".{0,200}") {
            if let Some(update) = RefUpdate::parse(&line) {
                prop_assert_eq!(format!("{} {} {}", update.old, update.new, update.name), line);
            }
        }
    }
}
