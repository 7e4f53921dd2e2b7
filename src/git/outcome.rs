use crate::ledger::{BuildStatus, ReleaseStatus, State};
use crate::name::{AppId, BuildId};

/// How a deploy ended.
#[derive(Clone, Copy, Debug, Eq, PartialEq)]
pub(super) enum Outcome {
    /// Its release is or was current.
    Released,
    /// There is no slug.
    NotBuilt,
    /// Somebody cancelled it.
    Cancelled,
    /// Its release phase failed.
    NotReleased,
    /// The app is gone.
    NoApp,
}

impl Outcome {
    /// What the record says; `None` while it goes on.
    pub(super) fn of(state: &State, app: AppId, build: BuildId) -> Option<Self> {
        let Some(app) = state.apps.get(&app) else { return Some(Self::NoApp) };
        let Some(build) = app.builds.iter().rev().find(|made| made.id == build) else {
            return Some(Self::NoApp);
        };
        match &build.status {
            BuildStatus::Pending => None,
            BuildStatus::Failed(reason) if reason == "cancelled" => Some(Self::Cancelled),
            BuildStatus::Failed(_) => Some(Self::NotBuilt),
            BuildStatus::Succeeded(_) => {
                let mut releases = app.releases.iter().rev();
                let release = releases.find(|release| Some(release.id) == build.release);
                match release.map(|release| release.status) {
                    Some(ReleaseStatus::Pending) => None,
                    Some(ReleaseStatus::Succeeded) => Some(Self::Released),
                    Some(ReleaseStatus::Failed) | None => Some(Self::NotReleased),
                }
            }
        }
    }
}
