use super::{AccountError, Doorkeeper, Token};
use crate::clock::Timestamp;
use crate::ledger::{Account, Actor, Authorization, Event, State, Stream, TokenScope};
use crate::name::{AccountId, AuthorizationId};
use std::{collections::BTreeSet, sync::Arc, time::Duration};

/// The most characters of a description.
pub(super) const LONGEST: usize = 255;

/// The longest life of a token that ends.
pub(super) const LONGEST_LIFE: Duration = Duration::from_hours(3650 * 24);

/// The most tokens of one account.
pub(super) const MOST: usize = 1000;

/// A token that somebody wants.
#[derive(Clone, Debug, Default, Eq, PartialEq)]
pub struct TokenWish {
    /// What it is for: at most 255 characters.
    pub description: String,
    /// How long it is valid: in whole seconds, at most ten years; for ever if `None`.
    pub life: Option<Duration>,
    /// What it allows; none: everything that its account may.
    pub scopes: BTreeSet<TokenScope>,
}

impl TokenWish {
    fn check(&self) -> Result<(), AccountError> {
        let legal = self.description.chars().count() <= LONGEST;
        if !legal || self.description.chars().any(char::is_control) {
            return Err(AccountError::Description);
        }
        let lasts = self.life.is_none_or(|life| life >= Duration::from_secs(1) && life <= LONGEST_LIFE);
        if lasts { Ok(()) } else { Err(AccountError::Life) }
    }

    fn event(
        &self,
        authorization: AuthorizationId,
        account: AccountId,
        token: &Token,
        now: Timestamp,
    ) -> Event {
        // A token that is global needs no word for it, so that every reader of the ledger knows what it is.
        let scopes = self.scopes.iter().copied().filter(|scope| *scope != TokenScope::Global);
        let is_global = self.scopes.contains(&TokenScope::Global);
        Event::AuthorizationCreated {
            authorization,
            account,
            description: self.description.clone(),
            token: token.digest(),
            expires_at: self.life.map(|life| after(now, life)),
            scopes: if is_global { BTreeSet::new() } else { scopes.collect() },
        }
    }
}

fn after(now: Timestamp, life: Duration) -> Timestamp {
    let life = i64::try_from(life.as_micros()).unwrap_or(i64::MAX);
    Timestamp::from_unix_micros(now.unix_micros().saturating_add(life))
}

/// The token of `account` with this id.
fn find(state: &State, account: AccountId, id: AuthorizationId) -> Result<&Arc<Authorization>, AccountError> {
    let mut own = state.authorizations.values().filter(|token| token.account == account);
    own.find(|token| token.id == id).ok_or(AccountError::NoAuthorization)
}

impl Doorkeeper {
    /// Gives an account a token, which is shown this once. Its expired ones are taken back.
    ///
    /// # Errors
    /// [`AccountError::Description`], [`AccountError::Life`], [`AccountError::TooManyTokens`],
    /// [`AccountError::NoAccount`], [`AccountError::Append`].
    pub async fn issue_token(
        &self,
        account: &Account,
        wish: &TokenWish,
    ) -> Result<(Token, Arc<Authorization>), AccountError> {
        wish.check()?;
        let (token, id, now) = (Token::random()?, AuthorizationId::random(), self.clock().now());
        let created = wish.event(id, account.id, &token, now);
        let decide = |state: &State| {
            if !state.accounts.contains_key(&account.id) {
                return Err(AccountError::NoAccount(account.email.clone()));
            }
            let own: Vec<_> =
                state.authorizations.values().filter(|token| token.account == account.id).collect();
            let has_expired = |token: &&&Arc<Authorization>| token.expires_at.is_some_and(|end| end <= now);
            let expired: Vec<_> = own.iter().filter(has_expired).map(|token| revoked(token.id)).collect();
            if own.len() - expired.len() >= MOST {
                return Err(AccountError::TooManyTokens(account.email.clone()));
            }
            Ok(expired.into_iter().chain([(Stream::Platform, created.clone())]).collect())
        };
        let state = self.ledger().change(&actor(account), decide).await?;
        Ok((token, Arc::clone(find(&state, account.id, id)?)))
    }

    /// Replaces a token by a new one with the same id, description, scopes and length of life.
    ///
    /// # Errors
    /// [`AccountError::NoAuthorization`], [`AccountError::Append`].
    pub async fn regenerate_token(
        &self,
        account: &Account,
        id: AuthorizationId,
    ) -> Result<(Token, Arc<Authorization>), AccountError> {
        let (token, now) = (Token::random()?, self.clock().now());
        let decide = |state: &State| {
            let old = find(state, account.id, id)?;
            let life = old.expires_at.map(|end| end.unix_micros() - old.created_at.unix_micros());
            let wish = TokenWish {
                description: old.description.clone(),
                life: life.map(|life| Duration::from_micros(u64::try_from(life).unwrap_or(0))),
                scopes: old.scopes.clone(),
            };
            Ok(vec![revoked(id), (Stream::Platform, wish.event(id, account.id, &token, now))])
        };
        let state = self.ledger().change(&actor(account), decide).await?;
        Ok((token, Arc::clone(find(&state, account.id, id)?)))
    }

    /// Takes a token of an account back.
    ///
    /// # Errors
    /// [`AccountError::NoAuthorization`], [`AccountError::Append`].
    pub async fn revoke_token(
        &self,
        account: &Account,
        id: AuthorizationId,
    ) -> Result<Arc<Authorization>, AccountError> {
        let mut found = None;
        let decide = |state: &State| {
            found = Some(Arc::clone(find(state, account.id, id)?));
            Ok(vec![revoked(id)])
        };
        self.ledger().change(&actor(account), decide).await?;
        found.ok_or(AccountError::NoAuthorization)
    }
}

fn revoked(authorization: AuthorizationId) -> (Stream, Event) {
    (Stream::Platform, Event::AuthorizationRevoked { authorization })
}

fn actor(account: &Account) -> Actor {
    Actor::Account { id: account.id, email: account.email.clone() }
}
