//! The bytes of an entry, format 1: one JSON object that is hashed and stored as it is.
//!
//! A change of a payload gets a new version of its kind: [`read_event`] is where the older ones become what this
//! version knows. A body is never rewritten.

use super::{
    Actor, Entry, EntryHash, Event, LedgerError, Stream,
    secret::{DataKey, KeyOwner, Seal, SealedEvent},
};
use crate::clock::Timestamp;
use serde::{Deserialize, Serialize, de::IgnoredAny};
use std::borrow::Cow;

/// The format of the object itself.
pub(super) const FORMAT: u32 = 1;

/// The newest version of a payload of `kind` that is read.
fn newest_version(kind: &str) -> u32 {
    if kind == "authorization-created" { 2 } else { 1 }
}

/// The version in which the payload of `event` is written: the first that can say it all.
fn version_of(event: &Event) -> u32 {
    match event {
        // Before, no token was bound to scopes: who reads version 1 only must not take it for one that may do everything.
        Event::AuthorizationCreated { scopes, .. } if !scopes.is_empty() => 2,
        _ => 1,
    }
}

/// The most bytes of one entry.
pub(super) const LIMIT: usize = 1 << 20;

/// Every kind that this version can read.
pub(super) const KINDS: [&str; 33] = [
    "platform-created",
    "account-created",
    "authorization-created",
    "authorization-revoked",
    "password-set",
    "account-removed",
    "access-refused",
    "app-created",
    "app-renamed",
    "app-transferred",
    "app-destroyed",
    "config-set",
    "build-created",
    "build-succeeded",
    "build-failed",
    "slug-created",
    "release-created",
    "release-succeeded",
    "release-failed",
    "formation-changed",
    "domain-added",
    "domain-removed",
    "collaborator-added",
    "collaborator-removed",
    "maintenance-set",
    "feature-set",
    "buildpacks-set",
    "drain-added",
    "drain-removed",
    "addon-created",
    "addon-destroyed",
    "attachment-created",
    "attachment-destroyed",
];

/// An entry as it is written.
#[derive(Serialize)]
struct Body<'a> {
    format: u32,
    stream: Stream,
    seq: u64,
    at: Timestamp,
    actor: &'a Actor,
    version: u32,
    #[serde(flatten)]
    content: Content<'a>,
    prev: EntryHash,
}

/// `kind` and `payload`.
#[derive(Serialize)]
#[serde(untagged)]
enum Content<'a> {
    Clear(&'a Event),
    Sealed(SealedEvent),
}

/// An entry as it is read, without its payload.
#[derive(Deserialize)]
#[serde(deny_unknown_fields)]
pub(super) struct Header<'a> {
    pub(super) format: u32,
    pub(super) stream: Stream,
    pub(super) seq: u64,
    pub(super) at: Timestamp,
    pub(super) actor: Actor,
    pub(super) version: u32,
    #[serde(borrow)]
    pub(super) kind: Cow<'a, str>,
    #[serde(rename = "payload")]
    _payload: IgnoredAny,
    pub(super) prev: EntryHash,
}

