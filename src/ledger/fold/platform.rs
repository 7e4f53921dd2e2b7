use super::follows;
use crate::clock::Timestamp;
use crate::ledger::{Account, App, Authorization, Entry, Event, PasswordHash, State, misfit::Unfit};
use crate::name::{AccountId, AppId, AppName, AuthorizationId};
use crate::slug::Digest;
use std::{
    collections::{BTreeMap, BTreeSet, HashMap},
    sync::Arc,
};

pub(super) fn apply(state: &mut State, entry: &Entry) -> Result<(), Unfit> {
    follows(state.head, entry)?;
    let at = entry.at;
    match &entry.event {
        Event::PlatformCreated { platform } => match state.platform {
            Some(present) => return Err(Unfit::taken("place of platform", &present)),
            None => state.platform = Some(*platform),
        },
        Event::AccountCreated { account, email } => create_account(state, *account, email, at)?,
        Event::AuthorizationCreated { authorization, account, description, token, expires_at, scopes } => {
            let (description, expires_at, scopes) = (description.clone(), *expires_at, scopes.clone());
            let (id, account) = (*authorization, *account);
            let created = Authorization { id, account, description, created_at: at, expires_at, scopes };
            authorize(state, *token, created)?;
        }
        Event::AuthorizationRevoked { authorization } => revoke(state, *authorization)?,
        Event::PasswordSet { account, password } => set_password(state, *account, password.clone())?,
        Event::AccountRemoved { account } => remove_account(state, *account)?,
        // It tells, and changes nothing.
        Event::AccessRefused { .. } => {}
        Event::AppCreated { app, name, owner, stack } => {
            create_app(state, new_app(*app, name.clone(), *owner, stack.clone(), at))?;
        }
        Event::AppRenamed { app, name } => rename_app(state, *app, name, at)?,
        Event::AppTransferred { app, owner } => transfer_app(state, *app, *owner, at)?,
        Event::AppDestroyed { app } => destroy_app(state, *app)?,
        _ => return Err(Unfit::Stream),
    }
    state.head = entry.seq;
    Ok(())
}

fn known_account(state: &State, account: AccountId) -> Result<(), Unfit> {
    if state.accounts.contains_key(&account) { Ok(()) } else { Err(Unfit::missing("account", &account)) }
}

fn free_name(state: &State, name: &AppName) -> Result<(), Unfit> {
    if state.names.contains_key(name) { Err(Unfit::taken("name", name)) } else { Ok(()) }
}

fn create_account(state: &mut State, id: AccountId, email: &str, at: Timestamp) -> Result<(), Unfit> {
    if state.accounts.contains_key(&id) || state.removed.contains(&id) {
        return Err(Unfit::taken("account", &id));
    }
    if state.account(email).is_some() {
        return Err(Unfit::taken("e-mail address", &email));
    }
    let account = Account { id, email: email.to_owned(), password: None, created_at: at };
    Arc::make_mut(&mut state.accounts).insert(id, Arc::new(account));
    state.owner.get_or_insert(id);
    Ok(())
}

/// The account may be gone: then so is the key of what is set here.
fn set_password(state: &mut State, id: AccountId, password: Option<PasswordHash>) -> Result<(), Unfit> {
    known_account(state, id)?;
    if let Some(account) = Arc::make_mut(&mut state.accounts).get_mut(&id) {
        Arc::make_mut(account).password = password;
    }
    Ok(())
}

fn remove_account(state: &mut State, id: AccountId) -> Result<(), Unfit> {
    known_account(state, id)?;
    let owned = state.apps.values().find(|app| app.owner == id);
    if state.owner == Some(id) || owned.is_some() {
        return Err(Unfit::taken("account", &id));
    }
    Arc::make_mut(&mut state.accounts).remove(&id);
    Arc::make_mut(&mut state.authorizations).retain(|_, authorization| authorization.account != id);
    let places = |app: &Arc<App>| app.collaborators.values().any(|account| *account == id);
    let joined: Vec<AppId> = state.apps.values().filter(|app| places(app)).map(|app| app.id).collect();
    for app in joined {
        if let Some(app) = Arc::make_mut(&mut state.apps).get_mut(&app) {
            Arc::make_mut(app).collaborators.retain(|_, account| *account != id);
        }
    }
    Arc::make_mut(&mut state.removed).insert(id);
    Ok(())
}

