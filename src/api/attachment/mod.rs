//! Attachments: how a client speaks with the one-off dyno that it ordered.
//!
//! A secret address is given out with the dyno, for one use. Who comes with it gets the dyno's standard streams over
//! the connection, in one of two ways:
//!
//! ```text
//!   hokku    GET /attach/SECRET, Upgrade: hokku-attach/1 ─► frames: three streams apart, an exit status
//!   heroku   rendezvous-SECRET over TLS ──────────────────► bytes as on a terminal, the status in their midst
//! ```
//!
//! # Rules
//! * The dyno starts when its client is there, and ends when it goes; a client that does not read makes it wait.
//! * Secrets are looked up by their digest, once: a guess costs as much time near the mark as far from it.

mod frame;
mod framed;
mod line_discipline;
mod rendezvous;
mod waiting;

pub use frame::{BadFrame, Frame};

pub(super) use waiting::{Attachments, Manner, Waiting};

use super::{Api, error::ApiError};
use axum::{
    Router,
    extract::{Path, Request, State as Handle},
    http::{HeaderMap, HeaderValue, StatusCode, header},
    response::{IntoResponse as _, Response},
    routing::get,
};
use hyper::upgrade::OnUpgrade;
use hyper_util::rt::TokioIo;
use tokio::io::{AsyncRead, AsyncWrite};

/// What needs no token: whoever has the address is the client that the dyno waits for.
pub(super) fn routes() -> Router<Api> {
    Router::new().route("/attach/{secret}", get(attach))
}

/// What a one-off dyno's address begins with where the official command line dials.
pub(super) const RENDEZVOUS: &str = "rendezvous-";

async fn attach(
    Handle(api): Handle<Api>,
    Path(secret): Path<String>,
    mut request: Request,
) -> Result<Response, ApiError> {
    let protocol = HeaderValue::from_static(Frame::PROTOCOL);
    let switch = [(header::CONNECTION, HeaderValue::from_static("upgrade")), (header::UPGRADE, protocol)];
    let upgrade = request.extensions_mut().remove::<OnUpgrade>();
    let Some(upgrade) = upgrade.filter(|_| wants_frames(request.headers())) else {
        return Ok((switch, ApiError::upgrade_required(Frame::PROTOCOL)).into_response());
    };
    let waiting = api.attachments().take(&secret).ok_or_else(over)?;
    let stop = api.stop().clone();
    api.attachments().spawn(async move {
        // A connection that breaks before it is ours drops the attachment, and so ends the dyno.
        if let Ok(connection) = upgrade.await {
            framed::relay(TokioIo::new(connection), waiting.attachment, stop).await;
        }
    });
    Ok((StatusCode::SWITCHING_PROTOCOLS, switch).into_response())
}

fn wants_frames(headers: &HeaderMap) -> bool {
    let upgrades = headers.get_all(header::UPGRADE).iter().filter_map(|value| value.to_str().ok());
    upgrades.flat_map(|value| value.split(',')).any(|protocol| protocol.trim() == Frame::PROTOCOL)
}

fn over() -> ApiError {
    ApiError::not_found("Nothing waits to be attached here: an address is for one use, and for one minute.")
}

impl Api {
    /// Speaks over `connection` with the one-off dyno that `greeting` names, as the official command line does; returns at
    /// its end. A greeting that names none is not answered.
    pub async fn rendezvous(&self, greeting: &str, connection: impl AsyncRead + AsyncWrite + Send + 'static) {
        let secret = greeting.trim_end().strip_prefix(RENDEZVOUS);
        let Some(waiting) = secret.and_then(|secret| self.attachments().take(secret)) else { return };
        rendezvous::relay(connection, waiting, self.stop().clone()).await;
    }
}
