use super::hosts::Hosts;
use crate::dyno::Body;
use crate::formation::Supervisor;
use crate::ledger::Ledger;
use crate::router::{Door, Router, Routes};
use axum::body::Body as AxumBody;
use futures_util::future::BoxFuture;
use http::{Request, Response};
use http_body_util::BodyExt as _;
use std::{
    convert::Infallible,
    sync::{Arc, Mutex, PoisonError, Weak},
};
use tower_service::Service as _;

/// The control API as a door of the router, and what keeps the router's table true: it follows every change, and a
/// change that was made through this door is in the table before it is answered.
pub(super) struct Control {
    own: Weak<Self>,
    api: axum::Router,
    router: Router,
    ledger: Ledger,
    supervisor: Supervisor,
    hosts: Mutex<Hosts>,
}

impl Control {
    pub(super) fn new(
        api: axum::Router,
        router: Router,
        ledger: Ledger,
        supervisor: Supervisor,
        hosts: Hosts,
    ) -> Arc<Self> {
        let hosts = Mutex::new(hosts);
        Arc::new_cyclic(|own| Self { own: Weak::clone(own), api, router, ledger, supervisor, hosts })
    }

    /// Publishes a table after each change, for as long as this is polled or until there can be no more.
    pub(super) async fn follow(self: Arc<Self>) {
        let (mut states, mut rosters) = (self.ledger.subscribe(), self.supervisor.subscribe());
        loop {
            states.mark_unchanged();
            rosters.mark_unchanged();
            self.refresh();
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

    /// Publishes the table as it is now.
    pub(super) fn refresh(&self) {
        let Some(own) = self.own.upgrade() else { return };
        // A panic elsewhere leaves what is remembered of routes whole. Under the lock, so that tables do not overtake
        // each other.
        let mut hosts = self.hosts.lock().unwrap_or_else(PoisonError::into_inner);
        self.router.publish(hosts.routes(&own, &self.ledger.state(), &self.supervisor.roster()));
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
            if let (true, Some(own)) = (changes, own) {
                own.refresh();
            }
            match answer {
                Ok(response) => response.map(|body| body.map_err(Into::into).boxed_unsync()),
                Err(never) => match never {},
            }
        })
    }
}
