//! `hokku up`, started by systemd: sockets that are handed over, and what the service manager is told.

use crate::{
    TestResult,
    fixture::{cannot_run, hokku, output, said},
};
use std::{
    io::{BufRead as _, BufReader},
    os::unix::net::UnixDatagram,
    path::Path,
    process::{Child, Command, Output, Stdio},
    time::Duration,
};

/// The longest wait for one message.
const PATIENCE: Duration = Duration::from_mins(2);

/// Opens what `kinds` says, hands it over as systemd does, and becomes the command that follows. `LISTEN_PID` is the own
/// process, which `exec` keeps.
const HAND_OVER: &str = r#"
import os, socket, sys
kinds = sys.argv[1].split(",")
opened = []
for kind in kinds:
    if kind == "file":
        opened.append(os.open("/dev/null", os.O_RDONLY))
    else:
        made = socket.socket(socket.AF_INET, socket.SOCK_STREAM)
        made.bind(("127.0.0.1", 0))
        if kind == "listen":
            made.listen()
        print("port", made.getsockname()[1], flush=True)
        opened.append(made.detach())
# Out of the way first, then to their places.
moved = [os.dup(os.dup(fd)) for fd in opened]
high = [os.dup2(fd, 100 + number) for number, fd in enumerate(moved)]
for number, fd in enumerate(high):
    os.dup2(fd, 3 + number, inheritable=True)
os.environ["LISTEN_FDS"] = str(len(high))
os.environ["LISTEN_PID"] = os.environ.get("PRETENDED_PID", str(os.getpid()))
os.execv(sys.argv[2], sys.argv[2:])
"#;

/// `hokku up` with sockets of these kinds; `None` on a machine without Python.
fn handed_over(kinds: &str, data: &Path) -> Option<Command> {
    if Command::new("python3").arg("--version").output().is_err() {
        cannot_run("there is no python3 to hand sockets over");
        return None;
    }
    let mut command = Command::new("python3");
    command.arg("-c").arg(HAND_OVER).arg(kinds).arg(env!("CARGO_BIN_EXE_hokku"));
    command.args(["up", "--listen", "localhost:0", "--data-dir"]).arg(data);
    command.env_remove("HOKKU_CACHE_DIR").stdin(Stdio::null());
    Some(command)
}

/// A running platform, and its ports.
struct Started {
    child: Child,
    handed_over: Vec<u16>,
    told: u16,
}

fn started(command: &mut Command) -> Started {
    let mut child = command.stdout(Stdio::piped()).spawn().expect("started");
    let mut lines = BufReader::new(child.stdout.take().expect("piped")).lines().map_while(Result::ok);
    let mut handed_over = Vec::new();
    let told = lines.find_map(|line| {
        handed_over.extend(line.strip_prefix("port ").map(|port| port.parse::<u16>().expect("a port")));
        line.strip_prefix("Listening on ")?.rsplit(':').next()?.parse().ok()
    });
    Started { child, handed_over, told: told.expect("it listens") }
}

fn status(port: u16) -> u16 {
    let agent: ureq::Agent = ureq::Agent::config_builder().http_status_as_error(false).build().into();
    let request = agent.get(format!("http://127.0.0.1:{port}/")).header("host", "nosuch.localhost");
    request.call().expect("answered").status().as_u16()
}

fn ended(command: &mut Command) -> Output {
    output(command.stdout(Stdio::piped()))
}

#[test]
fn sockets_are_handed_over_and_the_manager_hears_how_it_fares() -> TestResult {
    let dir = tempfile::tempdir()?;
    let Some(mut command) = handed_over("listen,listen", &dir.path().join("data")) else { return Ok(()) };
    let socket = UnixDatagram::bind(dir.path().join("notify"))?;
    socket.set_read_timeout(Some(PATIENCE))?;
    let next = || {
        let mut buffer = [0; 1024];
        let size = socket.recv(&mut buffer).expect("told");
        String::from_utf8(buffer[..size].to_vec()).expect("text")
    };
    let wait_for = |text: &str| {
        let found = std::iter::repeat_with(next).find(|told| told.contains(text));
        found.expect("endless")
    };
    command.env("NOTIFY_SOCKET", dir.path().join("notify")).env("WATCHDOG_USEC", "20000");
    let Started { mut child, handed_over, told } = started(&mut command);
    let ready = wait_for("READY=1");
    assert!(ready.contains(&format!("STATUS=Listening on http://localhost:{told}")), "{ready}");
    assert_eq!((handed_over.len(), handed_over[0]), (2, told), "they take the place of --listen");
    for port in handed_over {
        assert_eq!(status(port), 404);
    }
    wait_for("WATCHDOG=1");
    wait_for("WATCHDOG=1");
    let id = rustix::process::Pid::from_child(&child);
    rustix::process::kill_process(id, rustix::process::Signal::TERM)?;
    let stopping = wait_for("STOPPING=1");
    assert!(stopping.contains("STATUS=Stopping: running requests have 30 s to end"), "{stopping}");
    assert!(child.wait()?.success());
    Ok(())
}

#[test]
fn sockets_that_are_of_no_use_are_told_and_those_of_others_are_not_taken() -> TestResult {
    let dir = tempfile::tempdir()?;
    let data = dir.path().join("data");
    for (kinds, wanted) in [("file", "socket 1"), ("listen,bound", "socket 2"), ("listen,file", "socket 2")] {
        let Some(mut command) = handed_over(kinds, &data) else { return Ok(()) };
        let refused = ended(&mut command);
        assert_eq!(refused.status.code(), Some(1), "{}", said(&refused));
        let told = String::from_utf8(refused.stderr)?;
        assert!(told.contains(wanted) && told.contains("ListenStream="), "{kinds}: {told}");
        assert!(!data.exists(), "nothing is begun");
    }
    let Some(mut command) = handed_over("listen", &data) else { return Ok(()) };
    let Started { mut child, handed_over, told } = started(command.env("PRETENDED_PID", "1"));
    assert_ne!(handed_over[0], told, "they are another process's");
    child.kill()?;
    child.wait()?;
    Ok(())
}

#[test]
fn the_units_are_those_of_the_examples_and_systemd_takes_them() -> TestResult {
    let dir = tempfile::tempdir()?;
    for kind in ["service", "socket"] {
        let printed = output(hokku().args(["up", "--print-unit", kind]));
        assert!(printed.status.success(), "{}", said(&printed));
        let example = Path::new(env!("CARGO_MANIFEST_DIR")).join(format!("examples/systemd/hokku.{kind}"));
        let text = String::from_utf8(printed.stdout)?;
        assert_eq!(text, std::fs::read_to_string(example)?);
        // The binary must be there to be started.
        let text = text.replace("/usr/local/bin/hokku", env!("CARGO_BIN_EXE_hokku"));
        std::fs::write(dir.path().join(format!("hokku.{kind}")), text)?;
    }
    let mut verify = Command::new("systemd-analyze");
    verify.arg("verify").args(["service", "socket"].map(|kind| dir.path().join(format!("hokku.{kind}"))));
    match verify.output() {
        Ok(verified) => {
            assert!(verified.status.success() && verified.stderr.is_empty(), "{}", said(&verified));
        }
        Err(_) => cannot_run("there is no systemd-analyze"),
    }
    Ok(())
}
