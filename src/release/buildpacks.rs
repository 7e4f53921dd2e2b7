use super::{ReleaseError, Releases};
use crate::ledger::{Actor, App, Event, State, Stream};
use crate::name::AppId;
use std::sync::Arc;

impl Releases {
    /// Says which buildpacks build the app from the next build on, in this order; none: they detect. No release is made.
    ///
    /// # Errors
    /// [`ReleaseError::Buildpacks`] for one that does not come with this program, [`ReleaseError::BuildpackTwice`],
    /// [`ReleaseError::NoApp`], [`ReleaseError::Append`].
    pub async fn set_buildpacks(
        &self,
        actor: &Actor,
        app: AppId,
        asked: &[String],
    ) -> Result<Arc<App>, ReleaseError> {
        let buildpacks = self.named(asked)?;
        let decide = |state: &State| {
            let now = state.apps.get(&app).ok_or(ReleaseError::NoApp)?;
            let event = Event::BuildpacksSet { buildpacks: buildpacks.clone() };
            let differs = now.buildpacks != buildpacks;
            Ok(differs.then_some((Stream::App(app), event)).into_iter().collect())
        };
        let state = self.0.rooms.ledger.change(actor, decide).await?;
        state.apps.get(&app).cloned().ok_or(ReleaseError::NoApp)
    }

    /// The buildpacks that are asked for, by their own names.
    fn named(&self, asked: &[String]) -> Result<Vec<String>, ReleaseError> {
        let mut names = Vec::new();
        for asked in asked {
            let name = self.0.rooms.builder.buildpack(asked).map_err(ReleaseError::Buildpacks)?;
            if names.contains(&name) {
                return Err(ReleaseError::BuildpackTwice(name));
            }
            names.push(name);
        }
        Ok(names)
    }
}
