use http::{HeaderMap, HeaderValue, header};
use std::ops::Range;

/// What part of a file a request asks for.
#[derive(Clone, Debug, Eq, PartialEq)]
pub(super) enum Wanted {
    /// All of it. Also for several ranges, which RFC 9110 (14.2) lets a server ignore.
    Whole,
    /// These bytes; never empty.
    Part(Range<u64>),
    /// Only bytes that are not there.
    Nothing,
}

impl Wanted {
    /// Reads `Range` and `If-Range` for a file of `length` bytes whose entity tag is `etag`.
    pub(super) fn by(headers: &HeaderMap, length: u64, etag: &HeaderValue) -> Self {
        // A date never matches, since nothing here has one.
        let still_the_same = headers.get(header::IF_RANGE).is_none_or(|tag| tag == etag);
        match headers.get(header::RANGE).and_then(|range| range.to_str().ok()) {
            Some(range) if still_the_same => Self::read(range, length),
            _ => Self::Whole,
        }
    }

    fn read(range: &str, length: u64) -> Self {
        let Some((unit, range)) = range.split_once('=') else { return Self::Whole };
        let Some((first, last)) = range.trim().split_once('-') else { return Self::Whole };
        if !unit.trim().eq_ignore_ascii_case("bytes") {
            return Self::Whole;
        }
        let part = match (number(first), number(last)) {
            (Some(first), Some(last)) if first <= last => first..last.saturating_add(1).min(length),
            (Some(first), None) if last.trim().is_empty() => first..length,
            (None, Some(count)) if first.trim().is_empty() => length.saturating_sub(count)..length,
            _ => return Self::Whole,
        };
        if part.is_empty() { Self::Nothing } else { Self::Part(part) }
    }
}

/// A number which may be larger than any file.
fn number(text: &str) -> Option<u64> {
    let text = text.trim();
    let digits = !text.is_empty() && text.bytes().all(|byte| byte.is_ascii_digit());
    digits.then(|| text.parse().unwrap_or(u64::MAX))
}

/// Whether `If-None-Match` names `etag` (compared weakly, RFC 9110, 13.1.2): the client has this file.
pub(super) fn is_known(headers: &HeaderMap, etag: &HeaderValue) -> bool {
    let values = headers.get_all(header::IF_NONE_MATCH).into_iter();
    let mut tags = values.filter_map(|value| value.to_str().ok()).flat_map(|value| value.split(','));
    tags.any(|tag| {
        let tag = tag.trim();
        tag == "*" || tag.strip_prefix("W/").unwrap_or(tag).as_bytes() == etag.as_bytes()
    })
}

#[cfg(test)]
mod tests {
    use super::*;
    use proptest::prelude::*;

    #[test]
    fn one_range_is_a_part_and_anything_else_the_whole() {
        for (range, wanted) in [
            ("bytes=0-0", Wanted::Part(0..1)),
            ("bytes=2-5", Wanted::Part(2..6)),
            ("Bytes = 2-", Wanted::Part(2..10)),
            ("bytes=-3", Wanted::Part(7..10)),
            ("bytes=-99", Wanted::Part(0..10)),
            ("bytes=5-99999999999999999999999", Wanted::Part(5..10)),
            ("bytes=10-", Wanted::Nothing),
            ("bytes=10-12", Wanted::Nothing),
            ("bytes=-0", Wanted::Nothing),
            ("bytes=5-2", Wanted::Whole),
            ("bytes=0-1,3-4", Wanted::Whole),
            ("bytes=-", Wanted::Whole),
            ("bytes=a-b", Wanted::Whole),
            ("bytes=+1-2", Wanted::Whole),
            ("items=0-1", Wanted::Whole),
            ("bytes", Wanted::Whole),
        ] {
            assert_eq!(Wanted::read(range, 10), wanted, "{range}");
        }
        assert_eq!(Wanted::read("bytes=-1", 0), Wanted::Nothing);
    }

    #[test]
    fn a_changed_file_is_sent_whole() {
        let etag = HeaderValue::from_static("\"a\"");
        let by = |tag: &'static str| {
            let headers = [(header::RANGE, "bytes=0-0"), (header::IF_RANGE, tag)];
            let headers = headers.map(|(name, value)| (name, HeaderValue::from_static(value)));
            Wanted::by(&headers.into_iter().collect(), 10, &etag)
        };
        assert_eq!(by("\"a\""), Wanted::Part(0..1));
        for other in ["\"b\"", "W/\"a\"", "Sun, 22 Nov 2026 22:00:00 GMT"] {
            assert_eq!(by(other), Wanted::Whole, "{other}");
        }
    }

    #[test]
    fn a_known_file_is_found_in_any_list() {
        let etag = HeaderValue::from_static("\"a\"");
        let known = |tags: &'static str| {
            let headers = [(header::IF_NONE_MATCH, HeaderValue::from_static(tags))];
            is_known(&headers.into_iter().collect(), &etag)
        };
        assert!(["\"a\"", "W/\"a\"", "\"x\", \"a\"", "*"].into_iter().all(known));
        assert!(!["\"x\"", "a", ""].into_iter().any(known));
    }

    proptest! {
        #[test]
        fn a_part_is_always_inside(range in "bytes=[0-9]{0,21}-[0-9]{0,21}", length: u64) {
            if let Wanted::Part(part) = Wanted::read(&range, length) {
                prop_assert!(part.start < part.end && part.end <= length);
            }
        }
    }
}
