use super::{config::RouterConfig, error::InvalidRequest, routes::host_name};
use crate::access::ClientAddress;
use crate::name::Scheme;
use http::{HeaderMap, HeaderName, HeaderValue, Method, Uri, Version, header, request};
use std::net::IpAddr;

pub(super) const FORWARDED_FOR: HeaderName = HeaderName::from_static("x-forwarded-for");
const FORWARDED_PORT: HeaderName = HeaderName::from_static("x-forwarded-port");
const FORWARDED_PROTO: HeaderName = HeaderName::from_static("x-forwarded-proto");
pub(super) const REQUEST_ID: HeaderName = HeaderName::from_static("x-request-id");
const REQUEST_START: HeaderName = HeaderName::from_static("x-request-start");
const KEEP_ALIVE: HeaderName = HeaderName::from_static("keep-alive");
const PROXY_CONNECTION: HeaderName = HeaderName::from_static("proxy-connection");

/// The router's own name in `Via`, both ways.
const VIA: HeaderValue = HeaderValue::from_static("1.1 hokku-router");
const SERVER: HeaderValue = HeaderValue::from_static("hokku");

/// Headers that belong to one connection, beside those that `Connection` names (RFC 9110, 7.6.1).
const HOP_BY_HOP: [HeaderName; 8] = [
    header::CONNECTION,
    header::PROXY_AUTHENTICATE,
    header::PROXY_AUTHORIZATION,
    header::TE,
    header::TRANSFER_ENCODING,
    header::UPGRADE,
    KEEP_ALIVE,
    PROXY_CONNECTION,
];

/// What the router knows about a connection and tells the dyno about it.
#[derive(Clone, Debug)]
pub(super) struct Peer {
    client: ClientAddress,
    address: HeaderValue,
    port: HeaderValue,
    proto: HeaderValue,
}

impl Peer {
    /// A client at `address` which came to `port`.
    pub(super) fn new(address: IpAddr, port: u16, scheme: Scheme) -> Self {
        let client = ClientAddress(address.to_canonical());
        let address = HeaderValue::try_from(client.0.to_string());
        Self {
            client,
            address: address.unwrap_or(HeaderValue::from_static("unknown")),
            port: HeaderValue::from(port),
            proto: HeaderValue::from_static(scheme.name()),
        }
    }

    /// Where the client is, an IPv4 address as such.
    pub(super) fn client(&self) -> ClientAddress {
        self.client
    }

    /// The chain of addresses as the log and the dyno see it: what the client sent, then where it really is.
    pub(super) fn forwarded_for(&self, headers: &HeaderMap) -> HeaderValue {
        if !headers.contains_key(FORWARDED_FOR) {
            return self.address.clone();
        }
        let mut chain = Vec::new();
        for earlier in headers.get_all(FORWARDED_FOR) {
            chain.extend_from_slice(earlier.as_bytes());
            chain.extend_from_slice(b", ");
        }
        chain.extend_from_slice(self.address.as_bytes());
        HeaderValue::from_bytes(&chain).unwrap_or_else(|_| self.address.clone())
    }
}

/// The host which a request names, as a header for the dyno; `None` for HTTP/1.0 without one. An authority in the
/// request's target outranks `Host` (RFC 9112, 3.2.2; RFC 9113, 8.3.1).
///
/// # Errors
/// [`InvalidRequest::Host`] for two hosts, none in HTTP/1.1 and later, or what is no host.
pub(super) fn host(parts: &request::Parts) -> Result<Option<HeaderValue>, InvalidRequest> {
    let mut named = parts.headers.get_all(header::HOST).iter();
    let (first, second) = (named.next(), named.next());
    if second.is_some() {
        return Err(InvalidRequest::Host);
    }
    let host = match (parts.uri.authority(), first) {
        (Some(authority), _) => {
            HeaderValue::from_str(authority.as_str()).map_err(|_| InvalidRequest::Host)?
        }
        (None, Some(first)) => first.clone(),
        (None, None) if parts.version <= Version::HTTP_10 => return Ok(None),
        (None, None) => return Err(InvalidRequest::Host),
    };
    let legal = host.to_str().is_ok_and(|text| host_name(text).is_some());
    if legal { Ok(Some(host)) } else { Err(InvalidRequest::Host) }
}

