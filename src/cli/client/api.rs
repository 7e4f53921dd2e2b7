use super::{
    Authorization, ClientError,
    authorities::Authorities,
    credential::{Credential, unauthorized},
    host::Host,
    resolver::Resolver,
};
use crate::cli::password::Password;
use crate::name::AppName;
use reqwest::{
    Method, RequestBuilder, Response, StatusCode,
    header::{ACCEPT, HeaderValue, RANGE},
};
use serde::{Deserialize, de::DeserializeOwned};
use serde_json::Value;
use std::{
    collections::HashSet,
    path::{Path, PathBuf},
    sync::Arc,
    time::Duration,
};

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
    credential: Option<Credential>,
    authority: Option<PathBuf>,
    pause: Duration,
}

impl Client {
    pub(super) fn new(
        host: Host,
        authorities: Authorities,
        credential: Option<Credential>,
        pause: Duration,
    ) -> Result<Self, ClientError> {
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
        let http = authorities.client(builder, &host)?;
        Ok(Self { http, host, credential, authority: authorities.file, pause })
    }

    /// Scheme, name and port.
    pub(in crate::cli) fn host(&self) -> String {
        self.host.to_string()
    }

    /// Name and port, as netrc files have them.
    pub(in crate::cli) fn machine(&self) -> String {
        self.host.machine()
    }

    /// Whether what is sent can be read on the way.
    pub(in crate::cli) fn is_overheard(&self) -> bool {
        !self.host.is_https() && !self.host.is_loopback()
    }

    /// Who this client is at the platform.
    pub(in crate::cli) fn credential(&self) -> Option<&Credential> {
        self.credential.as_ref()
    }

    /// The file with the authority that is trusted beside the system's.
    pub(in crate::cli) fn authority(&self) -> Option<&Path> {
        self.authority.as_deref()
    }

    /// Where git finds the repository of `app`.
    pub(in crate::cli) fn repository(&self, app: &str) -> String {
        self.host.repository(app)
    }

    /// The app of this platform whose repository is at `address`.
    pub(in crate::cli) fn app_at(&self, address: &str) -> Option<AppName> {
        self.host.app_at(address)
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
        let mut asked = HashSet::new();
        let mut next = range.header();
        loop {
            let mut request = self.request(Method::GET, path);
            if let Some(range) = &next {
                request = request.header(RANGE, range.clone());
            }
            let answer = self.answered(request).await?;
            let following = answer.headers().get("next-range").cloned();
            all.extend(self.read::<Vec<T>>(answer).await?);
            // Pages that were asked for already would come without end.
            asked.extend(next);
            next = following.filter(|page| !asked.contains(page));
            if next.is_none() || all.len() >= range.wanted() {
                all.truncate(range.wanted());
                return Ok(all);
            }
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

    /// Makes a token with a password in place of one.
    pub(in crate::cli) async fn log_in<T: DeserializeOwned>(
        &self,
        email: &str,
        password: &Password,
        body: &Value,
    ) -> Result<T, ClientError> {
        let address = self.host.at(&["oauth", "authorizations"]);
        let request = self.http.post(address).header(ACCEPT, ACCEPTED).timeout(ANSWER_LIMIT).json(body);
        let request = request.basic_auth(email, Some(password.reveal()));
        let answer = request.send().await.map_err(|error| self.transport(error))?;
        if answer.status() == StatusCode::UNAUTHORIZED {
            return Err(ClientError::BadLogin { host: self.host.to_string() });
        }
        self.read(accepted(answer, &self.host.to_string()).await?).await
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

    /// Revokes the token of this client. One that the platform no longer knows is as good as revoked.
    pub(in crate::cli) async fn revoke_own(&self) -> Result<(), ClientError> {
        let Some(credential) = &self.credential else { return Ok(()) };
        let path = ["oauth", "authorizations"];
        let listed = match self.list::<Authorization>(&path, Range::All).await {
            Err(ClientError::Unauthorized { .. }) => return Ok(()),
            listed => listed?,
        };
        let hint = |known: &Authorization| known.access_token.as_ref()?.token.clone();
        let own = listed.iter().find(|known| hint(known).is_some_and(|hint| credential.fits(&hint)));
        match own {
            Some(own) => self.delete(&["oauth", "authorizations", &own.id]).await,
            None => Err(ClientError::UnknownToken { host: self.host.to_string() }),
        }
    }

    fn request(&self, method: Method, path: &[&str]) -> RequestBuilder {
        let request =
            self.http.request(method, self.host.at(path)).header(ACCEPT, ACCEPTED).timeout(ANSWER_LIMIT);
        match &self.credential {
            Some(credential) => request.bearer_auth(credential.reveal()),
            None => request,
        }
    }

    async fn answered(&self, request: RequestBuilder) -> Result<Response, ClientError> {
        let answer = request.send().await.map_err(|error| self.transport(error))?;
        if answer.status() == StatusCode::UNAUTHORIZED {
            let origin = self.credential.as_ref().map(|credential| credential.origin);
            return Err(unauthorized(&self.host, origin));
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
