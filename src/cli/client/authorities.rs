use super::{ClientError, host::Host};
use reqwest::Certificate;
use std::path::{Path, PathBuf};

/// Where the platform of a data directory keeps its authority's certificate.
const OWN: &str = "tls/ca.pem";

/// The authorities that are trusted beside the system's, for one host.
#[derive(Clone, Default)]
pub(super) struct Authorities {
    certificates: Vec<Certificate>,
    /// What git shall trust; it takes one file.
    pub(super) file: Option<PathBuf>,
}

impl Authorities {
    /// Those in the file of `HOKKU_CA_FILE`, and for this machine the one of the data directory's platform. Only https
    /// needs any.
    pub(super) fn of(
        host: &Host,
        named: Option<&Path>,
        data_dir: Option<&Path>,
    ) -> Result<Self, ClientError> {
        let mut all = Self::default();
        if !host.is_https() {
            return Ok(all);
        }
        let own = data_dir.filter(|_| host.is_loopback()).map(|dir| dir.join(OWN)).filter(|own| own.exists());
        let own = own.map(|own| (own, "the data directory"));
        let named = named.map(|named| (named.to_owned(), "HOKKU_CA_FILE"));
        for (file, named_by) in named.into_iter().chain(own) {
            all.certificates.extend(certificates(&file, named_by)?);
            all.file.get_or_insert(std::path::absolute(&file).unwrap_or(file));
        }
        Ok(all)
    }

    /// A client that trusts them. Without https it looks for none, so that it works where no authority is known.
    pub(super) fn client(
        &self,
        builder: reqwest::ClientBuilder,
        host: &Host,
    ) -> Result<reqwest::Client, ClientError> {
        let builder = if host.is_https() {
            builder.tls_certs_merge(self.certificates.iter().cloned())
        } else {
            builder.tls_certs_only([])
        };
        // Nothing else of what is built can fail.
        builder.build().map_err(|_| ClientError::NoAuthorities { host: host.to_string() })
    }
}

