use super::ReleaseError;
use crate::ledger::{Actor, App, BuildStatus, Event, Ledger, ReleaseStatus, State, Stream};
use crate::name::AppId;

const REASON: &str = "the platform was stopped while it ran";

/// Ends what a stop or a kill left pending: nothing of it goes on.
pub(super) async fn settle(ledger: &Ledger) -> Result<(), ReleaseError> {
    let state = ledger.state();
    let unsettled = state.apps.values().filter(|app| !ends(app).is_empty()).map(|app| app.id);
    for app in unsettled.collect::<Vec<AppId>>() {
        let decide = |state: &State| -> Result<_, ReleaseError> {
            let events = state.apps.get(&app).map(|app| ends(app)).unwrap_or_default();
            Ok(events.into_iter().map(|event| (Stream::App(app), event)).collect())
        };
        ledger.change(&Actor::Platform, decide).await?;
    }
    Ok(())
}

fn ends(app: &App) -> Vec<Event> {
    let reason = || REASON.to_owned();
    let builds = app.builds.iter().filter(|build| build.status == BuildStatus::Pending);
    let builds = builds.map(|build| Event::BuildFailed { build: build.id, reason: reason() });
    let releases = app.releases.iter().filter(|release| release.status == ReleaseStatus::Pending);
    let releases =
        releases.map(|release| Event::ReleaseFailed { version: release.version, reason: reason() });
    builds.chain(releases).collect()
}
