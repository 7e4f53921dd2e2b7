use super::{
    GuestState,
    slots::{Slots, Taken},
};
use crate::dyno::{
    Body, Engine, HandleError, Reuse,
    error::Untouched,
    housekeeping::Sweep,
    program::{HttpProgram, LoadedProgram},
    sandbox::Sandbox,
};
use crate::logplex::{Source, Stream};
use bytes::Bytes;
use http::{HeaderValue, Request, Response, header};
use http_body::{Body as _, Frame, SizeHint};
use http_body_util::BodyExt as _;
use std::{
    pin::Pin,
    sync::{
        Arc,
        atomic::{AtomicU64, Ordering::Relaxed},
    },
    task::{Context, Poll},
    time::Duration,
};
use tokio::sync::oneshot;
use wasmtime::Store;
use wasmtime_wasi_http::{
    Error as HttpError, WasiHttpView as _,
    p2::{
        bindings::{Proxy, http::types::ErrorCode, http::types::Scheme},
        body::HyperOutgoingBody,
    },
};

/// Requests that may wait for an instance (Heroku: 50 per dyno).
const QUEUE: usize = 50;
/// After how long a second, third, … instance that nobody needed is dropped.
const IDLE: Duration = Duration::from_mins(1);
/// A dyno's program that answers requests, with its instances.
pub(in crate::dyno) struct HttpGuest {
    program: Arc<LoadedProgram>,
    engine: Engine,
    sandbox: Sandbox,
    reuse: Reuse,
    linger: Duration,
    slots: Slots<Box<Instance>>,
    served: AtomicU64,
    made: AtomicU64,
}

/// One instance: answers one request at a time.
struct Instance {
    store: Store<GuestState>,
    proxy: Proxy,
}

/// What the instances of a dyno have done since it started.
#[derive(Clone, Copy, Debug, Eq, PartialEq)]
pub struct InstanceCounts {
    /// Alive now, busy or waiting for a request.
    pub live: usize,
    /// Made since the dyno started.
    pub made: u64,
    /// Requests taken by an instance since the dyno started.
    pub requests: u64,
}

type GuestRun = Pin<Box<dyn Future<Output = Result<(), wasmtime::Error>> + Send>>;
type Outcome = Result<Response<HyperOutgoingBody>, ErrorCode>;

impl HttpGuest {
    pub(in crate::dyno) fn new(
        program: Arc<LoadedProgram>,
        engine: Engine,
        sandbox: Sandbox,
        instances: usize,
        (reuse, linger): (Reuse, Duration),
    ) -> Self {
        Self {
            program,
            engine,
            sandbox,
            reuse,
            linger,
            slots: Slots::new(instances, QUEUE),
            served: AtomicU64::new(0),
            made: AtomicU64::new(0),
        }
    }

    pub(in crate::dyno) fn counts(&self) -> InstanceCounts {
        InstanceCounts {
            live: self.slots.live(),
            made: self.made.load(Relaxed),
            requests: self.served.load(Relaxed),
        }
    }

    fn program(&self) -> &HttpProgram {
        match &*self.program {
            LoadedProgram::Http(program) => program,
            _ => unreachable!("an HttpGuest is made only of a program that answers requests"),
        }
    }

    /// Makes the first instance, so that a program that does not start is known before it gets requests.
    pub(in crate::dyno) async fn boot(&self) -> wasmtime::Result<()> {
        if let Taken::Make = self.slots.take().await {
            match self.instantiate().await {
                Ok(instance) => self.slots.give(Box::new(instance)),
                Err(error) => {
                    self.slots.lost();
                    return Err(error);
                }
            }
        }
        Ok(())
    }

    async fn instantiate(&self) -> wasmtime::Result<Instance> {
        let mut store = self.sandbox.guest()?.into_store(&self.engine.inner.wasmtime);
        store.set_epoch_deadline(1);
        let proxy = self.program().pre.instantiate_async(&mut store).await?;
        self.made.fetch_add(1, Relaxed);
        Ok(Instance { store, proxy })
    }