/// Whether the router takes the request at all, apart from its host.
///
/// # Errors
/// [`InvalidRequest`] names the first limit that is passed.
pub(super) fn check(parts: &request::Parts, config: &RouterConfig) -> Result<(), InvalidRequest> {
    if parts.method == Method::CONNECT {
        return Err(InvalidRequest::Method);
    }
    let target = parts.uri.path().len() + parts.uri.query().map_or(0, |query| query.len() + 1);
    if parts.method.as_str().len() + target + "  HTTP/1.1".len() > config.max_line {
        return Err(InvalidRequest::RequestLine);
    }
    for (name, value) in &parts.headers {
        if name.as_str().len() > MAX_NAME || name.as_str().len() + value.len() + ": ".len() > config.max_line
        {
            return Err(InvalidRequest::HeaderLine);
        }
    }
    match parts.headers.get(header::EXPECT) {
        Some(expect) if !expect.as_bytes().eq_ignore_ascii_case(b"100-continue") => {
            Err(InvalidRequest::Expect)
        }
        _ => Ok(()),
    }
}

/// The longest name of a header.
const MAX_NAME: usize = 1000;

/// What is added to a request beside the host.
pub(super) struct Added<'a> {
    pub(super) peer: &'a Peer,
    pub(super) host: Option<&'a HeaderValue>,
    pub(super) forwarded_for: &'a HeaderValue,
    pub(super) request_id: &'a HeaderValue,
    pub(super) start_millis: i64,
}

/// Turns what the client sent into what the dyno reads: a target without authority, no hop-by-hop header, and what
/// the router knows in place of what the client claims.
pub(super) fn forward(parts: &mut request::Parts, added: &Added<'_>) {
    if parts.uri.authority().is_some() {
        parts.uri = parts.uri.path_and_query().cloned().map(Uri::from).unwrap_or_default();
    }
    let headers = &mut parts.headers;
    let trailers = headers.get(header::TE).filter(|te| *te == "trailers").cloned();
    if headers.contains_key(header::TRANSFER_ENCODING) {
        headers.remove(header::CONTENT_LENGTH);
    }
    strip_hop_by_hop(headers);
    headers.remove(header::EXPECT);
    headers.reserve(8);
    if let Some(te) = trailers {
        headers.insert(header::TE, te);
    }
    if let Some(host) = added.host {
        headers.insert(header::HOST, host.clone());
    }
    headers.insert(FORWARDED_FOR, added.forwarded_for.clone());
    headers.insert(FORWARDED_PROTO, added.peer.proto.clone());
    headers.insert(FORWARDED_PORT, added.peer.port.clone());
    headers.insert(REQUEST_ID, added.request_id.clone());
    headers.insert(REQUEST_START, HeaderValue::from(added.start_millis));
    headers.append(header::VIA, VIA);
}

/// Turns what the dyno answered into what the client reads.
pub(super) fn give_back(headers: &mut HeaderMap) {
    strip_hop_by_hop(headers);
    headers.append(header::VIA, VIA);
    if !headers.contains_key(header::SERVER) {
        headers.insert(header::SERVER, SERVER);
    }
}

fn strip_hop_by_hop(headers: &mut HeaderMap) {
    if !headers.keys().any(is_hop_by_hop) {
        return;
    }
    for name in named_by_connection(headers) {
        headers.remove(name);
    }
    for name in HOP_BY_HOP {
        headers.remove(name);
    }
}

fn is_hop_by_hop(name: &HeaderName) -> bool {
    // Length first: it tells nearly all other headers apart without comparing text.
    matches!(name.as_str().len(), 2 | 7 | 10 | 16..=19) && HOP_BY_HOP.contains(name)
}

