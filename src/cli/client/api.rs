use super::{
    ClientError,
    access::{Token, unauthorized},
    host::Host,
    resolver::Resolver,
};
use reqwest::{
    Method, RequestBuilder, Response, StatusCode,
    header::{ACCEPT, HeaderValue, RANGE},
};
use serde::{Deserialize, de::DeserializeOwned};
use serde_json::Value;
use std::{sync::Arc, time::Duration};

const ACCEPTED: &str = "application/vnd.heroku+json; version=3";
const CONNECT_LIMIT: Duration = Duration::from_secs(10);
/// How long one request may take that answers with an object.
const ANSWER_LIMIT: Duration = Duration::from_mins(2);
/// The most objects that the platform gives on one page.
const PAGE: usize = 1000;
/// The most of an error's text that is read.
const ERROR_LIMIT: usize = 64 * 1024;

/// Which objects of a list are wanted.
#[derive(Clone, Copy, Debug)]
pub(in crate::cli) enum Range {
    All,
    /// The newest versions, as many as said, the newest first.
    Newest(usize),
    /// What began last, as many as said, the newest first.
    Latest(usize),
}

impl Range {
    fn header(self) -> Option<HeaderValue> {
        let (property, count) = match self {
            Self::All => return None,
            Self::Newest(count) => ("version", count),
            Self::Latest(count) => ("started_at", count),
        };
        HeaderValue::try_from(format!("{property} ..; max={}, order=desc", count.clamp(1, PAGE))).ok()
    }

    fn wanted(self) -> usize {
        match self {
            Self::All => usize::MAX,
            Self::Newest(count) | Self::Latest(count) => count,
        }
    }
}

/// Speaks with one platform.
#[derive(Clone, Debug)]
pub(in crate::cli) struct Client {
    pub(super) http: reqwest::Client,
    pub(super) host: Host,
    token: Option<Token>,
    pause: Duration,
}

impl Client {
    pub(super) fn new(host: Host, token: Option<Token>, pause: Duration) -> Result<Self, ClientError> {
        // Another client of this process may have chosen it already.
        let _ = rustls::crypto::ring::default_provider().install_default();
        let mut builder = reqwest::Client::builder()
            .user_agent(concat!("hokku/", env!("CARGO_PKG_VERSION")))
            .connect_timeout(CONNECT_LIMIT)
            .redirect(reqwest::redirect::Policy::none())
            .dns_resolver(Arc::new(Resolver));
        if host.is_loopback() {
            // A proxy is another machine: nothing that is meant for this one goes there.
            builder = builder.no_proxy();
        }
        let http = builder.build().map_err(|error| ClientError::of_transport(host.to_string(), error))?;
        Ok(Self { http, host, token, pause })
    }

    /// Scheme, name and port.
    pub(in crate::cli) fn host(&self) -> String {
        self.host.to_string()
    }

    #[cfg(test)]
    pub(super) fn token(&self) -> Option<&Token> {
        self.token.as_ref()
    }

    /// A client that asks again at once.
    #[cfg(test)]
    pub(super) fn without_pauses(self) -> Self {
        Self { pause: Duration::ZERO, ..self }
    }

    /// Waits before something is asked again: longer with each `round`, from 0 on.
    pub(in crate::cli) async fn pause(&self, round: u32) {
        tokio::time::sleep(self.pause * 2_u32.pow(round.min(5))).await;
    }

    pub(in crate::cli) async fn get<T: DeserializeOwned>(&self, path: &[&str]) -> Result<T, ClientError> {
        let answer = self.answered(self.request(Method::GET, path)).await?;
        self.read(answer).await
    }

    /// The objects of a list, over as many pages as it has.
    pub(in crate::cli) async fn list<T: DeserializeOwned>(
        &self,
        path: &[&str],
        range: Range,
    ) -> Result<Vec<T>, ClientError> {
        let mut all = Vec::new();
        let mut next = range.header();
        loop {
            let mut request = self.request(Method::GET, path);
            if let Some(range) = &next {
                request = request.header(RANGE, range.clone());
            }
            let answer = self.answered(request).await?;
            let following = answer.headers().get("next-range").cloned();
            all.extend(self.read::<Vec<T>>(answer).await?);
            // The same page again would be asked for without end.
            if following.is_none() || following == next || all.len() >= range.wanted() {
                all.truncate(range.wanted());
                return Ok(all);
            }
            next = following;
        }
    }

    pub(in crate::cli) async fn post<T: DeserializeOwned>(
        &self,
        path: &[&str],
        body: &Value,
    ) -> Result<T, ClientError> {
        let answer = self.answered(self.request(Method::POST, path).json(body)).await?;
        self.read(answer).await
    }

    pub(in crate::cli) async fn patch<T: DeserializeOwned>(
        &self,
        path: &[&str],
        body: &Value,
    ) -> Result<T, ClientError> {
        let answer = self.answered(self.request(Method::PATCH, path).json(body)).await?;
        self.read(answer).await
    }

    /// Puts `body` in the place of what is there.
    pub(in crate::cli) async fn replace<T: DeserializeOwned>(
        &self,
        path: &[&str],
        body: &Value,
    ) -> Result<T, ClientError> {
        let answer = self.answered(self.request(Method::PUT, path).json(body)).await?;
        self.read(answer).await
    }

    pub(in crate::cli) async fn delete(&self, path: &[&str]) -> Result<(), ClientError> {
        self.answered(self.request(Method::DELETE, path)).await.map(drop)
    }

    fn request(&self, method: Method, path: &[&str]) -> RequestBuilder {
        let request =
            self.http.request(method, self.host.at(path)).header(ACCEPT, ACCEPTED).timeout(ANSWER_LIMIT);
        match &self.token {
            Some(token) => request.bearer_auth(token.reveal()),
            None => request,
        }
    }

    async fn answered(&self, request: RequestBuilder) -> Result<Response, ClientError> {
        let answer = request.send().await.map_err(|error| self.transport(error))?;
        if answer.status() == StatusCode::UNAUTHORIZED {
            return Err(unauthorized(&self.host, self.token.as_ref()));
        }
        accepted(answer, &self.host.to_string()).await
    }

    async fn read<T: DeserializeOwned>(&self, answer: Response) -> Result<T, ClientError> {
        let status = answer.status();
        let bytes = answer.bytes().await.map_err(|error| self.transport(error))?;
        serde_json::from_slice(&bytes)
            .map_err(|_| ClientError::Foreign { host: self.host.to_string(), status })
    }

    fn transport(&self, error: reqwest::Error) -> ClientError {
        ClientError::of_transport(self.host.to_string(), error)
    }
}

/// The words of an error, as the platform writes them.
#[derive(Deserialize)]
struct Refusal {
    id: String,
    message: String,
    resource: Option<String>,
}

/// The answer, if it is a success.
pub(super) async fn accepted(mut answer: Response, host: &str) -> Result<Response, ClientError> {
    let status = answer.status();
    if status.is_success() {
        return Ok(answer);
    }
    let mut text = Vec::new();
    while let Ok(Some(chunk)) = answer.chunk().await {
        text.extend_from_slice(&chunk);
        if text.len() > ERROR_LIMIT {
            break;
        }
    }
    Err(match serde_json::from_slice(&text) {
        Ok(Refusal { id, message, resource }) => ClientError::Refused { status, id, message, resource },
        Err(_) => ClientError::Foreign { host: host.to_owned(), status },
    })
}