    /// Answers one request on the caller's task; the rest of the guest's work goes on in the answer's body.
    pub(in crate::dyno) async fn handle(
        self: &Arc<Self>,
        request: Request<Body>,
    ) -> Result<Response<Body>, HandleError> {
        let taken = match self.slots.take().await {
            Taken::Full => {
                return Err(HandleError::Backlog {
                    instances: self.slots.max(),
                    request: Untouched::new(request),
                });
            }
            Taken::Make => None,
            Taken::Kept(instance) => Some(instance),
        };
        let mut lease = Lease { guest: self.clone(), instance: taken };
        if lease.instance.is_none() {
            let made = self.instantiate().await.map_err(|error| self.not_made(&error))?;
            lease.instance = Some(Box::new(made));
        }
        let (answer, mut answered) = oneshot::channel();
        let run: GuestRun = Box::pin(lease.answer(request, answer)?);
        let mut run = Unfinished { run: Some(run), guest: self.clone() };
        self.served.fetch_add(1, Relaxed);

        let mut ended = None;
        let outcome = std::future::poll_fn(|cx| {
            if ended.is_none()
                && let Poll::Ready(result) = run.poll(cx)
            {
                ended = Some(result);
            }
            match Pin::new(&mut answered).poll(cx) {
                Poll::Ready(outcome) => Poll::Ready(outcome.ok()),
                Poll::Pending if ended.is_some() => Poll::Ready(answered.try_recv().ok()),
                Poll::Pending => Poll::Pending,
            }
        })
        .await;
        let outcome = outcome.ok_or_else(|| match &ended {
            Some(Err(error)) => self.crashed(error),
            _ => HandleError::NoResponse,
        })?;
        self.respond(outcome, run, ended)
    }

    fn respond(
        self: &Arc<Self>,
        outcome: Outcome,
        run: Unfinished,
        ended: Option<wasmtime::Result<()>>,
    ) -> Result<Response<Body>, HandleError> {
        let response = outcome.map_err(|code| {
            self.log(&format!("the app answered with the error {code:?}"));
            HandleError::NoResponse
        })?;
        let (parts, mut inner) = response.into_parts();
        let failed = match ended {
            None => {
                let body = GuestBody { inner, run, failed: false };
                return Ok(Response::from_parts(parts, Body::new(body)));
            }
            Some(Ok(())) => false,
            Some(Err(error)) => {
                self.crashed(&error);
                true
            }
        };
        let body = if failed { Body::new(GuestBody { inner, run, failed }) } else { take_whole(&mut inner) };
        Ok(Response::from_parts(parts, body))
    }

    /// Writes the backtrace to the app's log and gives the error for the router.
    fn crashed(&self, error: &wasmtime::Error) -> HandleError {
        self.log(&format!("{error:?}"));
        HandleError::Crashed { reason: format!("{error:#}").lines().next().unwrap_or_default().to_owned() }
    }

    /// Tells whose fault it is that there is no instance.
    fn not_made(&self, error: &wasmtime::Error) -> HandleError {
        if error.is::<wasmtime::PoolConcurrencyLimitError>() {
            return HandleError::Host(format!("{error:#}: every instance of the engine is in use"));
        }
        self.crashed(error)
    }

    fn log(&self, text: &str) {
        if let crate::dyno::Stdio::Log(log) = &self.sandbox.stdio {
            for line in text.lines() {
                log.write(Source::App, &self.sandbox.process, Stream::Stderr, line);
            }
        }
    }
}

impl Sweep for HttpGuest {
    fn sweep(&self) {
        self.slots.drop_idle(IDLE);
    }
}

/// An instance in use. Dropped in the middle (a trap, a time-out), it is lost, and another may take its place.
struct Lease {
    guest: Arc<HttpGuest>,
    instance: Option<Box<Instance>>,
}

impl Lease {
    /// Hands the request to the guest. The future ends when the guest's `handle` returns.
    fn answer(
        mut self,
        mut request: Request<Body>,
        answer: oneshot::Sender<Outcome>,
    ) -> Result<impl Future<Output = wasmtime::Result<()>> + Send + use<>, HandleError> {
        let host = |error: wasmtime::Error| HandleError::Host(format!("{error:#}"));
        let mut instance = self.instance.take().ok_or(HandleError::NoResponse)?;
        if request.uri().authority().is_none() && !request.headers().contains_key(header::HOST) {
            request.headers_mut().insert(header::HOST, HeaderValue::from_static("localhost"));
        }
        let request =
            request.map(|body| body.map_err(|error| HttpError::InternalError(Some(error.to_string()))));
        let http = &mut instance.store.data_mut().http();
        let request = http.new_incoming_request(Scheme::Http, request).map_err(host)?;
        let out = http.new_response_outparam(answer).map_err(host)?;
        Ok(async move {
            instance.store.set_epoch_deadline(1);
            let Instance { store, proxy } = &mut *instance;
            proxy.wasi_http_incoming_handler().call_handle(store, request, out).await?;
            self.keep(instance);
            Ok(())
        })
    }

    /// The instance did well; it may take another request.
    fn keep(&mut self, instance: Box<Instance>) {
        if self.guest.reuse == Reuse::Instances {
            self.instance = Some(instance);
        }
    }
}

impl Drop for Lease {
    fn drop(&mut self) {
        match self.instance.take() {
            Some(instance) => self.guest.slots.give(instance),
            None => self.guest.slots.lost(),
        }
    }
}

