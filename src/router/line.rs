use super::error::RouterError;
use std::{fmt::Write as _, time::Duration};

/// What one router line says.
pub(super) struct Line<'a> {
    pub(super) error: Option<RouterError>,
    pub(super) method: &'a str,
    pub(super) path: &'a str,
    pub(super) host: &'a [u8],
    pub(super) request_id: &'a [u8],
    pub(super) forwarded_for: &'a [u8],
    /// The dyno which was reached, with the time it took.
    pub(super) dyno: Option<(&'a crate::name::DynoName, Duration)>,
    pub(super) status: u16,
    pub(super) bytes: u64,
    pub(super) protocol: &'a str,
    /// The version of TLS, `tls1.3`; nothing in clear text.
    pub(super) tls: Option<&'a str>,
}

/// Bounds of what a client can make a line say. Together they stay well below the 10,000 bytes at which the
/// logplex splits a line, so that no part of a path can ever stand at the start of one.
const MAX_METHOD: usize = 32;
const MAX_PATH: usize = 2048;
const MAX_HOST: usize = 255;
const MAX_FORWARDED: usize = 512;

impl Line<'_> {
    /// The line, with everything that a client chose made harmless.
    pub(super) fn text(&self) -> String {
        let mut text = String::with_capacity(256 + self.path.len().min(MAX_PATH));
        self.write(&mut text);
        text
    }

    fn write(&self, text: &mut String) {
        text.push_str("at=");
        text.push_str(self.level());
        if let Some(facts) = self.error.map(RouterError::facts).filter(|facts| !facts.code.is_empty()) {
            text.push_str(" code=");
            text.push_str(facts.code);
            text.push_str(" desc=\"");
            text.push_str(facts.desc);
            text.push('"');
        }
        field(text, " method=", self.method.as_bytes(), MAX_METHOD);
        field(text, " path=\"", self.path.as_bytes(), MAX_PATH);
        field(text, "\" host=", self.host, MAX_HOST);
        field(text, " request_id=", self.request_id, MAX_HOST);
        quoted_list(text, " fwd=\"", self.forwarded_for);
        self.write_answer(text);
    }

    fn write_answer(&self, text: &mut String) {
        // Writing to a String cannot fail.
        let _ = match self.dyno {
            Some((dyno, service)) => write!(
                text,
                "\" dyno={dyno} connect=0ms service={}ms status={} bytes={} protocol={}",
                service.as_millis(),
                self.status,
                self.bytes,
                self.protocol
            ),
            None => write!(
                text,
                "\" dyno= connect= service= status={} bytes= protocol={}",
                self.status, self.protocol
            ),
        };
        if let Some(version) = self.tls {
            text.push_str(" tls=true tls_version=");
            text.push_str(version);
        }
    }

    fn level(&self) -> &'static str {
        match self.error {
            None => "info",
            Some(RouterError::ClientRequestInterrupted | RouterError::ClientConnectionIdle) => "warning",
            Some(_) => "error",
        }
    }
}

/// Writes a value; bytes that could end it, or start another, become `%XX`.
fn field(text: &mut String, label: &str, value: &[u8], limit: usize) {
    value_where(text, label, value, limit, |byte| byte.is_ascii_graphic() && !matches!(byte, b'"' | b'\\'));
}

/// The same for a value in quotes which may hold spaces.
fn quoted_list(text: &mut String, label: &str, value: &[u8]) {
    let plain = |byte: u8| matches!(byte, b' '..=b'~') && !matches!(byte, b'"' | b'\\');
    value_where(text, label, value, MAX_FORWARDED, plain);
}

fn value_where(text: &mut String, label: &str, value: &[u8], limit: usize, plain: impl Fn(u8) -> bool) {
    text.push_str(label);
    let kept = &value[..value.len().min(limit)];
    match std::str::from_utf8(kept) {
        Ok(kept) if kept.bytes().all(&plain) => text.push_str(kept),
        _ => kept.iter().for_each(|&byte| push_escaped(text, byte, plain(byte))),
    }
    if kept.len() < value.len() {
        text.push_str("...");
    }
}

