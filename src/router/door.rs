use super::{outbound::Outbound, wire::Wire};
use crate::dyno::Body;
use futures_util::future::BoxFuture;
use http::{Request, Response, StatusCode};
use std::{fmt, sync::Arc};

/// Another door of the platform behind the same port: it answers by itself, streams as long as it likes, and is no app.
///
/// The router checks what it checks of every request (host, lengths). It takes away nothing, and adds a
/// [`ClientAddress`](crate::access::ClientAddress) to the request's extensions.
///
/// A door may answer 101 and go on with the connection, which it then finds in the request's
/// [`OnUpgrade`](hyper::upgrade::OnUpgrade): it may be silent for long, keeps its place among the connections, and is cut
/// when the router has stopped and the grace is over.
pub trait Door: Send + Sync {
    /// What the door is called, for messages of the operator.
    fn name(&self) -> &'static str;

    /// Answers one request. When the client goes away, the future or the answer's body is dropped.
    fn answer(&self, request: Request<Body>) -> BoxFuture<'static, Response<Body>>;
}

impl fmt::Debug for dyn Door {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(self.name())
    }
}

/// One request at a door. As long as it lives its connection does not count as idle: what a door streams may be silent
/// for long, as a build is.
pub(super) struct Visit(Arc<Wire>);

impl Visit {
    pub(super) fn begin(wire: Arc<Wire>) -> Self {
        wire.visit_began();
        Self(wire)
    }

    /// Asks `door`; the visit ends with the answer's body.
    pub(super) async fn ask(self, door: &dyn Door, request: Request<Body>) -> Response<Outbound> {
        let response = door.answer(request).await;
        if response.status() == StatusCode::SWITCHING_PROTOCOLS {
            self.0.hand_over();
        }
        response.map(|body| Outbound::of_door(body, self))
    }
}

impl Drop for Visit {
    fn drop(&mut self) {
        self.0.visit_ended();
    }
}
