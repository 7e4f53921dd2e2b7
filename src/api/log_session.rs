//! Log sessions: an app's log as server-sent events, at a secret address.
//!
//! The id of an event is the moment of its line and its number within that moment, so that a reader who comes back
//! with `Last-Event-ID` gets what came after, wherever the session had been; nothing is kept for readers that are away.

use super::{
    Api,
    error::ApiError,
    fields::Fields,
    parts::{Moment, derived_id},
    scope::Reading,
    secrets,
};
use crate::clock::Timestamp;
use crate::logplex::{AppLog, LogLine, Source, Tail, TailEvent, TailFilter};
use crate::name::AppId;
use axum::{
    Json, Router,
    body::Body,
    extract::{Path, State as Handle},
    http::{HeaderMap, StatusCode, header},
    response::{IntoResponse, Response},
    routing::{get, post},
};
use bytes::Bytes;
use serde::Serialize;
use std::{
    collections::HashMap,
    convert::Infallible,
    sync::{Mutex, MutexGuard, PoisonError},
    time::Duration,
};
use tokio::time::{MissedTickBehavior, interval};
use tokio_util::sync::CancellationToken;

pub(super) fn routes() -> Router<Api> {
    Router::new().route("/apps/{app}/log-sessions", post(create))
}

/// What needs no token: whoever has the address reads.
pub(super) fn reading() -> Router<Api> {
    Router::new().route("/logplex/{secret}", get(read))
}

/// How many lines a session begins with unless told otherwise, and at most.
const USUAL_LINES: u64 = 100;
const MOST_LINES: u64 = 1500;

/// How many may read one session at a time.
const MOST_READERS: usize = 20;

/// How often a silent stream says that it lives.
const KEEP_ALIVE: Duration = Duration::from_secs(15);

#[derive(Debug, Serialize)]
struct Shape {
    created_at: Moment,
    id: String,
    logplex_url: String,
    updated_at: Moment,
}

/// The sessions that were given out.
#[derive(Default)]
pub(super) struct Sessions(Mutex<HashMap<String, Session>>);

#[derive(Clone)]
struct Session {
    app: AppId,
    filter: TailFilter,
    lines: usize,
    /// How many read now.
    readers: usize,
    /// Until when it waits for a reader.
    until: Timestamp,
}

impl Session {
    fn is_over(&self, now: Timestamp) -> bool {
        self.readers == 0 && self.until <= now
    }
}

impl Sessions {
    fn table(&self) -> MutexGuard<'_, HashMap<String, Session>> {
        // A panic elsewhere leaves the table whole, so poison is not passed on.
        self.0.lock().unwrap_or_else(PoisonError::into_inner)
    }

    /// Adds a session, and forgets those that nobody came back to.
    fn insert(&self, secret: String, session: Session, now: Timestamp) {
        let mut table = self.table();
        table.retain(|_, session| !session.is_over(now));
        table.insert(secret, session);
    }

    fn enter(&self, secret: &str, now: Timestamp) -> Result<Session, ApiError> {
        let mut table = self.table();
        let session = table.get_mut(secret).filter(|session| !session.is_over(now)).ok_or_else(over)?;
        if session.readers >= MOST_READERS {
            return Err(ApiError::too_many(format!(
                "This log session has {MOST_READERS} readers, which is the most: begin a new one."
            )));
        }
        session.readers += 1;
        Ok(session.clone())
    }

    fn leave(&self, secret: &str, until: Timestamp) {
        if let Some(session) = self.table().get_mut(secret) {
            session.readers -= 1;
            session.until = until;
        }
    }
}

async fn create(
    Handle(api): Handle<Api>,
    Reading(scope): Reading,
    fields: Fields,
) -> Result<(StatusCode, Json<Shape>), ApiError> {
    let process = fields.text("dyno")?.or(fields.text("dyno_name")?).or(fields.text("type")?);
    let lines = fields.count("lines")?.unwrap_or(USUAL_LINES).min(MOST_LINES);
    let filter = TailFilter {
        source: fields.text("source")?.map(source).transpose()?,
        process: process.filter(|process| !process.is_empty()).map(str::to_owned),
        lines: None,
        follow: fields.flag("tail")?.unwrap_or(false),
    };
    let now = api.now();
    let lines = usize::try_from(lines).unwrap_or(usize::MAX);
    let session = Session { app: scope.app.id, filter, lines, readers: 0, until: life_from(&api, now) };
    let secret = secrets::random()?;
    let shape = Shape {
        created_at: Moment(now),
        id: derived_id(&["log-session", &secret]),
        logplex_url: api.config().own(&format!("/logplex/{secret}")),
        updated_at: Moment(now),
    };
    api.sessions().insert(secret, session, now);
    Ok((StatusCode::CREATED, Json(shape)))
}

