//! `hokku serve` and the smallest app.

use crate::{
    TestResult,
    fixture::{Served, app, example, hokku, output, said},
};
use std::{io::Read as _, net::TcpStream};

#[test]
fn hello_wat_answers_and_every_line_of_it_is_logged() -> TestResult {
    let dir = example("hello-wat");
    let served = Served::start(dir.path(), &["--once", "--app", "hello-page"]);
    assert_eq!(served.get("/")?, (200, "Hello, World\n".to_owned()));
    let line = served.wait_for("router", "status=200");
    assert!(line.starts_with(r#"at=info method=GET path="/" host=localhost"#), "{line}");
    assert!(line.contains("dyno=web.1"), "{line}");
    assert!(served.logged("web.1").contains("Starting process with command `hello`"));
    assert!(served.interrupt().success());
    Ok(())
}

#[test]
fn ctrl_c_lets_a_running_request_end_and_a_second_does_not_wait() -> TestResult {
    let lab = app(&[("lab.wat", include_str!("../guests/lab.wat"))]);
    let served = Served::start(lab.path(), &["--once", "--app", "interrupted"]);
    let (agent, url) = (served.agent().clone(), served.url("/pause"));
    let request = std::thread::spawn(move || agent.get(url).call().map(|answer| answer.status().as_u16()));
    served.wait_for("web.1", "a line");
    assert!(served.interrupt().success());
    assert_eq!(request.join().expect("joined")?, 200);

    let served = Served::start(lab.path(), &["--once", "--app", "interrupted"]);
    let mut spinning = TcpStream::connect(("localhost", served.port()))?;
    std::io::Write::write_all(&mut spinning, b"GET /quiet HTTP/1.1\r\nHost: localhost\r\n\r\n")?;
    served.wait_for("web.1", "a line");
    served.signal(rustix::process::Signal::INT);
    served.wait_for("web.1", "Stopping all processes");
    served.signal(rustix::process::Signal::INT);
    assert_eq!(served.wait().code(), Some(130));
    assert_eq!(spinning.read(&mut [0; 8]).unwrap_or(0), 0);
    Ok(())
}

#[test]
fn a_port_that_is_taken_is_named() -> TestResult {
    let holder = std::net::TcpListener::bind("127.0.0.1:0")?;
    let port = holder.local_addr()?.port().to_string();
    let dir = example("hello-wat");
    let ended = output(hokku().arg("serve").arg(dir.path()).args(["--once", "--port", &port]));
    assert_eq!(ended.status.code(), Some(1), "{}", said(&ended));
    let error = String::from_utf8(ended.stderr)?.replace(&port, "PORT");
    insta::assert_snapshot!(error);
    Ok(())
}

#[test]
fn a_trap_is_answered_as_heroku_does_and_told_in_the_log() -> TestResult {
    let lab = app(&[("lab.wat", include_str!("../guests/lab.wat"))]);
    let served = Served::start(lab.path(), &["--once", "--app", "trapped"]);
    let (status, page) = served.get("/trap")?;
    assert_eq!(status, 503, "{page}");
    assert!(page.contains("H13"), "{page}");
    served.wait_for("web.1", "wasm trap: wasm `unreachable` instruction executed");
    served.wait_for("router", r#"at=error code=H13 desc="Connection closed without response""#);
    assert_eq!(served.get("/hello")?.0, 200);
    Ok(())
}

#[test]
fn a_preview_1_module_as_web_is_refused_by_name() -> TestResult {
    let dir = app(&[("tool.wat", include_str!("../guests/command.wat")), ("Procfile", "web: tool\n")]);
    let ended =
        output(hokku().arg("serve").arg(dir.path()).args(["--once", "--port", "0", "--app", "as-web"]));
    assert_eq!(ended.status.code(), Some(1), "{}", said(&ended));
    insta::assert_snapshot!(String::from_utf8(ended.stderr)?);
    Ok(())
}

#[test]
fn a_web_process_that_does_not_start_is_h10_and_none_is_h14() -> TestResult {
    let broken = r#"(component (instance $i) (export "wasi:http/incoming-handler@0.2.0" (instance $i)))"#;
    let dir = app(&[("server.wat", broken)]);
    let served = Served::start(dir.path(), &["--app", "broken"]);
    let (status, page) = served.get("/")?;
    assert_eq!(status, 503, "{page}");
    assert!(page.contains("H10"), "{page}");
    served.wait_for("web.1", "State changed from starting to crashed");
    served.wait_for("router", r#"at=error code=H10 desc="App crashed""#);
    drop(served);

    let dir = app(&[("tool.wat", include_str!("../guests/command.wat")), ("Procfile", "worker: tool\n")]);
    let served = Served::start(dir.path(), &["--once", "--app", "no-web"]);
    let (status, page) = served.get("/")?;
    assert_eq!(status, 503, "{page}");
    assert!(page.contains("H14"), "{page}");
    served.wait_for("worker.1", "Process exited with status 0");
    Ok(())
}
