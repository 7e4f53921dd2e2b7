use super::plan::DynoRecord;
use crate::app::ConfigVars;
use crate::dyno::{DynoSpec, Limits, Stdio};
use crate::ledger::{App, Release, SlugRecord};
use crate::logplex::AppLog;

/// The feature that tells an app about itself.
const METADATA: &str = "runtime-dyno-metadata";
/// `$PORT` is one of the dyno's own and hidden from all others; any number will do.
const FIRST_PORT: u16 = 5000;

/// How the dyno `record` of `release` is started.
pub(super) fn spec(
    app: &App,
    release: &Release,
    slug: &SlugRecord,
    record: &DynoRecord,
    log: AppLog,
) -> DynoSpec {
    let web = record.name.process_type().is_web();
    let number = u16::try_from(record.name.number()).unwrap_or_default();
    let config = if app.features.contains(METADATA) {
        told(app, release, slug, record)
    } else {
        release.config.as_ref().clone()
    };
    DynoSpec {
        config,
        port: web.then_some(FIRST_PORT.saturating_add(number)),
        stdio: Stdio::Log(log),
        limits: Limits { memory: record.size.memory() },
        ..DynoSpec::new(record.name.clone())
    }
}

/// The release's config vars and, if there is room for them, what the app is told about itself.
fn told(app: &App, release: &Release, slug: &SlugRecord, record: &DynoRecord) -> ConfigVars {
    let about = [
        ("HEROKU_APP_ID", Some(app.id.to_string())),
        ("HEROKU_APP_NAME", Some(app.name.to_string())),
        ("HEROKU_DYNO_ID", Some(record.id.to_string())),
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
