use super::{Caller, Credentials, Refused, Scopes, Token};
use crate::clock::Clock;
use crate::ledger::Ledger;
use std::{fmt, sync::Arc};

/// Lets callers in, and remembers whom it did not. Clones are one.
#[derive(Clone)]
pub struct Doorkeeper(Arc<Inner>);

struct Inner {
    ledger: Ledger,
    clock: Clock,
}

impl fmt::Debug for Doorkeeper {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("Doorkeeper").finish_non_exhaustive()
    }
}

impl Doorkeeper {
    /// A doorkeeper over the accounts of `ledger`.
    #[must_use]
    pub fn new(ledger: Ledger, clock: Clock) -> Self {
        Self(Arc::new(Inner { ledger, clock }))
    }

    /// Whoever has the token of `credentials`, whatever user they name.
    ///
    /// # Errors
    /// [`Refused::Unauthorized`] without a token that is valid now.
    pub fn by_token(&self, credentials: Option<&Credentials>) -> Result<Caller, Refused> {
        let credentials = credentials.ok_or(Refused::Unauthorized)?;
        let state = self.0.ledger.state();
        let authorization = state.authorizations.get(&Token::given(credentials.secret()).digest());
        let now = self.0.clock.now();
        let valid = authorization.filter(|token| token.expires_at.is_none_or(|end| now < end));
        let token = valid.ok_or(Refused::Unauthorized)?;
        let account = state.accounts.get(&token.account).cloned().ok_or(Refused::Unauthorized)?;
        Ok(Caller {
            is_operator: state.owner == Some(account.id),
            account,
            authorization: token.id,
            scopes: Scopes::new(token.scopes.clone()),
        })
    }
}
