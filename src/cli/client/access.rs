use super::{Client, ClientError, host::Host};
use anyhow::{Context as _, bail};
use std::{fmt, fs, io, path::PathBuf, time::Duration};

/// Where a platform is that nobody named.
const USUAL_HOST: &str = "http://localhost:8080";

/// How long to wait before asking again for something that is not ready.
const PAUSE: Duration = Duration::from_millis(100);

/// A token of the API. Never shown.
#[derive(Clone)]
pub(super) struct Token(String);

impl Token {
    pub(super) fn reveal(&self) -> &str {
        &self.0
    }
}

impl fmt::Debug for Token {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str("Token(…)")
    }
}

/// What says which platform is meant and who asks.
#[derive(Default)]
pub(in crate::cli) struct Access {
    host: Option<String>,
    key: Option<String>,
    data_dir: Option<PathBuf>,
}

impl Access {
    /// `HOKKU_HOST` and `HOKKU_API_KEY`; what they leave open is looked up in the data directory.
    pub(in crate::cli) fn of_environment(data_dir: Option<PathBuf>) -> Self {
        let named = |name| std::env::var(name).ok().filter(|value| !value.trim().is_empty());
        Self { host: named("HOKKU_HOST"), key: named("HOKKU_API_KEY"), data_dir }
    }

    /// A platform of a test, with a token.
    #[cfg(test)]
    pub(in crate::cli) fn of_test(host: &str) -> Self {
        Self { host: Some(host.to_owned()), key: Some("t0ken".to_owned()), data_dir: None }
    }

    /// A client for that platform; nothing is asked of it yet.
    pub(in crate::cli) fn client(self) -> anyhow::Result<Client> {
        let host = match &self.host {
            Some(host) => Host::parse(host)?,
            None => Host::parse(self.kept("url")?.as_deref().unwrap_or(USUAL_HOST))?,
        };
        if self.key.as_ref().is_some_and(|key| !key.trim().bytes().all(|byte| byte.is_ascii_graphic())) {
            bail!("HOKKU_API_KEY holds characters that no token has: give the token alone");
        }
        let token = match &self.key {
            Some(key) => Some(key.trim().to_owned()),
            None => self.owner_token(&host)?,
        };
        Ok(Client::new(host, token.map(Token), PAUSE)?)
    }

    /// The owner's token, if `host` is where the platform of this machine is. The owner may do everything: the token
    /// goes neither to another machine nor to whoever listens on another port of this one.
    fn owner_token(&self, host: &Host) -> anyhow::Result<Option<String>> {
        if !host.is_loopback() {
            return Ok(None);
        }
        let own = self.kept("url")?.and_then(|url| Host::parse(&url).ok());
        if own.is_some_and(|own| own.is_same_place(host)) { self.kept("owner-token") } else { Ok(None) }
    }

    /// The first line of a file of the data directory; `None` without the file.
    fn kept(&self, name: &str) -> anyhow::Result<Option<String>> {
        let Some(file) = self.data_dir.as_ref().map(|dir| dir.join(name)) else { return Ok(None) };
        match fs::read_to_string(&file) {
            Ok(text) => {
                Ok(text.lines().next().map(str::trim).filter(|line| !line.is_empty()).map(str::to_owned))
            }
            Err(error) if matches!(error.kind(), io::ErrorKind::NotFound | io::ErrorKind::NotADirectory) => {
                Ok(None)
            }
            Err(error) => {
                let file = file.display();
                Err(error).with_context(|| {
                    format!("cannot read {file}; set HOKKU_HOST and HOKKU_API_KEY to do without")
                })
            }
        }
    }
}

/// The words for a 401.
pub(super) fn unauthorized(host: &Host, token: Option<&Token>) -> ClientError {
    let problem = if token.is_some() { "does not accept the token" } else { "wants a token" };
    ClientError::Unauthorized { host: host.to_string(), problem }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn access(host: Option<&str>, key: Option<&str>) -> (tempfile::TempDir, anyhow::Result<Client>) {
        let dir = tempfile::tempdir().expect("dir");
        fs::write(dir.path().join("owner-token"), "owners\n").expect("written");
        fs::write(dir.path().join("url"), "http://localhost:9999\n").expect("written");
        let data_dir = Some(dir.path().to_owned());
        let client = Access { host: host.map(str::to_owned), key: key.map(str::to_owned), data_dir }.client();
        (dir, client)
    }

    fn asked_with(host: Option<&str>, key: Option<&str>) -> (String, Option<String>) {
        let client = access(host, key).1.expect("a client");
        (client.host(), client.token().map(|token| token.reveal().to_owned()))
    }

    #[test]
    fn the_running_platform_of_this_machine_is_found() {
        assert_eq!(asked_with(None, None), ("http://localhost:9999".into(), Some("owners".into())));
        assert_eq!(asked_with(None, Some("mine")), ("http://localhost:9999".into(), Some("mine".into())));
        let nothing = Access::default().client().expect("a client");
        assert_eq!((nothing.host(), nothing.token().is_none()), (USUAL_HOST.to_owned(), true));
    }

    #[test]
    fn the_owners_token_stays_on_this_machine() {
        let elsewhere = "http://paas.example.com";
        assert_eq!(asked_with(Some(elsewhere), None), (elsewhere.into(), None));
        assert_eq!(asked_with(Some(elsewhere), Some("mine")), (elsewhere.into(), Some("mine".into())));
        assert_eq!(
            asked_with(Some("127.0.0.1:9999"), None),
            ("http://127.0.0.1:9999".into(), Some("owners".into()))
        );
    }

    #[test]
    fn the_owners_token_goes_to_no_other_port_of_this_machine() {
        assert_eq!(asked_with(Some("127.0.0.1:7"), None), ("http://127.0.0.1:7".into(), None));
        assert_eq!(asked_with(Some("x.localhost:9999"), None), ("http://x.localhost:9999".into(), None));
        let (dir, _) = access(None, None);
        fs::remove_file(dir.path().join("url")).expect("removed");
        let client = Access { data_dir: Some(dir.path().to_owned()), ..Access::default() }.client();
        assert!(client.expect("a client").token().is_none());
    }

    #[test]
    fn what_is_no_token_is_refused_without_showing_it() {
        let error = access(None, Some("hunter2\nx")).1.expect_err("refused").to_string();
        insta::assert_snapshot!(error, @"HOKKU_API_KEY holds characters that no token has: give the token alone");
    }

    #[test]
    fn a_missing_token_and_a_wrong_one_are_told_apart() {
        let host = Host::parse("http://paas.example.com").expect("legal");
        insta::assert_snapshot!(unauthorized(&host, None), @"http://paas.example.com wants a token: set HOKKU_API_KEY to a token; the owner's is in the file `owner-token` in the platform's data directory");
        insta::assert_snapshot!(unauthorized(&host, Some(&Token("x".to_owned()))), @"http://paas.example.com does not accept the token: set HOKKU_API_KEY to a token; the owner's is in the file `owner-token` in the platform's data directory");
    }

    #[test]
    fn debug_shows_no_token() {
        let (_dir, client) = access(None, Some("hunter2"));
        assert!(!format!("{:?}", client.expect("a client")).contains("hunter2"));
    }
}
