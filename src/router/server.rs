use super::{
    config::RouterConfig,
    exchange,
    headers::Peer,
    routes::Routes,
    wire::{Diagnosis, Ending, Metered, Pulse, Wire},
};
use crate::clock::Clock;
use arc_swap::{ArcSwap, Guard};
use futures_util::future::join_all;
use hyper::{rt::Executor, service::service_fn};
use hyper_util::{rt::TokioIo, server::conn::auto};
use std::{
    fmt, io,
    net::SocketAddr,
    pin::pin,
    sync::{
        Arc,
        atomic::{AtomicUsize, Ordering},
    },
    time::Duration,
};
use tokio::{
    net::{TcpListener, TcpStream},
    sync::{Notify, OwnedSemaphorePermit, Semaphore},
    time::{MissedTickBehavior, interval_at, sleep, timeout},
};
use tokio_util::{sync::CancellationToken, task::TaskTracker};

/// The door for requests. Clones are one router.
#[derive(Clone)]
pub struct Router(Arc<Inner>);

struct Inner {
    config: RouterConfig,
    clock: Clock,
    routes: ArcSwap<Routes>,
    /// Tells who waits for an app that is being started.
    published: Notify,
}

impl fmt::Debug for Router {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("Router").field("routes", &self.0.routes.load()).finish_non_exhaustive()
    }
}

impl Router {
    /// A router that knows no app yet. `clock` gives the `X-Request-Start` of requests.
    #[must_use]
    pub fn new(config: RouterConfig, clock: Clock) -> Self {
        Self(Arc::new(Inner { config, clock, routes: ArcSwap::default(), published: Notify::new() }))
    }

    /// Makes `routes` the table for every request that arrives from now on; requests under way keep the dyno they
    /// have.
    pub fn publish(&self, routes: Routes) {
        self.0.routes.store(Arc::new(routes));
        self.0.published.notify_waiters();
    }

    pub(super) fn config(&self) -> &RouterConfig {
        &self.0.config
    }

    pub(super) fn clock(&self) -> &Clock {
        &self.0.clock
    }

    pub(super) fn published(&self) -> &Notify {
        &self.0.published
    }

    pub(super) fn routes(&self) -> Guard<Arc<Routes>> {
        self.0.routes.load()
    }

    /// Takes connections from `listeners` until `stop`; then closes them, lets requests under way end for at most
    /// `grace`, and breaks off the rest (H24). Returns how many requests were broken off.
    ///
    /// Dropping the future closes listeners and connections at once.
    pub async fn serve(
        &self,
        listeners: Vec<TcpListener>,
        stop: CancellationToken,
        grace: Duration,
    ) -> usize {
        let house = Arc::new(House::new(self.clone(), stop.child_token()));
        let _closed_when_dropped = (house.over.clone().drop_guard(), house.stop.clone().drop_guard());
        join_all(listeners.into_iter().map(|listener| house.take_from(listener))).await;
        house.open.close();
        if timeout(grace, house.open.wait()).await.is_err() {
            house.over.cancel();
            house.open.wait().await;
        }
        house.cut.load(Ordering::Relaxed)
    }
}

/// One call of [`Router::serve`]: everything its connections share.
struct House {
    router: Router,
    protocols: auto::Builder<Streams>,
    /// Connections, and the streams of HTTP/2.
    open: TaskTracker,
    places: Arc<Semaphore>,
    stop: CancellationToken,
    /// The grace is over.
    over: CancellationToken,
    cut: Arc<AtomicUsize>,
}

/// Spawns the streams of HTTP/2 connections (hyper wants a task for each) where [`House`] waits for them.
#[derive(Clone)]
struct Streams(TaskTracker);

impl<F: Future<Output = ()> + Send + 'static> Executor<F> for Streams {
    fn execute(&self, stream: F) {
        self.0.spawn(stream);
    }
}

impl House {
    fn new(router: Router, stop: CancellationToken) -> Self {
        let open = TaskTracker::new();
        let protocols = protocols(router.config(), Streams(open.clone()));
        let places = Arc::new(Semaphore::new(router.config().max_connections.min(Semaphore::MAX_PERMITS)));
        let (over, cut) = (CancellationToken::new(), Arc::default());
        Self { router, protocols, open, places, stop, over, cut }
    }

