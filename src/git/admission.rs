use super::{Rooms, refusal::Refusal, service::Service};
use crate::access::{Credentials, Refused};
use crate::ledger::{Actor, App};
use crate::name::AccountId;
use axum::http::request::Parts;
use std::sync::Arc;

/// Who asks, and for which app.
pub(super) struct Admitted {
    pub(super) actor: Actor,
    pub(super) account: AccountId,
    /// What they showed.
    pub(super) credentials: Credentials,
    pub(super) app: Arc<App>,
}

/// Lets in who has the token of somebody who may do with the app what `service` does. The user's name says nothing.
///
/// # Errors
/// [`Refusal::Access`]; [`Refusal::NoApp`] also where the caller may not know of the app.
pub(super) fn admit(rooms: &Rooms, parts: &Parts, app: &str, service: Service) -> Result<Admitted, Refusal> {
    let from = parts.extensions.get().copied();
    let credentials = Credentials::of(&parts.headers).map(|given| given.sent_from(from));
    let caller = rooms.doorkeeper.by_token(credentials.as_ref())?;
    let credentials = credentials.ok_or(Refused::Unauthorized)?;
    match caller.app(&rooms.ledger.state(), app, service.right()) {
        Ok(app) => Ok(Admitted { actor: caller.actor(), account: caller.account.id, credentials, app }),
        Err(Refused::NoApp) => Err(Refusal::NoApp(app.to_owned())),
        Err(refused) => Err(refused.into()),
    }
}
