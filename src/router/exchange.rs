use super::{
    arrival::{Arrival, read_off},
    door::Visit,
    error::RouterError,
    headers::{self, Added},
    outbound::Outbound,
    page,
    record::{Names, Record},
    routes::{Destination, Routes, Target, host_name},
    tls::ClearText,
    upload::{Upload, answer_due},
    wire::Wire,
};
use crate::dyno::{Body, Dyno, HandleError};
use bytes::Bytes;
use http::{
    HeaderMap, HeaderValue, Method, Request, Response, StatusCode, header, request, uri::PathAndQuery,
};
use http_body::Body as _;
use http_body_util::{BodyExt, Full};
use hyper::body::Incoming;
use std::{convert::Infallible, pin::pin, sync::Arc, time::Duration, time::Instant};
use tokio::time::timeout_at;

/// Dynos asked after the first, when each says that its queue is full.
const OTHERS: usize = 10;
/// The longest header line and the longest cookie of an answer.
const MAX_ANSWER_LINE: usize = 512 * 1024;
const MAX_COOKIE: usize = 8192;
/// How much of an answer that has no body is read to let the dyno end in its own time.
/// How long the head of an answer to `HEAD` waits for a body that nobody wants.
const DRAIN: Duration = Duration::from_secs(1);
const MAX_DRAINED: u64 = 1024 * 1024;

/// Answers one request of the connection `wire`.
pub(super) async fn answer(
    wire: Arc<Wire>,
    request: Request<Incoming>,
) -> Result<Response<Outbound>, Infallible> {
    let started = Instant::now();
    wire.begin();
    let (mut parts, body) = request.into_parts();
    let body = Arrival::new(&wire, &parts, body);
    let accept = parts.headers.get(header::ACCEPT).cloned();
    let (destination, host) = match admit(&wire, &parts) {
        Ok(admitted) => admitted,
        Err(error) => return Ok(error_page(error, accept.as_ref(), &parts.method, None)),
    };
    let route = match destination {
        Destination::App(route) => route,
        Destination::Door(door) => {
            if let Err(error) = headers::check(&parts, wire.router.config()) {
                return Ok(error_page(error.into(), accept.as_ref(), &parts.method, None));
            }
            parts.extensions.insert(wire.peer.client());
            let request = Request::from_parts(parts, body.boxed_unsync());
            return Ok(Visit::begin(wire).ask(&*door, request).await);
        }
    };
    let names = Names {
        host,
        request_id: headers::request_id(&parts.headers),
        forwarded_for: wire.peer.forwarded_for(&parts.headers),
    };
    let mut record = Record::new(wire, route, &parts, names, started);
    if let Err(error) = headers::check(&parts, record.wire.router.config()) {
        return Ok(refuse(record, error.into(), accept.as_ref()));
    }
    if let ClearText::Redirected { port } = record.wire.clear_text
        && let Some(secure) = secure_address(&record, &parts, port)
    {
        return Ok(redirect(record, secure));
    }
    if let Err(error) = booted(&mut record).await {
        return Ok(refuse(record, error, accept.as_ref()));
    }
    forward(&record, &mut parts);
    let (body, upload) = Upload::watch(body, record.asked());
    Ok(match ask(&record, Request::from_parts(parts, body), upload.as_deref()).await {
        Ok(response) => give_back(record, response, upload, accept.as_ref()).await,
        Err(error) => refuse(record, error, accept.as_ref()),
    })
}

/// Whom a request is for, and the host it names.
fn admit(wire: &Wire, parts: &request::Parts) -> Result<(Destination, Option<HeaderValue>), RouterError> {
    let host = headers::host(parts)?;
    let found = destination(&wire.router.routes(), host.as_ref()).cloned();
    found.map(|found| (found, host)).ok_or(RouterError::NoSuchApp)
}

fn destination<'a>(routes: &'a Routes, host: Option<&HeaderValue>) -> Option<&'a Destination> {
    let name = host.and_then(|host| host.to_str().ok()).and_then(host_name);
    name.map_or_else(|| routes.fallback(), |name| routes.find(name))
}

/// The same address over TLS at `port`; `None` for a client so old that it names no host.
fn secure_address(record: &Record, parts: &request::Parts, port: u16) -> Option<HeaderValue> {
    let host = record.names.host.as_ref().and_then(|host| host_name(host.to_str().ok()?))?;
    let port = if port == 443 { String::new() } else { format!(":{port}") };
    let path = parts.uri.path_and_query().map_or("/", PathAndQuery::as_str);
    HeaderValue::try_from(format!("https://{host}{port}{path}")).ok()
}

/// Sends a client on, whatever its method.
fn redirect(mut record: Record, to: HeaderValue) -> Response<Outbound> {
    let status = StatusCode::PERMANENT_REDIRECT;
    record.answered(status.as_u16());
    let mut response = Response::new(Outbound::page(full(Bytes::new()), Some(record)));
    *response.status_mut() = status;
    response.headers_mut().insert(header::LOCATION, to);
    headers::give_back(response.headers_mut());
    response
}

