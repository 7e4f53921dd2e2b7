use super::{Releases, releases::Inner};
use crate::clock::Timestamp;
use crate::crash_point;
use crate::ledger::{App, State};
use crate::name::SlugId;
use crate::slug::{Digest, Slug, SlugDigest, SlugError};
use std::{
    collections::{HashMap, HashSet},
    sync::{
        Arc,
        atomic::{AtomicBool, Ordering},
    },
};
use tokio::sync::Mutex;

/// Which slugs are kept is a matter of the releases; what they are made of is remembered here.
#[derive(Default)]
pub(super) struct Collection {
    /// A release fell out of its app's window.
    wanted: AtomicBool,
    /// A collection waits for its turn already.
    queued: AtomicBool,
    /// The blobs of every slug that was kept last time. Held by the one collection that runs.
    blobs: Mutex<HashMap<SlugDigest, Arc<[Digest]>>>,
}

impl Collection {
    pub(super) fn wanted(&self) {
        self.wanted.store(true, Ordering::Release);
    }
}

impl Releases {
    /// Removes slugs, unpacked trees and compiled code that no kept release points at. Waits for builds that run.
    pub async fn collect(&self) {
        self.0.collect().await;
    }
}

impl Inner {
    /// Collects in the background when something fell out.
    pub(super) fn collect_if_wanted(self: &Arc<Self>) {
        if self.collection.wanted.swap(false, Ordering::AcqRel) {
            self.collect_soon();
        }
    }

    /// Collects in the background; once for all who ask before it begins.
    pub(super) fn collect_soon(self: &Arc<Self>) {
        if self.works.is_stopping() || self.collection.queued.swap(true, Ordering::AcqRel) {
            return;
        }
        let inner = Arc::clone(self);
        self.tasks.spawn(async move {
            inner.works.stopping().run_until_cancelled(inner.collect()).await;
            // One that was cancelled in its queue must not keep the place.
            inner.collection.queued.store(false, Ordering::Release);
        });
    }

    async fn collect(&self) {
        let mut known = self.collection.blobs.lock().await;
        let _alone = self.gate.alone().await;
        self.collection.queued.store(false, Ordering::Release);
        if let Err(error) = self.collect_slugs(&mut known).await {
            tracing::warn!(%error, "old slugs could not be removed; it is tried again with a later release");
        }
    }

    async fn collect_slugs(&self, known: &mut HashMap<SlugDigest, Arc<[Digest]>>) -> Result<(), SlugError> {
        let store = &self.rooms.store;
        // First the pins: one that goes meanwhile has its release in the ledger.
        let pinned = self.pins.slugs();
        let mut kept = kept_slugs(&self.rooms.ledger.state(), self.config.keep);
        kept.extend(pinned);
        let mut remaining = Vec::new();
        for slug in store.slugs().await? {
            if kept.contains(&slug) {
                remaining.push(slug);
            } else {
                store.remove_slug(&slug).await?;
                crash_point::reached("collect.manifest-removed");
            }
        }
        known.retain(|slug, _| kept.contains(slug));
        for slug in remaining {
            if !known.contains_key(&slug) {
                // Where one cannot be read nothing is removed: it may name any of them.
                let slug = Slug::open(store, &slug).await?;
                let blobs = slug.manifest().blobs().into_iter().map(|(digest, _)| digest);
                known.insert(*slug.digest(), blobs.collect());
            }
        }
        let blobs: HashSet<Digest> = known.values().flat_map(|blobs| blobs.iter().copied()).collect();
        let removed = store.keep_blobs(&blobs).await?;
        if removed > 0 {
            tracing::debug!(removed, "blobs of old slugs were removed");
        }
        if let Err(cause) = self.rooms.engine.forget_except(blobs).await {
            tracing::warn!(%cause, "what was unpacked and compiled of old slugs could not be removed");
        }
        Ok(())
    }
}

/// The slugs that must be there.
fn kept_slugs(state: &State, keep: usize) -> HashSet<SlugDigest> {
    let apps = state.apps.values();
    apps.flat_map(|app| {
        let kept = kept_of(app, keep);
        app.slugs.values().filter(move |slug| kept.contains(&slug.id)).map(|slug| slug.digest)
    })
    .collect()
}

/// The slugs of one app's last releases and of the current one, and those that wait for a release: none was made of
/// them since they were stored last, and that is no longer ago than the oldest of the last releases.
fn kept_of(app: &App, keep: usize) -> HashSet<SlugId> {
    let window = &app.releases[app.releases.len().saturating_sub(keep.max(1))..];
    let last = window.iter().chain(app.current()).filter_map(|release| release.slug);
    // Of several releases of one slug the newest counts.
    let released: HashMap<SlugId, Timestamp> =
        app.releases.iter().filter_map(|release| Some((release.slug?, release.created_at))).collect();
    let since = window.first().map(|oldest| oldest.created_at);
    let waiting = app.slug_times.iter().filter(|(slug, at)| {
        // A deploy stores and releases at one moment.
        let waits = released.get(*slug).is_none_or(|released| *at > released);
        waits && since.is_none_or(|since| **at >= since)
    });
    last.chain(waiting.map(|(slug, _)| *slug)).collect()
}

/// Whether the app's newest release pushed the slug of an older one out.
pub(super) fn something_fell_out(app: &App, keep: usize) -> bool {
    let out = app.releases.len().checked_sub(keep.max(1) + 1);
    let slug = out.and_then(|out| app.releases[out].slug);
    slug.is_some_and(|slug| !kept_of(app, keep).contains(&slug))
}
