//! Parts that several resources have in their shapes.

use crate::clock::Timestamp;
use crate::ledger::{Actor, App, State};
use crate::name::{AppName, SlugId};
use crate::slug::Digest;
use serde::{Serialize, Serializer};
use std::fmt::Display;

/// A property that the schema has and this platform never fills: `null`.
pub(super) type Null = ();

/// A moment in whole seconds, as the API writes it.
#[derive(Clone, Copy, Debug)]
pub(super) struct Moment(pub(super) Timestamp);

impl Serialize for Moment {
    fn serialize<S: Serializer>(&self, serializer: S) -> Result<S::Ok, S::Error> {
        serializer.serialize_str(&self.0.in_seconds())
    }
}

/// Something by its id.
#[derive(Clone, Debug, Serialize)]
pub(super) struct IdOnly {
    pub(super) id: String,
}

impl IdOnly {
    pub(super) fn of(id: impl Display) -> Self {
        Self { id: id.to_string() }
    }
}

/// Something by its id and name.
#[derive(Clone, Debug, Serialize)]
pub(super) struct Named {
    pub(super) id: String,
    pub(super) name: String,
}

impl Named {
    /// A thing that has no entry in the ledger: its id is derived from what it is and how it is called.
    pub(super) fn fixed(kind: &str, name: &str) -> Self {
        Self { id: derived_id(&[kind, name]), name: name.to_owned() }
    }

    pub(super) fn app(app: &App) -> Self {
        Self { id: app.id.to_string(), name: AppName::to_string(&app.name) }
    }
}

/// Somebody.
#[derive(Clone, Debug, Serialize)]
pub(super) struct User {
    pub(super) email: String,
    pub(super) id: String,
}

impl User {
    pub(super) fn owner(app: &App, state: &State) -> Self {
        let email = state.accounts.get(&app.owner).map(|account| account.email.clone()).unwrap_or_default();
        Self { email, id: app.owner.to_string() }
    }

    /// Who made a change; what the platform itself did, it did for the owner.
    pub(super) fn of(actor: &Actor, app: &App, state: &State) -> Self {
        match actor {
            Actor::Account { id, email } => Self { email: email.clone(), id: id.to_string() },
            Actor::Platform => Self::owner(app, state),
        }
    }
}

/// The id of something that has none in the ledger: always the same for the same words.
pub(super) fn derived_id(words: &[&str]) -> String {
    let digest = Digest::of(words.join("\0").as_bytes()).hex();
    let mut bytes = [0; 16];
    // The hexadecimal text of 32 bytes always has 16 of them at its start.
    let _ = hex::decode_to_slice(&digest[..32], &mut bytes);
    SlugId::derived(bytes).to_string()
}
