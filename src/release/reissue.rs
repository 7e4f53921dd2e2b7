use super::{ReleaseError, Releases, pins::Pin, releases::NewRelease, slug_gate::Inside, turns::Turn, words};
use crate::ledger::{Actor, App, Release, ReleaseStatus, SlugRecord};
use crate::name::{AppId, ProcessType, ReleaseVersion, SlugId};
use std::sync::Arc;

impl Releases {
    /// Releases a slug that the app has.
    ///
    /// # Errors
    /// [`ReleaseError::NoSlug`], [`ReleaseError::SlugCollected`], [`ReleaseError::Busy`].
    pub async fn release_slug(
        &self,
        actor: &Actor,
        app: AppId,
        slug: SlugId,
        description: Option<String>,
    ) -> Result<Arc<Release>, ReleaseError> {
        let _pin = self.pin(&*self.0.app(app)?, Some(slug));
        let kept = self.turn_inside(app).await?;
        let now = self.0.app(app)?;
        let slug = now.slugs.get(&slug).ok_or(ReleaseError::NoSlug)?;
        self.check_kept(slug, || format!("slug {}", slug.id)).await?;
        let description = description.unwrap_or_else(|| words::deploy(slug.commit.as_deref()));
        self.reissue(actor, &now, slug, description, None, kept).await
    }

    /// Releases an earlier release's slug and config vars again, as `Rollback to v3`.
    ///
    /// # Errors
    /// [`ReleaseError::NoRelease`], [`ReleaseError::AlreadyCurrent`], [`ReleaseError::RollbackToFailed`],
    /// [`ReleaseError::NothingToRollBackTo`], [`ReleaseError::SlugCollected`], [`ReleaseError::Busy`].
    pub async fn rollback(
        &self,
        actor: &Actor,
        app: AppId,
        to: ReleaseVersion,
    ) -> Result<Arc<Release>, ReleaseError> {
        let before = self.0.app(app)?;
        let _pin = self.pin(&before, before.release(to).and_then(|target| target.slug));
        let kept = self.turn_inside(app).await?;
        let now = self.0.app(app)?;
        let slug = rollback_slug(&now, to)?;
        self.check_kept(slug, || to.to_string()).await?;
        self.reissue(actor, &now, slug, format!("Rollback to {to}"), Some(to), kept).await
    }

    /// Keeps a slug of the app's, if it is there, while a turn is waited for.
    fn pin(&self, app: &App, slug: Option<SlugId>) -> Option<Pin> {
        slug.and_then(|slug| app.slugs.get(&slug)).map(|slug| self.0.pins.pin(slug.digest))
    }

    /// The app's turn, and then a place inside of the gate, for which only a collection that runs is waited for.
    async fn turn_inside(&self, app: AppId) -> Result<(Inside, Turn), ReleaseError> {
        let turn = self.0.turn(app).await?;
        Ok((self.0.gate.enter().await, turn))
    }

    async fn check_kept(&self, slug: &SlugRecord, what: impl FnOnce() -> String) -> Result<(), ReleaseError> {
        if self.0.rooms.store.contains(&slug.digest).await? {
            return Ok(());
        }
        Err(ReleaseError::SlugCollected { what: what(), kept: self.0.config.keep })
    }

    async fn reissue(
        &self,
        actor: &Actor,
        app: &App,
        slug: &SlugRecord,
        description: String,
        rollback_to: Option<ReleaseVersion>,
        (inside, turn): (Inside, Turn),
    ) -> Result<Arc<Release>, ReleaseError> {
        let (inner, actor, app, slug_id) = (Arc::clone(&self.0), actor.clone(), app.id, slug.id);
        let has_phase = slug.process_types.contains_key(&ProcessType::release());
        let reissued = self.0.owned(async move {
            let decide = |_: &App| {
                let (description, slug) = (description.clone(), Some(slug_id));
                Ok(Some((Vec::new(), NewRelease { description, slug, build: None, rollback_to, has_phase })))
            };
            let recorded = inner.record(&actor, app, decide).await?.ok_or(ReleaseError::NoApp)?;
            drop(inside);
            let release = Arc::clone(&recorded.release);
            inner.go_on(recorded, turn);
            Ok(release)
        });
        reissued.await
    }
}

/// The slug of the release `to`, when the app can go back to it.
fn rollback_slug(app: &App, to: ReleaseVersion) -> Result<&Arc<SlugRecord>, ReleaseError> {
    let no_release = || ReleaseError::NoRelease { app: app.name.clone(), version: to };
    let target = app.release(to).ok_or_else(no_release)?;
    if target.status != ReleaseStatus::Succeeded {
        return Err(ReleaseError::RollbackToFailed(to));
    }
    let slug = target.slug.and_then(|slug| app.slugs.get(&slug));
    let slug = slug.ok_or(ReleaseError::NothingToRollBackTo(to))?;
    if app.current().is_some_and(|current| current.version == to) {
        return Err(ReleaseError::AlreadyCurrent(to));
    }
    Ok(slug)
}
