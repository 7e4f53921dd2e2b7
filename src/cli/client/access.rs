use super::{Client, Credential, authorities::Authorities, credential::Origin, host::Host};
use crate::cli::netrc::{Found, Netrc};
use anyhow::{Context as _, bail};
use std::{fs, io, path::PathBuf, time::Duration};

/// Where a platform is that nobody named.
const USUAL_HOST: &str = "http://localhost:8080";

/// How long to wait before asking again for something that is not ready.
pub(super) const PAUSE: Duration = Duration::from_millis(100);

/// What says which platform is meant and who asks.
#[derive(Default)]
pub(in crate::cli) struct Access {
    host: Option<String>,
    key: Option<String>,
    authority: Option<PathBuf>,
    netrc: Option<Netrc>,
    data_dir: Option<PathBuf>,
}

impl Access {
    /// `HOKKU_HOST`, `HOKKU_API_KEY`, `HOKKU_CA_FILE` and the netrc file; what they leave open is looked up in the data
    /// directory.
    pub(in crate::cli) fn of_environment(data_dir: Option<PathBuf>) -> Self {
        let named = |name| std::env::var(name).ok().filter(|value| !value.trim().is_empty());
        Self {
            host: named("HOKKU_HOST"),
            key: named("HOKKU_API_KEY"),
            authority: named("HOKKU_CA_FILE").map(PathBuf::from),
            netrc: Netrc::of_environment(),
            data_dir,
        }
    }

    /// A platform of a test, with a token.
    #[cfg(test)]
    pub(in crate::cli) fn of_test(host: &str) -> Self {
        Self { host: Some(host.to_owned()), key: Some("t0ken".to_owned()), ..Self::default() }
    }

    /// The same with the tokens of a netrc file.
    #[cfg(test)]
    pub(in crate::cli) fn of_test_with_netrc(host: &str, netrc: Netrc) -> Self {
        Self { host: Some(host.to_owned()), netrc: Some(netrc), ..Self::default() }
    }

    /// A client for that platform; nothing is asked of it yet.
    pub(in crate::cli) fn client(self) -> anyhow::Result<Client> {
        let host = self.host()?;
        let authorities = Authorities::of(&host, self.authority.as_deref(), self.data_dir.as_deref())?;
        let credential = self.credential_at(&host)?;
        Ok(Client::new(host, authorities, credential, PAUSE)?)
    }

    /// Who to be at `scheme://machine`, whichever platform the environment means.
    pub(in crate::cli) fn credential_for(
        &self,
        scheme: &str,
        machine: &str,
    ) -> anyhow::Result<Option<Credential>> {
        self.credential_at(&Host::parse(&format!("{scheme}://{machine}"))?)
    }

    fn host(&self) -> anyhow::Result<Host> {
        let named = match &self.host {
            Some(host) => Some(host.clone()),
            None => self.kept("url")?,
        };
        Ok(Host::parse(named.as_deref().unwrap_or(USUAL_HOST))?)
    }

    /// The key is for the platform that the environment means, a netrc entry for the machine that it names.
    fn credential_at(&self, host: &Host) -> anyhow::Result<Option<Credential>> {
        if let Some(key) = &self.key {
            if !key.trim().bytes().all(|byte| byte.is_ascii_graphic()) {
                bail!("HOKKU_API_KEY holds characters that no token has: give the token alone");
            }
            if self.host()?.shares_token_with(host) {
                return Ok(Some(Credential::new(key.trim().to_owned(), Origin::Key)));
            }
        }
        match self.login(host)? {
            Some(login) => Ok(Some(login)),
            None => Ok(self.owner_token(host)?.map(|token| Credential::new(token, Origin::Owner))),
        }
    }

