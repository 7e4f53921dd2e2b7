use super::{Deed, Need, Refused, Right, Role, Scopes, audit::Witness};
use crate::ledger::{Account, Actor, App, State};
use crate::name::AuthorizationId;
use std::sync::Arc;

/// Who asks: an account, by one of its tokens. What it is refused is noted for the ledger.
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
    /// The beginning and the end of the token, by which whoever has it knows it again.
    pub token_hint: String,
    pub(super) witness: Witness,
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

    /// The app that `identity` (a name or an id) names, if the caller may do `deed` with it.
    ///
    /// # Errors
    /// [`Refused::NoApp`] also where the caller may not know of it, [`Refused::NotOwner`], [`Refused::Scope`].
    pub fn app(&self, state: &State, identity: &str, deed: impl Into<Deed>) -> Result<Arc<App>, Refused> {
        let deed = deed.into();
        let app = state.app(identity).ok_or(Refused::NoApp)?;
        self.check(app, state, deed)?;
        Ok(Arc::clone(app))
    }

    /// That the caller may do `deed` with `app`.
    ///
    /// # Errors
    /// [`Refused::NoApp`] where the caller may not know of it, [`Refused::NotOwner`], [`Refused::Scope`].
    pub fn check(&self, app: &App, state: &State, deed: impl Into<Deed>) -> Result<(), Refused> {
        let deed = deed.into();
        let role = Role::of(&self.account, app, state);
        let refused = if !role.has(Right::See) {
            Refused::NoApp
        } else if !role.has(deed.right) {
            Refused::NotOwner
        } else if !self.scopes.allow(deed.need) {
            Refused::Scope
        } else {
            return Ok(());
        };
        self.note(&format!("{} {}", deed.words, app.name));
        Err(refused)
    }

    /// That the caller's token allows it.
    ///
    /// # Errors
    /// [`Refused::Scope`].
    pub fn needs(&self, need: Need) -> Result<(), Refused> {
        if self.scopes.allow(need) {
            return Ok(());
        }
        self.note(need.words());
        Err(Refused::Scope)
    }

    /// That the caller is the platform's owner, with a token that allows everything.
    ///
    /// # Errors
    /// [`Refused::NotOperator`], [`Refused::Scope`].
    pub fn must_be_operator(&self) -> Result<(), Refused> {
        if self.is_operator {
            return self.needs(Need::Global);
        }
        self.note("see or change accounts");
        Err(Refused::NotOperator)
    }

    fn note(&self, action: &str) {
        self.witness.note(Some(&self.account.email), action);
    }
}