/// Waits while the app is being started; the record then has the route that the app has now.
async fn booted(record: &mut Record) -> Result<(), RouterError> {
    if !matches!(record.route.target, Target::Booting) {
        return Ok(());
    }
    let (wire, host) = (Arc::clone(&record.wire), record.names.host.clone());
    let changed = async {
        loop {
            let mut published = pin!(wire.router.published().notified());
            published.as_mut().enable(); // before looking, so that no table falls between
            match destination(&wire.router.routes(), host.as_ref()) {
                Some(Destination::App(route)) if matches!(route.target, Target::Booting) => {}
                Some(Destination::App(route)) => return Ok(Arc::clone(route)),
                _ => return Err(RouterError::NoSuchApp),
            }
            published.await;
        }
    };
    let due = record.started() + record.wire.router.config().boot;
    record.booted(timeout_at(due.into(), changed).await.unwrap_or(Err(RouterError::BootTimeout))?);
    Ok(())
}

fn forward(record: &Record, parts: &mut request::Parts) {
    let added = Added {
        peer: &record.wire.peer,
        host: record.names.host.as_ref(),
        forwarded_for: &record.names.forwarded_for,
        request_id: &record.names.request_id,
        start_millis: record.wire.router.clock().now().unix_millis(),
    };
    headers::forward(parts, &added);
}

/// Asks the app's dynos, at random, until one takes the request.
async fn ask(
    record: &Record,
    mut request: Request<Body>,
    upload: Option<&Upload>,
) -> Result<Response<Body>, RouterError> {
    let dynos = match &record.route.target {
        Target::Dynos(dynos) => dynos,
        Target::NoWeb => return Err(RouterError::NoWebDynos),
        Target::Crashed => return Err(RouterError::AppCrashed),
        Target::Booting => return Err(RouterError::BootTimeout),
        Target::Maintenance => return Err(RouterError::Maintenance),
        Target::Blank => return Err(RouterError::BlankApp),
    };
    for index in Candidates::among(dynos.len()) {
        record.reached(index);
        match attempt(record, &dynos[index], request, upload).await? {
            Ok(response) => return Ok(response),
            Err(HandleError::Backlog { request: untouched, .. }) => request = untouched.into_request(),
            Err(error) => return Err(blame(&error, record)),
        }
    }
    record.not_reached();
    Err(if dynos.is_empty() { RouterError::NoWebDynos } else { RouterError::BacklogTooDeep })
}

/// What the router says about a dyno that gave no answer.
fn blame(error: &HandleError, record: &Record) -> RouterError {
    match error {
        HandleError::Backlog { .. } => RouterError::BacklogTooDeep,
        HandleError::Crashed { .. } | HandleError::NoResponse => RouterError::ClosedWithoutResponse,
        HandleError::Host(_) | HandleError::NotServing(_) => {
            tracing::error!(app = %record.route.app, %error, "a dyno could not be asked");
            RouterError::PlatformError
        }
    }
}

/// Gives one dyno the time it has to begin its answer; the guest is cancelled when it is over.
async fn attempt(
    record: &Record,
    dyno: &Dyno,
    request: Request<Body>,
    upload: Option<&Upload>,
) -> Result<Result<Response<Body>, HandleError>, RouterError> {
    let config = record.wire.router.config();
    let mut handling = pin!(dyno.handle(request));
    let mut look = record.asked() + config.first_byte.min(config.idle);
    loop {
        if let Ok(answered) = timeout_at(look.into(), handling.as_mut()).await {
            return Ok(answered);
        }
        let (due, error) = answer_due(upload, record.asked(), config);
        let now = Instant::now();
        if due <= now {
            return Err(error);
        }
        // Whose turn it is may change meanwhile, and with it the limit.
        look = due.min(now + config.idle);
    }
}

/// The order in which dynos are asked: one at random, and only if that is full, the others shuffled.
struct Candidates {
    count: usize,
    first: Option<usize>,
    others: Vec<usize>,
    shuffled: bool,
}

impl Candidates {
    fn among(count: usize) -> Self {
        Self { count, first: None, others: Vec::new(), shuffled: false }
    }
}

impl Iterator for Candidates {
    type Item = usize;

    fn next(&mut self) -> Option<usize> {
        let Some(first) = self.first else {
            self.first = (self.count > 0).then(|| fastrand::usize(..self.count));
            return self.first;
        };
        if !std::mem::replace(&mut self.shuffled, true) {
            self.others = (0..self.count).filter(|index| *index != first).collect();
            fastrand::shuffle(&mut self.others);
            self.others.truncate(OTHERS);
        }
        self.others.pop()
    }
}

