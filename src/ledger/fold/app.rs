use super::{follows, release};
use crate::ledger::{
    Addon, App, Attachment, Build, BuildStatus, Domain, Drain, Entry, Event, State, WantedDynos,
    misfit::Unfit,
};
use crate::name::{AppId, BuildId, DomainId};
use std::{
    collections::{BTreeMap, HashMap},
    fmt::Display,
    sync::Arc,
};

pub(super) fn apply(state: &mut State, id: AppId, entry: &Entry) -> Result<(), Unfit> {
    let State { apps, domains, accounts, .. } = state;
    if let Event::CollaboratorAdded { account, .. } = &entry.event
        && !accounts.contains_key(account)
    {
        return Err(Unfit::missing("account", account));
    }
    let app = Arc::make_mut(apps).get_mut(&id).ok_or_else(|| Unfit::missing("app", &id))?;
    follows(app.head, entry)?;
    let app = Arc::make_mut(app);
    match &entry.event {
        Event::DomainAdded { domain, hostname } => add_domain(app, domains, *domain, hostname, entry)?,
        Event::DomainRemoved { domain } => {
            let removed = app.domains.remove(domain).ok_or_else(|| Unfit::missing("domain", domain))?;
            Arc::make_mut(domains).remove(&removed.hostname);
        }
        _ => change(app, entry)?,
    }
    app.head = entry.seq;
    app.updated_at = entry.at;
    Ok(())
}

fn change(app: &mut App, entry: &Entry) -> Result<(), Unfit> {
    match &entry.event {
        Event::ConfigSet { changes } => app.config = Arc::new(app.config.with(changes)?),
        Event::ReleaseCreated { .. } | Event::ReleaseSucceeded { .. } | Event::ReleaseFailed { .. } => {
            return release::apply(app, entry);
        }
        Event::BuildCreated { .. } | Event::BuildSucceeded { .. } | Event::BuildFailed { .. } => {
            return change_build(app, entry);
        }
        Event::SlugCreated { slug } => {
            app.slugs.insert(slug.id, Arc::new(slug.clone()));
            app.slug_times.insert(slug.id, entry.at);
        }
        Event::FormationChanged { process_type, quantity, size } => {
            app.formation.insert(process_type.clone(), WantedDynos { quantity: *quantity, size: *size });
        }
        Event::CollaboratorAdded { collaborator, account } => {
            add("collaborator", &mut app.collaborators, *collaborator, *account)?;
        }
        Event::CollaboratorRemoved { collaborator } => {
            remove("collaborator", &mut app.collaborators, collaborator)?;
        }
        Event::MaintenanceSet { enabled } => app.maintenance = *enabled,
        Event::FeatureSet { feature, enabled: true } => drop(app.features.insert(feature.clone())),
        Event::FeatureSet { feature, enabled: false } => drop(app.features.remove(feature)),
        Event::BuildpacksSet { buildpacks } => app.buildpacks.clone_from(buildpacks),
        _ => return change_outside(app, entry),
    }
    Ok(())
}

/// What the app is connected to.
fn change_outside(app: &mut App, entry: &Entry) -> Result<(), Unfit> {
    let created_at = entry.at;
    match &entry.event {
        Event::DrainAdded { drain, url } => {
            add("drain", &mut app.drains, *drain, Drain { url: url.clone(), created_at })
        }
        Event::DrainRemoved { drain } => remove("drain", &mut app.drains, drain),
        Event::AddonCreated { addon, name, plan } => {
            let created = Addon { name: name.clone(), plan: plan.clone(), created_at };
            add("add-on", &mut app.addons, *addon, created)
        }
        Event::AddonDestroyed { addon } => remove("add-on", &mut app.addons, addon),
        Event::AttachmentCreated { attachment, addon, name } => {
            let created = Attachment { addon: *addon, name: name.clone(), created_at };
            add("attachment", &mut app.attachments, *attachment, created)
        }
        Event::AttachmentDestroyed { attachment } => remove("attachment", &mut app.attachments, attachment),
        _ => Err(Unfit::Stream),
    }
}

fn add<K: Display + Ord, V>(
    what: &'static str,
    map: &mut BTreeMap<K, V>,
    key: K,
    value: V,
) -> Result<(), Unfit> {
    if map.contains_key(&key) {
        return Err(Unfit::taken(what, &key));
    }
    map.insert(key, value);
    Ok(())
}

fn remove<K: Display + Ord, V>(what: &'static str, map: &mut BTreeMap<K, V>, key: &K) -> Result<(), Unfit> {
    map.remove(key).map(drop).ok_or_else(|| Unfit::missing(what, key))
}

fn add_domain(
    app: &mut App,
    domains: &mut Arc<HashMap<String, AppId>>,
    id: DomainId,
    hostname: &str,
    entry: &Entry,
) -> Result<(), Unfit> {
    if domains.contains_key(hostname) {
        return Err(Unfit::taken("domain", &hostname));
    }
    let domain = Domain { id, hostname: hostname.to_owned(), created_at: entry.at };
    add("domain", &mut app.domains, id, Arc::new(domain))?;
    Arc::make_mut(domains).insert(hostname.to_owned(), app.id);
    Ok(())
}

fn change_build(app: &mut App, entry: &Entry) -> Result<(), Unfit> {
    let (build, status) = match &entry.event {
        Event::BuildCreated { build, source, buildpacks } => {
            if app.builds.iter().any(|present| present.id == *build) {
                return Err(Unfit::taken("build", build));
            }
            app.builds.push(Arc::new(Build {
                id: *build,
                status: BuildStatus::Pending,
                source: source.clone(),
                buildpacks: buildpacks.clone(),
                release: None,
                actor: entry.actor.clone(),
                created_at: entry.at,
                updated_at: entry.at,
            }));
            return Ok(());
        }
        Event::BuildSucceeded { build, slug } => (*build, BuildStatus::Succeeded(*slug)),
        Event::BuildFailed { build, reason } => (*build, BuildStatus::Failed(reason.clone())),
        _ => return Err(Unfit::Stream),
    };
    let found = find_build(app, build)?;
    if found.status != BuildStatus::Pending {
        return Err(Unfit::NotPending { what: "build", name: build.to_string() });
    }
    let found = Arc::make_mut(found);
    (found.status, found.updated_at) = (status, entry.at);
    Ok(())
}

/// The build with this id; the newest are looked at first, since they are the ones that change.
pub(super) fn find_build(app: &mut App, id: BuildId) -> Result<&mut Arc<Build>, Unfit> {
    let found = app.builds.iter_mut().rev().find(|build| build.id == id);
    found.ok_or_else(|| Unfit::missing("build", &id))
}
