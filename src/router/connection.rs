use super::{
    exchange,
    headers::Peer,
    metered::Metered,
    opening::{Opening, Speech},
    rewound::Rewound,
    server::House,
    tls::{self, ClearText},
    wire::{Diagnosis, Ending, Pulse, Wire},
};
use crate::name::Scheme;
use bytes::Bytes;
use hyper::service::service_fn;
use hyper_util::rt::TokioIo;
use std::{net::IpAddr, pin::pin, sync::Arc, time::Duration};
use tokio::{
    io::{AsyncRead, AsyncWrite},
    net::TcpStream,
    sync::OwnedSemaphorePermit,
    time::{MissedTickBehavior, interval_at, timeout},
};
use tokio_util::sync::CancellationToken;

/// How long a handshake may take.
const SHAKEN_WITHIN: Duration = Duration::from_secs(10);
/// How long the rest of a greeting's line may take.
const LINE_WITHIN: Duration = Duration::from_secs(10);

/// One accepted connection.
pub(super) struct Connection {
    house: Arc<House>,
    /// A token of its own: polling it must not lock one that all connections share.
    stop: CancellationToken,
    client: IpAddr,
    port: u16,
}

impl Connection {
    /// A connection from `client` to `port`.
    pub(super) fn new(house: Arc<House>, client: IpAddr, port: u16) -> Self {
        let stop = house.stop.child_token();
        Self { house, stop, client, port }
    }

    /// Serves it to its end, and keeps its place until then.
    pub(super) async fn serve(self, mut socket: TcpStream, _place: OwnedSemaphorePermit) {
        if let Err(error) = socket.set_nodelay(true) {
            tracing::debug!(%error, "a connection closed before its first byte");
            return;
        }
        let Some(opening) = self.opening(&mut socket).await else { return };
        match opening.speech {
            Speech::Http | Speech::Greeting => {
                let wire = self.wire(Scheme::Http);
                let socket = Metered { socket, wire: Arc::clone(&wire) };
                self.opened(opening, socket, &wire).await;
            }
            // On the heap, so that connections in clear text are no larger.
            Speech::Tls => Box::pin(self.secured(opening.early, socket)).await,
        }
    }

    /// Shakes hands over what begins with `early`, and goes on with what is spoken inside.
    async fn secured(&self, early: Bytes, socket: TcpStream) {
        let Some(tls) = self.house.router.tls() else { return };
        let wire = self.wire(Scheme::Https);
        let socket = Rewound::new(early, Metered { socket, wire: Arc::clone(&wire) });
        let shaking = timeout(SHAKEN_WITHIN, tls.accept(socket));
        let mut stream = match self.stop.run_until_cancelled(shaking).await {
            Some(Ok(Ok(stream))) => stream,
            Some(Ok(Err(error))) => return tracing::debug!(%error, "a handshake failed"),
            Some(Err(_)) => return tracing::debug!("a handshake took too long"),
            None => return,
        };
        // Nobody else sets it.
        let _ = wire.tls_version.set(tls::version_of(&stream));
        let Some(opening) = self.opening(&mut stream).await else { return };
        self.opened(opening, stream, &wire).await;
    }

    /// What is spoken; `None` for silence as long as a connection may be without a request, and when the router stops.
    async fn opening(&self, stream: &mut (impl AsyncRead + Unpin)) -> Option<Opening> {
        let reading = Opening::read(stream, self.house.router.config().idle);
        self.stop.run_until_cancelled(reading).await.flatten()
    }

    fn wire(&self, scheme: Scheme) -> Arc<Wire> {
        let house = &self.house;
        let peer = Peer::new(self.client, self.port, scheme);
        let clear_text = match (scheme, house.router.tls()) {
            (Scheme::Http, Some(tls)) => tls.clear_text(),
            _ => ClearText::Answered,
        };
        let (router, tasks, cut) = (house.router.clone(), house.open.clone(), Arc::clone(&house.cut));
        Arc::new(Wire::new(router, peer, clear_text, tasks, cut))
    }

    /// Goes on with `stream` after its first bytes, and with what becomes of it.
    async fn opened<S>(&self, opening: Opening, mut stream: S, wire: &Arc<Wire>)
    where
        S: AsyncRead + AsyncWrite + Send + Unpin + 'static,
    {
        match opening.speech {
            Speech::Http => self.http(Rewound::new(opening.early, stream), wire).await,
            Speech::Greeting => {
                let line = self.stop.run_until_cancelled(opening.line(&mut stream, LINE_WITHIN)).await;
                let Some((line, early)) = line.flatten() else { return };
                self.greeted(line, Rewound::new(early, stream), wire).await;
            }
            // TLS within TLS.
            Speech::Tls => return,
        }
        if wire.afterlife.has_begun() {
            self.outlive(wire).await;
        }
    }

    async fn http<S>(&self, stream: S, wire: &Arc<Wire>)
    where
        S: AsyncRead + AsyncWrite + Send + Unpin + 'static,
    {
        let service = {
            let wire = Arc::clone(wire);
            service_fn(move |request| exchange::answer(Arc::clone(&wire), request))
        };
        let protocols = &self.house.protocols;
        let mut connection = pin!(protocols.serve_connection_with_upgrades(TokioIo::new(stream), service));
        let mut stopping = false;
        let (mut pulse, mut looks) = (Pulse::default(), looks(self.house.router.config().idle));
        loop {
            tokio::select! {
                biased;
                ended = connection.as_mut() => return note_end(ended),
                () = self.stop.cancelled(), if !stopping => {
                    stopping = true;
                    connection.as_mut().graceful_shutdown();
                }
                () = self.house.over.cancelled(), if stopping => return wire.end(Ending::Stopped),
                _ = looks.tick() => match pulse.beat(wire.vitals()) {
                    Diagnosis::Alive => {}
                    Diagnosis::Idle => connection.as_mut().graceful_shutdown(),
                    Diagnosis::Dead => return wire.end(Ending::Stalled),
                },
            }
        }
    }

    /// Gives a connection that is no HTTP to whom it is for.
    async fn greeted<S>(&self, line: String, stream: S, wire: &Wire)
    where
        S: AsyncRead + AsyncWrite + Send + Unpin + 'static,
    {
        let Some(greeted) = self.house.router.greeted() else { return };
        wire.hand_over();
        let over = self.house.over.child_token();
        let taken = greeted.greeted(line, Box::new(stream), wire.peer.client());
        if over.run_until_cancelled_owned(taken).await.is_none() {
            wire.cut_off();
        }
    }

    /// Waits for the end of what was handed over, or cuts it off at the end of the grace.
    async fn outlive(&self, wire: &Wire) {
        let over = self.house.over.child_token();
        if over.run_until_cancelled(wire.afterlife.ended()).await.is_none() {
            wire.cut_off();
        }
    }
}

fn note_end(ended: Result<(), Box<dyn std::error::Error + Send + Sync>>) {
    if let Err(error) = ended {
        tracing::debug!(%error, "a connection ended early");
    }
}

/// Two looks per idle time.
fn looks(idle: Duration) -> tokio::time::Interval {
    let period = (idle / 2).max(Duration::from_millis(1));
    let mut looks = interval_at(tokio::time::Instant::now() + period, period);
    looks.set_missed_tick_behavior(MissedTickBehavior::Delay);
    looks
}