fn authorize(state: &mut State, token: Digest, created: Authorization) -> Result<(), Unfit> {
    known_account(state, created.account)?;
    if state.authorizations.contains_key(&token) {
        return Err(Unfit::taken("token of authorization", &created.id));
    }
    Arc::make_mut(&mut state.authorizations).insert(token, Arc::new(created));
    Ok(())
}

fn revoke(state: &mut State, id: AuthorizationId) -> Result<(), Unfit> {
    let found = state.authorizations.iter().find(|(_, authorization)| authorization.id == id);
    let token = *found.ok_or_else(|| Unfit::missing("authorization", &id))?.0;
    Arc::make_mut(&mut state.authorizations).remove(&token);
    Ok(())
}

fn create_app(state: &mut State, app: App) -> Result<(), Unfit> {
    known_account(state, app.owner)?;
    free_name(state, &app.name)?;
    if state.apps.contains_key(&app.id) || state.destroyed.contains(&app.id) {
        return Err(Unfit::taken("app", &app.id));
    }
    Arc::make_mut(&mut state.names).insert(app.name.clone(), app.id);
    Arc::make_mut(&mut state.apps).insert(app.id, Arc::new(app));
    Ok(())
}

/// An app as it is right after it was made: without releases.
fn new_app(id: AppId, name: AppName, owner: AccountId, stack: String, at: Timestamp) -> App {
    App {
        id,
        name,
        owner,
        stack,
        head: 0,
        created_at: at,
        updated_at: at,
        config: Arc::default(),
        releases: Vec::new(),
        builds: Vec::new(),
        slugs: HashMap::new(),
        slug_times: HashMap::new(),
        formation: BTreeMap::new(),
        domains: BTreeMap::new(),
        collaborators: BTreeMap::new(),
        maintenance: false,
        features: BTreeSet::new(),
        buildpacks: Vec::new(),
        drains: BTreeMap::new(),
        addons: BTreeMap::new(),
        attachments: BTreeMap::new(),
    }
}

fn rename_app(state: &mut State, id: AppId, name: &AppName, at: Timestamp) -> Result<(), Unfit> {
    if !state.apps.contains_key(&id) {
        return Err(Unfit::missing("app", &id));
    }
    if state.names.get(name) != Some(&id) {
        free_name(state, name)?;
    }
    let Some(app) = Arc::make_mut(&mut state.apps).get_mut(&id) else { return Ok(()) };
    let app = Arc::make_mut(app);
    let names = Arc::make_mut(&mut state.names);
    names.remove(&app.name);
    names.insert(name.clone(), id);
    app.name = name.clone();
    app.updated_at = at;
    Ok(())
}

/// The new owner's place as a collaborator, if there was one, is gone: an owner needs none.
fn transfer_app(state: &mut State, id: AppId, owner: AccountId, at: Timestamp) -> Result<(), Unfit> {
    known_account(state, owner)?;
    if !state.apps.contains_key(&id) {
        return Err(Unfit::missing("app", &id));
    }
    if let Some(app) = Arc::make_mut(&mut state.apps).get_mut(&id) {
        let app = Arc::make_mut(app);
        app.collaborators.retain(|_, account| *account != owner);
        (app.owner, app.updated_at) = (owner, at);
    }
    Ok(())
}

fn destroy_app(state: &mut State, id: AppId) -> Result<(), Unfit> {
    if !state.apps.contains_key(&id) {
        return Err(Unfit::missing("app", &id));
    }
    let Some(app) = Arc::make_mut(&mut state.apps).remove(&id) else { return Ok(()) };
    Arc::make_mut(&mut state.names).remove(&app.name);
    if !app.domains.is_empty() {
        let domains = Arc::make_mut(&mut state.domains);
        for domain in app.domains.values() {
            domains.remove(&domain.hostname);
        }
    }
    Arc::make_mut(&mut state.destroyed).insert(id);
    Ok(())
}
