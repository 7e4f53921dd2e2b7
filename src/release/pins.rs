use crate::slug::SlugDigest;
use std::{
    collections::HashMap,
    sync::{Arc, Mutex, MutexGuard, PoisonError},
};

/// Slugs that pending work is to release: what is pinned is not collected, however long the work waits for its turn.
#[derive(Clone, Default)]
pub(super) struct Pins(Arc<Mutex<HashMap<SlugDigest, usize>>>);

/// Keeps one slug, until it is dropped.
pub(super) struct Pin {
    pins: Pins,
    slug: SlugDigest,
}

impl Pins {
    /// Pins a slug. Whoever is inside of the gate has it kept from then on; a collection that runs may still remove it.
    pub(super) fn pin(&self, slug: SlugDigest) -> Pin {
        *self.map().entry(slug).or_default() += 1;
        Pin { pins: self.clone(), slug }
    }

    /// Everything that is pinned.
    pub(super) fn slugs(&self) -> Vec<SlugDigest> {
        self.map().keys().copied().collect()
    }

    fn map(&self) -> MutexGuard<'_, HashMap<SlugDigest, usize>> {
        self.0.lock().unwrap_or_else(PoisonError::into_inner)
    }
}

impl Drop for Pin {
    fn drop(&mut self) {
        let mut map = self.pins.map();
        if let Some(count) = map.get_mut(&self.slug) {
            *count -= 1;
            if *count == 0 {
                map.remove(&self.slug);
            }
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_slug_is_pinned_as_long_as_anybody_pins_it() {
        let (pins, slug) = (Pins::default(), SlugDigest::of_manifest(b"a slug"));
        let (first, second) = (pins.pin(slug), pins.pin(slug));
        drop(first);
        assert_eq!(pins.slugs(), [slug]);
        drop(second);
        assert!(pins.slugs().is_empty());
    }
}
