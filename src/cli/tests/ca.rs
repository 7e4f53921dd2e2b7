use super::paper::Paper;
use crate::cli::{
    Cli, Command,
    console::{Console, Terminals},
    marked,
};
use clap::Parser as _;
use rcgen::{CertificateParams, DnType, GeneralSubtree, KeyPair, NameConstraints};
use serde_json::Value;
use std::path::Path;

/// What is printed of an authority in the data directory `dir`: with what differs from run to run made equal.
fn typed(dir: &Path, line: &str, terminals: Terminals) -> [String; 2] {
    let data_dir = dir.to_str().expect("text");
    let words = ["hokku"].into_iter().chain(line.split(' ')).chain(["--data-dir", data_dir]);
    let Cli { command: Command::Ca(command) } = Cli::try_parse_from(words).expect("legal") else {
        panic!("another command")
    };
    let (out, err) = (Paper::default(), Paper::default());
    let mut console = Console::new(Box::new(out.clone()), Box::new(err.clone()), terminals);
    let error = match command.run_at(&mut console) {
        Ok(_) => String::new(),
        Err(error) => marked(&error) + "\n",
    };
    [out.text(), err.text() + &error].map(|text| text.replace(data_dir, "DATA"))
}

fn with_authority() -> (tempfile::TempDir, String) {
    let dir = tempfile::tempdir().expect("a directory");
    let mut params = CertificateParams::default();
    params.distinguished_name.push(DnType::CommonName, "Hokku authority 01234567 for paas.example.com");
    params.not_after = rcgen::date_time_ymd(2036, 1, 1);
    let permitted_subtrees =
        ["localhost", "paas.example.com"].map(|name| GeneralSubtree::DnsName(name.to_owned())).to_vec();
    params.is_ca = rcgen::IsCa::Ca(rcgen::BasicConstraints::Unconstrained);
    params.name_constraints = Some(NameConstraints { permitted_subtrees, excluded_subtrees: Vec::new() });
    let key = KeyPair::generate().expect("a key");
    let pem = params.self_signed(&key).expect("signed").pem();
    std::fs::create_dir(dir.path().join("tls")).expect("made");
    std::fs::write(dir.path().join("tls/ca.pem"), &pem).expect("written");
    std::fs::write(dir.path().join("url"), "http://localhost:5000\n").expect("written");
    (dir, pem)
}

fn fingerprint_hidden(text: &str) -> String {
    let is_print = |word: &str| word.len() == 95 && word.split(':').count() == 32;
    let words = text.split_inclusive([' ', '\n']);
    words.map(|word| if is_print(word.trim()) { "AB:CD:…\n" } else { word }).collect()
}

#[test]
fn the_certificate_alone_goes_to_a_file() {
    let (dir, pem) = with_authority();
    let [out, err] = typed(dir.path(), "ca", Terminals::default());
    assert_eq!(out.replace('\n', ""), pem.replace(['\r', '\n'], ""));
    assert_eq!(err, "");
    let [out, _] = typed(dir.path(), "ca", Terminals { output: true, ..Terminals::default() });
    assert!(out.starts_with("-----BEGIN CERTIFICATE-----\n"), "{out}");
}

#[test]
fn a_person_is_told_how_to_trust_it() {
    let (dir, _) = with_authority();
    let [_, told] = typed(dir.path(), "ca", Terminals { output: true, ..Terminals::default() });
    let [_, asked] = typed(dir.path(), "ca --how", Terminals::default());
    assert_eq!(told, asked);
    insta::assert_snapshot!("how_to_trust", fingerprint_hidden(&told));
}

#[test]
fn a_program_reads_json() {
    let (dir, pem) = with_authority();
    let [out, _] = typed(dir.path(), "ca --json", Terminals::default());
    let value: Value = serde_json::from_str(&out).expect("JSON");
    assert_eq!(value["certificate"], pem);
    assert_eq!(value["names"], serde_json::json!(["localhost", "paas.example.com"]));
    assert_eq!(value["valid_until"], "2036-01-01T00:00:00Z");
    assert_eq!(value["sha256"].as_str().map(str::len), Some(95));
}

#[test]
fn without_a_platform_there_is_none() {
    let dir = tempfile::tempdir().expect("a directory");
    let [out, err] = typed(dir.path(), "ca", Terminals::default());
    assert_eq!(out, "");
    insta::assert_snapshot!(err, @" !     there is no certificate authority in DATA/tls/ca.pem; `hokku up` makes it at its first start");
}