/// The headers which `Connection` names; never `Host` and `Content-Length`, which no dyno can do without.
fn named_by_connection(headers: &HeaderMap) -> Vec<HeaderName> {
    let values = headers.get_all(header::CONNECTION).into_iter();
    let tokens = values.flat_map(|value| value.as_bytes().split(|byte| *byte == b','));
    let names = tokens.filter_map(|token| HeaderName::from_bytes(token.trim_ascii()).ok());
    names.filter(|name| name != header::HOST && name != header::CONTENT_LENGTH).collect()
}

/// The client's request id if it is 20 to 200 of `[A-Za-z0-9-]`, else a new UUID. It finds lines in a log; nothing
/// may rely on it being hard to guess.
pub(super) fn request_id(headers: &HeaderMap) -> HeaderValue {
    let legal = |byte: &u8| byte.is_ascii_alphanumeric() || *byte == b'-';
    match headers.get(REQUEST_ID) {
        Some(id) if (20..=200).contains(&id.len()) && id.as_bytes().iter().all(legal) => id.clone(),
        _ => new_request_id(),
    }
}

fn new_request_id() -> HeaderValue {
    let uuid = uuid::Builder::from_random_bytes(fastrand::u128(..).to_ne_bytes()).into_uuid();
    let mut buffer = uuid::Uuid::encode_buffer();
    let text = uuid.hyphenated().encode_lower(&mut buffer);
    HeaderValue::from_str(text).unwrap_or(HeaderValue::from_static("unknown"))
}

#[cfg(test)]
mod tests {
    use super::*;
    use http::Request;

    fn parts(uri: &str, version: Version, headers: &[(&str, &str)]) -> request::Parts {
        let mut request = Request::builder().uri(uri).version(version);
        for (name, value) in headers {
            request = request.header(*name, *value);
        }
        request.body(()).expect("legal").into_parts().0
    }

    fn forwarded(uri: &str, headers: &[(&str, &str)]) -> String {
        let mut parts = parts(uri, Version::HTTP_11, headers);
        let peer = Peer::new("::ffff:9.9.9.9".parse().expect("address"), 5000, Scheme::Http);
        let host = host(&parts).expect("legal");
        let chain = peer.forwarded_for(&parts.headers);
        let id = HeaderValue::from_static("the-id");
        let added = Added {
            peer: &peer,
            host: host.as_ref(),
            forwarded_for: &chain,
            request_id: &id,
            start_millis: 7,
        };
        forward(&mut parts, &added);
        let mut lines: Vec<_> = parts
            .headers
            .iter()
            .map(|(name, value)| format!("{name}: {}", value.to_str().expect("text")))
            .collect();
        lines.sort();
        format!("{}\n{}", parts.uri, lines.join("\n"))
    }

