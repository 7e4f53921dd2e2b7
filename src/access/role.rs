use crate::ledger::{Account, App, State};

/// What somebody is to an app.
#[derive(Clone, Copy, Debug, Eq, PartialEq)]
pub enum Role {
    /// The platform's owner, who runs it and may do everything.
    Operator,
    /// The app's owner.
    Owner,
    /// Somebody whom the app's owner let in.
    Collaborator,
    /// Anybody else.
    Stranger,
}

/// What somebody wants with an app.
#[derive(Clone, Copy, Debug, Eq, PartialEq)]
pub enum Right {
    /// To see it.
    See,
    /// To deploy, configure, scale, run and restart it.
    Change,
    /// To destroy, rename or transfer it, and to say who else may work on it.
    Own,
}

impl Role {
    /// What `account` is to `app`.
    #[must_use]
    pub fn of(account: &Account, app: &App, state: &State) -> Self {
        if state.owner == Some(account.id) {
            Self::Operator
        } else if app.owner == account.id {
            Self::Owner
        } else if app.collaborators.values().any(|collaborator| *collaborator == account.id) {
            Self::Collaborator
        } else {
            Self::Stranger
        }
    }

    /// Whether it gives the right.
    #[must_use]
    pub fn has(self, right: Right) -> bool {
        match self {
            Self::Operator | Self::Owner => true,
            Self::Collaborator => right != Right::Own,
            Self::Stranger => false,
        }
    }
}