fn source(text: &str) -> Result<Source, ApiError> {
    match text {
        "app" => Ok(Source::App),
        "heroku" => Ok(Source::Heroku),
        _ => Err(ApiError::invalid("`source` must be app or heroku.")),
    }
}

fn life_from(api: &Api, now: Timestamp) -> Timestamp {
    let life = i64::try_from(api.config().limits.session_life.as_micros()).unwrap_or(i64::MAX);
    Timestamp::from_unix_micros(now.unix_micros().saturating_add(life))
}

async fn read(
    Handle(api): Handle<Api>,
    Path(secret): Path<String>,
    headers: HeaderMap,
) -> Result<Response, ApiError> {
    let session = api.sessions().enter(&secret, api.now())?;
    let seat = Seat { api: api.clone(), secret };
    let state = api.state();
    let app = state.apps.get(&session.app).ok_or_else(over)?;
    let last = headers.get("last-event-id").and_then(|id| id.to_str().ok()?.parse().ok());
    let log = api.logplex().channel(&app.name);
    let stream = Stream::open(&log, &session, last, api.stop().clone(), seat).await;
    let head = [(header::CONTENT_TYPE, "text/event-stream"), (header::CACHE_CONTROL, "no-cache")];
    Ok((head, stream.into_body()).into_response())
}

fn over() -> ApiError {
    ApiError::not_found("This log session is over: begin a new one.")
}

/// A reader's place in its session, which is free again when this is dropped.
struct Seat {
    api: Api,
    secret: String,
}

impl Drop for Seat {
    fn drop(&mut self) {
        self.api.sessions().leave(&self.secret, life_from(&self.api, self.api.now()));
    }
}

/// Numbers lines by their moment.
#[derive(Default)]
struct Numbering {
    moment: u64,
    within: u64,
}

impl Numbering {
    /// The id of the next line.
    fn next(&mut self, line: &LogLine) -> u64 {
        let moment = u64::try_from(line.at.unix_micros()).unwrap_or_default().saturating_mul(1000);
        self.within = if moment == self.moment { (self.within + 1).min(999) } else { 0 };
        self.moment = moment;
        moment + self.within
    }
}

/// What one reader is sent.
struct Stream {
    tail: Tail,
    numbering: Numbering,
    /// The id of the last line that the reader has or does not want.
    last: Option<u64>,
    keep_alive: tokio::time::Interval,
    stop: CancellationToken,
    _seat: Seat,
}

impl Stream {
    async fn open(
        log: &AppLog,
        session: &Session,
        last: Option<u64>,
        stop: CancellationToken,
        seat: Seat,
    ) -> Self {
        let last = match last {
            Some(last) => Some(last),
            None => before_the_newest(log, session).await,
        };
        let tail = log.tail(session.filter.clone());
        let mut keep_alive = interval(KEEP_ALIVE);
        keep_alive.set_missed_tick_behavior(MissedTickBehavior::Delay);
        Self { tail, numbering: Numbering::default(), last, keep_alive, stop, _seat: seat }
    }

    /// The next piece of the answer; `None` at its end.
    async fn next(&mut self) -> Option<String> {
        loop {
            let event = tokio::select! {
                biased;
                () = self.stop.cancelled() => return None,
                event = self.tail.next() => event?,
                _ = self.keep_alive.tick() => return Some(": keep-alive\n\n".to_owned()),
            };
            let TailEvent::Line(line) = &event else { return Some(format!("data: {event}\n\n")) };
            let id = self.numbering.next(line);
            if self.last.is_none_or(|last| id > last) {
                return Some(format!("id: {id}\ndata: {}\n\n", on_one_line(line)));
            }
        }
    }

    fn into_body(self) -> Body {
        Body::from_stream(futures_util::stream::unfold(self, async |mut stream| {
            let piece = stream.next().await?;
            Some((Ok::<Bytes, Infallible>(piece.into()), stream))
        }))
    }
}

/// The line as the value of one field: a lone carriage return would end it, and what follows could pass for another.
fn on_one_line(line: &LogLine) -> String {
    line.to_string().replace('\r', " ")
}

/// The id of the line before the newest ones that the session begins with.
async fn before_the_newest(log: &AppLog, session: &Session) -> Option<u64> {
    let mut tail = log.tail(TailFilter { follow: false, ..session.filter.clone() });
    let (mut numbering, mut ids) = (Numbering::default(), Vec::new());
    while let Some(event) = tail.next().await {
        if let TailEvent::Line(line) = event {
            ids.push(numbering.next(&line));
        }
    }
    ids.len().checked_sub(session.lines + 1).and_then(|index| ids.get(index)).copied()
}
