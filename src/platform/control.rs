use super::hosts::Hosts;
use crate::access::ClientAddress;
use crate::api::Api;
use crate::dyno::{Body, BodyError};
use crate::formation::{Roster, Supervisor};
use crate::ledger::{Ledger, State};
use crate::router::{Door, Greeted, RawStream, Router, Routes};
use axum::body::Body as AxumBody;
use bytes::Bytes;
use futures_util::future::BoxFuture;
use http::{Request, Response};
use http_body::{Frame, SizeHint};
use http_body_util::BodyExt as _;
use std::{
    convert::Infallible,
    pin::Pin,
    sync::{Arc, Mutex, PoisonError, Weak},
    task::{Context, Poll},
    time::Instant,
};
use tower_service::Service as _;

/// Control API and git as one door of the router, and what keeps the router's table true: it follows every change, and what was
/// changed through this door is in the table before it is answered, or before the stream that tells of it ends.
pub(super) struct Control {
    own: Weak<Self>,
    api: axum::Router,
    git: axum::Router,
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
        git: axum::Router,
        router: Router,
        ledger: Ledger,
        supervisor: Supervisor,
        hosts: Hosts,
    ) -> Arc<Self> {
        let table = Mutex::new(Table { hosts, made_of: None });
        Arc::new_cyclic(|own| Self { own: Weak::clone(own), api, git, router, ledger, supervisor, table })
    }

    /// Publishes a table after changes, for as long as this is polled or until there can be no more. Many changes at once
    /// are one table.
    pub(super) async fn follow(self: Arc<Self>) {
        let (mut states, mut rosters) = (self.ledger.subscribe(), self.supervisor.subscribe());
        loop {
            states.mark_unchanged();
            rosters.mark_unchanged();
            let began = Instant::now();
            self.refresh();
            // Where a table takes long to make, changes are gathered for as long.
            tokio::time::sleep(began.elapsed()).await;
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
        let mut room = if is_repository(request.uri().path()) { self.git.clone() } else { self.api.clone() };
        let answering = room.call(request.map(AxumBody::new));
        let control = Weak::clone(&self.own);
        Box::pin(async move {
            let answer: Result<Response<AxumBody>, Infallible> = answering.await;
            let succeeded = answer.as_ref().is_ok_and(|answer| answer.status().is_success());
            if let (true, Some(control)) = (changes && succeeded, control.upgrade()) {
                control.refresh();
            }
            match answer {
                Ok(response) => response.map(|body| Told { body, control }.boxed_unsync()),
                Err(never) => match never {},
            }
        })
    }
}

/// One-off dynos, for clients that speak as Heroku's do: their first line says which one they mean.
pub(super) struct Rendezvous(pub(super) Api);

impl Greeted for Rendezvous {
    fn greeted(&self, line: String, stream: RawStream, _: ClientAddress) -> BoxFuture<'static, ()> {
        let api = self.0.clone();
        Box::pin(async move { api.rendezvous(&line, stream).await })
    }
}

/// Whether a path is of a repository: `/shop.git/info/refs`.
fn is_repository(path: &str) -> bool {
    let first = path.strip_prefix('/').and_then(|path| path.split('/').next());
    first.is_some_and(|first| first.strip_suffix(".git").is_some())
}

/// An answer on its way. The end of a stream, as of a deploy's output, comes after the table that it tells of.
struct Told {
    body: AxumBody,
    control: Weak<Control>,
}

impl http_body::Body for Told {
    type Data = Bytes;
    type Error = BodyError;

    fn poll_frame(
        mut self: Pin<&mut Self>,
        cx: &mut Context<'_>,
    ) -> Poll<Option<Result<Frame<Bytes>, BodyError>>> {
        let frame = Pin::new(&mut self.body).poll_frame(cx);
        if let (Poll::Ready(None), Some(control)) = (&frame, self.control.upgrade()) {
            control.refresh();
        }
        frame.map_err(Into::into)
    }

    fn is_end_stream(&self) -> bool {
        self.body.is_end_stream()
    }

    fn size_hint(&self) -> SizeHint {
        self.body.size_hint()
    }
}