    fn login(&self, host: &Host) -> anyhow::Result<Option<Credential>> {
        let Some(netrc) = &self.netrc else { return Ok(None) };
        let Some(Found { login, was_open }) = netrc.find(&host.machine())? else { return Ok(None) };
        let file = netrc.path().display();
        let notice = was_open.then(|| {
            format!("Others could read your token in {file}. They no longer can: its mode is 0600 now.")
        });
        Ok(Some(Credential::of_login(login, notice)))
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

#[cfg(test)]
mod tests {
    use super::*;

    fn access(host: Option<&str>, key: Option<&str>) -> (tempfile::TempDir, anyhow::Result<Client>) {
        let dir = tempfile::tempdir().expect("dir");
        fs::write(dir.path().join("owner-token"), "owners\n").expect("written");
        fs::write(dir.path().join("url"), "http://localhost:9999\n").expect("written");
        let data_dir = Some(dir.path().to_owned());
        let (host, key) = (host.map(str::to_owned), key.map(str::to_owned));
        let client = Access { host, key, data_dir, ..Access::default() }.client();
        (dir, client)
    }

    fn asked_with(host: Option<&str>, key: Option<&str>) -> (String, Option<String>) {
        let client = access(host, key).1.expect("a client");
        (client.host(), client.credential().map(|found| found.reveal().to_owned()))
    }

    #[test]
    fn the_running_platform_of_this_machine_is_found() {
        assert_eq!(asked_with(None, None), ("http://localhost:9999".into(), Some("owners".into())));
        assert_eq!(asked_with(None, Some("mine")), ("http://localhost:9999".into(), Some("mine".into())));
        let nothing = Access::default().client().expect("a client");
        assert_eq!((nothing.host(), nothing.credential().is_none()), (USUAL_HOST.to_owned(), true));
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
        assert!(client.expect("a client").credential().is_none());
    }

    #[test]
    fn what_is_no_token_is_refused_without_showing_it() {
        let error = access(None, Some("hunter2\nx")).1.expect_err("refused").to_string();
        insta::assert_snapshot!(error, @"HOKKU_API_KEY holds characters that no token has: give the token alone");
    }

    /// An access with a netrc file for two machines, and the data directory of a platform at localhost:9999.
    fn with_logins(host: Option<&str>, key: Option<&str>) -> (tempfile::TempDir, Access) {
        let dir = access(None, None).0;
        let file = dir.path().join("netrc");
        let logins = "machine localhost:9999 login ada@example.com password adas\n\
                      machine paas.example.com login ada@example.com password far\n";
        fs::write(&file, logins).expect("written");
        let data_dir = Some(dir.path().to_owned());
        let (host, key) = (host.map(str::to_owned), key.map(str::to_owned));
        (dir, Access { host, key, netrc: Some(Netrc::at(file)), data_dir, authority: None })
    }

    #[test]
    fn a_login_comes_before_the_owners_token_and_after_the_key() {
        let found = |host, key| {
            let (_dir, access) = with_logins(host, key);
            let client = access.client().expect("a client");
            client.credential().map(|found| (found.reveal().to_owned(), found.origin))
        };
        let some = |token: &str, origin| Some((token.to_owned(), origin));
        assert_eq!(found(None, None), some("adas", Origin::Netrc));
        assert_eq!(found(None, Some("mine")), some("mine", Origin::Key));
        assert_eq!(found(Some("127.0.0.1:9999"), None), some("owners", Origin::Owner));
        assert_eq!(found(Some("paas.example.com"), None), some("far", Origin::Netrc));
        assert_eq!(found(Some("paas.example.com:8443"), None), None);
        assert_eq!(found(Some("api.paas.example.com"), None), None);
    }

    #[test]
    fn git_is_given_a_token_for_its_own_host_alone() {
        let given = |host, key, (scheme, machine): (&str, &str)| {
            let (_dir, access) = with_logins(host, key);
            let found = access.credential_for(scheme, machine).expect("readable");
            found.map(|found| format!("{} {}", found.name(), found.reveal()))
        };
        let far = Some("paas.example.com");
        let some = |text: &str| Some(text.to_owned());
        assert_eq!(given(None, None, ("https", "paas.example.com")), some("ada@example.com far"));
        assert_eq!(given(far, Some("mine"), ("https", "paas.example.com")), some("hokku mine"));
        assert_eq!(given(far, Some("mine"), ("https", "localhost:9999")), some("ada@example.com adas"));
        assert_eq!(given(far, Some("mine"), ("https", "127.0.0.1:9999")), some("hokku owners"));
        for other in [("https", "github.com"), ("http", "localhost:9998"), ("https", "x.paas.example.com")] {
            assert_eq!(given(None, None, other), None, "{other:?}");
            assert_eq!(given(far, Some("mine"), other), None, "{other:?}");
        }
        let over_tls = Some("https://paas.example.com:80");
        assert_eq!(given(over_tls, Some("mine"), ("http", "other.example.com")), None);
        assert_eq!(
            given(over_tls, Some("mine"), ("http", "paas.example.com:80")),
            some("ada@example.com far")
        );
    }

    #[test]
    fn debug_shows_no_token() {
        let (_dir, client) = access(None, Some("hunter2"));
        assert!(!format!("{:?}", client.expect("a client")).contains("hunter2"));
    }
}