/// The body of a guest that is done, taken at once: it then leaves with the head in one write.
///
/// A body that its guest has not finished ends in an error, so that the client sees that it is cut.
fn take_whole(inner: &mut HyperOutgoingBody) -> Body {
    let mut pieces: Vec<Bytes> = Vec::new();
    let mut cx = Context::from_waker(std::task::Waker::noop());
    loop {
        let failed = match poll_freely(inner, &mut cx) {
            Poll::Ready(None) => return whole(joined(pieces)),
            Poll::Ready(Some(Ok(frame))) => match frame.into_data() {
                Ok(data) => {
                    pieces.push(data);
                    continue;
                }
                Err(frame) => {
                    let trailers = std::future::ready(frame.into_trailers().ok().map(Ok));
                    return Body::new(whole(joined(pieces)).with_trailers(trailers));
                }
            },
            Poll::Ready(Some(Err(error))) => error.into(),
            Poll::Pending => stopped_midway(),
        };
        let frames = pieces.into_iter().map(|piece| Ok(Frame::data(piece))).chain([Err(failed)]);
        return Body::new(http_body_util::StreamBody::new(futures_util::stream::iter(frames)));
    }
}

/// Polls past the runtime's budget for one turn of a task: only then does `Pending` mean that nothing is there.
fn poll_freely(
    body: &mut HyperOutgoingBody,
    cx: &mut Context<'_>,
) -> Poll<Option<Result<Frame<Bytes>, HttpError>>> {
    let next = std::future::poll_fn(|cx| Pin::new(&mut *body).poll_frame(cx));
    std::pin::pin!(tokio::task::unconstrained(next)).poll(cx)
}

fn whole(bytes: Bytes) -> Body {
    Body::new(http_body_util::Full::new(bytes).map_err(|never| match never {}))
}

fn joined(mut pieces: Vec<Bytes>) -> Bytes {
    if pieces.len() == 1 {
        return pieces.pop().unwrap_or_default();
    }
    pieces.concat().into()
}

/// A guest that is still at work on its request.
///
/// Dropped, because the client left or because all of its answer was sent, the guest may still have to tidy up: it
/// gets a moment, and its instance is kept if it ends well.
struct Unfinished {
    run: Option<GuestRun>,
    guest: Arc<HttpGuest>,
}

impl Unfinished {
    /// Runs the guest on; at its end it is no longer unfinished.
    fn poll(&mut self, cx: &mut Context<'_>) -> Poll<wasmtime::Result<()>> {
        let Some(run) = &mut self.run else { return Poll::Ready(Ok(())) };
        let polled = run.as_mut().poll(cx);
        if polled.is_ready() {
            self.run = None;
        }
        polled
    }
}

impl Drop for Unfinished {
    fn drop(&mut self) {
        let Some(run) = self.run.take() else { return };
        // Outside of a runtime nobody could run it on.
        let Ok(runtime) = tokio::runtime::Handle::try_current() else { return };
        let guest = self.guest.clone();
        let linger = async move {
            if let Ok(Err(error)) = tokio::time::timeout(guest.linger, run).await {
                guest.crashed(&error);
            }
        };
        self.guest.engine.inner.lingering.spawn_on(linger, &runtime);
    }
}

/// An answer's body that carries the guest along: the guest runs when the connection asks for more.
struct GuestBody {
    inner: HyperOutgoingBody,
    run: Unfinished,
    failed: bool,
}

impl http_body::Body for GuestBody {
    type Data = Bytes;
    type Error = crate::dyno::BodyError;

    fn poll_frame(
        mut self: Pin<&mut Self>,
        cx: &mut Context<'_>,
    ) -> Poll<Option<Result<Frame<Bytes>, Self::Error>>> {
        if let Poll::Ready(Err(error)) = self.run.poll(cx) {
            self.run.guest.crashed(&error);
            self.failed = true;
        }
        if self.run.run.is_some() {
            return Pin::new(&mut self.inner).poll_frame(cx).map_err(Into::into);
        }
        match poll_freely(&mut self.inner, cx) {
            // The guest is done, so nothing more will come of a body that it did not finish.
            Poll::Pending => Poll::Ready(Some(Err(stopped_midway()))),
            Poll::Ready(None) if self.failed => Poll::Ready(Some(Err(stopped_midway()))),
            Poll::Ready(frame) => Poll::Ready(frame.map(|frame| frame.map_err(Into::into))),
        }
    }

    fn is_end_stream(&self) -> bool {
        self.run.run.is_none() && !self.failed && self.inner.is_end_stream()
    }

    fn size_hint(&self) -> SizeHint {
        self.inner.size_hint()
    }
}

fn stopped_midway() -> crate::dyno::BodyError {
    "the guest stopped in the middle of its answer".into()
}
