use crate::app::{ConfigVars, DynoSize};
use crate::dyno::{DynoSpec, Limits, Stdio};
use crate::ledger::{App, Release, SlugRecord};
use crate::name::{DynoId, DynoName};

/// The feature that tells an app about itself.
const METADATA: &str = "runtime-dyno-metadata";
/// `$PORT` is one of the dyno's own and hidden from all others; any number will do.
const FIRST_PORT: u16 = 5000;

/// A dyno that is to be started.
#[derive(Clone, Copy)]
pub(super) struct Newborn<'a> {
    pub(super) id: DynoId,
    pub(super) name: &'a DynoName,
    pub(super) size: DynoSize,
}

/// How the dyno `newborn` of `release` is started.
pub(super) fn spec(
    app: &App,
    release: &Release,
    slug: &SlugRecord,
    newborn: Newborn<'_>,
    stdio: Stdio,
) -> DynoSpec {
    let web = newborn.name.process_type().is_web();
    let number = u16::try_from(newborn.name.number()).unwrap_or_default();
    let config = if app.features.contains(METADATA) {
        told(app, release, slug, newborn)
    } else {
        release.config.as_ref().clone()
    };
    DynoSpec {
        config,
        port: web.then_some(FIRST_PORT.saturating_add(number)),
        stdio,
        limits: Limits { memory: newborn.size.memory() },
        ..DynoSpec::new(newborn.name.clone())
    }
}

/// The release's config vars and, if there is room for them, what the app is told about itself.
fn told(app: &App, release: &Release, slug: &SlugRecord, newborn: Newborn<'_>) -> ConfigVars {
    let about = [
        ("HEROKU_APP_ID", Some(app.id.to_string())),
        ("HEROKU_APP_NAME", Some(app.name.to_string())),
        ("HEROKU_DYNO_ID", Some(newborn.id.to_string())),
        ("HEROKU_RELEASE_CREATED_AT", Some(release.created_at.in_seconds())),
        ("HEROKU_RELEASE_VERSION", Some(release.version.to_string())),
        ("HEROKU_SLUG_COMMIT", slug.commit.clone()),
        ("HEROKU_BUILD_COMMIT", slug.commit.clone()),
    ];
    let about = about.into_iter().filter_map(|(key, value)| Some((key.to_owned(), value?)));
    let own = release.config.iter().map(|(key, value)| (key.to_owned(), value.to_owned()));
    let vars = own.chain(about).filter_map(|(key, value)| Some((key.parse().ok()?, value)));
    ConfigVars::new(vars).unwrap_or_else(|_| release.config.as_ref().clone())
}