/// Why a body is not an entry that this version can read.
pub(super) enum Unreadable {
    /// It is of a later format, or its kind is not known in its version.
    Newer(String),
    /// It is no entry at all; what it is instead, without its content.
    Damaged(&'static str),
}

impl Unreadable {
    pub(super) fn at(self, stream: Stream, seq: u64) -> LedgerError {
        match self {
            Self::Newer(what) => LedgerError::NewerEntry { stream, seq, what },
            Self::Damaged(what) => broken(stream, seq, what.to_owned()),
        }
    }
}

fn broken(stream: Stream, seq: u64, what: String) -> LedgerError {
    LedgerError::Broken { stream: stream.to_string(), seq: seq.try_into().unwrap_or(i64::MAX), what }
}

/// The bytes of `entry` after the entry with the hash `prev`; `key` seals its secrets.
pub(super) fn write(entry: &Entry, prev: EntryHash, key: Option<&DataKey>) -> Result<Vec<u8>, LedgerError> {
    let sealed = match key {
        Some(key) => SealedEvent::of(&entry.event, &Seal { key, stream: entry.stream, seq: entry.seq })?,
        None => None,
    };
    let body = Body {
        format: FORMAT,
        stream: entry.stream,
        seq: entry.seq,
        at: entry.at,
        actor: &entry.actor,
        version: version_of(&entry.event),
        content: sealed.map_or(Content::Clear(&entry.event), Content::Sealed),
        prev,
    };
    // It fails only for a secret without a key, which is no entry of an app.
    serde_json::to_vec(&body)
        .map_err(|cause| broken(entry.stream, entry.seq, format!("cannot be written: {cause}")))
}

/// Everything of a body but its payload.
pub(super) fn read_header(body: &[u8]) -> Result<Header<'_>, Unreadable> {
    #[derive(Deserialize)]
    struct Format {
        format: u32,
    }
    let header: Result<Header<'_>, _> = serde_json::from_slice(body);
    match header {
        Ok(header) if header.format == FORMAT => Ok(header),
        _ => match serde_json::from_slice(body) {
            Ok(Format { format }) if format > FORMAT => Err(Unreadable::Newer(format!("of format {format}"))),
            _ => Err(Unreadable::Damaged("is not the JSON of an entry")),
        },
    }
}

/// Whose key opens the secret of an entry, if it can hold one.
pub(super) fn key_owner(body: &[u8], header: &Header<'_>) -> Option<KeyOwner> {
    match header.stream {
        Stream::App(app) => Some(KeyOwner::App(app)),
        Stream::Platform if header.kind == "password-set" => match serde_json::from_slice(body).ok()? {
            SealedEvent::PasswordSet { account, .. } => Some(KeyOwner::Account(account)),
            _ => None,
        },
        Stream::Platform => None,
    }
}

/// Whether this version knows the kind and the version of its payload.
pub(super) fn check_kind(header: &Header<'_>) -> Result<(), Unreadable> {
    if header.version <= newest_version(&header.kind) && KINDS.contains(&&*header.kind) {
        return Ok(());
    }
    let kind: String = header.kind.chars().take(64).collect();
    Err(Unreadable::Newer(format!("`{kind}` version {}", header.version)))
}

/// What changed, with its secrets in clear.
pub(super) fn read_event(
    body: &[u8],
    header: &Header<'_>,
    key: Option<&DataKey>,
) -> Result<Event, Unreadable> {
    check_kind(header)?;
    // Payloads of older versions are turned into the present ones here, by kind and version; the only one that there
    // is lacks a property, and is read as if it were empty.
    let damaged = |_| Unreadable::Damaged("has a payload that is not of its kind");
    match &*header.kind {
        "config-set" | "drain-added" => {
            let sealed: SealedEvent = serde_json::from_slice(body).map_err(damaged)?;
            let revealed =
                key.and_then(|key| sealed.reveal(&Seal { key, stream: header.stream, seq: header.seq }));
            revealed.ok_or(Unreadable::Damaged("holds a secret that its app's key does not open"))
        }
        "password-set" => {
            let sealed: SealedEvent = serde_json::from_slice(body).map_err(damaged)?;
            let seal = key.map(|key| Seal { key, stream: header.stream, seq: header.seq });
            match (seal, &sealed) {
                // The account is gone, and its key with it.
                (None, SealedEvent::PasswordSet { account, .. }) => {
                    Ok(Event::PasswordSet { account: *account, password: None })
                }
                (seal, sealed) => seal
                    .and_then(|seal| sealed.reveal(&seal))
                    .ok_or(Unreadable::Damaged("holds a password that its account's key does not open")),
            }
        }
        _ => serde_json::from_slice(body).map_err(damaged),
    }
}

/// What changed, with nothing in the place of its secrets: no key is needed.
pub(super) fn read_blank(body: &[u8], header: &Header<'_>) -> Result<Event, Unreadable> {
    check_kind(header)?;
    let read = match &*header.kind {
        "config-set" | "drain-added" | "password-set" => {
            serde_json::from_slice(body).map(|sealed: SealedEvent| sealed.blank())
        }
        _ => serde_json::from_slice(body),
    };
    read.map_err(|_| Unreadable::Damaged("has a payload that is not of its kind"))
}