fn push_escaped(text: &mut String, byte: u8, plain: bool) {
    if plain {
        text.push(char::from(byte));
    } else {
        // Writing to a String cannot fail.
        let _ = write!(text, "%{byte:02X}");
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use proptest::prelude::*;

    const PLAIN: Line<'_> = Line {
        error: None,
        method: "GET",
        path: "/p?q=1",
        host: b"app.example.com",
        request_id: b"3f2b",
        forwarded_for: b"1.2.3.4, 5.6.7.8",
        dyno: None,
        status: 200,
        bytes: 13,
        protocol: "http",
        tls: None,
    };

    #[test]
    fn a_line_reads_as_on_heroku() {
        let dyno = "web.1".parse().expect("legal");
        let line = Line { dyno: Some((&dyno, Duration::from_micros(18_900))), ..PLAIN };
        insta::assert_snapshot!(line.text(), @r#"at=info method=GET path="/p?q=1" host=app.example.com request_id=3f2b fwd="1.2.3.4, 5.6.7.8" dyno=web.1 connect=0ms service=18ms status=200 bytes=13 protocol=http"#);
    }

    #[test]
    fn tls_is_named_with_its_version() {
        let text = Line { protocol: "https", tls: Some("tls1.3"), ..PLAIN }.text();
        assert!(text.ends_with(" protocol=https tls=true tls_version=tls1.3"), "{text}");
    }

    #[test]
    fn an_error_names_its_code() {
        let line =
            |error: RouterError| Line { error: Some(error), status: error.facts().status, ..PLAIN }.text();
        insta::assert_snapshot!(line(RouterError::NoWebDynos), @r#"at=error code=H14 desc="No web dynos running" method=GET path="/p?q=1" host=app.example.com request_id=3f2b fwd="1.2.3.4, 5.6.7.8" dyno= connect= service= status=503 bytes= protocol=http"#);
        insta::assert_snapshot!(line(RouterError::ClientRequestInterrupted), @r#"at=warning code=H27 desc="Client Request Interrupted" method=GET path="/p?q=1" host=app.example.com request_id=3f2b fwd="1.2.3.4, 5.6.7.8" dyno= connect= service= status=499 bytes= protocol=http"#);
    }

    #[test]
    fn nothing_can_be_forged() {
        let line = Line {
            method: "G\"ET",
            path: "/a\" status=200 \\\"\n2026 heroku[router]: at=info",
            host: b"evil status=200\r\n",
            forwarded_for: b"1.2.3.4\" dyno=web.9 \xff\\",
            status: 404,
            ..PLAIN
        };
        insta::assert_snapshot!(line.text(), @r#"at=info method=G%22ET path="/a%22%20status=200%20%5C%22%0A2026%20heroku[router]:%20at=info" host=evil%20status=200%0D%0A request_id=3f2b fwd="1.2.3.4%22 dyno=web.9 %FF%5C" dyno= connect= service= status=404 bytes= protocol=http"#);
    }

    proptest! {
        #[test]
        fn every_line_is_one_line_with_its_fields(
            path: String, host: Vec<u8>, fwd: Vec<u8>, method in "[!-~]{1,99}", again in 0_usize..2000,
        ) {
            let (path, fwd) = (path.repeat(again.max(1)), fwd.repeat(again.max(1)));
            let text = Line { method: &method, path: &path, host: &host, forwarded_for: &fwd, ..PLAIN }.text();
            prop_assert!(text.len() < 10_000);
            prop_assert!(text.bytes().all(|byte| matches!(byte, b' '..=b'~')));
            prop_assert!(!text.contains('\\'));
            prop_assert_eq!(text.matches('"').count(), 4);
            let unquoted: String = text.split('"').step_by(2).collect();
            prop_assert_eq!(unquoted.split(' ').count(), 12, "{}", unquoted);
        }
    }
}
