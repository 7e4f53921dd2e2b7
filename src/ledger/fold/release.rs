use super::app::find_build;
use crate::app::ConfigVars;
use crate::ledger::{App, Entry, Event, Release, ReleaseStatus, misfit::Unfit};
use crate::name::ReleaseVersion;
use std::sync::Arc;

pub(super) fn apply(app: &mut App, entry: &Entry) -> Result<(), Unfit> {
    match &entry.event {
        Event::ReleaseCreated { .. } => create(app, entry),
        Event::ReleaseSucceeded { version } => settle(app, *version, ReleaseStatus::Succeeded, entry),
        Event::ReleaseFailed { version, .. } => {
            settle(app, *version, ReleaseStatus::Failed, entry)?;
            app.config = newest_good_config(app);
            Ok(())
        }
        _ => Err(Unfit::Stream),
    }
}

fn create(app: &mut App, entry: &Entry) -> Result<(), Unfit> {
    let Event::ReleaseCreated { release, version, description, slug, build, rollback_to, pending } =
        &entry.event
    else {
        return Err(Unfit::Stream);
    };
    let next = app.releases.last().map_or(ReleaseVersion::FIRST, |last| last.version.next());
    if *version != next {
        return Err(Unfit::Version { next, found: *version });
    }
    if let Some(slug) = slug.filter(|slug| !app.slugs.contains_key(slug)) {
        return Err(Unfit::missing("slug", &slug));
    }
    let config = match rollback_to {
        Some(to) => &app.release(*to).ok_or_else(|| Unfit::missing("release", to))?.config,
        None => &app.config,
    };
    let config = Arc::clone(config);
    if let Some(build) = build {
        Arc::make_mut(find_build(app, *build)?).release = Some(*release);
    }
    app.config = Arc::clone(&config);
    app.releases.push(Arc::new(Release {
        id: *release,
        version: *version,
        status: if *pending { ReleaseStatus::Pending } else { ReleaseStatus::Succeeded },
        description: description.clone(),
        slug: *slug,
        config,
        actor: entry.actor.clone(),
        created_at: entry.at,
        updated_at: entry.at,
    }));
    Ok(())
}

/// Ends the pending release `version`.
fn settle(app: &mut App, version: ReleaseVersion, status: ReleaseStatus, entry: &Entry) -> Result<(), Unfit> {
    let found = app.releases.iter_mut().rev().find(|release| release.version == version);
    let found = found.ok_or_else(|| Unfit::missing("release", &version))?;
    if found.status != ReleaseStatus::Pending {
        return Err(Unfit::NotPending { what: "release", name: version.to_string() });
    }
    let found = Arc::make_mut(found);
    (found.status, found.updated_at) = (status, entry.at);
    Ok(())
}

/// The config vars of the newest release that did not fail.
fn newest_good_config(app: &App) -> Arc<ConfigVars> {
    let good = app.releases.iter().rev().find(|release| release.status != ReleaseStatus::Failed);
    good.map(|release| Arc::clone(&release.config)).unwrap_or_default()
}
