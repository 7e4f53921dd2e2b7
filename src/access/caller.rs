use super::{Need, Refused, Right, Role, Scopes};
use crate::ledger::{Account, Actor, App, State};
use crate::name::AuthorizationId;
use std::sync::Arc;

/// Who asks: an account, by one of its tokens.
#[derive(Clone, Debug)]
pub struct Caller {
    /// Whose token it is.
    pub account: Arc<Account>,
    /// The token.
    pub authorization: AuthorizationId,
    /// What the token allows.
    pub scopes: Scopes,
    /// Whether it is the platform's owner, who sees every app.
    pub is_operator: bool,
}

impl Caller {
    /// The caller, for the ledger.
    #[must_use]
    pub fn actor(&self) -> Actor {
        Actor::Account { id: self.account.id, email: self.account.email.clone() }
    }

    /// Whether the caller may know of `app`.
    #[must_use]
    pub fn may_see(&self, app: &App, state: &State) -> bool {
        Role::of(&self.account, app, state).has(Right::See)
    }

    /// The app that `identity` (a name or an id) names, if the caller may do with it what `right` says.
    ///
    /// # Errors
    /// [`Refused::NoApp`] also where the caller may not know of it, [`Refused::NotOwner`], [`Refused::Scope`].
    pub fn app(&self, state: &State, identity: &str, right: Right) -> Result<Arc<App>, Refused> {
        let app = state.app(identity).filter(|app| self.may_see(app, state)).ok_or(Refused::NoApp)?;
        self.check(app, state, right)?;
        Ok(Arc::clone(app))
    }

    /// That the caller may do with an app that it sees what `right` says.
    ///
    /// # Errors
    /// [`Refused::NotOwner`], [`Refused::Scope`].
    pub fn check(&self, app: &App, state: &State, right: Right) -> Result<(), Refused> {
        if !Role::of(&self.account, app, state).has(right) {
            return Err(Refused::NotOwner);
        }
        self.needs(match right {
            Right::See => Need::Read,
            Right::Change | Right::Own => Need::Write,
        })
    }

    /// That the caller's token allows it.
    ///
    /// # Errors
    /// [`Refused::Scope`].
    pub fn needs(&self, need: Need) -> Result<(), Refused> {
        if self.scopes.allow(need) { Ok(()) } else { Err(Refused::Scope) }
    }
}