fn certificates(file: &Path, named_by: &'static str) -> Result<Vec<Certificate>, ClientError> {
    let bad = |why: String| ClientError::BadAuthority { file: file.to_owned(), named_by, why };
    let pem = std::fs::read(file).map_err(|error| bad(error.to_string()))?;
    match Certificate::from_pem_bundle(&pem) {
        Ok(found) if !found.is_empty() => Ok(found),
        _ => Err(bad("it holds none in the form PEM".to_owned())),
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::cli::client::{Client, access::PAUSE};
    use rcgen::{BasicConstraints, CertificateParams, IsCa, Issuer, KeyPair};
    use rustls::pki_types::{PrivateKeyDer, PrivatePkcs8KeyDer};
    use std::{net::SocketAddr, sync::Arc};
    use tokio::{
        io::{AsyncReadExt as _, AsyncWriteExt as _},
        net::TcpListener,
        task::JoinSet,
    };
    use tokio_rustls::TlsAcceptor;

    /// A platform with a certificate for `localhost`, whose authority's certificate is in a data directory.
    struct Secured {
        data: tempfile::TempDir,
        address: SocketAddr,
        _serving: JoinSet<()>,
    }

    impl Secured {
        async fn start() -> Self {
            let data = tempfile::tempdir().expect("a directory");
            let acceptor = acceptor(&data.path().join("tls"));
            let listener = TcpListener::bind("127.0.0.1:0").await.expect("a port");
            let address = listener.local_addr().expect("an address");
            let mut serving = JoinSet::new();
            serving.spawn(async move {
                while let Ok((socket, _)) = listener.accept().await {
                    // Who does not trust it goes away.
                    let Ok(mut stream) = acceptor.accept(socket).await else { continue };
                    let mut request = [0; 4096];
                    let _ = stream.read(&mut request).await;
                    let answer = "HTTP/1.1 200 OK\r\ncontent-length: 2\r\nconnection: close\r\n\r\n[]";
                    let _ = stream.write_all(answer.as_bytes()).await;
                    let _ = stream.shutdown().await;
                }
            });
            Self { data, address, _serving: serving }
        }

        fn authority(&self) -> PathBuf {
            self.data.path().join(OWN)
        }

        /// What is answered to a client of `name`, or why it is not.
        async fn ask(&self, name: &str, named: Option<&Path>, data_dir: Option<&Path>) -> Result<(), String> {
            let host = Host::parse(&format!("https://{name}:{}", self.address.port())).expect("legal");
            let authorities = Authorities::of(&host, named, data_dir).map_err(|error| error.to_string())?;
            let client = Client::new(host, authorities, None, PAUSE).expect("a client");
            let listed: Result<Vec<u8>, _> = client.get(&["apps"]).await;
            let port = self.address.port().to_string();
            listed.map(drop).map_err(|error| error.to_string().replace(&port, "PORT"))
        }
    }

    /// Makes an authority in `dir`, and a certificate of it.
    fn acceptor(dir: &Path) -> TlsAcceptor {
        let authority_key = KeyPair::generate().expect("a key");
        let mut authority = CertificateParams::new([]).expect("legal");
        authority.is_ca = IsCa::Ca(BasicConstraints::Unconstrained);
        let pem = authority.self_signed(&authority_key).expect("signed").pem();
        std::fs::create_dir(dir).expect("made");
        std::fs::write(dir.join("ca.pem"), pem).expect("written");
        let key = KeyPair::generate().expect("a key");
        let params = CertificateParams::new(["localhost".to_owned()]).expect("legal");
        let issuer = Issuer::from_params(&authority, &authority_key);
        let certificate = params.signed_by(&key, &issuer).expect("signed").der().clone();
        let key = PrivateKeyDer::from(PrivatePkcs8KeyDer::from(key.serialize_der()));
        let provider = Arc::new(rustls::crypto::ring::default_provider());
        let config = rustls::ServerConfig::builder_with_provider(provider)
            .with_safe_default_protocol_versions()
            .expect("versions")
            .with_no_client_auth()
            .with_single_cert(vec![certificate], key)
            .expect("a pair");
        TlsAcceptor::from(Arc::new(config))
    }

    #[tokio::test]
    async fn the_platform_of_the_data_directory_is_known() {
        let platform = Secured::start().await;
        platform.ask("localhost", None, Some(platform.data.path())).await.expect("trusted");
        platform.ask("localhost", Some(&platform.authority()), None).await.expect("trusted");
        let host = Host::parse("https://localhost").expect("legal");
        let known = Authorities::of(&host, None, Some(platform.data.path())).expect("read");
        assert_eq!(known.file, Some(platform.authority()));
        let elsewhere = Host::parse("https://paas.example.com").expect("legal");
        let known = Authorities::of(&elsewhere, None, Some(platform.data.path())).expect("read");
        assert!(known.file.is_none() && known.certificates.is_empty(), "its authority is for this machine");
    }

    #[tokio::test]
    async fn a_stranger_is_told_apart() {
        let platform = Secured::start().await;
        let error = platform.ask("localhost", None, None).await.expect_err("unknown");
        insta::assert_snapshot!(error, @"https://localhost:PORT shows a certificate that is not trusted (its authority is unknown here): if it has an authority of its own, save what `hokku ca` prints on the platform's machine, and set HOKKU_CA_FILE to that file");
        let data = Some(platform.data.path());
        let error = platform.ask("127.0.0.1", None, data).await.expect_err("another name");
        insta::assert_snapshot!(error, @"https://127.0.0.1:PORT shows a certificate for another name: set HOKKU_HOST to the name that the platform goes by");
    }

    #[tokio::test]
    async fn a_file_without_certificates_is_named() {
        let platform = Secured::start().await;
        let file = platform.data.path().join("x.pem");
        let told = |error: String| error.replace(&file.display().to_string(), "FILE");
        let error = platform.ask("localhost", Some(&file), None).await.expect_err("not there");
        insta::assert_snapshot!(told(error), @"cannot read certificates from FILE, which HOKKU_CA_FILE names: No such file or directory (os error 2)");
        std::fs::write(&file, "-----BEGIN nothing").expect("written");
        let error = platform.ask("localhost", Some(&file), None).await.expect_err("none in it");
        insta::assert_snapshot!(told(error), @"cannot read certificates from FILE, which HOKKU_CA_FILE names: it holds none in the form PEM");
    }
}