    #[test]
    fn a_dyno_reads_what_the_router_knows() {
        insta::assert_snapshot!(forwarded("/a?b", &[("host", "shop.example:80"), ("accept", "*/*")]), @"
        /a?b
        accept: */*
        host: shop.example:80
        via: 1.1 hokku-router
        x-forwarded-for: 9.9.9.9
        x-forwarded-port: 5000
        x-forwarded-proto: http
        x-request-id: the-id
        x-request-start: 7
        ");
    }

    #[test]
    fn a_client_cannot_lie_about_itself() {
        let lies = [
            ("host", "ignored.example"),
            ("x-forwarded-for", "1.1.1.1"),
            ("x-forwarded-for", "2.2.2.2"),
            ("x-forwarded-proto", "https"),
            ("x-forwarded-port", "443"),
            ("x-request-start", "1"),
            ("via", "1.0 before"),
            ("connection", "close, X-Secret ,x-forwarded-for,host"),
            ("x-secret", "1"),
            ("keep-alive", "1"),
            ("te", "gzip"),
            ("upgrade", "h2c"),
            ("proxy-authorization", "x"),
            ("transfer-encoding", "chunked"),
            ("content-length", "5"),
            ("expect", "100-continue"),
        ];
        insta::assert_snapshot!(forwarded("http://shop.example/a", &lies), @"
        /a
        host: shop.example
        via: 1.0 before
        via: 1.1 hokku-router
        x-forwarded-for: 1.1.1.1, 2.2.2.2, 9.9.9.9
        x-forwarded-port: 5000
        x-forwarded-proto: http
        x-request-id: the-id
        x-request-start: 7
        ");
    }

    #[test]
    fn trailers_may_be_asked_for() {
        let text = forwarded("/", &[("host", "h"), ("te", "trailers"), ("connection", "te")]);
        assert!(text.contains("\nte: trailers\n"), "{text}");
    }

    #[test]
    fn a_request_names_one_host() {
        let host = |uri, version, headers: &[_]| {
            host(&parts(uri, version, headers)).map(|host| host.map(|h| h.to_str().expect("text").to_owned()))
        };
        assert_eq!(host("/", Version::HTTP_10, &[]), Ok(None));
        assert_eq!(host("/", Version::HTTP_11, &[]), Err(InvalidRequest::Host));
        assert_eq!(host("/", Version::HTTP_2, &[]), Err(InvalidRequest::Host));
        assert_eq!(host("/", Version::HTTP_11, &[("host", "a"), ("host", "a")]), Err(InvalidRequest::Host));
        assert_eq!(host("/", Version::HTTP_11, &[("host", "a/b")]), Err(InvalidRequest::Host));
        assert_eq!(host("/", Version::HTTP_11, &[("host", "")]), Err(InvalidRequest::Host));
        assert_eq!(host("http://b/", Version::HTTP_11, &[("host", "a")]), Ok(Some("b".to_owned())));
        assert_eq!(host("http://u@b/", Version::HTTP_2, &[]), Err(InvalidRequest::Host));
    }

    #[test]
    fn limits_are_named() {
        let config = RouterConfig { max_line: 100, ..RouterConfig::default() };
        let check = |uri: &str, headers: &[_]| check(&parts(uri, Version::HTTP_11, headers), &config);
        let long = "x".repeat(100);
        assert_eq!(check("/", &[("expect", "100-Continue")]), Ok(()));
        assert_eq!(check("/", &[("expect", "200-ok")]), Err(InvalidRequest::Expect));
        assert_eq!(check(&format!("/?{long}"), &[]), Err(InvalidRequest::RequestLine));
        assert_eq!(check("/", &[("a", &long)]), Err(InvalidRequest::HeaderLine));
        assert_eq!(check("/", &[(&long, "a")]), Err(InvalidRequest::HeaderLine));
    }

    #[test]
    fn a_good_request_id_is_kept_and_any_other_replaced() {
        let id = |client: &str| {
            let mut headers = HeaderMap::new();
            headers.insert(REQUEST_ID, client.parse().expect("legal"));
            request_id(&headers).to_str().expect("text").to_owned()
        };
        let good = "abcdefghij-0123456789";
        assert_eq!(id(good), good);
        for bad in ["short", "abcdefghij_0123456789", "abcdefghij 0123456789", &"a".repeat(201)] {
            assert_eq!(uuid::Uuid::parse_str(&id(bad)).expect("a UUID").get_version_num(), 4);
        }
        assert_ne!(id(""), id(""));
    }

    #[test]
    fn an_answer_loses_what_belongs_to_a_connection() {
        let mut headers = HeaderMap::new();
        for (name, value) in
            [("connection", "x-hop"), ("x-hop", "1"), ("transfer-encoding", "chunked"), ("x-kept", "1")]
        {
            headers.insert(name, HeaderValue::from_static(value));
        }
        give_back(&mut headers);
        let mut names: Vec<_> = headers.keys().map(HeaderName::as_str).collect();
        names.sort_unstable();
        assert_eq!(names, ["server", "via", "x-kept"]);
    }
}
