use super::{console::Console, data_dir::DataDir};
use crate::platform::CaCertificate;
use crate::slug::CommandLine;
use clap::Args;
use serde_json::json;
use std::{path::Path, process::ExitCode};

/// Print the certificate of this machine's own authority, by which https is trusted
///
/// A platform without a certificate of its own signs for https itself, with an authority that it makes at its first start.
/// Whoever trusts the authority's certificate trusts it with this machine's names and the platform's domain, and with
/// nothing else.
#[derive(Debug, Args)]
#[command(after_help = "Examples:
  hokku ca                                      the certificate, and how to trust it
  hokku ca > hokku-ca.pem
  curl --cacert <(hokku ca) https://shop.localhost:8080")]
pub(super) struct Ca {
    /// Say how to trust it, also when the certificate goes to a file
    #[arg(long, conflicts_with = "json")]
    how: bool,
    /// Print the certificate, its fingerprint and names as JSON
    #[arg(long)]
    json: bool,
    #[command(flatten)]
    data_dir: DataDir,
}

impl Ca {
    pub(super) fn run(self) -> anyhow::Result<ExitCode> {
        self.run_at(&mut Console::standard())
    }

    pub(super) fn run_at(self, console: &mut Console) -> anyhow::Result<ExitCode> {
        let data_dir = self.data_dir.path()?;
        let certificate = CaCertificate::read(&data_dir)?;
        if self.json {
            console.json(&json!({
                "certificate": certificate.pem(),
                "file": certificate.path(),
                "subject": certificate.subject(),
                "names": certificate.names(),
                "sha256": certificate.fingerprint(),
                "valid_until": certificate.valid_until().in_seconds(),
            }))?;
            return Ok(ExitCode::SUCCESS);
        }
        for line in certificate.pem().lines() {
            console.line(line)?;
        }
        if self.how || console.terminals.output {
            console.note(how(&certificate, &url(&data_dir)))?;
        }
        Ok(ExitCode::SUCCESS)
    }
}

/// Where the platform of this machine answers over https.
fn url(data_dir: &Path) -> String {
    let told = std::fs::read_to_string(data_dir.join("url")).unwrap_or_default();
    let told = told.trim().strip_prefix("http://").map(|host| format!("https://{host}"));
    told.unwrap_or_else(|| "https://localhost:8080".to_owned())
}

/// How to trust `certificate`, with `url` for an example.
fn how(certificate: &CaCertificate, url: &str) -> String {
    let file = CommandLine::quote(&[certificate.path().display().to_string()]);
    let names = certificate.names().join(", ");
    let (subject, until) = (certificate.subject(), certificate.valid_until().in_seconds());
    let fingerprint = certificate.fingerprint();
    format!(
        "
{subject}
  SHA-256      {fingerprint}
  signs for    {names}, and all below
  valid until  {until}

On another machine, first copy it there: hokku ca > hokku-ca.pem, and compare the fingerprint.

One command at a time:
  curl --cacert {file} {url}
  SSL_CERT_FILE={file} COMMAND          OpenSSL, Python, Ruby
  NODE_EXTRA_CA_CERTS={file} COMMAND    Node, Heroku's own command line
  git config --global http.{url}.sslCAInfo {file}

For this machine:
  Debian, Ubuntu   sudo cp {file} /usr/local/share/ca-certificates/hokku.crt && sudo update-ca-certificates
  Fedora, Arch     sudo trust anchor {file}
  macOS            sudo security add-trusted-cert -d -k /Library/Keychains/System.keychain {file}
  Firefox          Settings, Certificates, Authorities, Import
  Chrome           chrome://certificate-manager, Custom, Import"
    )
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn https_is_on_the_port_of_http() {
        let dir = tempfile::tempdir().expect("a directory");
        assert_eq!(url(dir.path()), "https://localhost:8080");
        std::fs::write(dir.path().join("url"), "http://localhost:5000\n").expect("written");
        assert_eq!(url(dir.path()), "https://localhost:5000");
    }
}
