use super::{AccountError, Caller, Deed, Doorkeeper, Refused, accounts::find};
use crate::ledger::{App, Event, State, Stream};
use crate::name::{AppId, CollaboratorId};
use std::sync::Arc;

impl Doorkeeper {
    /// Lets somebody else, by e-mail address or id, work on an app. Gives the state after it, and their place.
    ///
    /// # Errors
    /// [`AccountError::NoAccount`], [`AccountError::Present`], [`AccountError::OwnsApp`], [`AccountError::Refused`],
    /// [`AccountError::Append`].
    pub async fn add_collaborator(
        &self,
        caller: &Caller,
        app: AppId,
        whom: &str,
    ) -> Result<(Arc<State>, CollaboratorId), AccountError> {
        let collaborator = CollaboratorId::random();
        let decide = |state: &State| {
            let found = present(state, app)?;
            caller.check(found, state, Deed::SHARE)?;
            let account = find(state, whom)?;
            if found.owner == account.id {
                return Err(AccountError::OwnsApp(account.email.clone()));
            }
            if found.collaborators.values().any(|other| *other == account.id) {
                return Err(AccountError::Present(account.email.clone()));
            }
            let event = Event::CollaboratorAdded { collaborator, account: account.id };
            Ok(vec![(Stream::App(app), event)])
        };
        Ok((self.ledger().change(&caller.actor(), decide).await?, collaborator))
    }

    /// Lets somebody, by e-mail address, id or the id of their place, no longer work on an app. Everybody may leave.
    ///
    /// # Errors
    /// [`AccountError::NoCollaborator`], [`AccountError::OwnsApp`], [`AccountError::Refused`],
    /// [`AccountError::Append`].
    pub async fn remove_collaborator(
        &self,
        caller: &Caller,
        app: AppId,
        whom: &str,
    ) -> Result<CollaboratorId, AccountError> {
        let mut removed = None;
        let decide = |state: &State| {
            let found = present(state, app)?;
            let is_oneself = state.account(whom).is_some_and(|account| account.id == caller.account.id);
            caller.check(found, state, if is_oneself { Deed::LEAVE } else { Deed::SHARE })?;
            let (collaborator, event) = removal(state, found, whom)?;
            removed = Some(collaborator);
            Ok(vec![(Stream::App(app), event)])
        };
        self.ledger().change(&caller.actor(), decide).await?;
        removed.ok_or(AccountError::NoCollaborator)
    }

    /// Gives an app to somebody else, by e-mail address or id, at once. Gives the state after it.
    ///
    /// # Errors
    /// [`AccountError::NoAccount`], [`AccountError::Refused`], [`AccountError::Append`].
    pub async fn transfer_app(
        &self,
        caller: &Caller,
        app: AppId,
        recipient: &str,
    ) -> Result<Arc<State>, AccountError> {
        let decide = |state: &State| {
            let found = present(state, app)?;
            caller.check(found, state, Deed::TRANSFER)?;
            let owner = find(state, recipient)?.id;
            let differs = found.owner != owner;
            Ok(differs
                .then_some((Stream::Platform, Event::AppTransferred { app, owner }))
                .into_iter()
                .collect())
        };
        Ok(self.ledger().change(&caller.actor(), decide).await?)
    }
}

fn present(state: &State, app: AppId) -> Result<&Arc<App>, AccountError> {
    state.apps.get(&app).ok_or(AccountError::Refused(Refused::NoApp))
}

fn removal(state: &State, app: &App, whom: &str) -> Result<(CollaboratorId, Event), AccountError> {
    let account = state.account(whom);
    if let Some(owner) = account.filter(|account| account.id == app.owner) {
        return Err(AccountError::OwnsApp(owner.email.clone()));
    }
    let is = |place: &CollaboratorId, id| {
        account.is_some_and(|account| account.id == id) || place.to_string() == whom
    };
    let found = app.collaborators.iter().find(|(place, id)| is(place, **id));
    let collaborator = *found.ok_or(AccountError::NoCollaborator)?.0;
    Ok((collaborator, Event::CollaboratorRemoved { collaborator }))
}
