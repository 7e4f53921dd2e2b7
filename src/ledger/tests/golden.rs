//! Format 1, as it was first written. The file is never written again: what is in it must be readable for ever.

use super::fixture::{every_kind, owner, standing};
use crate::ledger::{
    Entry, EntryHash, Stream,
    body::{self, KINDS, Unreadable},
    secret::DataKey,
};
use std::collections::{BTreeSet, HashMap};

/// One entry of every kind; every key is [`KEY`]. Kinds that came later stand at its end.
const FORMAT_1: &str = include_str!("format-1.jsonl");

const KEY: DataKey = DataKey([3; 32]);

/// [`every_kind`] with its places.
fn entries() -> Vec<Entry> {
    let mut heads: HashMap<Stream, u64> = HashMap::new();
    let entries = every_kind().into_iter().map(|(stream, event)| {
        let head = heads.entry(stream).or_default();
        *head += 1;
        Entry { stream, seq: *head, at: standing().now(), actor: owner(), event }
    });
    entries.collect()
}

/// The body without what is sealed, which is new each time.
fn without_secrets(body: &str) -> String {
    let mut value: serde_json::Value = serde_json::from_str(body).expect("JSON");
    let payload = &mut value["payload"];
    for secret in ["/changes/GREETING", "/url", "/password"] {
        if let Some(sealed) = payload.pointer_mut(secret) {
            *sealed = "sealed".into();
        }
    }
    value.to_string()
}

#[test]
fn format_1_is_read() {
    let (mut prev, mut kinds): (HashMap<Stream, EntryHash>, BTreeSet<String>) = Default::default();
    assert_eq!(FORMAT_1.lines().count(), entries().len());
    for (line, entry) in FORMAT_1.lines().zip(entries()) {
        let header = body::read_header(line.as_bytes()).ok().expect(line);
        assert_eq!((header.stream, header.seq, header.at), (entry.stream, entry.seq, entry.at), "{line}");
        assert_eq!(header.actor, entry.actor, "{line}");
        assert_eq!(header.prev, prev.get(&entry.stream).copied().unwrap_or_default(), "{line}");
        let event = body::read_event(line.as_bytes(), &header, Some(&KEY)).ok().expect(line);
        assert_eq!(event, entry.event);
        prev.insert(entry.stream, EntryHash::of(line.as_bytes()));
        kinds.insert(header.kind.into_owned());
    }
    assert!(kinds.iter().map(String::as_str).eq(KINDS.iter().copied().collect::<BTreeSet<_>>()));
}

#[test]
fn format_1_is_written() {
    for (line, entry) in FORMAT_1.lines().zip(entries()) {
        let prev = body::read_header(line.as_bytes()).ok().expect(line).prev;
        let body = body::write(&entry, prev, Some(&KEY)).expect("written");
        let body = String::from_utf8(body).expect("text");
        let sealed = ["config-set", "drain-added", "password-set"].iter().any(|kind| line.contains(kind));
        if sealed {
            assert_ne!(body, line, "a nonce is used once");
            assert_eq!(without_secrets(&body), without_secrets(line));
        } else {
            assert_eq!(body, line);
        }
    }
}

#[test]
fn a_secret_opens_at_its_own_place_alone() {
    let line = FORMAT_1.lines().find(|line| line.contains("\"config-set\"")).expect("one");
    let read = |line: &str| {
        let header = body::read_header(line.as_bytes()).ok().expect(line);
        match body::read_event(line.as_bytes(), &header, Some(&KEY)) {
            Ok(_) => "read".to_owned(),
            Err(Unreadable::Newer(what)) => what,
            Err(Unreadable::Damaged(what)) => what.to_owned(),
        }
    };
    assert_eq!(read(line), "read");
    for (from, to) in
        [("GREETING", "FAREWELL"), ("\"seq\":6", "\"seq\":7"), ("01010101-0101", "01010101-0102")]
    {
        let moved = line.replace(from, to);
        assert_ne!(moved, line);
        assert_eq!(read(&moved), "holds a secret that its app's key does not open", "{from}");
    }
}
