//! https on the platform's port, for clients that trust `hokku ca`: real curl, and OpenSSL's own client.

use crate::{
    TestResult,
    fixture::{output, said},
    platform::mirror,
    platform_fixture::Up,
};
use std::{
    fs,
    io::Write as _,
    path::{Path, PathBuf},
    process::{Command, Output, Stdio},
};

/// What the platform says of its authority, as a file for clients.
fn authority(up: &Up, dir: &Path) -> PathBuf {
    let file = dir.join(format!("ca-{}.pem", up.port()));
    fs::write(&file, up.run(&["ca"])).expect("written");
    file
}

/// Asks for `url`, trusting `authority` alone; every name is this machine.
fn curl(authority: &Path, url: &str, flags: &[&str]) -> Output {
    let mut command = Command::new("curl");
    command.args([
        "--silent",
        "--show-error",
        "--max-time",
        "60",
        "--connect-to",
        "::127.0.0.1:",
        "--cacert",
    ]);
    command.arg(authority).args(flags).arg(url);
    output(command.env_remove("SSL_CERT_FILE").env_remove("https_proxy").env("no_proxy", "*"))
}

fn page(authority: &Path, url: &str, flags: &[&str]) -> String {
    let got = curl(authority, url, flags);
    assert!(got.status.success(), "{url}: {}", said(&got));
    String::from_utf8(got.stdout).expect("text")
}

const STATUS: [&str; 4] = ["--output", "/dev/null", "--write-out", "%{http_code} %{scheme} %{http_version}"];

#[test]
fn one_port_speaks_http_and_https_and_clients_trust_what_hokku_ca_prints() -> TestResult {
    let dir = tempfile::tempdir()?;
    let data = dir.path().join("data");
    let up = Up::start(&data);
    let (port, ca) = (up.port(), authority(&up, dir.path()));
    up.run(&["create", "shop"]);
    up.run(&["deploy", mirror(1).path().to_str().expect("text"), "-a", "shop"]);
    up.wait_for_page("shop", "/", "code-001");

    for host in ["localhost", "127.0.0.1", "api.localhost"] {
        assert_eq!(page(&ca, &format!("https://{host}:{port}/regions"), &STATUS), "401 HTTPS 2", "{host}");
    }
    assert!(page(&ca, &format!("https://shop.localhost:{port}/"), &[]).contains("code-001"));
    assert!(page(&ca, &format!("http://shop.localhost:{port}/"), &[]).contains("code-001"));
    let old = ["--http1.1", "--tls-max", "1.2"];
    assert!(page(&ca, &format!("https://shop.localhost:{port}/"), &old).contains("code-001"));
    let line = up.run(&["logs", "-a", "shop", "-n", "1", "--source", "heroku"]);
    assert!(line.trim_end().ends_with(" protocol=https tls=true tls_version=tls1.2"), "{line}");

    let other = tempfile::tempdir()?;
    let stranger = Up::start(&other.path().join("data"));
    let refused = curl(&authority(&stranger, other.path()), &format!("https://localhost:{port}/"), &[]);
    assert_eq!(refused.status.code(), Some(60), "another platform's authority: {}", said(&refused));
    let strange = curl(&ca, &format!("https://example.com:{port}/"), &[]);
    assert_eq!(strange.status.code(), Some(60), "no certificate for a stranger's name: {}", said(&strange));

    assert!(up.stop().success());
    let again = Up::start(&data);
    assert_eq!(again.run(&["ca"]), fs::read_to_string(&ca)?, "it is kept over a restart");
    let url = format!("https://shop.localhost:{}/", again.port());
    again.wait_for_page("shop", "/", "code-001");
    assert!(page(&ca, &url, &[]).contains("code-001"));
    Ok(())
}

/// Runs `openssl` to its end.
fn openssl(words: &[&str], dir: &Path) -> String {
    let mut command = Command::new("openssl");
    let mut child = command
        .args(words)
        .current_dir(dir)
        .stdin(Stdio::piped())
        .stdout(Stdio::piped())
        .stderr(Stdio::piped())
        .spawn()
        .expect("openssl");
    child.stdin.take().expect("piped").write_all(b"Q\n").expect("sent");
    let output = child.wait_with_output().expect("ended");
    assert!(output.status.success(), "openssl {words:?}: {}", said(&output));
    String::from_utf8_lossy(&output.stdout).into_owned()
}

