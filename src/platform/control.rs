use super::hosts::Hosts;
use crate::dyno::Body;
use crate::formation::{Roster, Supervisor};
use crate::ledger::{Ledger, State};
use crate::router::{Door, Router, Routes};
use axum::body::Body as AxumBody;
use futures_util::future::BoxFuture;
use http::{Request, Response};
use http_body_util::BodyExt as _;
use std::{
    convert::Infallible,
    sync::{Arc, Mutex, PoisonError, Weak},
    time::Duration,
};
use tower_service::Service as _;

/// How long changes are gathered before they are one table, where nobody waits for it.
const SEVERAL: Duration = Duration::from_millis(5);

/// The control API as a door of the router, and what keeps the router's table true: it follows every change, and a
/// change that was made through this door is in the table before it is answered.
pub(super) struct Control {
    own: Weak<Self>,
    api: axum::Router,
    router: Router,
    ledger: Ledger,
    supervisor: Supervisor,
    table: Mutex<Table>,
}

/// What the router's table is made with, and what it was made of last.
struct Table {
    hosts: Hosts,
    made_of: Option<(Arc<State>, Arc<Roster>)>,
}

impl Control {
    pub(super) fn new(
        api: axum::Router,
        router: Router,
        ledger: Ledger,
        supervisor: Supervisor,
        hosts: Hosts,
    ) -> Arc<Self> {
        let table = Mutex::new(Table { hosts, made_of: None });
        Arc::new_cyclic(|own| Self { own: Weak::clone(own), api, router, ledger, supervisor, table })
    }

    /// Publishes a table after changes, for as long as this is polled or until there can be no more. Many changes at once
    /// are one table.
    pub(super) async fn follow(self: Arc<Self>) {
        let (mut states, mut rosters) = (self.ledger.subscribe(), self.supervisor.subscribe());
        loop {
            states.mark_unchanged();
            rosters.mark_unchanged();
            self.refresh();
            tokio::time::sleep(SEVERAL).await;
            let changed = tokio::select! {
                changed = states.changed() => changed,
                changed = rosters.changed() => changed,
            };
            if changed.is_err() {
                return;
            }
        }
    }

    /// Leaves the router's table empty, which otherwise leads to this and this to the router.
    pub(super) fn leave(&self) {
        self.router.publish(Routes::new());
    }

    /// Publishes the table as it is now, unless it is published already.
    pub(super) fn refresh(&self) {
        let Some(own) = self.own.upgrade() else { return };
        // A panic elsewhere leaves what is remembered of routes whole. Under the lock, so that tables do not overtake
        // each other.
        let mut table = self.table.lock().unwrap_or_else(PoisonError::into_inner);
        let (state, roster) = (self.ledger.state(), self.supervisor.roster());
        if let Some((of_state, of_roster)) = &table.made_of
            && Arc::ptr_eq(of_state, &state)
            && Arc::ptr_eq(of_roster, &roster)
        {
            return;
        }
        self.router.publish(table.hosts.routes(&own, &state, &roster));
        table.made_of = Some((state, roster));
    }
}

impl Door for Control {
    fn name(&self) -> &'static str {
        "control API"
    }

    fn answer(&self, request: Request<Body>) -> BoxFuture<'static, Response<Body>> {
        let changes = !request.method().is_safe();
        let answering = self.api.clone().call(request.map(AxumBody::new));
        let own = self.own.upgrade();
        Box::pin(async move {
            let answer: Result<Response<AxumBody>, Infallible> = answering.await;
            let succeeded = answer.as_ref().is_ok_and(|answer| answer.status().is_success());
            if let (true, Some(own)) = (changes && succeeded, own) {
                own.refresh();
            }
            match answer {
                Ok(response) => response.map(|body| body.map_err(Into::into).boxed_unsync()),
                Err(never) => match never {},
            }
        })
    }
}
