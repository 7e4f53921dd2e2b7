use super::{
    Digest, SlugDigest, SlugError, SlugStore,
    store::{blob_key, manifest_key, suspect_key},
};
use futures_util::TryStreamExt as _;
use object_store::{ObjectStoreExt as _, path::Path as Key};
use std::collections::HashSet;

/// What a store forgets. Nothing may be stored at the same time: what was just put, or found and taken for granted,
/// would be removed.
impl SlugStore {
    /// Every slug that has a manifest here, in no order.
    ///
    /// # Errors
    /// [`SlugError::Store`] when the store does not answer.
    pub async fn slugs(&self) -> Result<Vec<SlugDigest>, SlugError> {
        let names = self.names_below("slugs").await?;
        let digests = names.iter().filter_map(|name| name.strip_suffix(".toml"));
        Ok(digests.filter_map(|hex| format!("sha256:{hex}").parse().ok()).collect())
    }

    /// Removes a slug's manifest: it can no longer be opened. Its blobs stay; fine when it is not there.
    ///
    /// # Errors
    /// [`SlugError::Store`].
    pub async fn remove_slug(&self, slug: &SlugDigest) -> Result<(), SlugError> {
        self.remove(&manifest_key(slug)).await
    }

    /// Removes every blob that is not among `kept`, which must hold all that any manifest here names; gives how many.
    ///
    /// # Errors
    /// [`SlugError::Store`]; what was removed before stays removed.
    pub async fn keep_blobs(&self, kept: &HashSet<Digest>) -> Result<usize, SlugError> {
        let mut removed = 0;
        for name in self.names_below("blobs").await? {
            let Ok(digest) = format!("sha256:{name}").parse::<Digest>() else { continue };
            if !kept.contains(&digest) {
                self.remove(&blob_key(&digest)).await?;
                self.remove(&suspect_key(&digest)).await?;
                removed += 1;
            }
        }
        Ok(removed)
    }

    /// The last part of every key below `prefix`.
    async fn names_below(&self, prefix: &str) -> Result<Vec<String>, SlugError> {
        let listing = SlugError::store(format!("list {prefix} of the slug store"));
        let all: Vec<_> =
            self.objects().list(Some(&Key::from(prefix))).try_collect().await.map_err(listing)?;
        Ok(all.iter().filter_map(|meta| meta.location.filename()).map(str::to_owned).collect())
    }

    async fn remove(&self, key: &Key) -> Result<(), SlugError> {
        match self.objects().delete(key).await {
            Err(object_store::Error::NotFound { .. }) => Ok(()),
            removed => removed.map_err(SlugError::store(format!("remove {key}"))),
        }
    }
}
