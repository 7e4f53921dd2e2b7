use super::error::RouterError;
use bytes::Bytes;
use http::{HeaderMap, HeaderValue, Response, header};

/// The page for `error` in the form which the client likes best: HTML unless it asks for JSON or plain text.
pub(super) fn page(error: RouterError, accept: Option<&HeaderValue>) -> Response<Bytes> {
    let (content_type, text) = match Form::of(accept) {
        Form::Html => ("text/html; charset=utf-8", html(error)),
        Form::Json => ("application/json", json(error)),
        Form::Text => ("text/plain; charset=utf-8", plain(error)),
    };
    let mut response = Response::new(Bytes::from(text));
    *response.status_mut() = error.status();
    head(response.headers_mut(), content_type, error);
    response
}

fn head(headers: &mut HeaderMap, content_type: &'static str, error: RouterError) {
    headers.insert(header::CONTENT_TYPE, HeaderValue::from_static(content_type));
    headers.insert(header::CACHE_CONTROL, HeaderValue::from_static("no-cache, no-store"));
    headers.insert(header::VARY, HeaderValue::from_static("accept"));
    if error.status() == http::StatusCode::METHOD_NOT_ALLOWED {
        let methods = "GET, HEAD, POST, PUT, PATCH, DELETE, OPTIONS";
        headers.insert(header::ALLOW, HeaderValue::from_static(methods));
    }
}

#[derive(Debug, Eq, PartialEq)]
enum Form {
    Html,
    Json,
    Text,
}

impl Form {
    fn of(accept: Option<&HeaderValue>) -> Self {
        let accept = accept.and_then(|value| value.to_str().ok()).unwrap_or_default();
        let asks_for = |kind| accept.contains(kind);
        match () {
            () if asks_for("text/html") => Self::Html,
            () if asks_for("json") => Self::Json,
            () if asks_for("text/plain") => Self::Text,
            () => Self::Html,
        }
    }
}

fn html(error: RouterError) -> String {
    let facts = error.facts();
    let code =
        if facts.code.is_empty() { String::new() } else { format!("<p class=code>{}</p>\n", facts.code) };
    format!(
        "<!doctype html>\n<html lang=en>\n<meta charset=utf-8>\n<meta name=viewport content=\"width=device-width\">\n\
         <title>{desc}</title>\n<style>\n{STYLE}</style>\n<main>\n<h1>{desc}</h1>\n<p>{advice}</p>\n{code}</main>\n</html>\n",
        desc = facts.desc,
        advice = error.advice(),
    )
}

const STYLE: &str = "body { font: 1.1rem/1.5 system-ui, sans-serif; margin: 15vh auto; max-width: 34rem; padding: 0 1rem; }\n\
h1 { font-weight: 600; }\n\
.code { color: gray; }\n\
@media (prefers-color-scheme: dark) { body { background: #16161a; color: #eee; } }\n";

/// As the control API writes errors.
fn json(error: RouterError) -> String {
    let facts = error.facts();
    let id = if facts.code.is_empty() { "not_found" } else { facts.code };
    serde_json::json!({ "id": id, "message": format!("{}. {}", facts.desc, bare(error.advice())) })
        .to_string()
}

fn plain(error: RouterError) -> String {
    format!("{error}\n{}\n", bare(error.advice()))
}

fn bare(advice: &str) -> String {
    advice.replace("<code>", "`").replace("</code>", "`")
}

#[cfg(test)]
mod tests {
    use super::*;

    fn text(error: RouterError, accept: &'static str) -> String {
        let response = page(error, Some(&HeaderValue::from_static(accept)));
        String::from_utf8(response.into_body().to_vec()).expect("UTF-8")
    }

    #[test]
    fn a_page_names_the_code_and_what_to_do() {
        insta::assert_snapshot!(text(RouterError::RequestTimeout, "text/html,*/*"), @r#"
        <!doctype html>
        <html lang=en>
        <meta charset=utf-8>
        <meta name=viewport content="width=device-width">
        <title>Request timeout</title>
        <style>
        body { font: 1.1rem/1.5 system-ui, sans-serif; margin: 15vh auto; max-width: 34rem; padding: 0 1rem; }
        h1 { font-weight: 600; }
        .code { color: gray; }
        @media (prefers-color-scheme: dark) { body { background: #16161a; color: #eee; } }
        </style>
        <main>
        <h1>Request timeout</h1>
        <p>The app took too long to answer. If it is yours, its log shows what it was doing; move long work to a worker.</p>
        <p class=code>H12</p>
        </main>
        </html>
        "#);
    }

    #[test]
    fn programs_may_ask_for_json_and_people_for_text() {
        insta::assert_snapshot!(text(RouterError::NoSuchApp, "application/json"), @r#"{"id":"not_found","message":"No such app. There is no app at this address. If you expected one, check the app's name and its domains."}"#);
        insta::assert_snapshot!(text(RouterError::AppCrashed, "text/plain"), @"
        H10 (App crashed)
        The app crashed while starting. If it is yours, its log shows why.
        ");
        assert_eq!(Form::of(None), Form::Html);
        assert_eq!(Form::of(Some(&HeaderValue::from_static("*/*"))), Form::Html);
        assert_eq!(
            Form::of(Some(&HeaderValue::from_static("application/vnd.x+json; version=3"))),
            Form::Json
        );
    }

    #[test]
    fn what_the_client_did_is_never_answered_with_499() {
        assert_eq!(RouterError::ClientConnectionIdle.status(), 408);
        assert_eq!(RouterError::ClientConnectionIdle.facts().status, 499);
    }
}
