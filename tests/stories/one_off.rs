//! `hokku run` on a platform: one-off dynos, attached and detached, for our client and for Heroku's.

use crate::{
    TestResult,
    fixture::{app, said},
    platform_fixture::Up,
};
use rustix::process::{Pid, Signal, kill_process};
use rustls::pki_types::{CertificateDer, pem::PemObject as _};
use serde_json::json;
use std::{
    error::Error,
    io::{Read, Write},
    net::TcpStream,
    process::{Child, ChildStdin, Command, Output, Stdio},
    sync::Arc,
    time::{Duration, Instant},
};

const SPIN: &str = r#"(module (memory (export "memory") 1) (func (export "_start") (loop (br 0))))"#;
const TRAP: &str = r#"(module (memory (export "memory") 1) (func (export "_start") unreachable))"#;

/// A platform with an app called `shop`, whose dynos copy their input (`tool`) or run on (`spin`).
fn shop(environment: &[(&str, &str)]) -> (tempfile::TempDir, Up) {
    let data = tempfile::tempdir().expect("a directory");
    let up = Up::with(&data.path().join("data"), &[], environment);
    let code = app(&[
        ("mirror.wat", include_str!("../guests/mirror.wat")),
        ("tool.wat", include_str!("../guests/command.wat")),
        ("spin.wat", SPIN),
        ("trap.wat", TRAP),
        ("Procfile", "web: mirror\nnightly: tool nightly\n"),
    ]);
    up.run(&["create", "shop"]);
    up.run(&["deploy", code.path().to_str().expect("text"), "-a", "shop"]);
    (data, up)
}

/// `hokku run -a shop -- WORDS`, with pipes.
fn run(up: &Up, words: &[&str]) -> Command {
    let mut command = up.command(&["run", "-a", "shop", "--"]);
    command.args(words).stdin(Stdio::piped()).stdout(Stdio::piped()).stderr(Stdio::piped());
    command
}

/// Runs to the end, with this input.
fn ran(up: &Up, words: &[&str], input: &[u8]) -> Result<Output, Box<dyn Error>> {
    let mut child = run(up, words).spawn()?;
    let (mut stdin, input) = (child.stdin.take().ok_or("no stdin")?, input.to_vec());
    let writing = std::thread::spawn(move || stdin.write_all(&input));
    let ended = child.wait_with_output()?;
    // A dyno that never ran reads nothing.
    let _ = writing.join().expect("written");
    Ok(ended)
}

/// A dyno that has said `hello` and waits for input that does not come, and the input's other end.
fn waiting(up: &Up) -> Result<(Child, ChildStdin), Box<dyn Error>> {
    let mut child = run(up, &["tool", "hello"]).spawn()?;
    let mut hello = [0; 5];
    child.stdout.as_mut().ok_or("no stdout")?.read_exact(&mut hello)?;
    assert_eq!(&hello, b"hello");
    let stdin = child.stdin.take().ok_or("no stdin")?;
    Ok((child, stdin))
}

fn one_offs(up: &Up) -> Vec<String> {
    let dynos = up.ask("/apps/shop/dynos");
    let dynos = dynos.as_array().expect("a list").iter().filter(|dyno| dyno["type"] == "run");
    dynos.map(|dyno| format!("{} {}", dyno["name"].as_str().expect("a name"), dyno["state"])).collect()
}

/// Waits until no one-off dyno is left; gives what the log says about all of them, with one name.
fn log_at_rest(up: &Up) -> String {
    let due = Instant::now() + Duration::from_mins(1);
    while !one_offs(up).is_empty() {
        assert!(Instant::now() < due, "{:?} are left", one_offs(up));
        std::thread::yield_now();
    }
    let log = up.run(&["logs", "-n", "1500", "-a", "shop"]);
    let about =
        log.lines().filter(|line| line.contains("[run.") || line.contains("app[api]: Starting process"));
    let text = about.filter_map(|line| line.split_once(' ')).map(|(_, line)| line);
    let lines = text.map(|line| match line.split_once("[run.") {
        Some((source, rest)) => format!("{source}[run{}", rest.split_at(rest.find(']').unwrap_or(0)).1),
        None => line.to_owned(),
    });
    lines.collect::<Vec<_>>().join("\n")
}

