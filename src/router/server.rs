use super::{config::RouterConfig, connection::Connection, greeting::Greeted, routes::Routes, tls::Tls};
use crate::clock::Clock;
use arc_swap::{ArcSwap, ArcSwapOption, Guard};
use futures_util::future::join_all;
use hyper::rt::Executor;
use hyper_util::server::conn::auto;
use rustix::net::sockopt;
use std::{
    fmt, io,
    net::SocketAddr,
    sync::{
        Arc,
        atomic::{AtomicUsize, Ordering},
    },
    time::Duration,
};
use tokio::{
    net::{TcpListener, TcpStream},
    sync::{Notify, OwnedSemaphorePermit, Semaphore},
    time::{sleep, timeout},
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
    greeted: ArcSwapOption<Arc<dyn Greeted>>,
    tls: ArcSwapOption<Tls>,
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
        let (routes, published) = (ArcSwap::default(), Notify::new());
        let (greeted, tls) = (ArcSwapOption::empty(), ArcSwapOption::empty());
        Self(Arc::new(Inner { config, clock, routes, published, greeted, tls }))
    }

    /// From now on `greeted` takes connections that are no HTTP; without it they are closed.
    pub fn greet(&self, greeted: Arc<dyn Greeted>) {
        self.0.greeted.store(Some(Arc::new(greeted)));
    }

    /// Makes `routes` the table for every request that arrives from now on; requests under way keep the dyno they
    /// have.
    pub fn publish(&self, routes: Routes) {
        self.0.routes.store(Arc::new(routes));
        self.0.published.notify_waiters();
    }

    /// From now on connections that begin with a handshake are taken over TLS; without it they are closed.
    pub fn secure(&self, tls: Tls) {
        self.0.tls.store(Some(Arc::new(tls)));
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

    pub(super) fn greeted(&self) -> Option<Arc<dyn Greeted>> {
        self.0.greeted.load().as_deref().cloned()
    }

    pub(super) fn tls(&self) -> Option<Arc<Tls>> {
        self.0.tls.load_full()
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
pub(super) struct House {
    pub(super) router: Router,
    pub(super) protocols: auto::Builder<Streams>,
    /// Connections, and the streams of HTTP/2.
    pub(super) open: TaskTracker,
    places: Arc<Semaphore>,
    pub(super) stop: CancellationToken,
    /// The grace is over.
    pub(super) over: CancellationToken,
    pub(super) cut: Arc<AtomicUsize>,
}

/// Spawns the streams of HTTP/2 connections (hyper wants a task for each) where [`House`] waits for them.
#[derive(Clone)]
pub(super) struct Streams(TaskTracker);

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
        keep_alive(&listener);
        while let Some((socket, address, place)) = self.next(&listener).await {
            let connection = Connection::new(Arc::clone(self), address.ip(), port);
            self.open.spawn(connection.serve(socket, place));
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
}

/// Has the system ask now and then whether clients are there still: what was handed over to a door may be silent for long.
/// Accepted sockets inherit this.
fn keep_alive(listener: &TcpListener) {
    let set = sockopt::set_socket_keepalive(listener, true)
        .and_then(|()| sockopt::set_tcp_keepidle(listener, ASK_AFTER))
        .and_then(|()| sockopt::set_tcp_keepintvl(listener, ASK_AGAIN));
    if let Err(error) = set {
        tracing::debug!(%error, "clients that vanish will be noticed late");
    }
}

/// Silence after which the system asks whether a client is there, and its pause between questions.
const ASK_AFTER: Duration = Duration::from_mins(1);
const ASK_AGAIN: Duration = Duration::from_secs(15);

/// How long a failed accept (no descriptors are left, say) keeps the loop from spinning.
const ACCEPT_PAUSE: Duration = Duration::from_millis(200);

fn concerns_one_client(error: &io::Error) -> bool {
    use io::ErrorKind::{ConnectionAborted, ConnectionRefused, ConnectionReset, Interrupted};
    matches!(error.kind(), ConnectionAborted | ConnectionRefused | ConnectionReset | Interrupted)
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
