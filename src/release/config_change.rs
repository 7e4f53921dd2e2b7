use super::{ReleaseError, Releases, releases::NewRelease, words::config_change};
use crate::app::ConfigChanges;
use crate::ledger::{Actor, App, Event};
use crate::name::{AppId, ProcessType};
use std::sync::Arc;

impl Releases {
    /// Changes config vars with a new release `Set A, B config vars` / `Remove A config vars`; no change, no release.
    /// Returns as soon as the release is recorded; its release phase may still run.
    ///
    /// When the future is dropped the change may or may not be made; it is not made by half.
    ///
    /// # Errors
    /// [`ReleaseError::InvalidConfig`], [`ReleaseError::Busy`], [`ReleaseError::NoApp`].
    pub async fn set_config(
        &self,
        actor: &Actor,
        app: AppId,
        changes: ConfigChanges,
    ) -> Result<Arc<App>, ReleaseError> {
        let turn = self.0.turn(app).await?;
        let (inner, actor) = (Arc::clone(&self.0), actor.clone());
        let set = self.0.owned(async move {
            let recorded = inner.record(&actor, app, |now| change(now, &changes)).await?;
            let Some(recorded) = recorded else { return inner.app(app) };
            let now = Arc::clone(&recorded.app);
            inner.go_on(recorded, turn);
            Ok(now)
        });
        set.await
    }
}

fn change(app: &App, changes: &ConfigChanges) -> Result<Option<(Vec<Event>, NewRelease)>, ReleaseError> {
    app.config.with(changes)?;
    let Some((changes, description)) = config_change(&app.config, changes) else { return Ok(None) };
    let slug = app.current_slug();
    let new = NewRelease {
        description,
        slug: slug.map(|slug| slug.id),
        build: None,
        rollback_to: None,
        has_phase: slug.is_some_and(|slug| slug.process_types.contains_key(&ProcessType::release())),
    };
    Ok(Some((vec![Event::ConfigSet { changes }], new)))
}