#[test]
fn streams_stay_apart_and_the_exit_status_is_passed_on() -> TestResult {
    let (_data, up) = shop(&[]);
    let ended = ran(&up, &["tool", "two words", "$HOME"], b"from stdin")?;
    assert_eq!(ended.status.code(), Some(2), "{}", said(&ended));
    assert_eq!(String::from_utf8(ended.stdout)?, "two wordsfrom stdin");
    assert_eq!(String::from_utf8(ended.stderr)?, "err\n");
    insta::assert_snapshot!(log_at_rest(&up), @r"
    heroku[run]: Awaiting client
    app[api]: Starting process with command `tool 'two words' '$HOME'` by user owner@localhost
    heroku[run]: Starting process with command `tool 'two words' '$HOME'`
    heroku[run]: State changed from starting to up
    heroku[run]: Process exited with status 2
    heroku[run]: State changed from up to complete
    ");
    up.run(&["config", "set", "GREETING=Ahoy there", "-a", "shop"]);
    for (words, out) in [
        (&["run", "-a", "shop", r#"tool "$GREETING""#][..], "Ahoy there"),
        (&["run", "-e", "GREETING=Hi", "-a", "shop", "tool $GREETING"], "Hi"),
        (&["run", "-a", "shop", "nightly"], "nightly"),
    ] {
        assert_eq!(String::from_utf8(up.ends(words).stdout)?, out);
    }
    let trapped = ran(&up, &["trap"], b"")?;
    assert_eq!(trapped.status.code(), Some(134), "{}", said(&trapped));
    assert!(String::from_utf8(trapped.stderr)?.contains("unreachable"));
    Ok(())
}

#[test]
fn megabytes_go_both_ways_unchanged() -> TestResult {
    let (_data, up) = shop(&[]);
    let input: Vec<u8> = (0..8_000_000_u32).map(|n| n.wrapping_mul(2_654_435_761).to_be_bytes()[0]).collect();
    let began = Instant::now();
    let ended = ran(&up, &["tool"], &input)?;
    println_time("8 MB in and out", began);
    assert_eq!(ended.status.code(), Some(0), "{}", String::from_utf8_lossy(&ended.stderr));
    assert!(ended.stdout == input, "{} of {} bytes came back", ended.stdout.len(), input.len());
    Ok(())
}

#[expect(clippy::print_stderr, reason = "a figure for whoever runs the story with --nocapture")]
fn println_time(what: &str, began: Instant) {
    eprintln!("{what}: {:?}", began.elapsed());
}

#[test]
fn ctrl_c_a_killed_client_and_stop_end_the_dyno() -> TestResult {
    let (_data, up) = shop(&[]);
    let (mut interrupted, _open) = waiting(&up)?;
    assert_eq!(one_offs(&up).len(), 1);
    kill_process(Pid::from_child(&interrupted), Signal::INT)?;
    assert_eq!(interrupted.wait()?.code(), Some(130));
    insta::assert_snapshot!(log_at_rest(&up), @r"
    heroku[run]: Awaiting client
    app[api]: Starting process with command `tool hello` by user owner@localhost
    heroku[run]: Starting process with command `tool hello`
    heroku[run]: State changed from starting to up
    heroku[run]: Stopping all processes with SIGINT
    heroku[run]: Process exited with status 130
    heroku[run]: State changed from up to complete
    ");

    let (mut killed, _open) = waiting(&up)?;
    killed.kill()?;
    killed.wait()?;
    let log = log_at_rest(&up);
    assert!(log.contains("Client connection closed. Sending SIGHUP to all processes"), "{log}");

    let (mut stopped, _open) = waiting(&up)?;
    let name = one_offs(&up)[0].split(' ').next().expect("a name").to_owned();
    up.run(&["stop", &name, "-a", "shop"]);
    assert_eq!(stopped.wait()?.code(), Some(143));
    log_at_rest(&up);
    Ok(())
}

#[test]
fn a_detached_dyno_is_in_ps_and_its_output_in_the_log() {
    let (_data, up) = shop(&[]);
    let name = up.run(&["run:detached", "-a", "shop", "tool", "done"]);
    assert!(name.starts_with("run."), "{name}");
    // What the API, the dyno manager and the dyno say is told side by side.
    let log = log_at_rest(&up);
    let mut lines = log.lines().collect::<Vec<_>>();
    lines.sort_unstable();
    insta::assert_snapshot!(lines.join("\n"), @r"
    app[api]: Starting process with command `tool done` by user owner@localhost
    app[run]: done
    app[run]: err
    heroku[run]: Process exited with status 1
    heroku[run]: Starting process with command `tool done`
    heroku[run]: State changed from starting to up
    heroku[run]: State changed from up to complete
    ");
    let name = up.run(&["run", "--detached", "-a", "shop", "spin"]);
    let name = name.trim();
    let due = Instant::now() + Duration::from_mins(1);
    while one_offs(&up) != [format!("{name} \"up\"")] {
        assert!(Instant::now() < due, "{:?}", one_offs(&up));
        std::thread::yield_now();
    }
    let listed = up.run(&["ps", "-a", "shop"]);
    assert!(listed.contains("=== run: one-off processes (1)") && listed.contains(name), "{listed}");
    up.run(&["stop", "run", "-a", "shop"]);
    assert!(log_at_rest(&up).ends_with(
        "heroku[run]: Stopping all processes with SIGTERM\n\
         heroku[run]: Process exited with status 143\n\
         heroku[run]: State changed from up to complete"
    ));
}

#[test]
fn what_cannot_run_is_refused_with_what_to_do() -> TestResult {
    let (_data, up) = shop(&[("HOKKU_FORMATION_ONE_OFFS", "1")]);
    up.run(&["create", "blank"]);
    let mut told = vec![up.refuses(&["run", "-a", "blank", "tool"])];
    told.push(up.refuses(&["run", "-a", "shop", "toll"]));
    told.push(up.refuses(&["run", "-a", "shop", "tool | tool"]));
    told.push(up.refuses(&["run", "-a", "shop", "mirror"]));
    told.push(up.refuses(&["run", "-s", "huge", "-a", "shop", "tool"]));
    told.push(up.refuses(&["stop", "run.1", "-a", "shop"]));
    let (mut one, input) = waiting(&up)?;
    told.push(up.refuses(&["run", "-a", "shop", "tool"]));
    insta::assert_snapshot!(told.concat(), @r"
     !     The app has no code yet, so there is nothing to run: deploy it first.
     !     nothing named `toll` on the PATH; programs here: mirror, spin, tool, trap
     !     `|` is shell syntax; there is no shell in a dyno: connect the programs in a script of your app's language.
     !     mirror.wat cannot run as `run`: it is a component that exports wasi:http/incoming-handler@0.2, which runs only as web; run a command instead
     !     `huge` is not a dyno size; there are eco, basic, standard-1x, standard-2x, performance-m, performance-l.
    Stopping run.1 on ⬢ shop... failed
     !     Couldn't find that dyno.
     !     The app runs as many one-off dynos as it may, which is 1: stop one, or wait until one ends.
    ");
    drop(input);
    assert_eq!(one.wait()?.code(), Some(1));
    Ok(())
}

#[test]
fn a_platform_that_stops_ends_its_one_off_dynos() -> TestResult {
    let (_data, up) = shop(&[]);
    let (mut client, _open) = waiting(&up)?;
    assert!(up.stop().success());
    assert_eq!(client.wait()?.code(), Some(143));
    Ok(())
}

/// Orders a dyno as the official command line does. Gives the secret by which it is dialled.
fn ordered(up: &Up, order: serde_json::Value) -> Result<String, Box<dyn Error>> {
    let (status, dyno) = up.api("POST", "/apps/shop/dynos", Some(order));
    assert_eq!(status, 201, "{dyno}");
    let url = dyno["attach_url"].as_str().ok_or("no address")?;
    let secret = url.strip_prefix(&format!("rendezvous://localhost:{}/", up.port())).ok_or(url)?;
    Ok(secret.to_owned())
}

/// Says the secret, and hears the greeting.
fn greet(stream: &mut (impl Read + Write), secret: &str) -> TestResult {
    stream.write_all(format!("{secret}\r\n").as_bytes())?;
    let mut greeting = [0; 12];
    stream.read_exact(&mut greeting)?;
    assert_eq!(&greeting, b"rendezvous\r\n");
    Ok(())
}

fn dialled(up: &Up) -> Result<TcpStream, Box<dyn Error>> {
    let stream = TcpStream::connect(("127.0.0.1", up.port()))?;
    stream.set_read_timeout(Some(Duration::from_mins(1)))?;
    Ok(stream)
}

/// Orders a dyno, and goes to it.
fn rendezvous(up: &Up, order: serde_json::Value) -> Result<(String, TcpStream), Box<dyn Error>> {
    let (secret, mut stream) = (ordered(up, order)?, dialled(up)?);
    greet(&mut stream, &secret)?;
    Ok((secret, stream))
}

fn rest(mut stream: impl Read) -> Result<String, Box<dyn Error>> {
    let mut text = String::new();
    stream.read_to_string(&mut text)?;
    Ok(text)
}

#[test]
fn the_official_command_line_attaches_at_a_rendezvous() -> TestResult {
    let (_data, up) = shop(&[]);
    let wish = " ; echo \"\u{ffff} heroku-command-exit-status: $?\"";
    let order = |command: &str, no_tty: bool| {
        json!({
            "attach": true, "command": format!("{command}{wish}"), "force_no_tty": no_tty,
            "env": { "TERM": "xterm", "COLUMNS": 80, "LINES": 24 },
        })
    };
    let (secret, mut stream) = rendezvous(&up, order("tool $COLUMNS b", true))?;
    stream.write_all(b"line1\nline2\n\x04")?;
    let text = rest(stream)?;
    assert!(text.contains("80") && text.contains("line1\nline2\n"), "{text}");
    assert!(text.ends_with("\u{ffff} heroku-command-exit-status: 2\n"), "{text}");
    let mut again = dialled(&up)?;
    again.write_all(format!("{secret}\r\n").as_bytes())?;
    assert_eq!(rest(again)?, "", "an address is for one use");

    let (_, mut stream) = rendezvous(&up, order("tool hello", false))?;
    stream.write_all(b"typo\x7fed\r\x04")?;
    let text = rest(stream)?;
    assert!(text.contains("typo\u{8} \u{8}ed\r\n") && text.contains("typed\r\n"), "{text:?}");
    assert!(text.ends_with("\u{ffff} heroku-command-exit-status: 1\r\n"), "{text:?}");

    let (_, mut stream) = rendezvous(&up, order("tool hello", false))?;
    stream.write_all(b"\x03")?;
    assert!(rest(stream)?.ends_with("\u{ffff} heroku-command-exit-status: 130\r\n"));
    let (_, stream) = rendezvous(&up, order("toll", true))?;
    let text = rest(stream)?;
    assert!(text.starts_with(" !     nothing named `toll` on the PATH"), "{text}");
    let (_, stream) = rendezvous(&up, order("tool", true))?;
    drop(stream);
    assert!(log_at_rest(&up).ends_with(" to complete"));
    Ok(())
}

#[test]
fn a_rendezvous_may_be_over_tls() -> TestResult {
    let (_data, up) = shop(&[]);
    let mut roots = rustls::RootCertStore::empty();
    roots.add(CertificateDer::from_pem_slice(up.run(&["ca"]).as_bytes())?)?;
    let provider = Arc::new(rustls::crypto::ring::default_provider());
    let config =
        rustls::ClientConfig::builder_with_provider(provider).with_safe_default_protocol_versions()?;
    let config = config.with_root_certificates(roots).with_no_client_auth();
    let connection = rustls::ClientConnection::new(Arc::new(config), "localhost".try_into()?)?;
    let mut stream = rustls::StreamOwned::new(connection, dialled(&up)?);
    let order = json!({ "attach": true, "command": "tool hello", "force_no_tty": true });
    greet(&mut stream, &ordered(&up, order)?)?;
    stream.write_all(b" there\x04")?;
    let text = rest(stream)?;
    assert!(text.contains("hello") && text.contains(" there"), "{text}");
    Ok(())
}