/// A certificate for `name` that is its own authority: files `NAME.pem` and `NAME.key`.
fn self_signed(name: &str, dir: &Path) {
    let (key, certificate) = (format!("{name}.key"), format!("{name}.pem"));
    let (subject, names) = (format!("/CN={name}"), format!("subjectAltName=DNS:{name},DNS:*.{name}"));
    let make =
        ["req", "-x509", "-newkey", "ec", "-pkeyopt", "ec_paramgen_curve:prime256v1", "-nodes", "-days", "9"];
    let what = ["-subj", &subject, "-addext", &names, "-keyout", &key, "-out", &certificate];
    openssl(&[&make[..], &what].concat(), dir);
}

#[test]
fn the_operators_certificate_makes_addresses_https() -> TestResult {
    let dir = tempfile::tempdir()?;
    self_signed("paas.example.com", dir.path());
    let [certificate, key] = ["pem", "key"].map(|end| dir.path().join(format!("paas.example.com.{end}")));
    let environment = [
        ("HOKKU_TLS_CERTIFICATE", certificate.to_str().expect("text")),
        ("HOKKU_TLS_KEY", key.to_str().expect("text")),
        ("HOKKU_TLS_REDIRECT", "true"),
    ];
    let data = dir.path().join("data");
    let up = Up::with(&data, &["--domain", "paas.example.com"], &environment);
    let (port, ca) = (up.port(), authority(&up, dir.path()));
    assert!(up.told().contains(&format!("Listening on https://paas.example.com:{port}\n")), "{}", up.told());
    assert!(up.run(&["create", "shop"]).contains(&format!("https://shop.paas.example.com:{port}/")));
    assert_eq!(
        page(&certificate, &format!("https://api.paas.example.com:{port}/regions"), &STATUS),
        "401 HTTPS 2"
    );
    assert_eq!(page(&certificate, &format!("https://shop.paas.example.com:{port}/"), &STATUS), "503 HTTPS 2");
    assert_eq!(page(&ca, &format!("https://localhost:{port}/regions"), &STATUS), "401 HTTPS 2");
    let sent_on = page(
        &ca,
        &format!("http://shop.paas.example.com:{port}/a?b"),
        &["--write-out", "%{http_code} %{redirect_url}"],
    );
    assert_eq!(sent_on, format!("308 https://shop.paas.example.com:{port}/a?b"));
    drop(up);

    fs::write(&key, "lost")?;
    let told = match Up::try_start(&data, &["--domain", "paas.example.com"], &environment) {
        Ok(up) => panic!("it started: {}", up.told()),
        Err(told) => told,
    };
    assert!(told.contains("paas.example.com.key is not a private key in PEM"), "{told}");
    Ok(())
}

#[test]
fn openssl_accepts_the_chain_with_its_constraints() -> TestResult {
    let dir = tempfile::tempdir()?;
    let up = Up::with(&dir.path().join("data"), &["--domain", "paas.example.com"], &[]);
    let (at, ca) = (format!("127.0.0.1:{}", up.port()), authority(&up, dir.path()));
    let ca = ca.to_str().expect("text");
    for host in ["shop.localhost", "shop.paas.example.com", "a.b.paas.example.com"] {
        let check = ["s_client", "-connect", &at, "-servername", host, "-verify_hostname", host];
        let trust = ["-CAfile", ca, "-verify_return_error", "-x509_strict", "-alpn", "h2"];
        let told = openssl(&[&check[..], &trust].concat(), dir.path());
        assert!(told.contains("Verify return code: 0 (ok)") && told.contains("ALPN protocol: h2"), "{told}");
    }
    let fingerprint = openssl(&["x509", "-in", ca, "-noout", "-fingerprint", "-sha256"], dir.path());
    let told = up.says(&["ca", "--how"]);
    let known = fingerprint.trim().rsplit('=').next().expect("a fingerprint");
    assert!(told.contains(known), "{fingerprint} {told}");
    Ok(())
}
