use super::{EntryPath, Refusal};
use std::cmp::Ordering;

/// What an entry is, as far as the order cares.
#[derive(Clone, Copy, Debug, Eq, PartialEq)]
pub(super) enum Kind {
    Directory,
    File,
    Link,
}

/// Keeps an archive in canonical order by looking only at the entry before.
#[derive(Debug, Default)]
pub(super) struct Order(Option<(EntryPath, Kind)>);

impl Order {
    /// Takes the next entry, if it may come now.
    pub(super) fn take(&mut self, path: &EntryPath, kind: Kind) -> Result<(), Refusal> {
        match &self.0 {
            None if path.parent().is_empty() => {}
            None => return Err(Refusal::NoDirectory),
            Some((last, last_kind)) => check(last, *last_kind, path)?,
        }
        self.0 = Some((path.clone(), kind));
        Ok(())
    }
}

fn check(last: &EntryPath, last_kind: Kind, path: &EntryPath) -> Result<(), Refusal> {
    match path.cmp(last) {
        Ordering::Equal => return Err(Refusal::Duplicate),
        Ordering::Less if last.is_below(path.as_str()) => return Err(Refusal::Duplicate),
        Ordering::Less => return Err(Refusal::OutOfOrder { after: last.as_str().to_owned() }),
        Ordering::Greater => {}
    }
    // The directories open at `last` are its ancestors, and itself if it is one.
    let parent = path.parent();
    match last_kind {
        _ if parent.is_empty() || last.is_below(parent) => Ok(()),
        Kind::Directory if parent == last.as_str() => Ok(()),
        Kind::Link if path.is_below(last.as_str()) => {
            Err(Refusal::BelowLink { link: last.as_str().to_owned() })
        }
        _ => Err(Refusal::NoDirectory),
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use Kind::{Directory, File, Link};

    fn run(entries: &[(&str, Kind)]) -> Result<(), Refusal> {
        let mut order = Order::default();
        entries.iter().try_for_each(|(path, kind)| order.take(&EntryPath::parse(path.as_bytes())?, *kind))
    }

    #[test]
    fn a_sorted_tree_passes() {
        let tree = [("a", Directory), ("a/b", Directory), ("a/b/c", File), ("a/d", Link), ("a-", File)];
        assert_eq!(run(&tree), Ok(()));
    }

    #[test]
    fn what_repeats_or_hides_is_refused() {
        assert_eq!(run(&[("a", File), ("a", File)]), Err(Refusal::Duplicate));
        assert_eq!(run(&[("a", Directory), ("a/b", File), ("a", Link)]), Err(Refusal::Duplicate));
        assert_eq!(run(&[("b", File), ("a", File)]), Err(Refusal::OutOfOrder { after: "b".into() }));
        assert_eq!(run(&[("a", Link), ("a/b", File)]), Err(Refusal::BelowLink { link: "a".into() }));
        assert_eq!(run(&[("a", Link), ("a/b/c", File)]), Err(Refusal::BelowLink { link: "a".into() }));
        assert_eq!(run(&[("a", File), ("a/b", File)]), Err(Refusal::NoDirectory));
        assert_eq!(run(&[("a/b", File)]), Err(Refusal::NoDirectory));
        assert_eq!(run(&[("a", Directory), ("b/c", File)]), Err(Refusal::NoDirectory));
    }
}
