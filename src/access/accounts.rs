use super::{
    AccountError, Caller, ClientAddress, Doorkeeper, Refused, email::Email, email::shown, password::Password,
};
use crate::ledger::{Account, Actor, App, Event, PasswordHash, State, Stream};
use crate::name::AccountId;
use std::sync::Arc;

/// How many apps are named to who wants to remove their owner.
const NAMED: usize = 5;

/// The account that `identity` (an e-mail address or an id) names.
pub(super) fn find<'a>(state: &'a State, identity: &str) -> Result<&'a Arc<Account>, AccountError> {
    state.account(identity).ok_or_else(|| AccountError::NoAccount(shown(identity, 64)))
}

impl Doorkeeper {
    /// Makes an account, for somebody who logs in with `password`. Without one they cannot, until one is set.
    ///
    /// # Errors
    /// [`AccountError::Email`], [`AccountError::EmailTaken`], [`AccountError::Password`], [`AccountError::Append`].
    pub async fn create_account(
        &self,
        by: &Actor,
        email: &str,
        password: Option<&str>,
    ) -> Result<Arc<Account>, AccountError> {
        let email = Email::new(email)?.to_string();
        let password = self.hashed(password).await?;
        let account = AccountId::random();
        let created = Event::AccountCreated { account, email: email.clone() };
        let password = password.map(|hash| Event::PasswordSet { account, password: Some(hash) });
        let events: Vec<_> = std::iter::once(created).chain(password).collect();
        let decide = |state: &State| match state.account(&email) {
            Some(_) => Err(AccountError::EmailTaken(email.clone())),
            None => Ok(events.iter().map(|event| (Stream::Platform, event.clone())).collect()),
        };
        let state = self.ledger().change(by, decide).await?;
        state.accounts.get(&account).cloned().ok_or(AccountError::NoAccount(email))
    }

    /// Gives an account another password. Its tokens stay valid.
    ///
    /// # Errors
    /// [`AccountError::Password`], [`AccountError::NoAccount`], [`AccountError::Append`].
    pub async fn set_password(
        &self,
        by: &Actor,
        account: AccountId,
        password: &str,
    ) -> Result<Arc<Account>, AccountError> {
        let password = Some(self.hashing().hash(Password::new(password)?).await?);
        let missing = || AccountError::NoAccount(account.to_string());
        let decide = |state: &State| {
            state.accounts.get(&account).ok_or_else(missing)?;
            Ok(vec![(Stream::Platform, Event::PasswordSet { account, password: password.clone() })])
        };
        let state = self.ledger().change(by, decide).await?;
        state.accounts.get(&account).cloned().ok_or_else(missing)
    }

    /// Gives the caller another password, if `old` is the present one or there is none.
    ///
    /// # Errors
    /// [`AccountError::WrongPassword`], and those of [`set_password`](Self::set_password).
    pub async fn change_password(
        &self,
        caller: &Caller,
        old: Option<&str>,
        new: &str,
    ) -> Result<Arc<Account>, AccountError> {
        Password::new(new)?;
        let present = self.ledger().state();
        let account = present.accounts.get(&caller.account.id);
        if account.is_some_and(|account| account.password.is_some()) {
            let old = old.unwrap_or_default();
            self.check_old(&caller.account.email, old, caller.witness.from).await?;
        }
        self.set_password(&caller.actor(), caller.account.id, new).await
    }

    async fn check_old(
        &self,
        email: &str,
        old: &str,
        from: Option<ClientAddress>,
    ) -> Result<(), AccountError> {
        match self.by_password(email, old, from).await {
            Ok(_) => Ok(()),
            Err(Refused::Unauthorized) => Err(AccountError::WrongPassword),
            Err(refused) => Err(refused.into()),
        }
    }

    /// Removes an account, with its tokens, its places at apps and its password. It must own no app.
    ///
    /// # Errors
    /// [`AccountError::OwnsApps`], [`AccountError::OwnsPlatform`], [`AccountError::NoAccount`],
    /// [`AccountError::Append`].
    pub async fn remove_account(&self, by: &Actor, account: AccountId) -> Result<(), AccountError> {
        let decide = |state: &State| {
            let found = state.accounts.get(&account);
            let email = &found.ok_or_else(|| AccountError::NoAccount(account.to_string()))?.email;
            if state.owner == Some(account) {
                return Err(AccountError::OwnsPlatform(email.clone()));
            }
            let owned: Vec<_> = state.apps.values().filter(|app| app.owner == account).collect();
            if !owned.is_empty() {
                return Err(AccountError::OwnsApps { email: email.clone(), apps: named(&owned) });
            }
            Ok(vec![(Stream::Platform, Event::AccountRemoved { account })])
        };
        self.ledger().change(by, decide).await?;
        Ok(())
    }

    async fn hashed(&self, password: Option<&str>) -> Result<Option<PasswordHash>, AccountError> {
        match password {
            Some(password) => Ok(Some(self.hashing().hash(Password::new(password)?).await?)),
            None => Ok(None),
        }
    }
}

/// `the apps blog, shop and 3 more`.
fn named(apps: &[&Arc<App>]) -> String {
    let mut names: Vec<_> = apps.iter().map(|app| app.name.to_string()).collect();
    names.sort();
    let more = names.len().saturating_sub(NAMED);
    names.truncate(NAMED);
    let (noun, names) = (if apps.len() == 1 { "app" } else { "apps" }, names.join(", "));
    if more == 0 { format!("the {noun} {names}") } else { format!("the {noun} {names} and {more} more") }
}
