use super::{ReleaseError, Releases, deployment::slug_record, releases::Inner};
use crate::ledger::{Actor, Event, State, Stream};
use crate::name::{AppId, SlugId};
use crate::slug::Slug;
use std::{path::Path, sync::Arc};

impl Releases {
    /// Stores a packed slug (as `hokku build -o` makes) for the app, and compiles its programs ahead of time. It is
    /// kept as long as the releases made at its time, also when it was imported or built before.
    ///
    /// # Errors
    /// [`ReleaseError::Slug`] when the file is no slug or a damaged one, [`ReleaseError::Compile`],
    /// [`ReleaseError::NoApp`].
    pub async fn import_slug(
        &self,
        actor: &Actor,
        app: AppId,
        file: &Path,
        commit: Option<String>,
    ) -> Result<SlugId, ReleaseError> {
        self.0.app(app)?;
        let (inner, actor, file) = (Arc::clone(&self.0), actor.clone(), file.to_owned());
        self.0.owned(async move { inner.import(&actor, app, &file, commit).await }).await
    }
}

impl Inner {
    async fn import(
        &self,
        actor: &Actor,
        app: AppId,
        file: &Path,
        commit: Option<String>,
    ) -> Result<SlugId, ReleaseError> {
        let inside = self.gate.enter().await;
        let slug = Slug::import(&self.rooms.store, file).await?;
        self.rooms.engine.prepare(&slug, &mut |_| {}).await.map_err(ReleaseError::Compile)?;
        let record = slug_record(app, &slug, commit);
        let id = record.id;
        let decide = |state: &State| {
            let now = state.apps.get(&app).ok_or(ReleaseError::NoApp)?;
            let mut slug = record.clone();
            slug.commit = slug.commit.or_else(|| now.slugs.get(&id)?.commit.clone());
            // Also of one that the app has: it waits for a release again.
            Ok(vec![(Stream::App(app), Event::SlugCreated { slug })])
        };
        self.rooms.ledger.change(actor, decide).await?;
        drop(inside);
        Ok(id)
    }
}