    /// Accepts until `stop`, then drops the listener: newcomers are refused rather than queued.
    async fn take_from(self: &Arc<Self>, listener: TcpListener) {
        let port = listener.local_addr().map_or(0, |address| address.port());
        while let Some((socket, address, place)) = self.next(&listener).await {
            let peer = Peer::new(address.ip(), port);
            self.open.spawn(Arc::clone(self).connection(socket, peer, place));
        }
    }

    async fn next(&self, listener: &TcpListener) -> Option<(TcpStream, SocketAddr, OwnedSemaphorePermit)> {
        self.stop.run_until_cancelled(self.accept(listener)).await.flatten()
    }

    async fn accept(&self, listener: &TcpListener) -> Option<(TcpStream, SocketAddr, OwnedSemaphorePermit)> {
        let place = Arc::clone(&self.places).acquire_owned().await.ok()?;
        loop {
            match listener.accept().await {
                Ok((socket, address)) => return Some((socket, address, place)),
                Err(error) if concerns_one_client(&error) => {}
                Err(error) => {
                    tracing::warn!(%error, "cannot take a connection; trying again in a moment");
                    sleep(ACCEPT_PAUSE).await;
                }
            }
        }
    }

    async fn connection(self: Arc<Self>, socket: TcpStream, peer: Peer, _place: OwnedSemaphorePermit) {
        if let Err(error) = socket.set_nodelay(true) {
            tracing::debug!(%error, "a connection closed before its first byte");
            return;
        }
        let wire = Arc::new(Wire::new(self.router.clone(), peer, self.open.clone(), Arc::clone(&self.cut)));
        let io = TokioIo::new(Metered { socket, wire: Arc::clone(&wire) });
        let service = {
            let wire = Arc::clone(&wire);
            service_fn(move |request| exchange::answer(Arc::clone(&wire), request))
        };
        let mut connection = pin!(self.protocols.serve_connection(io, service));
        // A token of its own: polling it must not lock one that all connections share.
        let stop = self.stop.child_token();
        let mut stopping = false;
        let (mut pulse, mut looks) = (Pulse::default(), looks(self.router.config().idle));
        loop {
            tokio::select! {
                biased;
                ended = connection.as_mut() => return note_end(ended),
                () = stop.cancelled(), if !stopping => {
                    stopping = true;
                    connection.as_mut().graceful_shutdown();
                }
                () = self.over.cancelled(), if stopping => return wire.end(Ending::Stopped),
                _ = looks.tick() => match pulse.beat(wire.vitals()) {
                    Diagnosis::Alive => {}
                    Diagnosis::Idle => connection.as_mut().graceful_shutdown(),
                    Diagnosis::Dead => return wire.end(Ending::Stalled),
                },
            }
        }
    }
}

/// How long a failed accept (no descriptors are left, say) keeps the loop from spinning.
const ACCEPT_PAUSE: Duration = Duration::from_millis(200);

fn concerns_one_client(error: &io::Error) -> bool {
    use io::ErrorKind::{ConnectionAborted, ConnectionRefused, ConnectionReset, Interrupted};
    matches!(error.kind(), ConnectionAborted | ConnectionRefused | ConnectionReset | Interrupted)
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

fn protocols(config: &RouterConfig, streams: Streams) -> auto::Builder<Streams> {
    let mut protocols = auto::Builder::new(streams);
    // Slow heads are for `Pulse`: hyper's own limit would set a timer for every request. Head and body leave in one
    // buffer (`writev(false)`). Never `pipeline_flush`: it lifts hyper's bound on what waits for a slow client, and
    // holds answers back while a next request is in the buffer.
    protocols.http1().header_read_timeout(None).writev(false).max_buf_size(config.max_head.max(8192));
    if config.max_headers > HEADERS_WITHOUT_HEAP {
        protocols.http1().max_headers(config.max_headers);
    }
    protocols
        .http2()
        .max_concurrent_streams(config.max_streams)
        .max_header_list_size(u32::try_from(config.max_head).unwrap_or(u32::MAX))
        .initial_stream_window_size(256 * 1024)
        .initial_connection_window_size(1024 * 1024);
    protocols
}

/// Up to here hyper parses headers on the stack.
const HEADERS_WITHOUT_HEAP: usize = 100;