/// Passes a dyno's answer on.
async fn give_back(
    mut record: Record,
    response: Response<Body>,
    upload: Option<Arc<Upload>>,
    accept: Option<&HeaderValue>,
) -> Response<Outbound> {
    let (mut parts, body) = response.into_parts();
    let bodyless = record.method() == Method::HEAD
        || matches!(parts.status, StatusCode::NO_CONTENT | StatusCode::NOT_MODIFIED);
    let promised = match promise(parts.status, &parts.headers, body.size_hint().exact().filter(|_| !bodyless))
    {
        Ok(promised) => promised,
        Err(error) => return refuse(record, error, accept),
    };
    headers::give_back(&mut parts.headers);
    record.answered(parts.status.as_u16());
    if !bodyless {
        return Response::from_parts(parts, Outbound::new(body, Some(record), promised, upload));
    }
    if let (true, None, Some(length)) = (parts.status.is_success(), promised, body.size_hint().exact())
        && parts.status != StatusCode::NO_CONTENT
    {
        parts.headers.insert(header::CONTENT_LENGTH, HeaderValue::from(length));
    }
    read_off(body, MAX_DRAINED, DRAIN).await;
    Response::from_parts(parts, Outbound::page(full(Bytes::new()), Some(record)))
}

/// The length that an answer promises, if it is legal HTTP; `exact` is what its body says about itself.
fn promise(status: StatusCode, headers: &HeaderMap, exact: Option<u64>) -> Result<Option<u64>, RouterError> {
    if status.is_informational() {
        return Err(RouterError::PoorlyFormattedResponse);
    }
    let mut promised = None;
    for (name, value) in headers {
        let cookie_too_long = value.len() > MAX_COOKIE && name == header::SET_COOKIE;
        if cookie_too_long || name.as_str().len() + value.len() > MAX_ANSWER_LINE {
            return Err(RouterError::HttpRestriction);
        }
        if name == header::CONTENT_LENGTH {
            let length = content_length(value).ok_or(RouterError::PoorlyFormattedResponse)?;
            if promised.or(exact).is_some_and(|other| other != length) {
                return Err(RouterError::PoorlyFormattedResponse);
            }
            promised = Some(length);
        }
    }
    Ok(promised)
}

fn content_length(value: &HeaderValue) -> Option<u64> {
    let text = value.to_str().ok().filter(|text| text.bytes().all(|byte| byte.is_ascii_digit()))?;
    text.parse().ok()
}

/// The page for `error`, which the record's line will name.
fn refuse(mut record: Record, error: RouterError, accept: Option<&HeaderValue>) -> Response<Outbound> {
    record.failed(error);
    let method = record.method().clone();
    error_page(error, accept, &method, Some(record))
}

fn error_page(
    error: RouterError,
    accept: Option<&HeaderValue>,
    method: &Method,
    mut record: Option<Record>,
) -> Response<Outbound> {
    let (mut parts, mut text) = page::page(error, accept).into_parts();
    headers::give_back(&mut parts.headers);
    if let Some(record) = &mut record {
        record.answered(parts.status.as_u16());
    }
    if method == Method::HEAD {
        parts.headers.insert(header::CONTENT_LENGTH, HeaderValue::from(text.len()));
        text.clear();
    }
    Response::from_parts(parts, Outbound::page(full(text), record))
}

fn full(bytes: Bytes) -> Body {
    Full::new(bytes).map_err(|never| match never {}).boxed_unsync()
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn every_dyno_is_asked_once_and_at_most_eleven() {
        for count in 0..30 {
            let mut asked: Vec<_> = Candidates::among(count).collect();
            assert_eq!(asked.len(), count.min(OTHERS + 1), "{count}");
            asked.sort_unstable();
            asked.dedup();
            assert_eq!(asked.len(), count.min(OTHERS + 1), "none twice among {count}");
            assert!(asked.iter().all(|index| *index < count));
        }
    }

    #[test]
    fn an_answer_must_keep_its_promise() {
        let promise = |status: u16, lengths: &[&'static str], exact| {
            let mut headers = HeaderMap::new();
            for length in lengths {
                headers.append(header::CONTENT_LENGTH, HeaderValue::from_static(length));
            }
            promise(StatusCode::from_u16(status).expect("legal"), &headers, exact)
        };
        assert_eq!(promise(200, &[], None), Ok(None));
        assert_eq!(promise(200, &["5"], Some(5)), Ok(Some(5)));
        assert_eq!(promise(200, &["5", "5"], None), Ok(Some(5)));
        let illegal = Err(RouterError::PoorlyFormattedResponse);
        assert_eq!(promise(200, &["5", "6"], None), illegal);
        assert_eq!(promise(200, &["5"], Some(4)), illegal);
        assert_eq!(promise(200, &["+5"], None), illegal);
        assert_eq!(promise(200, &["99999999999999999999"], None), illegal);
        assert_eq!(promise(103, &[], None), illegal);
    }

    #[test]
    fn a_cookie_has_a_limit_of_its_own() {
        let long = HeaderValue::try_from("x".repeat(MAX_COOKIE + 1)).expect("legal");
        let mut headers = HeaderMap::new();
        headers.insert(header::ETAG, long.clone());
        assert_eq!(promise(StatusCode::OK, &headers, None), Ok(None));
        headers.insert(header::SET_COOKIE, long);
        assert_eq!(promise(StatusCode::OK, &headers, None), Err(RouterError::HttpRestriction));
    }
}
